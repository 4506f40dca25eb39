"""Pupils of `benchmarks.classroom` with a real browser: what they see, not what the server has sent."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Error, Locator, Page, sync_playwright

from benchmarks.pupil import PATIENCE_SECONDS, Answer, Heard
from tests.browser.conftest import FLAGS
from tests.install_browser import installed_browser

MAP = ".st-key-final-map img"
BARS = ".st-key-design-classes .row"
CARDS = ".st-key-model-cards .card"


class Reader(threading.Thread):
    """A visitor with Chromium, who opens the link and then picks classes and models on Design.

    An answer counts when the address tells what was picked, the list shows it, and another heatmap has been drawn.

    Parameters
    ----------
    link : str
        What follows the question mark in the link that the class was given.
    """

    def __init__(self, number: int, url: str, link: str, dice: random.Random, heard: Heard) -> None:
        super().__init__(daemon=True)
        self._name, self._link, self._dice, self._heard = f"browser {number}", f"{url}/Design?{link}", dice, heard
        self._within, self._pace, self._ends = 0.0, 12.0, 0.0

    def visit(self, within: float, pace: float, ends: float) -> None:
        """Begin: open the link within so many seconds, act until `time.monotonic()` is at the end."""
        self._within, self._pace, self._ends = within, pace, ends
        self.start()

    def run(self) -> None:
        """The visit."""
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=installed_browser(), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            page.on("pageerror", lambda error: self._error(f"script: {error}"))
            time.sleep(self._dice.uniform(0, self._within))
            begin = time.monotonic()
            try:
                page.goto(self._link)
                page.wait_for_selector(MAP)
                with self._heard.lock:
                    self._heard.drawn.append(time.monotonic() - begin)
                while time.monotonic() + self._pace < self._ends:
                    page.wait_for_timeout(1000 * self._pace * self._dice.uniform(0.8, 1.2))
                    self._act(page)
            except Error as error:
                self._error(str(error).splitlines()[0])
            browser.close()

    def _act(self, page: Page) -> None:
        name, of, told = self._dice.choice([("class", BARS, "target"), ("model", CARDS, "model")])
        here = page.locator(f"{of}[aria-checked=false]")
        row: Locator = here.nth(self._dice.randrange(here.count()))
        before, picture = _said(page, told), page.locator(MAP).get_attribute("src")
        begin = time.monotonic()
        row.click()
        if not _until(page, lambda: _said(page, told) != before and page.locator(MAP).get_attribute("src") != picture):
            with self._heard.lock:
                self._heard.lost.append(f"{self._name}: {name}: {told} is still {_said(page, told)}")
            return
        with self._heard.lock:
            self._heard.answers.append(Answer(f"{name} in a browser", time.monotonic() - begin, False, float("nan")))

    def _error(self, sentence: str) -> None:
        with self._heard.lock:
            self._heard.errors.append(f"{self._name}: {sentence}")


def _said(page: Page, key: str) -> list[str]:
    return parse_qs(urlsplit(page.url).query).get(key, [])


def _until(page: Page, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            return False
        page.wait_for_timeout(50)
    return True
