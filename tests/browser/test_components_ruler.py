"""The ruler under mouse and keyboard: what shows at once, what is sent, and what the server's answer may change."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage
from tests.support.networks import VGG16
from tests.ui.test_components import FIGURE, Sums, visit_with
from vislrp_core.heatmap import png
from vislrp_core.model import LRPModel
from vislrp_ui.components import ruler
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.ruler_data import ruler_data

HTML = '<div class="ruler" role="group"></div>'
DOT = data_url(png(np.zeros((1, 1, 3), dtype=np.uint8)))
TOTAL = np.linspace(2.0, 8.0, VGG16.last + 1)


def payload(
    model: LRPModel = FIGURE,
    *,
    selected: int = 1,
    layer: int | None = None,
    pictures: bool = True,
    updating: bool = False,
    sums: Sums | None = None,
) -> dict[str, Any]:
    known = Sums(TOTAL + 3, np.full(VGG16.last + 1, -3.0)) if sums is None else sums
    addresses = {s.first - 1: DOT for s in model.segments} if pictures else {}
    return ruler_data(model, known, selected=selected, layer=layer, pictures=addresses, updating=updating).payload()


@pytest.fixture
def stage(page: Page) -> Stage:
    ready = Stage(page, "ruler", HTML, ruler.PARTS)
    ready.draw(payload())
    return ready


def borders(stage: Stage) -> list[int]:
    return [int(handle.get_attribute("aria-valuenow") or -1) for handle in stage.page.locator(".handle").all()]


def selected(stage: Stage) -> int:
    return int(stage.page.locator(".band.selected").inner_text()) - 1


def bottom_of(stage: Stage, layer: int) -> tuple[float, float]:
    """The right end of a row's lower edge."""
    box = stage.page.locator(".layer").nth(layer).bounding_box()
    assert box is not None
    return box["x"] + box["width"] - 4, box["y"] + box["height"]


def grab(stage: Stage, border: int) -> None:
    stage.page.mouse.move(*bottom_of(stage, borders(stage)[border]))
    stage.page.mouse.down()


# --- what it shows ----------------------------------------------------------------------------------------------------


def test_all_rows_are_numbered_named_and_grouped(stage: Stage):
    rows = stage.page.locator(".layer").all()
    assert [row.locator(".name").inner_text() for row in rows] == [layer.name for layer in VGG16.rows]
    assert [row.locator(".number").inner_text() for row in rows] == [str(layer.index) for layer in VGG16.rows]
    assert stage.page.locator(".block").all_inner_texts() == [*(f"block {n}" for n in range(1, 6)), "classifier"]


def test_a_row_says_its_sums_and_what_it_absorbs(stage: Stage):
    expect(stage.page.locator(".layer").nth(24)).to_have_attribute(
        "aria-label", "pool4, layer 24, + 8.79  − 3.00  Σ 5.79  absorbs 0.16"
    )
    stage.page.locator(".strip").hover(position={"x": 20, "y": 5})
    expect(stage.page.locator(".tip")).to_contain_text("input image")


def test_each_card_shows_rule_formula_bars_and_map(stage: Stage):
    card = stage.page.locator(".card").first
    expect(card.locator(".title")).to_have_text("LRP-γ")
    expect(card.locator(".layers")).to_have_text("conv1_1 – pool2 · 1–10")
    expect(card.locator("math mn.p-weight").first).to_have_text("0.3")
    assert card.locator(".bar .value").all_inner_texts() == ["1", "0", "0", "1", "0", "1", "0.3", "0", "0", "0"]
    expect(card.locator(".map .where")).to_have_text("pixels")
    expect(stage.page.locator(".card").nth(3).locator(".map img")).to_have_attribute("alt", "Relevance handed on to relu5_3")


def test_cards_and_rows_stay_aligned_with_many_segments(stage: Stage):
    visit = visit_with(FIGURE)
    while len(visit.model.segments) < 12:
        place, widest = max(enumerate(visit.model.segments), key=lambda pair: pair[1].last - pair[1].first)
        visit = ruler.apply_edit(visit, {"kind": "split", "segment": place, "row": (widest.first + widest.last) // 2})
        stage.draw(payload(visit.model, selected=0))
        boxes = [card.bounding_box() for card in stage.page.locator(".card").all()]
        table, cards = stage.page.locator(".names").bounding_box(), [box for box in boxes if box is not None]
        assert table is not None and len(cards) == len(visit.model.segments)
        assert cards[0]["y"] == pytest.approx(table["y"], abs=2)
        assert cards[-1]["y"] + cards[-1]["height"] == pytest.approx(table["y"] + table["height"], abs=2)
        assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in pairwise(cards))
    expect(stage.page.locator(".add")).to_be_disabled()


def test_maps_being_computed_keep_the_old_picture_marked(stage: Stage):
    stage.draw(payload(pictures=False, updating=True))
    maps = stage.page.locator(".map")
    expect(maps.first).to_have_class(re.compile("stale"))
    expect(maps.first.locator("img")).to_have_attribute("src", DOT)
    stage.draw(payload())
    expect(stage.page.locator(".map.stale")).to_have_count(0)


def test_a_missing_map_is_hatched_and_sums_end_where_they_are_unknown(stage: Stage):
    positive = TOTAL + 3
    positive[:25] = np.nan
    stage.draw(payload(pictures=False, sums=Sums(positive, np.full(VGG16.last + 1, -3.0))))
    expect(stage.page.locator(".map.nothing")).to_have_count(4)
    assert stage.page.locator("path.total").get_attribute("d") is not None
    expect(stage.page.locator(".layer").nth(3)).to_have_attribute("aria-label", "conv1_2, layer 3, relevance not known")
    expect(stage.page.locator(".sigma").first).to_have_text("")


# --- gestures -----------------------------------------------------------------------------------------------------------


def test_a_drag_repaints_at_once_and_sends_one_message_on_release(stage: Stage):
    grab(stage, 0)
    for layer in (12, 15, 17):
        stage.page.mouse.move(*bottom_of(stage, layer), steps=3)
        assert borders(stage) == [layer, 23, 30]
    assert stage.sent == []
    expect(stage.page.locator(".handle.hot .parts")).to_have_text("pool3 | conv4_1")
    expect(stage.page.locator(".card").first.locator(".layers")).to_have_text("conv1_1 – pool3 · 1–17")
    stage.page.mouse.up()
    assert stage.sent == [{"sid": "s", "edits": [{"kind": "move", "border": 0, "last": 17, "seq": 1}]}]
    expect(stage.page.locator(".map.stale")).to_have_count(2)


def test_a_border_stops_where_its_neighbours_have_one_layer(stage: Stage):
    grab(stage, 1)
    stage.page.mouse.move(*bottom_of(stage, 38))
    assert borders(stage) == [10, 29, 30]
    stage.page.mouse.move(*bottom_of(stage, 0))
    stage.page.mouse.up()
    assert borders(stage) == [10, 11, 30]
    assert stage.edits[0]["last"] == 11


def test_escape_takes_a_drag_back(stage: Stage):
    grab(stage, 0)
    stage.page.mouse.move(*bottom_of(stage, 20), steps=3)
    stage.page.keyboard.press("Escape")
    stage.page.mouse.up()
    assert borders(stage) == [10, 23, 30] and stage.sent == []


def test_a_drag_that_ends_where_it_began_sends_nothing(stage: Stage):
    grab(stage, 0)
    stage.page.mouse.move(*bottom_of(stage, 14), steps=3)
    stage.page.mouse.move(*bottom_of(stage, 10), steps=3)
    stage.page.mouse.up()
    assert stage.sent == [] and stage.page.locator(".map.stale").count() == 0


def test_arrow_keys_move_a_border_and_send_the_last_place(stage: Stage):
    handle = stage.page.locator(".handle").first
    handle.focus()
    for key in ("ArrowDown", "ArrowDown", "PageDown", "ArrowUp"):
        stage.page.keyboard.press(key)
    assert borders(stage) == [16, 23, 30]
    stage.wait_for_edit("last", 16)
    assert {(edit["kind"], edit["border"]) for edit in stage.edits} == {("move", 0)}
    expect(handle).to_be_focused()
    stage.page.keyboard.press("End")
    assert borders(stage) == [22, 23, 30]
    stage.page.keyboard.press("Home")
    assert borders(stage) == [1, 23, 30]


def test_leaving_a_border_sends_its_place_at_once(stage: Stage):
    stage.page.locator(".handle").first.focus()
    stage.page.keyboard.press("ArrowDown")
    stage.page.keyboard.press("Tab")
    assert stage.edits[0]["last"] == 11


def test_segments_are_selected_by_band_card_and_key(stage: Stage):
    stage.page.locator(".band").nth(2).click()
    assert selected(stage) == 2
    stage.page.locator(".card").first.click()
    assert selected(stage) == 0
    stage.page.locator(".band").first.press("ArrowDown")
    assert selected(stage) == 1
    assert [(edit["kind"], edit["segment"]) for edit in stage.edits] == [("segment", 1)]


def test_a_click_on_a_row_selects_its_layer_and_segment(stage: Stage):
    stage.page.locator(".layer").nth(27).click()
    assert selected(stage) == 2
    expect(stage.page.locator(".layer.selected .name")).to_have_text("conv5_2")
    stage.page.locator(".layer").nth(27).press("ArrowDown")
    stage.page.keyboard.press("Enter")
    assert [(edit["kind"], edit["layer"]) for edit in stage.edits] == [("layer", 28)]
    stage.page.locator(".layer").first.click()
    expect(stage.page.locator(".layer.selected")).to_have_count(0)
    assert stage.edits[-1]["layer"] == 0


def test_add_remove_and_split_show_at_once(stage: Stage):
    stage.page.locator(".add").click()
    assert borders(stage) == [10, 23, 30, 34] and selected(stage) == 4
    stage.page.locator(".card").nth(1).locator(".close").click()
    assert borders(stage) == [23, 30, 34]
    stage.page.locator(".layer").nth(5).hover()
    stage.page.locator(".splitter").click()
    assert borders(stage) == [5, 23, 30, 34] and selected(stage) == 1
    stage.page.locator(".layer").nth(26).press("s")
    assert borders(stage) == [5, 23, 26, 30, 34]
    stage.page.locator(".band").last.press("Delete")
    assert borders(stage) == [5, 23, 26, 30]
    expect(stage.page.locator(".band.selected")).to_be_focused()
    assert [edit["kind"] for edit in stage.edits] == ["add", "remove", "split", "split", "remove"]


def test_the_last_segment_cannot_be_removed(stage: Stage):
    stage.draw(payload(LRPModel.basic(), selected=0))
    expect(stage.page.locator(".close")).to_be_hidden()
    stage.page.locator(".band").press("Delete")
    assert stage.sent == []


@pytest.mark.parametrize("seed", range(2))
def test_what_shows_is_what_the_server_makes_of_the_same_edits(stage: Stage, seed: int):
    chance = random.Random(seed)
    for _ in range(20):
        count = stage.page.locator(".band").count()
        action = chance.choice(["add", "remove", "split", "move", "layer"])
        if action == "add" and count < 12:
            stage.page.locator(".add").click()
        elif action == "remove":
            stage.page.locator(".band").nth(chance.randrange(count)).press("Delete")
        elif action == "split":
            stage.page.locator(".layer").nth(chance.randrange(39)).press("s")
        elif action == "layer":
            stage.page.locator(".layer").nth(chance.randrange(39)).press("Enter")
        elif action == "move" and count > 1:
            handle = stage.page.locator(".handle").nth(chance.randrange(count - 1))
            handle.press(chance.choice(["ArrowUp", "PageDown", "PageUp", "Home", "End"]))
            handle.blur()
    visit = visit_with(FIGURE)
    visit = ruler.apply_edit(visit, {"kind": "segment", "segment": 1})
    for edit in stage.edits:
        visit = ruler.apply_edit(visit, edit)
    assert borders(stage) == [segment.last for segment in visit.model.segments[:-1]]
    assert selected(stage) == visit.selected_segment
    assert stage.page.locator(".card .title").all_inner_texts() == [s.rule.title for s in visit.model.segments]


# --- the server's answers -------------------------------------------------------------------------------------------------


def test_a_late_answer_never_moves_a_border_back(stage: Stage):
    stage.page.locator(".handle").first.press("ArrowDown")
    stage.page.locator(".handle").first.blur()
    stage.draw(payload(), seq=0)
    assert borders(stage) == [11, 23, 30]
    stage.draw(payload(), seq=1)
    assert borders(stage) == [10, 23, 30]


def test_unconfirmed_edits_are_repeated_until_confirmed(stage: Stage):
    stage.page.locator(".add").click()
    stage.page.locator(".add").click()
    assert [edit["seq"] for edit in stage.edits] == [1, 2]
    stage.draw(payload(), seq=1)
    stage.page.locator(".layer").nth(3).press("s")
    assert [edit["seq"] for edit in stage.edits] == [2, 3]


def test_an_answer_during_a_drag_waits_for_its_end(stage: Stage):
    grab(stage, 0)
    stage.page.mouse.move(*bottom_of(stage, 15), steps=3)
    stage.draw(payload(LRPModel.basic(), selected=0))
    assert borders(stage) == [15, 23, 30]
    stage.page.mouse.up()
    assert borders(stage) == [15, 23, 30] and stage.edits[0]["last"] == 15
    stage.draw(payload(), seq=1)
    assert borders(stage) == [10, 23, 30]


def test_a_new_session_of_the_server_is_believed(stage: Stage):
    for _ in range(3):
        stage.page.locator(".add").click()
    stage.draw(payload(), seq=0, sid="other")
    assert borders(stage) == [10, 23, 30]
    stage.page.locator(".add").click()
    assert stage.sent[-1] == {"sid": "other", "edits": [{"kind": "add", "seq": 1}]}


def test_nodes_and_focus_survive_an_answer(stage: Stage):
    handle = stage.page.locator(".handle").nth(1)
    handle.focus()
    stage.page.evaluate(
        "document.querySelector('#host').shadowRoot.querySelectorAll('.handle, .card, .layer, .band, img')"
        ".forEach(node => { node.marked = true; })"
    )
    stage.draw(payload(selected=2, layer=25))
    expect(handle).to_be_focused()
    assert stage.page.evaluate(
        "[...document.querySelector('#host').shadowRoot.querySelectorAll("
        "'.handle, .card, .layer, .band, img')].every(node => node.marked)"
    )
