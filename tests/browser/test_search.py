"""A search in a real browser: its chart grows, a point opens in Design, the page is loaded again and all is there."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import visit, wait_idle

POINTS = ".st-key-search-chart svg.marks .mark-symbol.role-mark path"
NAME = ".st-key-search-maps .v-search-map"


def tried(page: Page) -> int:
    """How many models the page says were tried."""
    found = re.search(r"(\d+) of 60 models", page.locator(".v-search-head").inner_text())
    assert found is not None
    return int(found[1])


def test_a_search_grows_a_point_opens_in_design_and_it_is_there_after_a_reload(page: Page, app_url: str) -> None:
    visit(page, f"{app_url}/Search?search=v2~images:kitten.castle_on_lake")
    page.locator(".st-key-search-start button:visible").click()
    points = page.locator(POINTS)
    points.first.wait_for()
    expect(points).not_to_have_count(points.count())
    page.locator(".st-key-search-stop button:visible").click()
    expect(page.locator(".st-key-search-go-on button:visible")).to_be_enabled()
    wait_idle(page)
    count = tried(page)
    assert 4 < count < 60
    points.nth(1).click()
    page.wait_for_url(lambda url: "selected" in url)
    wait_idle(page)
    name = page.locator(NAME).last.inner_text()
    page.locator(".st-key-search-open button:visible").click()
    page.wait_for_url(lambda url: "/Design" in url and "model=example-" in url)  # a ready-made one is not doubled
    expect(page.locator(".st-key-model-cards")).to_contain_text(name)
    page.get_by_role("link", name="Search").click()
    points.first.wait_for()
    page.reload()
    points.first.wait_for()
    wait_idle(page)
    assert tried(page) == count and page.locator(NAME).last.inner_text() == name
