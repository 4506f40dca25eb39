"""Each guided case walked step by step: "Show me" does what the step says, the strip notices, its text has numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import CLASSES, visit_of
from vislrp_ui import rooms, state_flipping
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import UNKNOWN
from vislrp_ui.state import LessonPlace

Open = Callable[..., AppTest]


def line(app: AppTest) -> str:
    """The line of steps as HTML; empty where no strip is shown."""
    return next((one.proto.body for one in app.get("html") if 'class="v-lesson"' in one.proto.body), "")


def words(app: AppTest) -> str:
    """The text of the present step."""
    return next((one.value for one in app.markdown if one.value.startswith("**Do:**")), "")


def ticks(app: AppTest) -> int:
    return line(app).count("✓")


@pytest.mark.parametrize("key", LESSONS)
def test_a_case_step_by_step(open_page: Open, key: str) -> None:
    lesson = LESSONS[key]
    app = open_page()
    app.button(key=f"open-{key}").click().run()
    assert visit_of(app).lesson == LessonPlace(key) and app.button(key="lesson-show").label == "Show me"
    for number, step in enumerate(lesson.steps):
        assert 'aria-current="step"' in line(app).split(step.title)[0].rsplit("<li", 1)[1]
        app.button(key="lesson-show").click().run()
        assert not app.exception and not app.warning, (step.title, app.exception)
        assert app.button(key="lesson-show").label == "Show me", "the step's page is open"
        visit = visit_of(app)
        assert visit.lesson == LessonPlace(key, number)
        if step.done is not None:
            assert step.done(visit), step.title
        assert ticks(app) == number + (step.done is not None)
        text = words(app)
        assert "{" not in text and UNKNOWN not in text, text
        app.button(key="lesson-next").click().run()
        assert not app.exception
    assert visit_of(app).lesson is None and not line(app)


def test_the_strip_folds_goes_back_closes_and_costs_nothing_without_a_lesson(open_page: Open) -> None:
    app = open_page("1_Design", lesson="v2~case:configurations~step:2")
    assert "Show me on Compare" in [one.label for one in app.button] and words(app)
    app.button(key="lesson-fold").click().run()
    assert visit_of(app).lesson == LessonPlace("configurations", 1, True) and not words(app) and line(app)
    app.button(key="lesson-fold").click().run()
    app.button(key="lesson-back").click().run()
    assert visit_of(app).lesson == LessonPlace("configurations", 0) and app.button(key="lesson-back").disabled
    app.button(key="lesson-close").click().run()
    assert visit_of(app).lesson is None and not line(app)
    assert not [key for key in ("_lesson_words", "_lesson_waits") if key in open_page("1_Design").session_state]


def test_a_step_or_a_lesson_that_there_is_not(open_page: Open) -> None:
    app = open_page(lesson="v2~case:rules~step:40")
    assert LESSONS["rules"].steps[-1].title in line(app).split('aria-current="step"')[1]
    app = open_page(lesson="v2~case:nothing")
    assert any("no lesson “nothing”" in one.value for one in app.caption)
    app.button(key="lesson-close").click().run()
    assert visit_of(app).lesson is None


def test_the_person_does_a_step_and_the_strip_notices(open_page: Open) -> None:
    app = open_page("2_Compare", lesson="v2~case:rules~step:2")
    assert ticks(app) == 1
    app.segmented_control(key="compare-share").set_value("all").run()
    assert ticks(app) == 2
    app = open_page("3_Pixel_Flipping", lesson="v2~case:flipping~step:2")
    app.segmented_control(key="flip-mode").set_value("relevance").run()
    app.selectbox(key="flip-sign").set_value("negative").run()
    assert ticks(app) == 2 and state_flipping.of(visit_of(app)).row().sign == "negative"
    app.selectbox(key="target").set_value(3).run()
    assert CLASSES[3] in words(app)


def test_every_page_draws_the_strip(open_page: Open) -> None:
    for room in rooms.ROOMS:
        app = open_page(room.file.removeprefix("pages/").removesuffix(".py") or None, lesson="v2~case:rules")
        assert LESSONS["rules"].title in line(app), room.key
