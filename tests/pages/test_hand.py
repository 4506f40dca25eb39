"""By hand: what the page shows is what the engine computed; numbers, rules, steps, exercises by gesture and address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import gesture, payload, visit_of
from vislrp_ui import permalink, session, state, state_hand


def net(app: AppTest) -> dict:
    return payload(app, "handnet")


def cell(app: AppTest, quantity: str) -> dict:
    found = [one for node in net(app)["nodes"] for one in node["cells"]] + [edge["cell"] for edge in net(app)["edges"]]
    return next(one for one in found if one["id"] == quantity)


def inputs(app: AppTest) -> list[str]:
    return [cell(app, f"R0-{i}")["text"] for i in range(3)]


def test_the_page_shows_examples_takes_numbers_and_comes_back_from_its_address(open_page: Callable[..., AppTest]):
    app = open_page("6_By_hand")
    assert app.button(key="hand-undo").disabled and app.button(key="hand-redo").disabled
    assert inputs(app) == ["7", "−2.5", "0.5"] and [one["note"] for one in net(app)["foot"]] == [
        "",
        "conserved",
        "conserved",
    ]
    app.selectbox(key="hand-example").set_value("gamma").run()
    assert inputs(app) == ["9.33", "34.7", "52"] and payload(app, "hand-rule")["values"]["gamma1p"] == 0.25
    app.toggle(key="hand-exact").set_value(True).run()
    assert inputs(app)[0] == "9.3333333329"
    app.toggle(key="hand-exact").set_value(False).run()
    gesture(app, "handnet", {"kind": "set", "name": "lower", "place": 0, "value": "2"})
    gesture(app, "hand-rule", {"kind": "preset", "segment": 1, "preset": "zero"})
    app.segmented_control(key="hand-segment").set_value(0).run()
    gesture(app, "hand-rule", {"kind": "preset", "segment": 0, "preset": "zero"})
    assert inputs(app) == ["18", "36", "54"] and app.selectbox(key="hand-example").value == "zero"
    gesture(app, "handnet", {"kind": "set", "name": "inputs", "place": 0, "value": "one"})
    assert "no number" in app.warning[0].value and inputs(app) == ["18", "36", "54"]
    app.button(key="hand-undo").click().run()
    assert payload(app, "hand-rule")["values"]["gamma1p"] == 1 and app.selectbox(key="hand-example").value != "zero"
    app.button(key="hand-redo").click().run()
    assert inputs(app) == ["18", "36", "54"] and app.button(key="hand-redo").disabled
    gesture(app, "handnet", {"kind": "step", "step": 2})
    assert inputs(app) == ["·", "·", "·"] and cell(app, "a1-0")["text"] == "12" and net(app)["foot"] == []
    written = {key: value if isinstance(value, str) else value[0] for key, value in dict(app.query_params).items()}
    opened, damaged = permalink.from_params(written, state.start(session.examples()))
    assert damaged == () and state_hand.of(opened) == state_hand.of(visit_of(app))


def test_biases_are_absorbed_where_that_is_chosen(open_page: Callable[..., AppTest]):
    app = open_page("6_By_hand")
    app.selectbox(key="hand-example").set_value("bias").run()
    assert [cell(app, f"R1-{i}")["text"] for i in range(3)] == ["0.189", "0.468", "0"]
    assert [one["note"] for one in net(app)["foot"]] == ["", "0.343 lost to biases", "conserved"]
    app.segmented_control(key="hand-bias").set_value("ignore").run()
    assert [one["note"] for one in net(app)["foot"]] == ["", "conserved", "conserved"]
    app.toggle(key="hand-biased").set_value(False).run()
    assert cell(app, "z2-0")["text"] == "11" and not any(
        field["name"] == "upper_bias" for node in net(app)["nodes"] for field in node["fields"]
    )
    app.selectbox(key="hand-start").set_value("logit").run()
    gesture(app, "handnet", {"kind": "target", "unit": 1})
    assert cell(app, "R2-1")["text"] == "17" and cell(app, "R2-0")["text"] == "0"


@pytest.mark.parametrize(
    "damaged", ["v2~inputs:1,2", "v2~lower:1,2,x", "v2~rules:nonsense", "v2~step:9", "v2~inputs:1,2,inf"]
)
def test_a_damaged_address_costs_the_page_alone(open_page: Callable[..., AppTest], damaged: str):
    app = open_page(hand=damaged)
    assert "part for hand in the address" in app.warning[0].value
    app.switch_page("pages/6_By_hand.py").run()
    assert not app.exception and inputs(app) == ["7", "−2.5", "0.5"]
