"""Strokes on the Pixel Flipping page in a real browser: on both pictures, on two rows, over a page change and a reload."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import visit, wait_idle
from vislrp_core import masks
from vislrp_core.masks import Mask

Point = tuple[float, float]
"""Position on a picture, 0 to 1 from the left and from the top."""
PIXEL = """([row, side, x, y]) => {
  const host = document.querySelector(`.st-key-flip-canvas-${row}-${side} [data-testid=stBidiComponentIsolated]`);
  const [back, front] = [".dc-background-canvas", ".dc-canvas"].map(name => {
    const canvas = host.shadowRoot.querySelector(name);
    return canvas.getContext("2d").getImageData(x * canvas.width, y * canvas.height, 1, 1).data;
  });
  const over = front[3] / 255;
  return [0, 1, 2].map(c => back[c] * (1 - over) + front[c] * over);
}"""


def mask_of(url: str, row: int = 1) -> Mask:
    """Brushed pixels of a row as the address holds them."""
    text = parse_qs(urlsplit(url).query).get(f"flip{row}", ["v2"])[0].partition("~mask:")[2].partition("~")[0]
    return masks.decode(text) if text else masks.empty()


def at(mask: Mask, point: Point) -> bool:
    return bool(mask[int(point[1] * 224), int(point[0] * 224)])


def open_flipping(page: Page, app_url: str, query: str = "") -> None:
    visit(page, f"{app_url}/Pixel_Flipping?image=guitar_and_drums{query}")
    canvas(page, "map").wait_for()
    wait_idle(page)


def canvas(page: Page, side: str, row: int = 1):  # type: ignore[no-untyped-def]
    return page.locator(f".st-key-flip-canvas-{row}-{side} .upper-canvas")


def stroke(page: Page, side: str, *points: Point, row: int = 1) -> None:
    """Press at the first point, move through the others, release."""
    box = canvas(page, side, row).bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def until(page: Page, test: Callable[[Mask], bool], row: int = 1) -> Mask:
    """Wait until the address holds a brush that passes the test."""
    page.wait_for_url(lambda url: test(mask_of(url, row)))
    wait_idle(page)
    return mask_of(page.url, row)


def yellow(page: Page, side: str, point: Point, row: int = 1) -> bool:
    """Whether a picture shows a mark there."""
    red, green, blue = page.evaluate(PIXEL, [row, side, *point])
    return red - blue > 100 and green - blue > 60


def test_strokes_on_both_pictures_show_on_both_and_change_the_prediction(page: Page, app_url: str) -> None:
    open_flipping(page, app_url)
    before = page.locator(".st-key-flip-result-1 .pairs td.after").all_inner_texts()
    stroke(page, "image", (0.2, 0.3), (0.5, 0.3))
    until(page, lambda mask: at(mask, (0.35, 0.3)))
    stroke(page, "map", (0.3, 0.7), (0.8, 0.7))
    mask = until(page, lambda mask: at(mask, (0.5, 0.7)) and at(mask, (0.35, 0.3)))
    assert 0.05 < mask.mean() < 0.14, "two strokes of 18 pixels' width"
    for side in ("image", "map"):
        for point in ((0.35, 0.3), (0.55, 0.7)):
            page.wait_for_function(
                f"args => {{ const [r, g, b] = ({PIXEL})(args); return r - b > 100 && g - b > 60 }}", arg=[1, side, *point]
            )
        assert not yellow(page, side, (0.9, 0.1))
    expect(page.locator(".v-facts").first).to_contain_text("of the pixels marked")
    page.locator(".st-key-flip-picture-1-flipped img").wait_for()
    assert page.locator(".st-key-flip-result-1 .pairs td.after").all_inner_texts() != before
    page.locator(".st-key-flip-undo-1 button").first.click()
    until(page, lambda mask: not at(mask, (0.5, 0.7)) and at(mask, (0.35, 0.3)))
    page.locator(".st-key-flip-clear-1 button").first.click()
    until(page, lambda mask: not mask.any())


def test_two_rows_keep_their_brushes_over_a_page_change_and_a_reload(page: Page, app_url: str) -> None:
    open_flipping(page, app_url)
    stroke(page, "image", (0.2, 0.3), (0.5, 0.3))
    first = until(page, lambda mask: mask.any())
    page.locator(".st-key-flip-add button").first.click()
    canvas(page, "image", 2).wait_for()
    wait_idle(page)
    stroke(page, "map", (0.4, 0.6), (0.4, 0.9), row=2)
    second = until(page, lambda mask: mask.any(), row=2)
    assert np.array_equal(mask_of(page.url, 1), first) and not (first & second).any()
    page.get_by_role("link", name="Design").click()
    page.wait_for_url("**/Design?**")
    wait_idle(page)
    page.get_by_role("link", name="Pixel Flipping").click()
    canvas(page, "image", 2).wait_for()
    wait_idle(page)
    stroke(page, "image", (0.8, 0.1), (0.8, 0.3), row=2)
    grown = until(page, lambda mask: at(mask, (0.8, 0.2)), row=2)
    assert (grown & second).sum() == second.sum(), "what was brushed before is still there"
    page.reload()
    canvas(page, "image", 2).wait_for()
    wait_idle(page)
    assert np.array_equal(mask_of(page.url, 1), first) and np.array_equal(mask_of(page.url, 2), grown)
    page.locator(".st-key-flip-edit-1 button").first.click()
    canvas(page, "map", 1).wait_for()
    page.wait_for_function(f"args => {{ const [r, g, b] = ({PIXEL})(args); return r - b > 100 }}", arg=[1, "map", 0.35, 0.3])


@pytest.mark.parametrize("ratio", [1, 2])
def test_rectangle_and_eraser_cover_the_same_pixels_at_every_pixel_ratio(
    new_context: Callable[..., BrowserContext], app_url: str, ratio: int
) -> None:
    page = new_context(device_scale_factor=ratio).new_page()
    open_flipping(page, app_url, "&flip=1~brush~rectangle~18&flip1=mean~none~10~8~~")
    stroke(page, "image", (0.25, 0.25), (0.75, 0.5))
    mask = until(page, lambda mask: mask.any())
    rows, columns = np.nonzero(mask)
    assert np.allclose([rows.min(), rows.max(), columns.min(), columns.max()], [56, 112, 56, 168], atol=3)
    assert 0 <= (np.ptp(rows) + 1) * (np.ptp(columns) + 1) - mask.sum() <= 4, "all but the corners of the line"
    page.locator(".st-key-flip-tool button").last.click()
    page.wait_for_url(lambda url: "tool:erase" in unquote(url))
    wait_idle(page)
    stroke(page, "map", (0.4, 0.2), (0.4, 0.6))
    erased = until(page, lambda mask: not at(mask, (0.4, 0.4)))
    assert at(erased, (0.3, 0.4)) and at(erased, (0.6, 0.4)) and not (erased & ~mask).any()
    assert abs(int((mask & ~erased).sum()) - 18 * 57) < 120, "the eraser is as wide as the brush"
