"""Make sure that a Chromium for the browser tests is on this machine: ``python -m tests.install_browser``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

SHELL = "chromium-headless-shell"
"""Chromium without a window's frame: a page takes a third less processor time (Debian has it)."""
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "chrome")


def installed_browser() -> str | None:
    """Path of a Chromium that the browser tests can start, or None.

    Looks at the environment variable ``VISLRP_CHROMIUM``, then on the PATH, then at the one that Playwright
    manages itself.
    """
    named = os.environ.get("VISLRP_CHROMIUM")
    if named:
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if os.path.exists(own) else None


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for another one of these that is installing."""
    import fcntl

    with open(Path(tempfile.gettempdir()) / "vislrp-install-browser.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _apt_install(*packages: str, check: bool = False) -> None:
    subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=check, stdout=subprocess.DEVNULL)


def main() -> int:
    """Install Chromium where none is found; the exit status is 0 when one can be started afterwards."""
    packages = bool(shutil.which("apt-get")) and os.geteuid() == 0
    with _alone() if packages else nullcontext():
        return _install(packages)


def _install(packages: bool) -> int:
    if packages and not os.environ.get("VISLRP_CHROMIUM") and not shutil.which(SHELL):
        # Not every system has this package: then any Chromium will do.
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        _apt_install(SHELL, "fonts-liberation")
    if browser := installed_browser():
        print(f"Browser tests use {browser}")
        return 0
    if packages:
        _apt_install("chromium", check=True)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
    browser = installed_browser()
    print(f"Browser tests use {browser}" if browser else "No Chromium could be installed.")
    return 0 if browser else 1


if __name__ == "__main__":
    sys.exit(main())
