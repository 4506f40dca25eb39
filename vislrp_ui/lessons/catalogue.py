"""All lessons by their key, in the order of the cards on Home."""

from __future__ import annotations

from vislrp_ui.lessons import ablation, configurations, flipping, rules
from vislrp_ui.lessons.model import Lesson

LESSONS: dict[str, Lesson] = {
    lesson.key: lesson for lesson in (rules.LESSON, configurations.LESSON, flipping.LESSON, ablation.LESSON)
}
