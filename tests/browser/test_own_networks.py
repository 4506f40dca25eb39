"""All pages with networks of the visitor's own, brought as files: a VGG11 with batch normalization, then an AlexNet."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors.torch import save_file

from tests.browser.conftest import wait_idle
from tests.browser.design import MAP, drag, exported, model_of, open_design
from tests.browser.design import until as drag_until
from tests.browser.test_ablation import cell
from tests.browser.test_compare import complete
from tests.browser.test_flipping import at, canvas, stroke, until
from tests.support.networks import tiny_state
from vislrp_core.architecture import ARCHITECTURES, Architecture

VGG11, ALEXNET = ARCHITECTURES["vgg11"], ARCHITECTURES["alexnet"]


def field(page: Page, name: str) -> Locator:
    """A field for files in the network menu, which is opened."""
    found = page.locator(f"[class*=st-key-own-{name}-]")
    if not found.count():
        page.locator(".st-key-menu-network button:visible").first.click()
    expect(found).to_be_visible()
    return found


def bring(page: Page, weights: Path) -> None:
    """Upload a network in the network menu: it runs."""
    field(page, "weights").locator("input[type=file]").set_input_files(weights)
    expect(page.locator(".st-key-menu-network button:visible").first).to_contain_text(weights.stem)


def close_menu(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("[class*=st-key-own-weights-]")).to_have_count(0)
    wait_idle(page)


def goto(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"**/{name.replace(' ', '_')}?**")


def design(page: Page, rows: Architecture) -> None:
    """The ruler has the network's rows, there is a map, and the model that leaves names the architecture."""
    expect(page.locator(".ruler .names .name")).to_have_text([row.name for row in rows.rows])
    expect(page.locator(MAP)).to_be_visible()
    expect(page.locator(".ruler .card").first).to_be_visible()
    assert {"architecture": rows.key}.items() <= exported(page).items()


def compare(page: Page) -> None:
    """Every cell has a map, of a class that the label file names."""
    goto(page, "Compare")
    complete(page)
    assert page.locator(".grid.row .map img").count() >= 4
    expect(page.get_by_role("button", name=re.compile("^Relevance for thing ")).first).to_be_visible()


def flipping(page: Page, y: float) -> None:
    """A stroke flips pixels, and the prediction beside it has the file's names."""
    goto(page, "Pixel Flipping")
    canvas(page, "map").wait_for()
    wait_idle(page)
    stroke(page, "image", (0.2, y), (0.6, y))
    until(page, lambda mask: at(mask, (0.4, y)))
    page.locator(".st-key-flip-picture-1-flipped img").wait_for()
    expect(page.locator(".st-key-flip-result-1 .pairs")).to_contain_text("thing ")


def ablation(page: Page, rows: Architecture) -> None:
    """The layer list has the network's rows; a neuron of a layer is switched off."""
    goto(page, "Neuron Ablation")
    expect(page.locator(".row[data-layer]")).to_have_count(rows.last)
    layer = rows.pools[1]
    page.locator(f'.row[data-layer="{layer}"]').click()
    expect(page.locator(".grid")).to_have_attribute("aria-label", f"Neurons of {rows.name(layer)}")
    cell(page, 1).click()
    expect(page.locator(".cell.on")).to_have_count(1)
    page.get_by_role("button", name=re.compile("^Ablate 1 neuron")).click()
    expect(page.get_by_text(f"1 neuron of {rows.name(layer)} set to 0")).to_be_visible()


@pytest.mark.timeout(600)
def test_every_page_follows_networks_of_ones_own(page: Page, app_url: str, tmp_path: Path) -> None:
    labels = tmp_path / "names.json"
    labels.write_text(json.dumps([f"thing {number}" for number in range(10)]), encoding="utf-8")
    # More than the 10 MB that pictures may have: the server must take what the menu promises.
    large = tiny_state(5, divisor=8, hidden=(1024, 20), architecture="vgg11", normalised=True)
    save_file(large, tmp_path / "my_vgg11_bn.safetensors")
    assert (tmp_path / "my_vgg11_bn.safetensors").stat().st_size > 11 * 2**20
    save_file(tiny_state(6, architecture="alexnet"), tmp_path / "my_alexnet.safetensors")

    open_design(page, app_url)
    page.locator(".ruler .add").first.click()
    page.wait_for_url(lambda url: "model=" in url and "example" not in url and len(model_of(url).segments) == 2)
    waiting = field(page, "labels")
    waiting.locator("input[type=file]").set_input_files(labels)
    expect(waiting).to_contain_text(labels.name)
    bring(page, tmp_path / "my_vgg11_bn.safetensors")
    expect(page.get_by_text("This network is a VGG11 with 28 layers: the models were carried over")).to_be_visible()
    expect(page.locator(".st-key-design-classes")).to_contain_text("thing ")
    close_menu(page)
    design(page, VGG11)
    first = model_of(page.url).segments[0].last
    drag(page, 0, -2)
    model = drag_until(page, lambda model: model.segments[0].last == first - 2)
    assert model.architecture == "vgg11" and model.segments[-1].last == VGG11.last
    compare(page)
    flipping(page, 0.3)
    ablation(page, VGG11)

    goto(page, "Pixel Flipping")
    bring(page, tmp_path / "my_alexnet.safetensors")
    expect(page.get_by_text("This network is an AlexNet with 20 layers: the models were carried over")).to_be_visible()
    field(page, "labels").locator("input[type=file]").set_input_files(labels)
    expect(page.locator(".st-key-flip-result-1 .pairs")).to_contain_text("thing ")
    close_menu(page)
    flipping(page, 0.6)
    compare(page)
    ablation(page, ALEXNET)
    goto(page, "Design")
    expect(page.locator(".st-key-design-classes")).to_contain_text("thing ")
    design(page, ALEXNET)
