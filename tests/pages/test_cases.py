"""A guided case opens exactly as on its card after any work on any page, and that work comes back with one button."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, cycle, product

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.actions import choose, click, goto, picture, typed, upload
from tests.pages.conftest import net, open_menus, visit_of
from vislrp_core import masks
from vislrp_core.rules import Rule
from vislrp_ui import desk, service, state, state_ablation, state_compare, state_flipping
from vislrp_ui.home.cases import CASES

Open = Callable[..., AppTest]


def work_on_home(app: AppTest) -> None:
    app.session_state["_visit"] = state.choose_target(visit_of(app), 3)


def work_on_design(app: AppTest) -> None:
    goto("1_Design")(app)
    open_menus(app)
    picture("kitten")(app)
    upload(app)
    choose("look-spectrum", "orange-white-purple")(app)
    visit = state.set_rule(visit_of(app), 0, Rule.of("flat"))
    app.session_state["_visit"] = state.rename(state.duplicate(state.rename(visit, "Working")), "Mine")
    app.run()


def work_on_compare(app: AppTest) -> None:
    goto("2_Compare")(app)
    click("compare-add")(app)
    visit = visit_of(app)
    shown = state_compare.of(visit).rows[0]
    app.session_state["_visit"] = state_compare.changed(visit, state_compare.set_target, shown.id, 4)
    app.run()


def work_on_flipping(app: AppTest) -> None:
    goto("3_Pixel_Flipping")(app)
    mask = masks.empty()
    mask[40:80, 10:200] = True
    visit = state_flipping.changed(visit_of(app), state_flipping.set_mask, 1, mask)
    visit = state_flipping.changed(visit, state_flipping.set_measurement, patch=28, steps=next(_STEPS))
    app.session_state["_visit"] = visit
    app.run()
    click("flip-add")(app)
    click("flip-measure")(app)  # and it runs on


def work_on_ablation(app: AppTest) -> None:
    goto("4_Neuron_Ablation")(app)
    typed("1-5")(app)
    click("abl-go")(app)
    choose("abl-layer", 30)(app)
    typed("0-3")(app)
    app.session_state["_visit"] = state_ablation.changed(visit_of(app), state_ablation.set_measurement, points=next(_STEPS))
    app.run()
    click("abl-measure")(app)


_STEPS = count(2)
"""What was measured once is kept: each test measures something else."""
WORK = {
    "Home": work_on_home,
    "Design": work_on_design,
    "Compare": work_on_compare,
    "Flipping": work_on_flipping,
    "Ablation": work_on_ablation,
}


def open_case(app: AppTest, key: str) -> AppTest:
    # `switch_page` of the tests knows pages by their files, and Home is a function.
    app._page_hash = next(id for id, page in app._registered_pages.items() if page.get("page_name") == "Home")
    app.run()
    app.button(key=f"open-{key}").click().run()
    assert not app.exception, app.exception
    return app


KEYS = [case.key for case in CASES]
# Every case after work on all pages, and work on each page alone before one of the cases.
PAIRS = [*product(["all"], KEYS), *zip(WORK, cycle(KEYS), strict=False)]


@pytest.mark.parametrize(("page", "case"), PAIRS)
def test_a_case_is_the_same_after_any_work_and_the_work_comes_back(open_page: Open, page: str, case: str) -> None:
    plain = open_case(open_page(), case)
    app = open_page()
    for work in WORK.values() if page == "all" else [WORK[page]]:
        work(app)
    before = visit_of(app)
    open_case(app, case)
    assert desk.same(visit_of(app), visit_of(plain))
    assert not visit_of(app).past and not app.get("progress")
    shown = {button.key for button in app.button} - {"take-back", "hide-aside"}
    assert shown == {button.key for button in plain.button}
    for other in ("1_Design", "2_Compare", "3_Pixel_Flipping", "4_Neuron_Ablation"):
        goto(other)(app)
        assert not app.exception
        app.button(key="take-back")
    app.button(key="take-back").click().run()
    after = visit_of(app)
    assert after.pages == before.pages
    assert desk.same(after, before) and after.models == before.models and after.past == before.past
    assert not app.exception and not after.aside


def test_another_network_and_a_stopped_comparison_do_not_reach_a_case(open_page: Open) -> None:
    plain = open_case(open_page(), "rules")
    app = open_case(open_page(), "rules")
    app.session_state["_compare_stopped"] = "anything"
    app.session_state["_visit"] = state.choose_network(visit_of(app), "tiny")
    open_case(app, "rules")
    assert desk.same(visit_of(app), visit_of(plain)) and "_compare_stopped" not in app.session_state


def test_ready_made_sets_on_compare_put_own_rows_aside(open_page: Open) -> None:
    app = open_page("2_Compare")
    work_on_compare(app)
    rows = state_compare.of(visit_of(app)).rows
    click("compare-set-rules")(app)
    assert state_compare.of(visit_of(app)).rows != rows
    click("take-back")(app)
    assert state_compare.of(visit_of(app)).rows == rows


def test_start_designing_shows_the_map_of_the_example_and_replaces_nothing(open_page: Open) -> None:
    app = open_page()
    click("start-designing")(app)
    visit = visit_of(app)
    assert (
        visit.active == "configuration_2"
        and visit.models == state.start(tuple(e for e in visit.models if e.origin == "example")).models
    )
    assert not [button for button in app.button if button.key == "plain-start"]


@pytest.mark.parametrize("page", ["1_Design", "3_Pixel_Flipping", "4_Neuron_Ablation"])
def test_under_a_map_of_lrp_0_one_sentence_and_one_button(open_page: Open, page: str) -> None:
    app = open_page(page)
    assert [c.value for c in app.caption if "LRP-0 on all layers" in c.value]
    models = visit_of(app).models
    app.button(key="plain-start").click().run()
    assert visit_of(app).active == "configuration_2" and visit_of(app).models == models
    assert not [button for button in app.button if button.key == "plain-start"]
    maps = service.maps(net(), visit_of(app).image, visit_of(app).model)
    assert np.isfinite(maps.maps[0]).all()


def test_lrp_0_in_other_words_is_lrp_0_too(open_page: Open) -> None:
    app = open_page("1_Design", model="Split~proportional~ignore~z_box~logit~10_zero~20_epsilon_epsilon=0.0~38_custom")
    assert app.button(key="plain-start")
