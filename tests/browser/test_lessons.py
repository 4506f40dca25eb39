"""The strip of a guided case in a browser: a step shown, the next one, a reload in between, by keyboard, on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import visit, wait_idle


def test_a_case_goes_on_after_a_reload_and_fits_a_phone(page: Page, app_url: str) -> None:
    visit(page, app_url)
    page.locator(".st-key-open-configurations button:visible").click()
    here = page.locator(".v-lesson li.here")
    expect(here).to_contain_text("Five models")
    page.locator(".st-key-lesson-next button:visible").focus()
    page.keyboard.press("Enter")
    expect(here).to_contain_text("Other layers")
    page.get_by_role("button", name="Show me", exact=True).click()
    expect(here).to_contain_text("✓")
    expect(page).to_have_url(re.compile("lesson=v2%7Ecase%3Aconfigurations%7Estep%3A2|lesson=v2~case.*step.{1,3}2"))
    wait_idle(page)
    page.reload()
    expect(here).to_contain_text("Other layers")
    expect(here).to_contain_text("✓")
    expect(page.locator(".st-key-lesson-place")).to_contain_text("What it means")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".v-lesson-count")).to_be_visible()
    page.locator(".st-key-lesson-fold button:visible").click()
    expect(page.locator(".st-key-lesson-place")).not_to_contain_text("What it means")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".st-key-lesson-close button:visible").click()
    expect(here).to_have_count(0)
