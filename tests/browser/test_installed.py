"""The designer as `pip install` brings it, started by its own command in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import served, visit
from tests.browser.design import MAP, open_design
from tests.support import wheel


@pytest.fixture(scope="module")
def installed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the installed app; nothing of the clone is on its path."""
    site, empty = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty")
    wheel.install(wheel.build(tmp_path_factory.mktemp("dist")), site)
    log = tmp_path_factory.mktemp("log") / "log.txt"
    with served([*wheel.command(site), "app"], log, empty, **wheel.environment(site)) as url:
        yield url
    assert not list(Path(empty).iterdir()), "the app wrote into the folder it was started in"


def test_home_shows_its_example_its_cases_and_its_theme(page: Page, installed_url: str) -> None:
    visit(page, installed_url)
    expect(page.get_by_role("heading", name="Design how relevance flows through VGG16")).to_be_visible()
    expect(page.get_by_role("img", name="Heatmap of relevance")).to_be_visible()
    expect(page.locator(".v-strip img")).to_have_count(16)
    assert page.locator(".v-strip img").evaluate_all("all => all.every(one => one.naturalWidth > 0)")
    colour = page.get_by_role("button", name="Start designing").evaluate("one => getComputedStyle(one).backgroundColor")
    assert colour == "rgb(11, 110, 127)", "the settings beside Home.py were not read"


def test_design_draws_a_map_of_a_sample_with_an_example(page: Page, installed_url: str) -> None:
    open_design(page, installed_url, image="kitten", model="example-configuration_4")
    expect(page.locator(".ruler .card")).to_have_count(3)
    assert page.locator(MAP).evaluate("one => one.naturalWidth") > 0
