"""The place in a lesson: opening, going on, folding, closing, and its field of the address. Pure functions."""

from __future__ import annotations

import re
from dataclasses import replace

from vislrp_ui.address import one_of, read_fields, whole, write_fields
from vislrp_ui.state import LessonPlace, Visit

PARAM = "lesson"
MAX_STEPS = 40
_KEY = re.compile(r"[a-z0-9_-]{1,40}")
OWN = "own"
"""Key of a lecturer's lesson, whose steps are in the address itself."""
MAX_PACKED = 16_000
_PACKED = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_PACKED}}}")
_FIELDS = {"case": "", "step": "1", "folded": "0", "data": ""}


def begin(visit: Visit, key: str, packed: str = "") -> Visit:
    """The first step of a lesson; one with packed steps is a lecturer's."""
    return replace(visit, lesson=LessonPlace(key, packed=packed))


def at(visit: Visit, place: LessonPlace | None) -> Visit:
    """A place in any lesson."""
    return replace(visit, lesson=place)


def go(visit: Visit, step: int) -> Visit:
    """Another step of the open lesson; unchanged where none is open."""
    if visit.lesson is None:
        return visit
    return replace(visit, lesson=replace(visit.lesson, step=max(0, min(step, MAX_STEPS - 1))))


def fold(visit: Visit) -> Visit:
    """Fold the text of the open lesson away, or show it again."""
    if visit.lesson is None:
        return visit
    return replace(visit, lesson=replace(visit.lesson, folded=not visit.lesson.folded))


def close(visit: Visit) -> Visit:
    """Without a lesson; all that it has set stays."""
    return replace(visit, lesson=None)


def is_packed(text: object) -> bool:
    """Whether something is text that packed steps could be."""
    return isinstance(text, str) and _PACKED.fullmatch(text) is not None


def to_param(place: LessonPlace) -> str:
    """The field of an address."""
    case = "" if place.packed else place.key
    values = {"case": case, "step": str(place.step + 1), "folded": str(int(place.folded)), "data": place.packed}
    return write_fields(values, _FIELDS)


def from_param(text: str) -> LessonPlace:
    """The place that an address names (ValueError where the text is damaged)."""
    case, step, folded, packed = read_fields(text, _FIELDS).values()
    number, is_folded = whole(step, 1, MAX_STEPS) - 1, one_of(folded, ("0", "1")) == "1"
    if packed:
        if case or not _PACKED.fullmatch(packed):
            raise ValueError(packed[:40])
        return LessonPlace(OWN, number, is_folded, packed)
    if not _KEY.fullmatch(case):
        raise ValueError(case[:40])
    return LessonPlace(case, number, is_folded)
