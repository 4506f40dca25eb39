"""All lessons by their key, in the order of the cards on Home."""

from __future__ import annotations

from vislrp_ui.lessons import ablation, configurations, flipping, rules
from vislrp_ui.lessons.model import Lesson

LESSONS: dict[str, Lesson] = {
    lesson.key: lesson for lesson in (rules.LESSON, configurations.LESSON, flipping.LESSON, ablation.LESSON)
}


def after(key: str) -> Lesson | None:
    """The case that follows another one on Home; None behind the last."""
    keys = list(LESSONS)
    place = keys.index(key) + 1
    return LESSONS[keys[place]] if place < len(keys) else None
