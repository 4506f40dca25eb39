"""A connection that breaks: what was done meanwhile, or was on its way, arrives once it is back."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from playwright.sync_api import BrowserContext, expect

from tests.browser import design as on
from tests.browser.conftest import visit, wait_idle
from tests.browser.test_kept import noise
from tests.support.line import Line


def broken(line: Line) -> None:
    """The line breaks once something has left for it in vain."""
    assert line.swallowed.wait(60)
    line.cut()


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
        # A line that breaks unnoticed: Streamlit does not send again what left for it, and waits for an answer without end.
        upload = page.get_by_role("button", name="Upload an image").first
        upload.click()
        chooser = page.locator("[data-testid=stPopoverBody] input[type=file]")
        expect(chooser).to_be_attached()
        wait_idle(page)
        line.deafen()
        chooser.set_input_files({"name": "noise.png", "mimeType": "image/png", "buffer": noise()})
        broken(line)
        line.mend()
        page.wait_for_url(lambda url: "image=upload-" in url)
        page.keyboard.press("Escape")
        visit(page, f"{line.url}/Pixel_Flipping?image=kitten")
        width = page.get_by_role("slider", name="Brush width in pixels")
        wait_idle(page)
        before = int(width.input_value())
        line.deafen()
        width.press("ArrowRight")
        expect(width).to_have_value(str(before + 1))
        broken(line)
        line.mend()
        page.wait_for_url(lambda url: f"width:{before + 1}" in unquote(url))
