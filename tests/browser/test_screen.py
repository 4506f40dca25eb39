"""Every page at the widths of a projector, a small window, a zoomed one and a phone; both themes; what axe-core finds."""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import visit, wait_idle

PAGES = {
    "Home": "",
    "Design": "Design?image=kitten&model=example-configuration_4",
    "Compare": "Compare?image=kitten",
    "Pixel Flipping": "Pixel_Flipping?image=kitten&flip=1~relevance~brush~18&flip1=mean~positive~10~8~~",
    "Neuron Ablation": "Neuron_Ablation?image=kitten&chosen=23:4-6",
    "Search": "Search?image=kitten&model=example-configuration_4&search=v2~preset:borders",
    "By hand": "By_hand?hand=v2~biased:1~shown:n0-0~exercise:forward~answers:z1-0=1",
}
WIDTHS = (1440, 1152, 960, 390)
BACKGROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
STILL = "* , *::before, *::after { transition: none !important; animation: none !important }"
"""What fades in or out has its own colours only at the end (a slider's ends fade out a moment after they were drawn)."""
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
PICTURES = """() => {
  const found = [];
  const look = root => { for (const one of root.querySelectorAll("*")) {
    if (one.shadowRoot) look(one.shadowRoot);
    if (one.tagName === "IMG" && one.naturalWidth && one.clientWidth && one.closest(".picture, .map, .enlarge"))
      found.push(one.clientWidth / one.clientHeight / (one.naturalWidth / one.naturalHeight));
  } };
  look(document);
  return found;
}"""
# Vega gives the group of a chart's marks the role of an image without a name; the chart itself has its own (`alt`), and all
# that the mouse chooses in one can be typed beside it. Everything else of Streamlit is looked at, too.
NOT_OURS = ("[data-testid=stVegaLiteChart]",)
# Streamlit's frame of every page: its header stands outside of all landmarks and beside a second one, and its `viewport`
# forbids to zoom; an app cannot change either.
RULES_OF_STREAMLIT = ("region", "landmark-one-main", "landmark-unique", "landmark-no-duplicate-banner", "meta-viewport")


def test_the_theme_switches_at_once_everywhere_and_is_remembered(page: Page, app_url: str) -> None:
    visit(page, f"{app_url}/{PAGES['Design']}")
    source, logo = ".st-key-final-map img", "[data-testid=stHeader] img"
    light = [page.locator(one).first.get_attribute("src") for one in (source, logo)]
    page.emulate_media(color_scheme="dark")
    expect(page.locator(source)).not_to_have_attribute("src", light[0] or "")
    expect(page.locator(logo).first).not_to_have_attribute("src", light[1] or "")
    page.emulate_media(color_scheme="light")
    expect(page.locator(source)).to_have_attribute("src", light[0] or "")
    page.get_by_role("button", name="Switch to the dark theme").click()
    page.wait_for_function(f"() => {BACKGROUND} === 'rgb(18, 22, 27)'")
    expect(page.locator(source)).not_to_have_attribute("src", light[0] or "")
    page.goto(f"{app_url}/{PAGES['Neuron Ablation']}")
    page.wait_for_function(f"() => {BACKGROUND} === 'rgb(18, 22, 27)'")
    expect(page.get_by_role("button", name="Switch to the light theme")).to_be_visible()
    wait_idle(page)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_of_ours_and_nothing_overlaps_at_any_width(page: Page, app_url: str, name: str) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visit(page, f"{app_url}/{PAGES[name]}")
        page.evaluate(axe)
        page.add_style_tag(content=STILL)
        answer = page.evaluate(
            "([out, rules]) => axe.run({ exclude: out.map(one => [one]) },"
            " { rules: Object.fromEntries(rules.map(one => [one, { enabled: false }])) })",
            [list(NOT_OURS), list(RULES_OF_STREAMLIT)],
        )
        found = [
            (
                one["id"],
                [node["target"] for node in one["nodes"]][:4],
                one["nodes"][0]["html"][:200],
                one["nodes"][0]["failureSummary"][:200],
            )
            for one in answer["violations"]
        ]
        assert found == [], scheme
    expect(page).to_have_title("VisLRP Designer" if name == "Home" else f"{name} · VisLRP Designer")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844 if width == 390 else 720})
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 250)))")
        scroll, client = page.evaluate(
            "(() => { const m = document.querySelector('[data-testid=stMain]'); return [m.scrollWidth, m.clientWidth] })()"
        )
        assert scroll <= client + 1, (width, "the page scrolls sideways")
        assert page.evaluate(OVERLAPS) == [], width
        assert all(abs(share - 1) < 0.02 for share in page.evaluate(PICTURES)), (width, "a picture is stretched")
