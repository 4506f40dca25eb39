"""Every page at the widths of a projector, a small window, a zoomed one and a phone; both themes; what axe-core finds."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import BACKGROUND, fits, violations
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
REPORTS = {
    "Design": ".st-key-menu-export button:visible",
    "Compare": ".st-key-compare-toolbar button:visible:has-text('Export')",
    "Pixel Flipping": ".st-key-menu-report button:visible",
    "Neuron Ablation": ".st-key-menu-report button:visible",
}
"""What opens the menu that holds the report."""
WIDTHS = (1440, 1152, 960, 390)
CUT = "names => names.map(one => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)"
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


def by_keyboard(page: Page, button: Locator, shown: str) -> None:
    """What a button shows has nothing that axe-core finds; Enter opens it, Escape closes it and returns to the button."""
    button.press("Enter")
    expect(page.locator(shown).first).to_be_visible()
    wait_idle(page)
    assert violations(page, shown) == [], shown
    page.keyboard.press("Escape")
    expect(page.locator(shown).locator("visible=true")).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_of_ours_and_nothing_overlaps_at_any_width(page: Page, app_url: str, name: str) -> None:
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visit(page, f"{app_url}/{PAGES[name]}")
        if name == "Home":
            expect(page.locator(".st-key-home-rules img[alt^='Not computed']")).to_have_count(0)
        assert violations(page) == [], scheme
        by_keyboard(page, page.locator(".v-terms"), ".v-glossary")
        if name in REPORTS:
            by_keyboard(page, page.locator(REPORTS[name]).first, "[data-testid=stPopoverBody]")
    expect(page).to_have_title("VisLRP Designer" if name == "Home" else f"{name} · VisLRP Designer")
    for width in WIDTHS:
        fits(page, width)
        assert all(abs(share - 1) < 0.02 for share in page.evaluate(PICTURES)), (width, "a picture is stretched")
    cut = page.locator(".grid.head .name").evaluate_all(CUT)
    assert len(cut) == (5 if name == "Compare" else 0) and not any(cut), "names of models on a phone"
