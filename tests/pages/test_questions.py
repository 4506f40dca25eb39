"""The dialog of a question: a choice first, then reason, maps and facts; the question marks; the view on Compare."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import gesture, net, visit_of
from vislrp_ui import permalink, session, state, state_compare
from vislrp_ui.lessons.questions.catalogue import QUESTIONS
from vislrp_ui.lessons.questions.dialog import LEGEND, laid

Open = Callable[..., AppTest]


def dialog() -> None:
    """What the dialog shows; AppTest would run the whole page again at each gesture within it."""
    import streamlit as st

    from vislrp_ui import running
    from vislrp_ui.lessons.questions.dialog import draw

    draw(running.network(), st.session_state["asked"])


@pytest.mark.parametrize("key", QUESTIONS)
def test_a_choice_first_then_the_reason_with_live_maps(key: str) -> None:
    question = QUESTIONS[key]
    app = AppTest.from_function(dialog, default_timeout=60)
    app.session_state["asked"] = key
    app.run()
    assert app.button(key="question-reveal").disabled and not any(question.reason in one.value for one in app.markdown)
    for place, verdict in ((question.right, "**Right.**"), (question.right - 1, "**It is: ")):
        app.radio(key=f"question-{key}").set_value(question.choices[place]).run()
        assert not any(question.reason in one.value for one in app.markdown), "another choice hides it again"
        app.button(key="question-reveal").click().run()
        assert not app.exception, app.exception
        assert any(one.value.startswith(verdict) and question.reason in one.value for one in app.markdown)
        count = len(question.panels(net()))
        assert sum("v-question" in one.proto.body for one in app.get("html")) == count
        assert sum(one.value.startswith("Σ") and one.value != LEGEND for one in app.caption) == count
        assert [one.value for one in app.caption][-1] == LEGEND, "what the numbers below the maps mean"


def test_its_view_on_compare_has_a_row_per_class_and_a_column_per_model() -> None:
    for question in QUESTIONS.values():
        visit = laid(state.start(session.examples()), net(), question)
        shown, panels = state_compare.of(visit), question.panels(net())
        assert len(shown.columns) == len({panel.model.key for panel in panels})
        assert len(shown.rows) == len({panel.target for panel in panels}) and shown.rows[0].image == question.image
        assert permalink.from_params(permalink.to_params(visit), state.start(session.examples()))[1] == ()


def test_the_welcome_page_lists_all_and_opens_one(open_page: Open) -> None:
    app = open_page()
    assert {f"question-{key}-open" for key in QUESTIONS} <= {one.key for one in app.button}
    app.button(key="question-epsilon-open").click().run()
    assert app.selectbox(key="question-of-epsilon").options == [QUESTIONS["epsilon"].title] and not app.exception


def test_question_marks_beside_sliders_open_the_questions_of_their_parameter(open_page: Open) -> None:
    for page, panel, about in (("1_Design", "rule-panel", "suppression"), ("6_By_hand", "hand-rule", "contribution")):
        app = open_page(page)
        before = visit_of(app)
        gesture(app, panel, {"kind": "ask", "segment": 0, "about": about})
        assert not app.exception and visit_of(app) == before
        shown = app.selectbox(key=f"question-of-{about}").options
        assert shown == [one.title for one in QUESTIONS.values() if about in one.places] and shown
        app.run()
        assert not [one for one in app.selectbox if one.key == f"question-of-{about}"], "once for each press"


@pytest.mark.parametrize(
    ("page", "places"),
    [
        ("1_Design", ["rule", "class", "map"]),
        ("2_Compare", ["measure"]),
        ("3_Pixel_Flipping", ["flipping"]),
        ("4_Neuron_Ablation", ["ablation"]),
    ],
)
def test_question_marks_open_the_questions_of_their_place(open_page: Open, page: str, places: list[str]) -> None:
    for place in places:
        app = open_page(page)
        app.button(key=f"ask-{place}").click().run()
        assert not app.exception
        shown = app.selectbox(key=f"question-of-{place}").options
        assert shown == [one.title for one in QUESTIONS.values() if place in one.places]
