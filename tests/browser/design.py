"""The Design page as a person handles it: what the tests of gestures share."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import visit
from vislrp_core import compact, edits
from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule

MAP = ".st-key-final-map img"


def four() -> LRPModel:
    """Four segments with borders below layers 10, 23 and 30."""
    model = LRPModel.basic()
    for row in (10, 23, 30):
        model = edits.split_segment(model, len(model.segments) - 1, row)
    model = edits.set_rule(model, 0, Rule.of("gamma", gamma1p=0.3))
    return edits.set_rule(model, 2, Rule.of("epsilon", epsilon=0.3))


def open_design(page: Page, app_url: str, composite: LRPModel | None = None, **params: str) -> None:
    """Open Design, optionally with a model as the working copy, and wait for its map."""
    if composite is not None:
        params["model"] = compact.encode(composite)
    query = "&".join(f"{key}={quote(value)}" for key, value in params.items())
    visit(page, f"{app_url}/Design?{query}")
    page.wait_for_url(lambda url: "image=" in url and "target=" in url)  # the browser has been heard
    expect(page.locator(MAP)).to_be_visible()
    expect(page.locator(".ruler .card").first).to_be_visible()


def address(page: Page) -> dict[str, str]:
    """Query parameters of the page's address."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def model_of(url: str) -> LRPModel:
    """Model in an address."""
    return compact.decode(parse_qs(urlsplit(url).query)["model"][0])


def borders_of(url: str) -> list[int]:
    """Last layers of the segments in an address."""
    return [segment.last for segment in model_of(url).segments]


def until(page: Page, holds: Callable[[LRPModel], bool]) -> LRPModel:
    """Wait until the model in the address is as expected: the server has taken the gesture."""
    page.wait_for_url(lambda url: "model=" in url and "model=example" not in url and holds(model_of(url)))
    return model_of(page.url)


def until_borders(page: Page, *last: int) -> None:
    """Wait until the segments end where they should."""
    until(page, lambda model: [segment.last for segment in model.segments] == list(last))


def row_height(page: Page) -> float:
    """Height of a row of the ruler."""
    box = page.locator(".ruler .names").bounding_box()
    assert box is not None
    return box["height"] / page.locator(".ruler .layer").count()


def start_drag(page: Page, border: int, rows: int) -> None:
    """Take a border and move it by rows without letting go."""
    box = page.locator(".ruler .handle").nth(border).bounding_box()
    assert box is not None
    x, y = box["x"] + 30, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + rows * row_height(page), steps=8)


def drag(page: Page, border: int, rows: int) -> None:
    """Drag a border by rows."""
    start_drag(page, border, rows)
    page.mouse.up()


def choose(page: Page, segment: int) -> None:
    """Select a segment by a click on its band, and wait until the panel shows its rule."""
    page.locator(".ruler .band").nth(segment).click()
    expect(page.locator(".panel .head .tag, .panel .tag").first).to_have_text(str(segment + 1))


def slider(page: Page, key: str) -> Locator:
    """Slider of a parameter."""
    return page.locator(f".panel .row[data-key={key}] input[type=range]")


def number(page: Page, key: str) -> Locator:
    """Typed number of a parameter."""
    return page.locator(f".panel .row[data-key={key}] input[type=number]")


def pull(page: Page, key: str, share: float) -> None:
    """Pull a slider's knob with the mouse to a share of its range."""
    handle = slider(page, key)
    box = handle.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    # The knob, 16 px wide, stays inside the track.
    at = lambda part: box["x"] + 8 + part * (box["width"] - 16)  # noqa: E731
    now = float(handle.evaluate("s => (s.value - s.min) / (s.max - s.min)"))
    page.mouse.move(at(now), y)
    page.mouse.down()
    page.mouse.move(at(share), y, steps=6)
    page.mouse.up()


def image_bytes(page: Page, selector: str = MAP) -> list[int]:
    """Bytes of a picture that the page shows."""
    source = page.locator(selector).first.get_attribute("src")
    return page.evaluate("async src => [...new Uint8Array(await (await fetch(src)).arrayBuffer())]", source)


def popover(page: Page, button: Locator) -> Locator:
    """Open a popover; answers its body."""
    button.click()
    body = page.locator("[data-testid=stPopoverBody]")
    expect(body).to_be_visible()
    return body


def exported(page: Page) -> dict:
    """The model as the Export menu writes it."""
    body = popover(page, page.get_by_role("button", name="Export"))
    with page.expect_download() as download:
        body.get_by_role("button", name="Model (JSON)").click()
    page.keyboard.press("Escape")
    return json.loads(download.value.path().read_text(encoding="utf-8"))
