"""Where does this come from: opened on Design, followed upwards and back; parts and rest are the value shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import gesture, net, payload, visit_of
from vislrp_ui import service, state, state_origins
from vislrp_ui.design import origins, origins_work
from vislrp_ui.state_origins import OriginState, Spot

KEY = "origins"
MODEL = "example-configuration_4"


def trail(app: AppTest) -> tuple[Spot, ...]:
    return state_origins.of(visit_of(app)).trail


def number(figures: dict[str, Any]) -> float:
    """A number as the panel writes it, all digits."""
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    text = re.sub(r"·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda power: f"e{power[1].translate(raised)}", figures["exact"])
    return float(text.replace("−", "-"))


def adds_up(shown: dict[str, Any]) -> None:
    parts = [number(line["part"]) for line in shown["lines"]] + ([number(shown["rest"])] if shown["rest"] else [])
    assert sum(parts) == pytest.approx(number(shown["value"]), abs=1e-9 * max(abs(part) for part in parts))


def test_a_pixel_is_followed_upwards_and_back(open_page: Callable[..., AppTest]) -> None:
    origins_work.clear_caches()
    app = open_page("1_Design", model=MODEL)
    app.button(key="open-origins").click().run()
    (first,) = trail(app)
    values = service.maps(net(), visit_of(app).image, visit_of(app).model).maps[0]
    assert abs(values[first.place]) == abs(values).max()
    assert app.query_params["origin"] == f"v2~way:0-{first.place[0]}-{first.place[1]}"
    shown = payload(app, KEY)
    assert shown["title"] == f"R of the pixel at column {first.place[1]}, row {first.place[0]}"
    assert "conv1_1 shares relevance out by LRP-zβ" in " ".join(shown["words"]) and "<math" in shown["math"]
    gesture(app, KEY, {"kind": "channel", "channel": 2})
    assert payload(app, KEY)["title"].startswith("R of green of the pixel")
    for row in (1, 3, 5, 6):
        shown = payload(app, KEY)
        adds_up(shown)
        assert shown["note"].startswith("The parts and the rest add up to R")
        best = shown["lines"][0]
        assert best["layer"] == row and best["math"][0].startswith("<math") and best["picture"]
        gesture(app, KEY, {"kind": "follow", "layer": best["layer"], "place": best["place"]})
        assert not app.exception
    gesture(app, KEY, {"kind": "back", "step": 1})
    assert [spot.layer for spot in trail(app)] == [0, 1]
    app.run()
    assert payload(app, KEY)["title"].startswith("R of channel"), "a run of the page keeps the dialog"


def test_channels_units_and_what_there_is_not(open_page: Callable[..., AppTest]) -> None:
    app = open_page("1_Design", model=MODEL, layer="12", origin="v2~way:12-20-30")
    shown = payload(app, KEY)
    assert shown["title"] == "R of relu3_1, all channels, at column 30, row 20" and not shown["math"]
    adds_up(shown)
    gesture(app, KEY, {"kind": "move", "row": 21, "column": 30})
    assert trail(app) == (Spot(12, (21, 30)),)
    best = payload(app, KEY)["lines"][0]
    gesture(app, KEY, {"kind": "follow", "layer": 12, "place": best["place"]})
    assert "conv3_2 shares relevance out by LRP-ε" in " ".join(payload(app, KEY)["words"])
    adds_up(payload(app, KEY))
    units = open_page("1_Design", model=MODEL, origin="v2~way:33-2")
    assert payload(units, KEY)["title"] == "R of unit 2 of relu6" and payload(units, KEY)["map"]["units"] > 2
    gesture(units, KEY, {"kind": "move", "unit": 3})
    assert trail(units) == (Spot(33, (3,)),)
    for row in (35, 38):
        shown = payload(units, KEY)
        adds_up(shown)
        target = service.target_of(net(), visit_of(units).image, None)
        place = [target] if row == 38 else shown["lines"][0]["place"]
        gesture(units, KEY, {"kind": "follow", "layer": row, "place": place})
    logit = float(service.logits(net(), visit_of(units).image)[target])
    shown = payload(units, KEY)
    assert "This is the start" in " ".join(shown["words"]) and number(shown["value"]) == pytest.approx(logit)
    assert not shown["lines"]
    nowhere = open_page("1_Design", origin="v2~way:0-900-3")
    assert "no such position" in nowhere.warning[-1].value
    with pytest.raises(ValueError, match="x"):
        state_origins.from_params({"origin": "v2~way:0-x"})


def test_a_gesture_that_makes_no_sense_changes_nothing() -> None:
    visit = state.start()
    assert origins.apply_edit(visit, {"kind": "follow", "layer": 3, "place": [1, 2, 3]}) == visit
    asked = state_origins.ask(visit, 5, (3, 4))
    for edit in (
        {"kind": "follow", "layer": 4, "place": [1, 2, 3]},
        {"kind": "follow", "layer": 6, "place": [1, 2]},
        {"kind": "follow", "layer": True, "place": [1, 2, 3]},
        {"kind": "back", "step": 1},
        {"kind": "move", "row": -1, "column": 2},
        {"kind": "move", "unit": 2},
        {"kind": "channel", "channel": 1},
        {"kind": "else"},
    ):
        assert origins.apply_edit(asked, edit) == asked, edit
    way = state_origins.follow(asked, 6, (1, 3, 4))
    assert state_origins.of(way) == OriginState((Spot(5, (3, 4)), Spot(6, (1, 3, 4))))
    assert state_origins.from_params(state_origins.of(way).to_params()) == state_origins.of(way)
    assert state_origins.of(state_origins.close(way)) == OriginState() == state_origins.OriginState()
