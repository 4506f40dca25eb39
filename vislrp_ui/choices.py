"""What a visit chooses besides models: the picture, how maps are coloured, and the place in a lesson."""

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


@dataclass(frozen=True)
class LessonPlace:
    """How far a person is in a lesson.

    Attributes
    ----------
    key : str
        Which lesson; whether there is one of that name is known where lessons are drawn.
    step : int
        Number of the step, from 0.
    folded : bool
        Whether its text is folded away.
    packed : str
        The steps of a lecturer's lesson as text (`lessons.files`); empty for the app's own.
    """

    key: str
    step: int = 0
    folded: bool = False
    packed: str = ""
