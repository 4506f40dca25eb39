"""The lesson that a lecturer composes: kept packed in the visit, so that the browser keeps it over a reload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from vislrp_ui import session
from vislrp_ui.lessons import files
from vislrp_ui.lessons.files import MAX_STEPS, LessonFile
from vislrp_ui.state import StateError, Visit

TITLE = "My lesson"
Steps = list[tuple[str, str]]
_CHANGED = "_draft_changed"


def of(visit: Visit) -> LessonFile | None:
    """The lesson so far; None where there is none."""
    try:
        return files.unpack(visit.draft) if visit.draft else None
    except StateError:  # kept by a later version of this program
        return None


def _put(title: str, steps: Steps) -> None:
    packed = files.pack(files.lesson(title, steps)) if steps else ""
    session.set_visit(replace(session.get_visit(), draft=packed))
    st.session_state[_CHANGED] = True


def take_change() -> bool:
    """Whether the lesson was changed since this was asked last."""
    return bool(st.session_state.pop(_CHANGED, False))


def _held() -> tuple[str, Steps]:
    draft = of(session.get_visit())
    return (TITLE, []) if draft is None else (draft.title, [(step.address, step.text) for step in draft.steps])


def add(page: str, sentence: str) -> None:
    """The present view as the last step.

    Raises
    ------
    StateError
        There is no sentence, the view is one that others cannot see, or the lesson is full.
    """
    title, steps = _held()
    if not sentence.strip():
        raise StateError("Write what one should look at first.")
    _put(title, [*steps, (_address(page), sentence)])


def _address(page: str) -> str:
    try:
        return files.written(page, files.view_of(session.get_visit()))
    except ValueError as error:
        raise StateError(f"This view {error}.") from error


def append(file: LessonFile) -> None:
    """The steps of a file behind those that are there (StateError where they are too many)."""
    title, steps = _held()
    if len(steps) + len(file.steps) > MAX_STEPS:
        raise StateError(
            f"A lesson has at most {MAX_STEPS} steps: {len(steps)} are there, the file has {len(file.steps)} more."
        )
    _put(title if steps else file.title, [*steps, *((step.address, step.text) for step in file.steps)])


def rename(title: str) -> None:
    """Another title."""
    _put(title, _held()[1])


def change(number: int, edit: Callable[[Steps, int], Steps]) -> None:
    """The steps as a function of them and of one step's number says; a step that is gone is left alone."""
    title, steps = _held()
    if number < len(steps):
        _put(title, edit(steps, number))


def up(steps: Steps, number: int) -> Steps:
    """A step before the one above it."""
    if number == 0:
        return steps
    return [*steps[: number - 1], steps[number], steps[number - 1], *steps[number + 1 :]]


def without(steps: Steps, number: int) -> Steps:
    """All but one step."""
    return steps[:number] + steps[number + 1 :]


def told(text: str) -> Callable[[Steps, int], Steps]:
    """Another sentence for a step."""
    return lambda steps, number: [*steps[:number], (steps[number][0], text), *steps[number + 1 :]]


def shows(page: str) -> Callable[[Steps, int], Steps]:
    """The present view for a step."""
    return lambda steps, number: [*steps[:number], (_address(page), steps[number][1]), *steps[number + 1 :]]
