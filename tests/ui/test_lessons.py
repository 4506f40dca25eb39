"""Lessons as data: their texts, what their steps set and notice, and the place in the address."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from vislrp_ui import desk, permalink, rooms, session, state, state_lesson
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import Step
from vislrp_ui.state import LessonPlace, Visit

STEPS = [
    pytest.param(step, id=f"{lesson.key}-{number}")
    for lesson in LESSONS.values()
    for number, step in enumerate(lesson.steps, start=1)
]


def fresh() -> Visit:
    return state.start(session.examples())


@pytest.mark.parametrize("step", STEPS)
def test_texts_are_short_and_take_their_numbers_from_the_result(step: Step) -> None:
    names = {name for part in (step.do, step.look, step.means) for name in re.findall(r"{(\w+)}", part)}
    assert names <= step.numbers.keys()
    assert len(step.title) <= 24 and all(0 < len(part) <= 330 for part in (step.do, step.look, step.means))
    # What is measured comes from the running network; digits belong to names, such as relu5_3 or Configuration 4.
    told = re.sub(
        r"{\w+}|\*\*|α\d?β?\d?|LRP-\S+|relu\d_\d|pool\d|Configurations? \d( and \d)?|segments \d and \d", "", step.look
    )
    assert not re.search(r"\d[\d.,]*\s?%|\d\.\d", told), told


def test_lessons_have_pages_and_at_most_as_many_steps_as_an_address_knows() -> None:
    for lesson in LESSONS.values():
        assert {rooms.find(lesson.page_of(step)).file for step in lesson.steps} and len(
            lesson.steps
        ) <= state_lesson.MAX_STEPS
        assert len({step.title for step in lesson.steps}) == len(lesson.steps)


def test_the_place_is_in_the_address_and_comes_back() -> None:
    visit = state_lesson.go(state_lesson.begin(fresh(), "rules"), 3)
    assert permalink.to_params(visit)["lesson"] == "v2~case:rules~step:4"
    folded = state_lesson.fold(visit)
    for one in (visit, folded, state_lesson.close(visit)):
        back, damaged = permalink.from_params(permalink.to_params(one), fresh())
        assert back.lesson == one.lesson and damaged == ()
    assert "lesson" not in permalink.to_params(fresh())
    assert state_lesson.go(fresh(), 2) == fresh() == state_lesson.fold(fresh())
    assert state_lesson.fold(folded) == visit


@pytest.mark.parametrize(
    "text", ["", "v2~step:2", "v2~case:a b", "v2~case:rules~step:0", "v2~case:rules~step:99", "v2~folded:2~case:x"]
)
def test_a_damaged_place_costs_the_lesson_alone(text: str) -> None:
    back, damaged = permalink.from_params({"image": "kitten", "lesson": text}, fresh())
    assert back.lesson is None and back.image.id == "kitten" and len(damaged) == 1 and "lesson" in damaged[0]


def test_a_lesson_is_no_work_and_comes_back_with_what_was_put_aside() -> None:
    opened = state_lesson.begin(desk.open_case(fresh(), "Case", lambda visit: visit), "rules")
    assert not desk.holds_work(opened)
    changed = state.choose_target(state_lesson.go(opened, 2), 5)
    other = desk.open_case(changed, "Other", lambda visit: visit)
    assert other.lesson is None
    assert desk.take_back(other).lesson == LessonPlace("rules", 2)
    assert desk.same(opened, replace(opened, lesson=None))
