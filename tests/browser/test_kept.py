"""What the browser keeps, in a real one: reloads, a second tab, a closed tab, Back and Forward, storage that is off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import visit, wait_idle
from tests.browser.design import MAP, image_bytes
from tests.browser.test_flipping import canvas, mask_of, stroke
from tests.browser.test_flipping import until as until_brushed
from vislrp_core.heatmap import png
from vislrp_ui import session

CARDS = ".st-key-model-cards .card"
FRESH = 1 + len(session.examples())
"""Cards at the start: the working copy and the examples."""
PAGES = ("", "Design", "Compare", "Pixel_Flipping", "Neuron_Ablation")
KEPT = """async () => {
  const db = await new Promise(done => {
    const asked = indexedDB.open("vislrp", 1);
    asked.onsuccess = () => done(asked.result);
  });
  const all = kind => new Promise(done => {
    const asked = db.transaction(kind).objectStore(kind).getAll();
    asked.onsuccess = () => done(asked.result);
  });
  const [models, pictures, desks] = [await all("models"), await all("pictures"), await all("desks")];
  db.close();
  return { models: models.length, pictures: pictures.length, desks };
}"""


def open_design(page: Page, app_url: str, query: str = "") -> None:
    visit(page, f"{app_url}/Design{query}")
    expect(page.locator(MAP)).to_be_visible()
    page.wait_for_url(lambda url: "model=" in url)  # the browser has been heard


def kept_when(page: Page, holds: str) -> None:
    """Wait until the browser's storage, `held`, is as expected: an expression of JavaScript."""
    page.wait_for_function(f"async () => {{ const held = await ({KEPT})(); return {holds}; }}", polling=100)


def noise() -> bytes:
    return png(np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8))


def upload(page: Page) -> None:
    page.get_by_role("button", name="Upload an image").first.click()
    page.locator("[data-testid=stPopoverBody] input[type=file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": noise()}
    )
    page.wait_for_url(lambda url: "image=upload-" in url)
    page.keyboard.press("Escape")
    wait_idle(page)


def test_a_reload_keeps_the_uploaded_picture_and_its_map(page: Page, app_url: str) -> None:
    open_design(page, app_url)
    upload(page)
    before = image_bytes(page)
    kept_when(page, "held.pictures === 1")
    page.reload()
    expect(page.locator(MAP)).to_be_visible()
    wait_idle(page)
    assert image_bytes(page) == before and "image=upload-" in page.url


def test_a_shared_link_carries_no_picture(page: Page, app_url: str, new_context: Callable[..., BrowserContext]) -> None:
    open_design(page, app_url)
    upload(page)
    kept_when(page, "held.pictures === 1")
    other = new_context().new_page()
    other.goto(page.url)
    expect(other.get_by_text("uploaded in another visit")).to_be_visible()
    expect(other.locator(MAP)).to_have_count(0)


def test_own_models_come_to_a_second_tab_and_outlive_both(page: Page, app_url: str) -> None:
    open_design(page, app_url)
    expect(page.locator(CARDS)).to_have_count(FRESH)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)
    kept_when(page, "held.models === 1")
    page.reload()
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)
    second = page.context.new_page()
    open_design(second, app_url)
    expect(second.locator(CARDS)).to_have_count(FRESH + 1)
    second.get_by_role("button", name="Duplicate").click()
    expect(page.locator(CARDS)).to_have_count(FRESH + 2)  # at once, in the tab beside it
    kept_when(page, "held.models === 2")
    for tab in (second, page):
        tab.reload()
        expect(tab.locator(CARDS)).to_have_count(FRESH + 2)
    third = page.context.new_page()
    second.close()
    open_design(third, app_url)
    expect(third.locator(CARDS)).to_have_count(FRESH + 2)
    assert len(set(third.locator(CARDS).all_text_contents())) == FRESH + 2  # each model once, under a name of its own


def test_two_tabs_that_change_at_once_lose_nothing(page: Page, app_url: str) -> None:
    open_design(page, app_url)
    second = page.context.new_page()
    open_design(second, app_url)
    for tab in (page, second, page, second):
        tab.get_by_role("button", name="Duplicate").click(no_wait_after=True)
    for tab in (page, second):
        expect(tab.locator(CARDS)).to_have_count(FRESH + 4)
    kept_when(page, "held.models === 4")


def test_undo_survives_a_reload(page: Page, app_url: str) -> None:
    open_design(page, app_url)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)
    kept_when(page, "held.desks[0]?.desk.past?.length")
    page.reload()
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)
    undo = page.locator(".st-key-undo button:visible")
    expect(undo).to_be_enabled()
    undo.click()
    expect(page.locator(CARDS)).to_have_count(FRESH)
    kept_when(page, "held.models === 0")


def test_brushes_and_their_undo_survive_a_reload(page: Page, app_url: str) -> None:
    visit(page, f"{app_url}/Pixel_Flipping?image=guitar_and_drums")
    canvas(page, "map").wait_for()
    wait_idle(page)
    stroke(page, "image", (0.2, 0.3), (0.5, 0.3))
    mask = until_brushed(page, lambda mask: mask.any())
    kept_when(page, "held.desks[0]?.desk.strokes.some((row) => row.length)")
    page.reload()
    canvas(page, "map").wait_for()
    wait_idle(page)
    assert np.array_equal(mask_of(page.url), mask)
    page.locator(".st-key-flip-undo-1 button:visible").click()
    until_brushed(page, lambda mask: not mask.any())


def test_the_work_of_a_closed_tab_can_be_taken_back(page: Page, app_url: str) -> None:
    open_design(page, app_url, "?image=kitten&model=example-configuration_4")
    page.locator(".st-key-design-classes .row").nth(2).click()
    page.wait_for_url(lambda url: "target=first" not in url)
    kept_when(page, "held.desks.length === 1 && held.desks[0].desk.params.target !== 'first'")
    target = page.url.split("target=")[1].split("&")[0]
    context = page.context
    page.close()
    later = context.new_page()
    visit(later, app_url)
    expect(later.get_by_text("Put aside: your work from an earlier tab")).to_be_visible()
    later.set_viewport_size({"width": 1280, "height": 720})
    later.get_by_role("link", name="Design", exact=True).click()
    expect(later.locator(MAP)).to_be_visible()
    wait_idle(later)
    for element in (".ruler", MAP, ".st-key-model-cards"):
        box = later.locator(element).bounding_box()
        assert box is not None and box["y"] + box["height"] <= 720, f"{element} does not fit beside the line: {box}"
    later.locator(".st-key-take-back button:visible").click()
    later.wait_for_url(lambda url: "image=kitten" in url and f"target={target}" in url)
    expect(later.locator(".st-key-take-back button:visible")).to_have_count(0)


def test_own_work_waits_beside_a_case_over_pages_and_reloads(page: Page, app_url: str) -> None:
    visit(page, f"{app_url}/Pixel_Flipping?image=kitten")
    canvas(page, "map").wait_for()
    wait_idle(page)
    stroke(page, "image", (0.2, 0.3), (0.5, 0.3))
    mask = until_brushed(page, lambda mask: mask.any())
    page.get_by_role("link", name="Home").click()
    page.locator(".st-key-open-flipping button:visible").click()
    page.wait_for_url(lambda url: "/Pixel_Flipping" in url and "guitar_and_drums" in url)
    expect(page.locator("[class*=st-key-flip-small-]").first).to_be_visible()
    assert not mask_of(page.url).any()
    kept_when(page, "held.desks.some(({ desk }) => desk.aside.length)")
    page.reload()
    expect(page.get_by_text("Put aside: your own work")).to_be_visible()
    page.get_by_role("link", name="Design").click()
    expect(page.locator(MAP)).to_be_visible()
    page.locator(".st-key-take-back button:visible").click()
    page.wait_for_url(lambda url: "image=kitten" in url)
    page.get_by_role("link", name="Pixel Flipping").click()
    canvas(page, "map").wait_for()
    page.wait_for_url(lambda url: np.array_equal(mask_of(url), mask))


def test_everything_that_is_kept_can_be_seen_and_deleted(page: Page, app_url: str) -> None:
    open_design(page, app_url)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)
    upload(page)
    kept_when(page, "held.models === 1 && held.pictures === 1")
    page.get_by_role("link", name="Home").click()
    page.locator(".st-key-kept-home button:visible").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("noise.png", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Delete noise.png").click()
    kept_when(page, "held.models === 1 && held.pictures === 0")
    page.wait_for_url(lambda url: "upload-" not in url)
    expect(dialog.get_by_text("noise.png", exact=True)).to_have_count(0)  # the dialog stays, and the page below follows
    dialog.get_by_text("Delete everything").click()
    dialog.get_by_role("button", name="Delete all").click()
    kept_when(page, "held.models === 0 && !held.desks.length")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_without_storage_the_app_works_and_says_so_once(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    context = new_context()
    context.add_init_script("Object.defineProperty(window, 'indexedDB', { get() { throw new Error('off'); } })")
    page = context.new_page()
    open_design(page, app_url)
    expect(page.get_by_text("This browser stores nothing for this page")).to_have_count(1)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)
    page.wait_for_url(lambda url: "as=own" in url)


def test_a_full_storage_is_said_and_the_app_works(new_context: Callable[..., BrowserContext], app_url: str) -> None:
    context = new_context()
    context.add_init_script("IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }")
    page = context.new_page()
    open_design(page, app_url)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("This browser's storage is full")).to_have_count(1)
    expect(page.locator(CARDS)).to_have_count(FRESH + 1)


def test_damaged_records_cost_one_sentence_and_the_rest_is_there(page: Page, app_url: str) -> None:
    open_design(page, app_url)
    page.get_by_role("button", name="Duplicate").click()
    kept_when(page, "held.models === 1")
    page.evaluate("""async () => {
      const db = await new Promise(done => {
        const asked = indexedDB.open("vislrp", 1);
        asked.onsuccess = () => done(asked.result);
      });
      const put = (kind, record) => new Promise(done => {
        const written = db.transaction(kind, "readwrite");
        written.objectStore(kind).put(record);
        written.oncomplete = done;
      });
      await put("models", { id: "own-bad", text: '{"id":"own-bad","origin":"own","model":"rubbish"}' });
      await put("pictures", { id: "x".repeat(64), title: 7 });
      db.close();
    }""")
    second = page.context.new_page()
    open_design(second, app_url)
    expect(second.get_by_text("Part of what this browser kept is damaged")).to_have_count(1)
    expect(second.locator(CARDS)).to_have_count(FRESH + 1)


@pytest.mark.parametrize("name", PAGES)
def test_back_and_forward_go_from_page_to_page(page: Page, app_url: str, name: str) -> None:
    start = "Design" if name != "Design" else "Compare"
    visit(page, f"{app_url}/{start}?image=kitten")
    page.wait_for_url(lambda url: "target=" in url)
    before = page.evaluate("history.length")
    page.get_by_role("link", name=name.replace("_", " ") or "Home").click()
    page.wait_for_url(lambda url: url.split("?")[0] == f"{app_url}/{name}" and "image=kitten" in url)
    wait_idle(page)
    change(page, name)
    assert page.evaluate("history.length") == before + 1, "a change of the view is no step"
    changed = page.url
    page.go_back()
    page.wait_for_url(lambda url: f"/{start}?" in url and "image=kitten" in url)
    wait_idle(page)
    page.go_forward()
    page.wait_for_url(changed)
    wait_idle(page)
    assert page.evaluate("history.length") == before + 1
    page.go_back()
    page.wait_for_url(lambda url: f"/{start}?" in url)
    page.go_back()
    page.wait_for_url("about:blank")


def change(page: Page, name: str) -> None:
    """Something that the address of each page holds."""
    before = page.url
    if name == "":
        page.locator(".st-key-home-classes .row").nth(1).click()
    elif name == "Design":
        page.locator(".st-key-design-classes .row").nth(1).click()
    elif name == "Compare":
        page.locator(".st-key-compare-add button:visible").click()
    elif name == "Pixel_Flipping":
        page.locator(".st-key-flip-add button:visible").click()
    else:
        page.locator(".st-key-abl-layers .row").nth(4).click()
    page.wait_for_url(lambda url: url != before)
    wait_idle(page)
