"""A connection that breaks: what was done meanwhile, or was on its way, arrives once it is back."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from tests.browser import design as on
from tests.browser.conftest import wait_idle
from tests.support.line import Line


def test_gestures_around_a_broken_connection_arrive(app_url: str, new_context: Callable[..., BrowserContext]) -> None:
    page = new_context().new_page()
    with Line(app_url) as line:
        on.open_design(page, line.url, on.four(), image="kitten")
        bars = page.locator(".st-key-design-classes .row")
        # On its way: the line breaks while the server works on it.
        bars.nth(2).click()
        line.cut()
        # While there is none: a segment is added and one class more picked.
        page.locator(".ruler .add").click()
        bars.nth(3).click()
        wanted = bars.nth(3).get_attribute("data-index")
        line.mend()
        page.wait_for_url(lambda url: f"target={wanted}" in url)
        on.until(page, lambda model: len(model.segments) == 5)
        wait_idle(page)
        expect(bars.nth(3)).to_have_attribute("aria-checked", "true")
        # And it is an ordinary connection again.
        bars.nth(1).click()
        page.wait_for_url(lambda url: f"target={wanted}" not in url)
        assert len(on.until(page, lambda model: True).segments) == 5
