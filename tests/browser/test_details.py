"""Small things that a person stumbles over: what covers what, what reacts to a click, what fades, where the focus stays."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser import design as on
from tests.browser.conftest import visit, wait_idle

FADED = """() => {
  window.faded = [];
  const look = () => {
    for (const one of document.querySelectorAll("[data-testid=stMain] [data-stale=true]"))
      if (getComputedStyle(one).opacity !== "1") window.faded.push(one.className);
    requestAnimationFrame(look);
  };
  look();
}"""


def covers(one: Locator, other: Locator) -> bool:
    """Whether two things on the page overlap."""
    a, b = one.bounding_box(), other.bounding_box()
    assert a is not None and b is not None
    return (
        a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    )


def click_in_the_middle(page: Page, place: Locator) -> None:
    """A click on a place of the window, whatever lies on top there."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_nothing_is_covered_on_design_and_nothing_fades(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    wait_idle(page)
    on.number(page, "gamma1p").focus()
    tip = page.locator(".panel .tip.shown")
    expect(tip).to_be_visible()
    assert not any(covers(tip, row) for row in page.locator(".panel .row").all())
    page.get_by_role("button", name="Colours").first.click()
    menu = page.locator("[data-testid=stPopoverBody]:has(.st-key-look-spectrum)")
    expect(menu).to_be_visible()
    for place in (on.MAP, ".st-key-final-map .v-bar", ".v-facts"):
        assert not covers(menu, page.locator(place).first), place
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.evaluate(FADED)
    before = page.locator(on.MAP).get_attribute("src") or ""
    on.pull(page, "gamma1p", 0.9)
    expect(page.locator(on.MAP)).not_to_have_attribute("src", before)
    wait_idle(page)
    assert page.evaluate("window.faded") == []
    page.locator(".st-key-open-gallery button:visible").click()
    gallery = page.get_by_role("dialog")
    click_in_the_middle(page, gallery.locator(".st-key-pick-kitten img"))
    page.wait_for_url(lambda url: "image=kitten" in url)
    expect(gallery).to_have_count(0)


def test_cards_open_tools_are_named_and_the_focus_goes_with_a_column(page: Page, app_url: str) -> None:
    visit(page, app_url)
    page.wait_for_url(lambda url: "target=" in url)
    wait_idle(page)
    click_in_the_middle(page, page.locator(".st-key-case-flipping .v-strip"))
    page.wait_for_url(lambda url: "/Pixel_Flipping" in url)
    page.locator(".st-key-flip-toolbar").get_by_text("Brush", exact=True).first.click()
    for name in ("Rectangle", "Polygon", "Lasso", "Erase"):
        expect(page.locator(".st-key-flip-toolbar").get_by_text(name, exact=True)).to_be_visible()
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url(lambda url: "/Compare" in url)
    handles = page.locator(".grid.head .handle")
    names = page.locator(".grid.head .title")
    first = names.first.text_content() or ""
    handles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(names.nth(1)).to_have_text(first)
    expect(handles.nth(1)).to_be_focused()
