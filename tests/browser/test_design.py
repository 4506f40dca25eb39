"""Gestures on the Design page, in a real browser: each is delivered, drawn, undone, linked and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import design as on
from tests.browser.conftest import visit, wait_idle, watch_console
from vislrp_core.model import LRPModel
from vislrp_core.rules import PRESETS

ROOT = Path(__file__).resolve().parents[2]


# --- ruler -------------------------------------------------------------------------------------------------------------


def test_a_border_is_dragged_and_one_message_sent_on_release(page: Page, app_url: str) -> None:
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: frames.append(1)))
    on.open_design(page, app_url, on.four())
    before, sent = on.image_bytes(page), len(frames)
    on.start_drag(page, 0, -4)
    expect(page.locator(".ruler .card .layers").first).to_have_text("conv1_1 – conv2_1 · 1–6")
    assert len(frames) == sent and on.borders_of(page.url) == [10, 23, 30, 38]
    page.mouse.up()
    on.until_borders(page, 6, 23, 30, 38)
    assert len(frames) == sent + 1
    wait_idle(page)
    assert on.image_bytes(page) != before
    assert [s.rule.preset for s in on.model_of(page.url).segments] == ["gamma", "zero", "epsilon", "zero"]


def test_a_border_stops_at_its_neighbours_and_escape_puts_it_back(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    on.drag(page, 1, 30)
    on.until_borders(page, 10, 29, 30, 38)
    on.start_drag(page, 0, 5)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".ruler .handle").first).to_have_attribute("aria-valuenow", "10")
    assert on.borders_of(page.url) == [10, 29, 30, 38]


def test_a_border_is_moved_by_keyboard_and_keeps_its_focus(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    handle = page.locator(".ruler .handle").nth(1)
    handle.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "PageUp"):
        page.keyboard.press(key)
    on.until_borders(page, 10, 19, 30, 38)
    expect(handle).to_be_focused()


def test_segments_are_added_selected_split_and_removed(page: Page, app_url: str) -> None:
    on.open_design(page, app_url)
    for count in (2, 3):
        page.locator(".ruler .add").click()
        expect(page.locator(".ruler .band")).to_have_count(count)
    model = on.until(page, lambda model: len(model.segments) == 3)
    last = [segment.last for segment in model.segments]
    on.choose(page, 0)
    expect(page.locator(".panel .tag")).to_have_text("1")
    page.locator(".ruler .layer").nth(5).hover()
    page.locator(".ruler .splitter").click()
    on.until_borders(page, 5, *last)
    expect(page.locator(".panel .tag")).to_have_text("2")
    page.locator(".ruler .card").nth(3).locator(".close").click()
    on.until_borders(page, 5, last[0], 38)
    page.locator(".ruler .band").nth(1).focus()
    page.keyboard.press("Delete")
    on.until_borders(page, 5 if last[0] < 5 else last[0], 38)


def test_a_row_shows_that_layers_map(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    before = on.image_bytes(page)
    page.locator(".ruler .layer").nth(12).click()
    page.wait_for_url(lambda url: "layer=12" in url)
    expect(page.locator(".st-key-result-head")).to_contain_text("Relevance at relu3_1")
    wait_idle(page)
    assert on.image_bytes(page) != before
    page.locator(".st-key-back-to-pixels button:visible").click()
    page.wait_for_url(lambda url: "layer=" not in url)
    wait_idle(page)
    assert on.image_bytes(page) == before


# --- rules -------------------------------------------------------------------------------------------------------------


def test_every_preset_is_pressed(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    on.choose(page, 1)
    expect(page.locator(".panel .tag")).to_have_text("2")
    for key, preset in PRESETS.items():
        page.locator(f".panel .pill[data-preset={key}]").click()
        on.until(page, lambda model, key=key: model.segments[1].rule.preset == key)  # type: ignore[misc]
        expect(page.locator(".ruler .card .title").nth(1)).to_have_text(preset.title)
        expect(page.locator(f".panel .pill[data-preset={key}]")).to_have_attribute("aria-checked", "true")


def test_sliders_move_the_rule_and_a_foreign_one_makes_it_custom(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    on.pull(page, "gamma1p", 0.8)
    model = on.until(page, lambda model: model.segments[0].rule.gamma1p != 0.3)
    assert model.segments[0].rule.preset == "gamma"
    assert model.segments[0].rule.gamma1p == pytest.approx(0.8, abs=0.03)
    on.slider(page, "gamma2").focus()
    page.keyboard.press("ArrowRight")
    on.until(page, lambda model: model.segments[0].rule.gamma2 == 0.01 and model.segments[0].rule.preset == "custom")
    on.number(page, "beta").fill("0.5")
    page.keyboard.press("Enter")
    on.until(page, lambda model: model.segments[0].rule.beta == 0.5)
    expect(page.locator(".panel .warnings")).to_contain_text("α − β = 0.5")
    expect(page.locator(".ruler .card .notice").first).to_be_visible()
    page.locator(".panel .scale [data-scale=relative]").click()
    on.until(page, lambda model: model.segments[0].rule.epsilon_scale == "relative")


def test_the_guides_model_is_built_by_mouse(page: Page, app_url: str) -> None:
    """Figure 2.1: the steps of the README's first tutorial."""
    on.open_design(page, app_url)
    for count in (2, 3, 4):
        page.locator(".ruler .add").click()
        expect(page.locator(".ruler .band")).to_have_count(count)
    for border, wanted in ((0, 10), (1, 23), (2, 30)):
        now = int(page.locator(".ruler .handle").nth(border).get_attribute("aria-valuenow") or 0)
        on.drag(page, border, wanted - now)
        expect(page.locator(".ruler .handle").nth(border)).to_have_attribute("aria-valuenow", str(wanted))
    on.choose(page, 0)
    page.locator(".panel .pill[data-preset=gamma]").click()
    on.number(page, "gamma1p").fill("0.3")
    page.keyboard.press("Enter")
    on.choose(page, 1)
    on.pull(page, "gamma2", 1.0)
    on.choose(page, 2)
    page.locator(".panel .pill[data-preset=epsilon]").click()
    on.number(page, "epsilon").fill("0.3")
    page.keyboard.press("Enter")
    built = on.until(page, lambda model: model.segments[2].rule.short == "ε 0.3")
    assert built.key == LRPModel.load(ROOT / "model_store" / "configuration_5.json").key


# --- models ------------------------------------------------------------------------------------------------------------


def test_imported_models_are_exported_as_they_came(page: Page, app_url: str, tmp_path: Path) -> None:
    on.open_design(page, app_url)
    files = [ROOT / "model_store" / f"{name}.json" for name in ("configuration_4", "overview_composite")]
    (tmp_path / "wrong.json").write_text('{"format": "vislrp-model", "version": 1}', encoding="utf-8")
    on.popover(page, page.locator(".st-key-models-head [data-testid=stPopoverButton]:visible").first)
    page.locator("[data-testid=stPopoverBody] input[type=file]").set_input_files([*files, tmp_path / "wrong.json"])
    expect(page.get_by_text("Not imported: wrong.json: name: is missing")).to_be_visible()
    expect(page.locator(".st-key-model-cards .card.active .name")).to_have_text("Overview composite (2)")
    page.keyboard.press("Escape")
    wait_idle(page)
    for card, file in (("Overview composite (2)", files[1]), ("Configuration 4 (2)", files[0])):
        page.locator(".st-key-model-cards .card", has_text=card).click()
        expect(page.locator(".st-key-model-cards .card.active .name")).to_have_text(card)
        wait_idle(page)
        made = {**json.loads(file.read_text(encoding="utf-8")), "version": 2, "architecture": "vgg16", "name": card}
        assert on.exported(page) == made


def test_new_asks_delete_can_be_undone_and_the_name_changes(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four())
    active = page.locator(".st-key-model-cards .card.active .name")
    page.locator(".st-key-duplicate-model button:visible").click()
    expect(active).to_have_text("My New Model copy")
    body = on.popover(page, page.locator(".st-key-title-row [data-testid=stPopoverButton]:visible").first)
    body.get_by_label("Name of the model").fill("Mine")
    page.keyboard.press("Enter")
    expect(active).to_have_text("Mine")
    page.keyboard.press("Escape")
    body = on.popover(page, page.locator(".st-key-models-head [data-testid=stPopoverButton]:visible").nth(1))
    body.get_by_role("button", name="Delete this model").click()
    expect(active).to_have_text("My New Model")
    page.keyboard.press("Escape")
    expect(body).to_be_hidden()
    page.locator(".st-key-undo button:visible").click()
    expect(active).to_have_text("Mine")
    page.locator(".st-key-new-model button:visible").click()
    page.get_by_role("button", name="Keep and start over").click()
    expect(active).to_have_text("My New Model")
    on.until_borders(page, 38)
    expect(page.locator(".st-key-model-cards .card", has_text="Model 1")).to_be_visible()


# --- link and reload ---------------------------------------------------------------------------------------------------


def test_a_reload_finds_everything_as_it_was(page: Page, app_url: str) -> None:
    on.open_design(page, app_url, on.four(), image="kitten", layer="23", spectrum="orange-white-purple")
    page.locator(".st-key-duplicate-model button:visible").click()
    expect(page.locator(".st-key-model-cards .card.active .name")).to_have_text("My New Model copy")
    page.locator(".st-key-design-classes .row").nth(2).click()
    page.wait_for_url(lambda url: "target=first" not in url)
    page.locator(".ruler .add").click()
    on.until(page, lambda model: len(model.segments) == 5)
    wait_idle(page)
    held, seen = on.address(page), on.image_bytes(page)
    cards = page.locator(".st-key-model-cards .card .name").all_text_contents()
    page.reload()
    expect(page.locator(".st-key-model-cards .card")).to_have_count(len(cards))
    wait_idle(page)
    assert on.address(page) == held
    assert sorted(page.locator(".st-key-model-cards .card .name").all_text_contents()) == sorted(cards)
    assert on.image_bytes(page) == seen


def test_a_copied_link_opens_the_same_view_in_another_browser(
    page: Page, app_url: str, new_context: Callable[..., BrowserContext]
) -> None:
    on.open_design(page, app_url, on.four(), image="guitar_and_drums")
    page.locator(".st-key-design-classes .row").nth(1).click()
    page.wait_for_url(lambda url: "target=first" not in url)
    on.drag(page, 0, 3)
    on.until_borders(page, 13, 23, 30, 38)
    wait_idle(page)
    page.locator(".st-key-page-tools .link").click()
    expect(page.locator(".st-key-page-tools .link")).to_contain_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    other = new_context().new_page()
    errors = watch_console(other)
    visit(other, link)
    expect(other.locator(on.MAP)).to_be_visible()
    wait_idle(other)
    assert on.image_bytes(other) == on.image_bytes(page)
    pictures = ".ruler .card img"
    assert other.locator(pictures).nth(1).get_attribute("src") == page.locator(pictures).nth(1).get_attribute("src")
    assert errors == []


def test_two_visitors_do_not_share_models_or_images(
    page: Page, app_url: str, new_context: Callable[..., BrowserContext]
) -> None:
    on.open_design(page, app_url, on.four())
    other = new_context().new_page()
    on.open_design(other, app_url)
    on.until_borders(other, 38)
    on.until_borders(page, 10, 23, 30, 38)
    page.locator(".st-key-duplicate-model button:visible").click()
    expect(page.locator(".st-key-model-cards .card.active .name")).to_have_text("My New Model copy")
    other.locator(".ruler .add").click()
    on.until(other, lambda model: len(model.segments) == 2)
    expect(other.locator(".st-key-model-cards .card", has_text="My New Model copy")).to_have_count(0)


def test_a_hostile_address_costs_a_sentence_and_runs_nothing(page: Page, app_url: str) -> None:
    on.open_design(
        page,
        app_url,
        based="<img src=x onerror=alert(1)>",
        model="%3Cimg%20src=x%20onerror=document.title='owned'%3E~proportional~ignore~z_box~logit~38_zero",
    )
    assert page.title() != "owned"
    expect(page.locator(".st-key-model-cards .card").first.locator(".name")).to_contain_text("<img")
    on.open_design(page, app_url, model="nonsense", target="-7")
    # After the browser has been heard, too, which draws the page again.
    expect(page.get_by_text("The target class in the address cannot be read")).to_be_visible()
    page.locator(".st-key-notices details summary").click()
    expect(page.get_by_text("The model in the address cannot be read")).to_be_visible()
    page.locator(".st-key-close-notices button:visible").click()
    expect(page.locator(".st-key-notices")).to_be_hidden()
    on.open_design(page, app_url, image="kitten", target="5000")
    expect(page.get_by_text("there is no class 5000: the first class of the prediction is explained")).to_be_visible()


def test_the_dark_theme_has_its_own_map(app_url: str, new_context: Callable[..., BrowserContext]) -> None:
    pages = [new_context(color_scheme=scheme).new_page() for scheme in ("light", "dark")]
    for opened in pages:
        on.open_design(opened, app_url)
        wait_idle(opened)
    light, dark = (on.image_bytes(opened) for opened in pages)
    assert light != dark


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)])
def test_everything_fits_one_view(app_url: str, new_context: Callable[..., BrowserContext], size: tuple[int, int]) -> None:
    opened = new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    on.open_design(opened, app_url, on.four())
    wait_idle(opened)
    for element in (".ruler", ".panel", on.MAP, ".st-key-model-cards"):
        box = opened.locator(element).bounding_box()
        assert box is not None and box["x"] >= 0
        assert box["x"] + box["width"] <= size[0] and box["y"] + box["height"] <= size[1]


# --- the app as it is delivered ----------------------------------------------------------------------------------------


def test_a_photograph_a_class_a_heatmap(page: Page, embedded_url: str) -> None:
    visit(page, f"{embedded_url}/Design?image=kitten&model=example-overview_composite")
    expect(page.locator(on.MAP)).to_be_visible()
    wait_idle(page)
    kitten = on.image_bytes(page)
    page.locator(".st-key-open-gallery button:visible").click()
    page.get_by_role("button", name="Castle").click()
    page.wait_for_url(lambda url: "image=castle_on_lake" in url)
    castle = page.locator(".st-key-design-classes .row", has_text="castle").first
    castle.click()
    expect(castle).to_have_attribute("aria-checked", "true")
    expect(page.locator(".st-key-result-head")).to_contain_text("Relevance for “castle”")
    wait_idle(page)
    assert on.image_bytes(page) != kitten
    for place, layer in enumerate(("pixels", "pool3", "pool5")):
        card = page.locator(".ruler .card").nth(place)
        expect(card.locator(".map")).to_contain_text(layer)
        assert card.locator("img").evaluate("image => image.complete && image.naturalWidth > 0")
