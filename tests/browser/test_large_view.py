"""The large view: opened from every kind of map, by mouse and by keyboard; its values travel on opening, never else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import design as on
from tests.browser.axe import looks_right
from tests.browser.conftest import visit, wait_idle

DIALOG = ".large[open]"
PLACES = {
    "Home": ("", ".st-key-home-map .picture", ".st-key-home-image .picture"),
    "Design": ("Design?image=kitten&model=example-configuration_4", ".st-key-final-map .picture", ".ruler .card .map"),
    "Compare": ("Compare?image=kitten", ".grid.row .map .enlarge", "[class*=st-key-compare-side-] .picture"),
    "Pixel Flipping": (
        "Pixel_Flipping?image=kitten&flip=1~relevance~brush~18&flip1=mean~positive~10~8~~",
        "[class*=st-key-flip-enlarge-1-map] .enlarge",
        ".st-key-flip-picture-1-flipped .picture",
    ),
    "Neuron Ablation": (
        "Neuron_Ablation?image=kitten&chosen=23:4-6",
        "[class*=st-key-abl-map-] .picture",
        ".st-key-abl-pairs .relevance, [class*=abl-pairs] .relevance",
    ),
}


def opened(page: Page, place: Locator) -> Locator:
    """Open by Enter; answers the dialog when its values are there."""
    place.focus()
    page.keyboard.press("Enter")
    dialog = page.locator(DIALOG)
    expect(dialog).to_have_attribute("aria-busy", "false")
    return dialog


@pytest.mark.parametrize("name", PLACES)
def test_every_kind_of_map_opens_over_the_whole_window(page: Page, app_url: str, name: str) -> None:
    address, *places = PLACES[name]
    visit(page, f"{app_url}/{address}")
    assert page.get_by_role("button", name="Fullscreen").count() == 0
    for selector in places:
        place = page.locator(selector).first
        dialog = opened(page, place)
        box, frame = dialog.bounding_box(), dialog.locator(".frame img").bounding_box()
        assert box is not None and frame is not None
        assert (box["width"], box["height"]) == (1440, 900)
        assert abs(frame["width"] - frame["height"]) < 2 and frame["height"] > 700, "as large as the window, not stretched"
        page.keyboard.press("Escape")
        expect(page.locator(DIALOG)).to_have_count(0)
        expect(place).to_be_focused()


def test_values_colour_bar_steps_and_download(page: Page, app_url: str, tmp_path: Path) -> None:
    on.open_design(page, app_url, on.four())
    page.locator(".st-key-final-map .picture").click()
    dialog = page.locator(DIALOG)
    expect(dialog).to_have_attribute("aria-busy", "false")
    expect(dialog.locator("h2")).to_contain_text("at the pixels, My New Model")
    ends = dialog.locator(".bar span").all_inner_texts()
    assert len(ends) == 5 and ends[2] == "0" and ends[0] == ends[4].replace("+", "−")
    dialog.locator(".frame img").hover(position={"x": 100, "y": 50})
    expect(dialog.locator(".value")).to_contain_text("at column")
    first = dialog.locator("h2").text_content()
    assert "of 5" in (dialog.locator(".place").text_content() or ""), "the image and what four segments hand on"
    page.keyboard.press("ArrowRight")
    expect(dialog.locator("h2")).not_to_have_text(first or "")
    expect(dialog).to_have_attribute("aria-busy", "false")
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator("h2")).to_have_text(first or "")
    expect(dialog).to_have_attribute("aria-busy", "false")
    with page.expect_download() as download:
        dialog.locator(".save").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with Image.open(file) as picture:
        assert picture.width >= 896 and len(picture.convert("RGB").getcolors(1_000_000) or []) > 50
    assert on.borders_of(page.url) == [10, 23, 30, 38], "looking changes nothing"

    # A click on a position asks where its relevance comes from: followed upwards, back by keyboard, moved on the map.
    dialog.locator(".frame img").click(position={"x": 200, "y": 120})
    panel = page.locator(".origins")
    expect(panel.locator(".title")).to_contain_text("R of the pixel at column")
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(panel.locator(".line .filled math")).to_have_count(4)
    panel.locator(".follow").first.click()
    expect(panel.locator(".title")).to_contain_text("of conv1_1 at column")
    panel.locator(".crumb").first.press("Enter")
    expect(panel.locator(".crumb")).to_have_count(0)
    before = panel.locator(".title").inner_text()
    panel.locator(".map").press("ArrowRight")
    expect(panel.locator(".title")).not_to_have_text(before)
    moved = panel.locator(".title").inner_text()
    page.reload()
    expect(panel.locator(".title")).to_have_text(moved)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(page).not_to_have_url(re.compile("origin="))
    button = page.locator(".st-key-open-origins button:visible")
    button.press("Enter")
    expect(panel.locator(".line .filled math")).to_have_count(4)
    looks_right(page, "[role=dialog]")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(panel.locator(".map")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(button).to_be_focused()


def test_values_travel_when_a_map_is_opened_and_the_page_does_not_run_again(page: Page, app_url: str) -> None:
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    on.open_design(page, app_url, on.four())
    wait_idle(page)
    before = len(received)
    dialog = opened(page, page.locator(".st-key-final-map .picture"))
    wait_idle(page)
    sent = received[before:]
    assert 200_000 < sum(sent) < 500_000 and len(sent) < 12, "one map, and none of the page's other elements"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    before = len(received)
    on.choose(page, 1)
    wait_idle(page)
    assert max(received[before:]) < 200_000, "a run of the page carries no values"
