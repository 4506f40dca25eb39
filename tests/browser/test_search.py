"""A search in a real browser: it runs on through a reload and is watched by another tab; a point opens in Design; axe."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.axe import fits, violations
from tests.browser.conftest import visit, wait_idle

POINTS = ".st-key-search-chart svg.marks .mark-symbol.role-mark path"
BASELINES = 2
"""Points of the front that are no trials; they come first."""
BACKGROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
SCHEMES = {"dark": "rgb(18, 22, 27)", "light": "rgb(255, 255, 255)"}
NAME = ".st-key-search-maps .v-search-map"


def tried(page: Page) -> int:
    """How many models the page says were tried."""
    found = re.search(r"(\d+) of 500 models", page.locator(".v-search-head").inner_text())
    assert found is not None
    return int(found[1])


def looks_right(page: Page) -> None:
    """In both themes and on a phone."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(f"() => {BACKGROUND} === '{SCHEMES[scheme]}'")
        wait_idle(page)
        found = violations(page)
        if found:  # while it runs, a part may be pale for a moment because it is about to be drawn anew
            wait_idle(page)
            found = violations(page)
        assert found == [], scheme
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})


def edits_the_space(page: Page) -> None:
    """The ruler under mouse and keyboard; each edit is in the address."""
    ruler = page.locator(".st-key-search-ruler")
    end = ruler.get_by_role("slider", name="Border between segments 1 and 2, highest place")
    expect(end).to_have_attribute("aria-valuenow", "17")
    box, rows = end.bounding_box(), ruler.locator(".names").bounding_box()
    assert box is not None and rows is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"], rows["y"] + rows["height"] * 13 / 39, steps=4)
    expect(end).to_have_attribute("aria-valuenow", "12")
    page.mouse.up()
    page.wait_for_url(lambda url: "0-5-12-" in url)
    start = ruler.get_by_role("slider", name="Border between segments 1 and 2, lowest place")
    start.press("ArrowDown")
    start.press("ArrowDown")
    page.wait_for_url(lambda url: "0-7-12-" in url)
    expect(start).to_be_focused()
    ruler.get_by_role("group", name="Rules of segment 4").get_by_role("button", name="LRP-αβ").click()
    page.wait_for_url(lambda url: "alphabeta" in url)
    free = ruler.get_by_role("group", name="Segment 3", exact=True).get_by_role("button", name="Free border")
    expect(free).to_have_attribute("aria-pressed", "true")
    free.click()
    expect(free).to_have_attribute("aria-pressed", "false")
    expect(ruler.get_by_role("slider")).to_have_count(5)
    looks_right(page)
    wait_idle(page)


def test_a_search_grows_outlives_a_reload_a_point_opens_in_design_and_it_is_there_after_another(
    page: Page, app_url: str
) -> None:
    visit(page, f"{app_url}/Search?search=v2~images:kitten.castle_on_lake~objectives:class_cosine.top_randomised~trials:500")
    edits_the_space(page)
    start = page.locator(".st-key-search-start [data-testid=stBaseButton-primary]:visible")
    start.click()
    points = page.locator(POINTS)
    points.first.wait_for()
    # Loaded again while it runs: it belongs to the page, and grows.
    page.reload()
    stop = page.locator(".st-key-search-stop button:visible")
    stop.wait_for()
    points.first.wait_for()
    expect(points).not_to_have_count(points.count())
    # Another tab shows how far it is, as it gets there, and cannot begin it twice.
    other = page.context.new_page()
    visit(other, page.url)
    expect(other.get_by_text("runs in another tab or window").first).to_be_visible()
    watched = other.locator(POINTS)
    watched.first.wait_for()
    expect(watched).not_to_have_count(watched.count())
    expect(other.locator(".st-key-search-go-on button:visible")).to_be_disabled()
    expect(other.locator(".st-key-search-stop")).to_have_count(0)
    looks_right(page)
    expect(points.nth(16)).to_be_attached()  # more than the ready-made ones
    stop.click()
    expect(page.locator(".st-key-search-go-on button:visible")).to_be_enabled()
    expect(other.get_by_text("runs in another tab or window")).to_have_count(0)
    other.close()
    page.locator(".st-key-search-compare-now button:visible").click()
    page.locator(".st-key-search-report").wait_for()
    expect(page.locator(".st-key-search-go-on button:visible")).to_be_enabled()
    wait_idle(page)
    looks_right(page)
    count = tried(page)
    assert 16 < count < 500
    points.nth(BASELINES + 1).dispatch_event("click")  # points lie on each other
    page.wait_for_url(lambda url: "selected" in url)
    wait_idle(page)
    name = page.locator(NAME).last.inner_text()
    expect(page.locator(".st-key-search-rules-place table .katex").first).to_be_visible()
    page.locator(".st-key-search-open button:visible").click()
    page.wait_for_url(lambda url: "/Design" in url and "model=example-" in url)  # a ready-made one is not doubled
    expect(page.locator(".st-key-model-cards")).to_contain_text(name)
    page.get_by_role("link", name="Search").click()
    points.first.wait_for()
    page.reload()
    points.first.wait_for()
    wait_idle(page)
    assert tried(page) == count and page.locator(NAME).last.inner_text() == name
