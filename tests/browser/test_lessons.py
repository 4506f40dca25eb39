"""The strip of a guided case in a browser: a step shown, the next one, a reload in between, by keyboard, on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.axe import looks_right
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
    _compose_and_start(page)
    _in_a_frame(page)


def _compose_and_start(page: Page) -> None:
    """The view with a sentence as a lesson: kept over a reload, handed out as a link with its code, started."""
    page.set_viewport_size({"width": 1280, "height": 720})
    share, dialog = page.locator(".st-key-page-tools .share"), page.get_by_role("dialog")
    share.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(share).to_be_focused()
    share.click()
    code = dialog.get_by_role("img", name="QR code of the link")
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 100
    expect(dialog).to_contain_text("on this computer only")
    looks_right(page, "[role=dialog]")
    dialog.get_by_label("What should one look at in this view?").fill("Look at {this}.")
    page.keyboard.press("Control+Enter")
    dialog.get_by_role("button", name="Add this view to a lesson").click()
    expect(dialog).to_contain_text("Added.")
    wait_idle(page)
    page.reload()
    page.locator(".st-key-page-tools .share").click()
    expect(dialog).to_contain_text("has 1 step so far")
    dialog.get_by_role("button", name="Open the lesson").click()
    expect(dialog.get_by_label("1. Compare")).to_have_value("Look at {this}.")
    expect(dialog.locator("[data-testid=stCode]")).to_contain_text("/Compare?lesson=v2~data:")
    assert dialog.locator("pre").evaluate("code => code.scrollWidth <= code.clientWidth"), "the link is there to be read"
    looks_right(page, "[role=dialog]")
    dialog.get_by_role("button", name="Start it").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".v-lesson li.here")).to_contain_text("✓")
    expect(page.locator(".st-key-lesson-place")).to_contain_text("Look at {this}.")


def _in_a_frame(page: Page) -> None:
    """The same address as a view for a frame: no menus, and the way to the whole program."""
    expect(page).to_have_url(re.compile("lesson=v2.{1,3}data"))
    page.goto(page.url + "&embed=true")
    expect(page.locator(".v-lesson li.here")).to_contain_text("✓")
    expect(
        page.locator("[data-testid=stHeader], .st-key-compare-toolbar, .st-key-page-tools").locator("visible=true")
    ).to_have_count(0)
    whole = page.get_by_role("link", name="Open in VisLRP Designer")
    expect(whole).to_have_attribute("href", re.compile(r"/Compare\?image=.*lesson=v2"))
    looks_right(page)
