"""The welcome page in a browser: its live example reacts, its cards open their pages."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import visit, wait_idle


def test_the_example_reacts_to_class_and_model(page: Page, app_url: str) -> None:
    visit(page, app_url)
    expect(page.get_by_role("heading", name="Design how relevance flows through VGG16")).to_be_visible()
    shown = page.locator(".st-key-home-map img")
    first = shown.get_attribute("src")
    page.locator(".st-key-home-classes .row").nth(1).click()
    page.wait_for_url(lambda url: "target=first" not in url)
    wait_idle(page)
    second = shown.get_attribute("src")
    page.locator(".st-key-home-models .card").nth(1).click()
    page.wait_for_url(lambda url: "example-overview_composite" in url)
    wait_idle(page)
    assert len({first, second, shown.get_attribute("src")}) == 3


def test_start_designing_carries_the_choice_along(page: Page, app_url: str) -> None:
    visit(page, f"{app_url}/?image=kitten&target=7&model=example-configuration_4")
    page.get_by_role("button", name="Start designing").click()
    page.wait_for_url(lambda url: "/Design" in url and "image=kitten" in url and "target=7" in url)
    expect(page.locator(".ruler .card")).to_have_count(3)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="Design how relevance flows through VGG16")).to_be_visible()
    page.wait_for_url(lambda url: "image=kitten" in url and "example-configuration_4" in url)
