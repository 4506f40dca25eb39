"""Rule panel, class bars and paired bars under mouse and keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage
from tests.ui.test_components import FIGURE, predicted
from vislrp_core.network import Prediction
from vislrp_core.rules import KEYS, PRESETS, Rule
from vislrp_ui.components import colours, rule_panel
from vislrp_ui.components.beforeafter import pair_rows, verdict
from vislrp_ui.components.classbars import class_rows
from vislrp_ui.components.rule_panel import rule_panel_data


def slider(panel: Stage, key: str) -> Any:
    return panel.page.locator(f".row[data-key={key}] input[type=range]")


def box(panel: Stage, key: str) -> Any:
    return panel.page.locator(f".row[data-key={key}] input[type=number]")


def preset(panel: Stage) -> str:
    return str(panel.page.locator(".pill.chosen").get_attribute("data-preset"))


@pytest.fixture
def panel(page: Page) -> Stage:
    stage = Stage(page, "rule_panel", '<div class="panel"></div>', rule_panel.PARTS)
    stage.draw(rule_panel_data(FIGURE, 0).payload())
    return stage


def test_what_the_preset_fixes_is_visibly_fixed(panel: Stage):
    assert preset(panel) == "gamma"
    free = [key for key in KEYS if "fixed" not in str(panel.page.locator(f".row[data-key={key}]").get_attribute("class"))]
    assert free == ["gamma1p"]
    expect(slider(panel, "alpha")).to_have_attribute("aria-valuetext", "1.00, fixed by LRP-γ")
    expect(panel.page.locator(".row[data-key=alpha] .icon", has_text="lock")).to_be_visible()
    expect(panel.page.locator(".row[data-key=gamma1p] .icon", has_text="lock")).to_be_hidden()


def test_an_own_slider_sends_once_when_released_and_keeps_the_preset(panel: Stage):
    place = slider(panel, "gamma1p").bounding_box()
    y = place["y"] + place["height"] / 2
    panel.page.mouse.move(place["x"] + 0.31 * place["width"], y)
    panel.page.mouse.down()
    panel.page.mouse.move(place["x"] + 0.5 * place["width"], y, steps=8)
    expect(box(panel, "gamma1p")).to_have_value("0.50")
    assert panel.sent == []
    panel.page.mouse.up()
    assert panel.sent == [
        {"sid": "s", "edits": [{"segment": 0, "kind": "parameter", "key": "gamma1p", "value": 0.5, "seq": 1}]}
    ]
    assert preset(panel) == "gamma"


def test_a_foreign_slider_makes_the_rule_custom(panel: Stage):
    slider(panel, "epsilon").focus()
    for _ in range(5):
        panel.page.keyboard.press("ArrowRight")
    assert preset(panel) == "custom"
    expect(box(panel, "epsilon")).to_have_value("0.05")
    panel.wait_for_edit("value", 0.05)
    expect(panel.page.locator(".row.fixed")).to_have_count(0)


def test_every_preset_shows_its_values_and_sends_its_key(panel: Stage):
    for count, key in enumerate(["zero", *(key for key in PRESETS if key != "zero")], start=1):
        panel.page.locator(f".pill[data-preset={key}]").click()
        assert preset(panel) == key
        assert panel.edits[-1] == {"segment": 0, "kind": "preset", "preset": key, "seq": count}
        if key != "custom":
            shown = {name: float(box(panel, name).input_value()) for name in KEYS}
            assert shown == Rule.of(key).values()
    panel.page.locator(".pill[data-preset=custom]").click()
    assert len(panel.edits) == len(PRESETS)


def test_presets_by_keyboard(panel: Stage):
    panel.page.locator(".pill.chosen").press("ArrowRight")
    panel.page.keyboard.press("Enter")
    assert preset(panel) == "gamma_generalized"


def test_typed_numbers_may_lie_beyond_the_slider(panel: Stage):
    box(panel, "gamma1p").fill("2.125")
    box(panel, "gamma1p").press("Enter")
    assert panel.edits[-1]["value"] == 2.125
    expect(slider(panel, "gamma1p")).to_have_attribute("aria-valuetext", "2.125")


def test_an_emptied_or_abandoned_number_changes_nothing(panel: Stage):
    box(panel, "gamma1p").fill("")
    box(panel, "gamma1p").blur()
    expect(box(panel, "gamma1p")).to_have_value("0.30")
    box(panel, "gamma1p").fill("0.9")
    box(panel, "gamma1p").press("Escape")
    expect(box(panel, "gamma1p")).to_have_value("0.30")
    assert panel.sent == []


def test_arrows_in_a_number_step_by_a_hundredth(panel: Stage):
    for key in ("ArrowUp", "ArrowUp", "Shift+ArrowUp", "ArrowDown"):
        box(panel, "gamma1p").press(key)
    expect(box(panel, "gamma1p")).to_have_value("0.41")
    panel.wait_for_edit("value", 0.41)


def test_the_scale_of_epsilon(panel: Stage):
    panel.draw(rule_panel_data(FIGURE, 2).payload())
    expect(panel.page.locator(".scale .chosen")).to_have_text("ε rms(z)")
    panel.page.locator("[data-scale=absolute]").click()
    assert panel.edits == [{"segment": 2, "kind": "scale", "value": "absolute", "seq": 1}]


def test_the_box_rule_uses_no_slider(panel: Stage):
    panel.page.locator(".pill[data-preset=z_box]").click()
    assert all(slider(panel, key).is_disabled() and box(panel, key).is_disabled() for key in KEYS)
    expect(panel.page.locator(".note")).to_contain_text("uses no parameter")
    panel.page.locator(".pill[data-preset=zero]").click()
    assert slider(panel, "alpha").is_enabled()


def test_hover_explains_a_parameter_and_its_lock(panel: Stage):
    panel.page.locator(".row[data-key=gamma2] .symbol").hover()
    expect(panel.page.locator(".tip")).to_be_visible()
    expect(panel.page.locator(".tip")).to_contain_text("strong connections count most")
    expect(panel.page.locator(".tip")).to_contain_text("Fixed by LRP-γ; moving it makes the rule Custom.")


def test_warnings_are_listed(panel: Stage):
    panel.draw(rule_panel_data(FIGURE, 0, warnings=("<b>Raise ε.</b>",)).payload())
    assert panel.page.locator(".warnings li span:last-child").all_inner_texts() == ["<b>Raise ε.</b>"]


def test_a_late_answer_never_moves_a_slider_back(panel: Stage):
    box(panel, "gamma1p").fill("0.7")
    box(panel, "gamma1p").press("Enter")
    panel.draw(rule_panel_data(FIGURE, 0).payload(), seq=0)
    expect(box(panel, "gamma1p")).to_have_value("0.70")
    panel.draw(rule_panel_data(FIGURE, 0).payload(), seq=1)
    expect(box(panel, "gamma1p")).to_have_value("0.30")


def test_another_segment_brings_its_own_rule_and_edits(panel: Stage):
    panel.draw(rule_panel_data(FIGURE, 1).payload())
    assert preset(panel) == "custom"
    expect(panel.page.locator(".tag")).to_have_text("2")
    box(panel, "gamma2").fill("0.5")
    box(panel, "gamma2").press("Enter")
    assert panel.edits[-1]["segment"] == 1


# --- class bars, paired bars ----------------------------------------------------------------------------------------------

HOSTILE = Prediction(7, '<img src=x onerror="window.hit=1">', 9.0, 0.99)


@pytest.fixture
def bars(page: Page) -> Stage:
    stage = Stage(page, "classbars", '<div class="bars" role="radiogroup"></div>', ("outbox", "picks"))
    stage.draw({"rows": class_rows([HOSTILE, *predicted(3.0, 2.0)]), "target": 7})
    return stage


def test_names_are_text_and_never_markup(bars: Stage):
    expect(bars.page.locator(".name").first).to_have_text(HOSTILE.name)
    assert bars.page.locator(".row img").count() == 0
    assert bars.page.evaluate("window.hit") is None


def test_a_bar_is_picked_by_click_and_by_key(bars: Stage):
    bars.page.locator(".row").first.click()
    assert bars.sent == [], "it is the target"
    bars.page.locator(".row").nth(1).click()
    assert bars.edits == [{"kind": "pick", "value": 0, "seq": 1}]
    bars.page.locator(".row").first.click()
    assert bars.edits == [{"kind": "pick", "value": 7, "seq": 2}], "another pick is on its way"
    bars.page.locator(".row").nth(1).press("ArrowDown")
    bars.page.keyboard.press("Enter")
    assert bars.edits == [{"kind": "pick", "value": 1, "seq": 3}]
    expect(bars.page.locator("[role=radio][aria-checked=true]")).to_have_attribute("data-index", "7")


def test_paired_bars_show_both_numbers_and_the_change(page: Page):
    before, after = predicted(2.0, 1.0, 0.0), predicted(0.0, 3.0, 0.0)
    stage = Stage(page, "beforeafter", '<div class="pairs"></div>')
    data = {
        "rows": pair_rows(before, after, 0),
        "sentence": verdict(before, after, 0),
        "stale": "",
        "colours": colours.variables("light"),
    }
    stage.draw(data)
    first = page.locator("tbody tr").first.locator("td")
    assert [cell.inner_text().replace("\n", " ") for cell in first.all()] == [
        "class 0 was 1st",
        "",
        "66.5",
        "4.5",
        "↓ 62.0",
        "−2.0",
    ]
    expect(page.locator(".sentence b").last).to_have_text("class 1")
    stage.draw({**data, "stale": "For an earlier model."})
    expect(page.locator(".sentence")).to_have_text("For an earlier model.")
    expect(first.nth(3)).to_be_hidden()
