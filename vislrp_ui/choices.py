"""What a visit chooses besides models: the picture, and how maps are coloured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ImageRef:
    """Which picture, and how it is brought to the network's size; never its pixels."""

    kind: Literal["sample", "upload"] = "sample"
    id: str = "castle_on_lake"
    fit: Literal["crop", "squash"] = "crop"


@dataclass(frozen=True)
class Look:
    """How maps are coloured."""

    spectrum: str = "blue-white-red"
    range: str = "p99.5"
    overlay: bool = False
    opacity: float = 0.6
    paper: Literal["theme", "light", "dark"] = "theme"
