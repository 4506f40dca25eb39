"""Gestures on the Neuron Ablation page in a real browser: a brush, clicks on cells and in charts, the layer list."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import visit, wait_idle
from vislrp_ui.ablation.charts import CHARTS
from vislrp_ui.neuron_sets import read_sets
from vislrp_ui.theme import ACCENT

LAYER, SIZE = 23, 32
"""The small network's relu4_3 has 32 channels."""


def chosen(page: Page, layer: int = LAYER) -> tuple[int, ...]:
    """Selected neurons of a layer as the address holds them."""
    text = parse_qs(urlsplit(page.url).query).get("chosen", [""])[0]
    return dict(read_sets(text)).get(layer, ())


def chart(page: Page, score: str) -> Locator:
    return page.locator(f"[class*=st-key-abl-chart-{score}] svg.marks")


def marked(page: Page, score: str) -> Locator:
    """Points in the colour of the selection."""
    return chart(page, score).locator(f'.mark-symbol path[fill="{ACCENT["light"]}"]')


def cell(page: Page, neuron: int) -> Locator:
    return page.locator(f'.cell[data-neuron="{neuron}"]')


def open_ablation(page: Page, app_url: str, query: str = "") -> None:
    visit(page, f"{app_url}/Neuron_Ablation?image=kitten{query}")
    for score in CHARTS:
        chart(page, score).wait_for()
    expect(page.locator(".cell")).to_have_count(SIZE)
    wait_idle(page)


def expect_everywhere(page: Page, count: int) -> None:
    """The same number of neurons is marked in all charts and framed in the matrix."""
    expect(page.locator(".cell.on")).to_have_count(count)
    for score in CHARTS:
        expect(marked(page, score)).to_have_count(count)


def drag_over(page: Page, score: str, first: float, last: float) -> None:
    """Brush a chart between two shares of the width of its axes."""
    box = chart(page, score).locator("g.mark-symbol").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + first * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + last * box["width"], y, steps=8)
    page.mouse.up()


@pytest.mark.timeout(300)
def test_a_brush_marks_the_same_neurons_everywhere_and_they_survive(page: Page, app_url: str) -> None:
    open_ablation(page, app_url)
    drag_over(page, "activation_sum", 0.02, 0.3)
    page.wait_for_url("**chosen=**")
    wait_idle(page)
    brushed = chosen(page)
    assert 5 <= len(brushed) <= 14
    expect_everywhere(page, len(brushed))
    assert {int(one.get_attribute("data-neuron") or -1) for one in page.locator(".cell.on").all()} == set(brushed)

    page.get_by_role("button", name=f"Ablate {len(brushed)} neurons").click()
    expect(page.get_by_text(f"{len(brushed)} neurons of relu4_3 set to 0")).to_be_visible()
    expect(page.locator(".pairs")).to_contain_text(re.compile("(falls|rises) from"))
    wait_idle(page)

    page.get_by_role("link", name="Design").click()
    page.locator(".ruler").wait_for()
    page.get_by_role("link", name="Neuron Ablation").click()
    expect_everywhere(page, len(brushed))
    page.reload()
    expect_everywhere(page, len(brushed))
    assert chosen(page) == brushed


@pytest.mark.timeout(300)
def test_cells_toggle_by_click_keyboard_and_stroke_and_chart_points_by_click(page: Page, app_url: str) -> None:
    open_ablation(page, app_url, "&chosen=23:4")
    cell(page, 7).click()
    expect_everywhere(page, 2)
    cell(page, 4).click()
    expect_everywhere(page, 1)
    cell(page, 7).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect_everywhere(page, 2)
    expect(page.locator(".tip")).to_contain_text("Neuron 8 of relu4_3 · selected")
    start, end = cell(page, 16).bounding_box(), cell(page, 18).bounding_box()
    assert start is not None and end is not None
    page.mouse.move(start["x"] + 9, start["y"] + 9)
    page.mouse.down()
    page.mouse.move(end["x"] + 9, end["y"] + 9, steps=12)
    page.mouse.up()
    expect_everywhere(page, 5)
    wait_idle(page)
    assert chosen(page) == (7, 8, 16, 17, 18)

    page.get_by_role("radio", name="Click").click()
    wait_idle(page)
    point = chart(page, "positive_relevance").locator(".mark-symbol path").nth(3)
    point.click(force=True)
    expect(page.locator(".cell.on")).not_to_have_count(5)
    wait_idle(page)
    assert len(chosen(page)) in (4, 6)


@pytest.mark.timeout(300)
def test_sets_of_several_layers_are_kept_as_chips_and_taken_up_again(page: Page, app_url: str) -> None:
    open_ablation(page, app_url, "&chosen=23:1-4")
    page.locator('.row[data-layer="31"]').click()
    expect(page.locator(".grid")).to_have_attribute("aria-label", "Neurons of pool5")
    cell(page, 9).click()
    expect(page.locator('.row[data-layer="31"] .count')).to_have_text("1")
    expect(page.locator('.row[data-layer="23"] .count')).to_have_text("4")
    page.get_by_role("button", name="Keep").click()
    chip = page.locator(".chip")
    expect(chip).to_contain_text("5 neurons of 2 layers")
    cell(page, 9).click()
    expect(page.locator('.row[data-layer="31"] .count')).to_be_hidden()
    chip.click()
    expect(page.get_by_text("5 neurons of 2 layers set to 0")).to_be_visible()
    assert chosen(page, 31) == (9,)
