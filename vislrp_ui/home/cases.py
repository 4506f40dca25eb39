"""The cards of the guided cases (the guide's chapter 3, on our own sample images): each opens its lesson on its page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vislrp_core.resources import assets
from vislrp_ui import rooms
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import Lesson
from vislrp_ui.rooms import Room

FOLDER = assets() / "cases"
PICTURES = 4


@dataclass(frozen=True)
class Case:
    """One card."""

    lesson: Lesson

    @property
    def key(self) -> str:
        """Its lesson's."""
        return self.lesson.key

    @property
    def room(self) -> Room:
        """The page that it opens."""
        return rooms.find(self.lesson.page)

    def pictures(self, mode: str) -> list[Path]:
        """Four small pictures for the light or the dark page, made by `tools/make_case_pictures.py`."""
        return [FOLDER / f"{self.key}_{number}_{mode}.webp" for number in range(1, PICTURES + 1)]


CASES: tuple[Case, ...] = tuple(map(Case, LESSONS.values()))
