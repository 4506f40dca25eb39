"""The app on a small network with random weights, in a process of its own, for tabs without a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import served


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    log: Path = tmp_path_factory.mktemp("protocol") / "log.txt"
    with served([sys.executable, "-m", "tests.browser.serve"], log) as url:
        yield url
