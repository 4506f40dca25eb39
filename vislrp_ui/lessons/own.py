"""A lecturer's lesson as the strip shows it: each step opens its view, and is done when that view is there."""

from __future__ import annotations

from functools import lru_cache, partial

from vislrp_core.network import Network
from vislrp_core.networks import imagenet_on_disk
from vislrp_ui import permalink, rooms, state_lesson
from vislrp_ui.lessons import files
from vislrp_ui.lessons.files import LessonFile, LessonStep
from vislrp_ui.lessons.model import Lesson, Step
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import StateError, Visit


@lru_cache(64)
def opened(packed: str) -> Lesson:
    """The lesson of an address (StateError where its text is damaged)."""
    return as_lesson(files.unpack(packed))


def as_lesson(file: LessonFile) -> Lesson:
    """A lesson of views; its sentences are shown as they are, never as markup."""
    first = file.steps[0]
    steps = tuple(_step(step) for step in file.steps)
    return Lesson(state_lesson.OWN, file.title, "", first.page, partial(_shown, first), steps, own=True)


def _step(step: LessonStep) -> Step:
    text = escaped(step.text).replace("{", "{{").replace("}", "}}")
    return Step(rooms.find(step.page).title, text, "", "", partial(_shown, step), partial(_is_shown, step), page=step.page)


def _shown(step: LessonStep, visit: Visit, network: Network) -> Visit:
    """The view of a step on an empty table."""
    wanted = step.params.get("network")
    if wanted == "imagenet" and imagenet_on_disk() is None:
        raise StateError("This step was made with the full VGG16, which is not on this server.")
    return permalink.from_params(step.params, visit)[0]


def _is_shown(step: LessonStep, visit: Visit) -> bool:
    try:
        return files.view_of(visit) == step.params
    except ValueError:
        return False
