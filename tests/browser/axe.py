"""What axe-core finds on a page, and what overlaps or sticks out of it at a width."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import wait_idle

SCHEMES = {"dark": "rgb(18, 22, 27)", "light": "rgb(255, 255, 255)"}
"""Background of the page in each theme."""
BACKGROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
STILL = "* , *::before, *::after { transition: none !important; animation: none !important }"
"""What fades in or out has its own colours only at the end (a slider's ends fade out a moment after they were drawn)."""
# Vega gives the group of a chart's marks the role of an image without a name; the chart itself has its own (`alt`), and all
# that the mouse chooses in one can be typed beside it. Everything else of Streamlit is looked at, too.
NOT_OURS = ("[data-testid=stVegaLiteChart]",)
# Streamlit's frame of every page: its header stands outside of all landmarks and beside a second one, and its `viewport`
# forbids to zoom; an app cannot change either. Its file uploader has a role and a name on a box that is to have no role.
RULES_OF_STREAMLIT = (
    *("region", "landmark-one-main", "landmark-unique", "landmark-no-duplicate-banner", "meta-viewport"),
    "presentation-role-conflict",
)
OVERLAPS = """() => {
  const shown = [...document.querySelectorAll("[data-testid=stMainBlockContainer] [data-testid=stColumn]")]
    .map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width && box.height);
  const found = [];
  for (const [one, a] of shown) for (const [other, b] of shown) {
    if (one === other || one.contains(other) || other.contains(one)) continue;
    if (a.left + 2 < b.right && b.left + 2 < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
      found.push([a.x, a.y, a.width, a.height, b.x, b.y].map(Math.round).join(" "));
  }
  return found;
}"""


@cache
def _script() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, within: str = "") -> list[Any]:
    """Findings of axe-core that are ours, on the page or in a part of it, each with the first places."""
    page.evaluate(_script())
    page.add_style_tag(content=STILL)
    answer = page.evaluate(
        "([within, out, rules]) => axe.run({ ...(within && { include: [within] }), exclude: out.map(one => [one]) },"
        " { rules: Object.fromEntries(rules.map(one => [one, { enabled: false }])) })",
        [within, list(NOT_OURS), list(RULES_OF_STREAMLIT)],
    )
    return [
        (
            one["id"],
            [node["target"] for node in one["nodes"]][:4],
            one["nodes"][0]["html"][:200],
            one["nodes"][0]["failureSummary"][:200],
        )
        for one in answer["violations"]
    ]


def looks_right(page: Page, within: str = "") -> None:
    """axe-core finds nothing of ours in the dark theme, nor in the light one, which stays."""
    for scheme, colour in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(f"() => {BACKGROUND} === '{colour}'")
        wait_idle(page)
        found = violations(page, within)
        if found:  # while something runs, a part may be pale for a moment because it is about to be drawn anew
            wait_idle(page)
            found = violations(page, within)
        assert found == [], scheme


def fits(page: Page, width: int) -> None:
    """Nothing scrolls sideways or overlaps at a width; a phone's is 390."""
    page.set_viewport_size({"width": width, "height": 844 if width == 390 else 720})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 250)))")
    scroll, client = page.evaluate(
        "(() => { const m = document.querySelector('[data-testid=stMain]'); return [m.scrollWidth, m.clientWidth] })()"
    )
    assert scroll <= client + 1, (width, "the page scrolls sideways")
    assert page.evaluate(OVERLAPS) == [], width
