"""App servers on free ports, one per test session, and pages of a headless Chromium. Nothing is downloaded."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.install_browser import installed_browser

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
STYLED = "() => getComputedStyle(document.documentElement).getPropertyValue('--st-text-color') !== ''"
"""Streamlit loads what draws our style sheet after the page itself: on a busy machine, after the first run has ended."""
START_SECONDS = 180
TIMEOUT_MS = 120_000
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    """A port of this computer that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextmanager
def served(
    command: list[str], log: Path, folder: Path = ROOT, health: str = "/_stcore/health", port: int = 0, **variables: str
) -> Iterator[str]:
    """A running app: a command that passes options on to `streamlit run`, started in a folder; returns its address."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "VISLRP_ALLOW_DOWNLOAD": "0", "VISLRP_STORE_MB": "0", **variables}
    arguments = [
        "--server.port",
        str(port),
        "--server.address",
        "127.0.0.1",
        "--server.headless",
        "true",
        "--server.fileWatcherType",
        "none",
    ]
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, *arguments], cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            limit = time.monotonic() + START_SECONDS
            while not _healthy(f"{url}{health}"):
                assert server.poll() is None and time.monotonic() < limit, log.read_text()
            yield url
        finally:
            server.terminate()
    # A browser that leaves in the middle of a message makes Streamlit's own server complain; only ours counts.
    broken = [part for part in log.read_text().split("Traceback")[1:] if "vislrp_ui" in part or "vislrp_core" in part]
    assert not broken, broken


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app on a small network with random weights: what it predicts means nothing, gestures answer at once."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with served([sys.executable, "-m", "tests.browser.serve"], log) as url:
        yield url


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app as it is delivered, on the embedded network."""
    log = tmp_path_factory.mktemp("embedded") / "log.txt"
    with served([sys.executable, "-m", "streamlit", "run", "Home.py"], log, VISLRP_NETWORK="embedded") as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=installed_browser(), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Further visitors: each call opens a browser context of its own."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        settings = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light", **options}
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MS)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A fresh page of 1440 x 900 in the light theme; errors of our own scripts fail the test."""
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    errors = watch_console(opened)
    yield opened
    assert errors == []


def watch_console(page: Page) -> list[str]:
    """Errors that the page reports from now on.

    A direct visit to a page's own address makes Streamlit itself ask for two files under that address first; those two are
    not ours.
    """
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            errors.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def wait_idle(page: Page) -> None:
    """Wait until the script has run to its end and nothing on the page is stale.

    A gesture reaches the server a moment later; two idle states with a frame painted between them show that it has.
    """
    page.wait_for_selector(IDLE)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 120)))")
    page.wait_for_selector(IDLE)


def visit(page: Page, url: str) -> None:
    """Open an address and wait for the page to be complete."""
    page.goto(url)
    page.wait_for_selector("[data-testid=stMainBlockContainer]")
    page.wait_for_function(STYLED)
    wait_idle(page)
