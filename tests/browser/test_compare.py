"""Gestures on the comparison that only a browser can make: clicks on maps, drags of columns, folds, stop, downloads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import wait_idle

ADDRESS = "Compare?image=guitar_and_drums&target=541"


def complete(page: Page) -> None:
    """Every cell has its map and nothing is running."""
    expect(page.locator(".grid.row .map img").first).to_be_visible()
    expect(page.locator(".st-key-compare-stop")).to_have_count(0)
    expect(page.locator(".grid.row .map.empty")).to_have_count(0)
    wait_idle(page)


def names(page: Page) -> list[str]:
    return page.locator(".grid.head .name").all_text_contents()


def maps(page: Page, row: int) -> Locator:
    return page.locator(".grid.row").nth(row).locator(".map")


def test_gestures(page: Page, app_url: str, tmp_path: Path) -> None:
    page.goto(f"{app_url}/{ADDRESS}")
    expect(page.locator(".grid.row .map img").first).to_be_visible()
    complete(page)
    assert page.locator(".grid.row .map img").count() == 10

    # A map's model and class become the active ones of the visit.
    maps(page, 1).nth(2).hover()
    maps(page, 1).nth(2).locator(".activate").click()
    expect(maps(page, 1).nth(2)).to_have_class(re.compile("active"))
    expect(page.locator(".grid.head .tag").nth(2)).to_have_text("active")
    assert "model=example-configuration_4" in page.url

    # A column is dragged behind the next one, then moved back with the keyboard.
    before = names(page)
    handle, goal = page.locator(".grid.head .handle").nth(0), page.locator(".grid.head .column").nth(1).bounding_box()
    start = handle.bounding_box()
    assert start is not None and goal is not None
    page.mouse.move(start["x"] + 6, start["y"] + 6)
    page.mouse.down()
    page.mouse.move(goal["x"] + goal["width"] / 2, goal["y"] + 10, steps=4)
    page.mouse.up()
    expect(page.locator(".grid.head .name").nth(1)).to_have_text(before[0])
    assert names(page) == [before[1], before[0], *before[2:]]
    page.locator(".grid.head .handle").nth(1).press("ArrowLeft")
    expect(page.locator(".grid.head .name").nth(0)).to_have_text(before[0])

    # Intermediate maps of one row unfold together.
    page.locator(".grid.row").nth(0).locator(".fold").first.click()
    expect(page.locator(".grid.row").nth(0).locator(".small")).to_have_count(5)
    expect(page.locator(".grid.row").nth(1).locator(".small")).to_have_count(0)

    # Class A minus class B of one model, from the foot of its column.
    page.locator(".grid.foot .differ").nth(1).click()
    expect(page.locator("[class*=st-key-compare-difference-] .picture img")).to_have_count(3)
    page.locator(".st-key-compare-difference-close button").click()
    expect(page.locator("[class*=st-key-compare-difference-] .picture img")).to_have_count(0)

    # A column leaves; what is exported is what is shown.
    page.locator(".grid.head .column").nth(4).hover()
    page.locator(".grid.head .close").nth(4).click()
    expect(page.locator(".grid.head .name")).to_have_count(4)
    wait_idle(page)
    page.get_by_role("button", name="Export").first.click()
    files = {}
    for key in ("png", "svg", "csv", "json"):
        with page.expect_download() as download:
            page.locator(f".st-key-compare-{key} button").first.click()
        files[key] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[key])
    with Image.open(files["png"]) as figure:
        assert figure.width > 1900 and len(figure.convert("RGB").resize((64, 64)).getcolors(4096) or []) > 100
    assert files["svg"].read_text().startswith("<svg")
    assert len(files["csv"].read_text(encoding="utf-8-sig").splitlines()) == 1 + 8
    assert [model["name"] for model in json.loads(files["json"].read_text())["models"]] == names(page)
    page.keyboard.press("Escape")

    # The address opens the same comparison.
    address, shown = page.url, names(page)
    page.goto(address)
    complete(page)
    assert names(page) == shown
    expect(page.locator(".grid.row").nth(0).locator(".small")).to_have_count(4)

    # From a map to Design.
    maps(page, 0).nth(1).hover()
    maps(page, 0).nth(1).locator(".open").click()
    expect(page.locator(".st-key-title-row")).to_contain_text("Configuration 2")
    assert "/Design?" in page.url and "target=541" in page.url


def test_work_can_be_stopped_and_taken_up_again(page: Page, embedded_url: str) -> None:
    page.goto(
        f"{embedded_url}/{ADDRESS}&row1=kitten~crop~~&col1=m~configuration_1&col2=m~configuration_2"
        "&col3=m~configuration_4&compare=each~~~~"
    )
    page.locator(".st-key-compare-stop button").first.click()
    expect(page.locator(".st-key-compare-go-on button").first).to_be_visible()
    wait_idle(page)
    rest = page.locator(".grid.row .map.empty").count()
    assert 0 < rest <= 3
    page.locator(".grid.foot").first.scroll_into_view_if_needed()
    expect(page.locator(".st-key-compare-go-on button").first).to_be_in_viewport()
    page.locator(".st-key-compare-go-on button").first.click()
    complete(page)
    assert page.locator(".grid.row .map img").count() == 3
