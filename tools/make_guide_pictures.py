"""The pictures of the user guide: every page of the running app, in the light and in the dark theme.

    python -m tools.make_guide_pictures                 # into docs/pictures
    python -m tools.make_guide_pictures --only design   # one page

Needs a Chromium (see tests/install_browser.py) and the embedded network.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, served, visit, wait_idle
from tests.install_browser import installed_browser

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
SIZE = {"width": 1440, "height": 900}


def _nothing(page: Page) -> None:
    """The page as it opens."""


def _case(button: int) -> Callable[[Page], None]:
    """A guided case of Home, which opens its page with everything set; its strip is closed: the picture is of the page."""

    def act(page: Page) -> None:
        page.locator("[class*=st-key-open-] button").nth(button).click()
        page.wait_for_url(lambda url: url.rsplit("/", 1)[1][:1].isupper())
        page.locator(".st-key-lesson-close button:visible").click()
        page.mouse.move(0, 0)
        page.wait_for_url(lambda url: "lesson=" not in url)
        wait_idle(page)

    return act


_searched: list[str] = []
"""Address of the search that the first picture made: the second one shows it again."""


def _search(page: Page) -> None:
    """A short search, until it has compared what it found."""
    if _searched:
        visit(page, _searched[0])
    else:
        page.locator(".st-key-search-start button:visible").click()
    page.locator(".st-key-search-report").wait_for(timeout=1_200_000)
    _searched[:] = [page.url]


SHOTS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "home": ("", _nothing),
    "design": ("Design?image=castle_on_lake&model=example-configuration_5", _nothing),
    "compare": ("", _case(1)),
    "flipping": ("", _case(2)),
    "ablation": ("", _case(3)),
    "search": (
        "Search?image=castle_on_lake&model=example-configuration_5&search=v2~images:castle_on_lake.kitten"
        "~objectives:class_cosine.top_randomised~minutes:60~trials:20",
        _search,
    ),
    "search_space": ("Search?image=castle_on_lake&model=example-configuration_5", _nothing),
    "hand": ("By_hand?hand=v2~shown:n0-0", _nothing),
}
"""Name of the picture: address of the page, and what is done there first."""


def settled(page: Page) -> bytes:
    """Screenshot once two in a row are the same: work in the background has ended, nothing moves any more."""
    last = b""
    while True:
        wait_idle(page)
        page.wait_for_timeout(1500)
        now = page.screenshot(animations="disabled")
        if now == last:
            return now
        last = now


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=list(SHOTS), action="append", help="pages to draw (all)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (docs/pictures)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    log = Path(tempfile.mkdtemp()) / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "Home.py"]
    with served(command, log, VISLRP_NETWORK="embedded") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_browser(), args=FLAGS)
        for name in options.only or SHOTS:
            address, act = SHOTS[name]
            for mode in ("light", "dark"):
                page = browser.new_context(viewport=SIZE, color_scheme=mode).new_page()
                page.set_default_timeout(120_000)
                visit(page, f"{url}/{address}")
                act(page)
                picture = Image.open(io.BytesIO(settled(page))).convert("RGB")
                picture.save(options.out / f"{name}_{mode}.webp", quality=82, method=6)
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
