"""What holds for all tests: how workers share them, and, before anything imports PyTorch, the cores."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: each computes with one thread, and so do the apps and commands that it starts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """A file stays with one worker, and so does all that drives a browser: two at once would wait for each other."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith("tests/browser/") else nodeid.split("::")[0]

    return ByFile(config, log)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit leaves the page it ran as `__main__`, and processes that a later test starts would begin by running it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
