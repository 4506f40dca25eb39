"""Reading the fields of an address: each function returns what the text says, or raises ValueError where it is damaged."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

_SHOWN = 40
"""Characters of a damaged field in the error: an address may be arbitrarily long."""


def parts(text: str, count: int) -> list[str]:
    """The parts between tildes; the last one may hold tildes itself."""
    found = text.split("~", count - 1)
    if len(found) != count:
        raise ValueError(text[:_SHOWN])
    return found


def whole(text: str, low: int, high: int) -> int:
    """A whole number within bounds, at most seven digits."""
    if not (text.isascii() and text.isdigit() and len(text) < 8) or not low <= int(text) <= high:
        raise ValueError(text[:_SHOWN])
    return int(text)


def one_of(value: Any, allowed: Any) -> Any:
    """The value itself, which has to be one of those allowed."""
    if value not in allowed:
        raise ValueError(str(value)[:_SHOWN])
    return value


def model_ids(text: str) -> tuple[str, ...]:
    """Ids of models between full stops, 24 at most."""
    return tuple(unquote(id)[:80] for id in text.split(".")[:24] if id)
