"""What curves of every kind share: how they are written as JSON and read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def packed(curve: object) -> dict[str, Any]:
    """A curve as JSON: its arrays as lists, other fields as they are."""
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(curve).items()}


def unpacked(kind: type[T], data: Mapping[str, Any]) -> T:
    """A curve from JSON."""
    return kind(**{name: np.array(value) if isinstance(value, list) else value for name, value in data.items()})
