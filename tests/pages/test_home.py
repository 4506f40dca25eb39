"""The welcome page: its live example, the four cases that open a page with everything set, the primer, the credits."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import ROOT, net, payload, visit_of
from vislrp_ui import permalink, rule_maps, service, state, state_ablation, state_compare, state_flipping
from vislrp_ui.home import miniatures
from vislrp_ui.home.cases import CASES
from vislrp_ui.home.primer import LINES, table
from vislrp_ui.lessons import ablation
from vislrp_ui.samples import samples

Open = Callable[..., AppTest]


def test_the_live_example_shows_classes_models_and_a_map(open_page: Open) -> None:
    app = open_page()
    assert [card["id"] for card in payload(app, "home-models")["cards"]] == ["configuration_2", "overview_composite"]
    assert len(payload(app, "home-classes")["rows"]) == 6
    assert any("speaks against" in element.proto.body for element in app.get("html"))


def test_a_model_of_ones_own_joins_the_example(open_page: Open) -> None:
    app = open_page(model="Mine~proportional~ignore~z_box~logit~38_flat")
    cards = payload(app, "home-models")
    assert cards["cards"][0]["name"] == "Mine" and cards["active"] == "working" and len(cards["cards"]) == 3


def test_every_rule_and_every_credit_stands_on_the_page(open_page: Open) -> None:
    miniatures._small.clear()
    app = open_page()
    text = "\n".join(element.value for element in app.markdown)
    assert all(line.rule in text for line in LINES)
    assert all(sample.title in text and sample.author in text for sample in samples().values())

    # Nothing is computed for the small maps while the page is drawn; what is there is shown, with a link to its model.
    assert text.count("![Not computed yet, ") == 16 and "data:image/webp" not in text
    model = rule_maps.pairs("vgg16")["gamma"].usual
    miniatures.compute(net(), model)
    app.run()
    table_of_rules = next(one.value for one in app.markdown if "![Not computed yet" in one.value)
    shown = re.findall(
        r"\[!\[Heatmap, (LRP-\S+) at its usual place, [^\]]*\]\(data:image/webp[^)]*\)\]\(Design\?([^)]+)\) kept",
        table_of_rules,
    )
    assert [rule for rule, _ in shown] == ["LRP-0", "LRP-ε", "LRP-γ", "LRP-zβ"], "the standard composite has all four"
    visit, damaged = permalink.from_params(dict(parse_qsl(shown[0][1])), state.start())
    assert not damaged and visit.model.key == model.key and visit.target == service.target_of(net(), rule_maps.PICTURE, None)
    assert service.counters.propagations > 0 and not app.exception


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_formulas_are_whole(mode: str) -> None:
    for row in table(mode, lambda line: ("", "")).splitlines()[2:]:
        formula = row.split("|")[4]
        assert formula.count("{") == formula.count("}") and "@" not in formula


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_each_case_has_its_four_pictures(case, mode: str) -> None:
    assert all(picture.is_file() for picture in case.pictures(mode))


def test_start_designing_opens_design(open_page: Open) -> None:
    app = open_page()
    app.button(key="start-designing").click().run()
    assert not app.exception and payload(app, "ruler")["segments"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_each_case_opens_its_page_with_everything_set(open_page: Open, case) -> None:
    app = open_page()
    app.button(key=f"open-{case.key}").click().run()
    assert not app.exception and not app.error
    visit = visit_of(app)
    if case.room.key == "compare":
        assert len(state_compare.of(visit).columns) == 5 and len(state_compare.of(visit).rows) == 2
    elif case.key == "flipping":
        assert (visit.image.id, visit.active) == ("guitar_and_drums", "configuration_4")
        assert state_flipping.of(visit).row().sign == "positive"
    else:
        held = state_ablation.of(visit)
        assert held.layer == ablation.LAYER and len(held.neurons) == ablation.NEURONS
        assert held.ablated == held.cut, "switched off already"
    app.switch_page("pages/1_Design.py").run()
    assert not app.exception


def test_the_first_visitor_of_a_fresh_server_gets_the_apps_own_navigation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a change of the page, which would be one more step of Back."""

    def refuse(page: object) -> None:
        raise AssertionError(page)

    monkeypatch.setattr("streamlit.switch_page", refuse)
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
    app.query_params["image"] = "kitten"
    app.switch_page("pages/1_Design.py").run()
    assert not app.exception and PagesManager.uses_pages_directory is False and app.session_state["_routed"]
    assert visit_of(app).image.id == "kitten" and app.button(key="duplicate-model").label


def test_the_panel_of_what_is_kept_stays_open_while_its_page_runs_again(open_page: Open) -> None:
    app = open_page(model="Mine~proportional~ignore~z_box~logit~38_flat", **{"as": "own"})
    app.button(key="kept-home").click().run()
    own = visit_of(app).active
    for _ in range(2):  # a run that another tab or the theme begins
        app.run()
        assert app.checkbox(key="kept-sure").label
    app.button(key=f"kept-delete-{own}").click().run()
    assert visit_of(app).active == "working" and app.checkbox(key="kept-sure").label
    app.switch_page("pages/1_Design.py").run()
    assert not [box for box in app.checkbox if box.key == "kept-sure"], "it belongs to its page"
