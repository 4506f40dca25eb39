"""What holds for all tests: how workers share them, and, before anything imports PyTorch, the cores."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: each computes with one thread, and so do the apps and commands that it starts.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if platform.libc_ver()[0] == "glibc":
        # Tensors of a few MB come and go: memory that goes back to the system each time and comes back empty took a third of
        # the time of tests that compute. Limits of glibc's mallopt: what is mapped on its own, what stays at a heap's end.
        for what in (-3, -1):
            ctypes.CDLL(None).mallopt(what, 1 << 30)

# No test asserts a time: on a busy machine examples are neither late nor made too slowly.
settings.register_profile("busy machines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machines")

SERVED = ("tests/browser/", "tests/protocol/")
"""Tests of the running app; those of one folder share a server."""
APART = ("tests/browser/test_components", "tests/browser/test_installed")
"""Without an app, or with one of their own."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """A file stays with one worker, and so do all files that use one app: two at once would wait for each other."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return file if file.startswith(APART) else next((one for one in SERVED if file.startswith(one)), file)

    config.option.loadscopereorder = False  # in the order below, not those with the most tests first
    return ByFile(config, log)


LONGEST_FIRST = (
    "browser/",
    "protocol/",
    "test_",
    "pages/",
    "core/test_architectures_parity",
    "core/test_zennit_parity",
    "core/",
    "fuzz/",
)
"""Folders and files, those that take longest first: at the end one worker would be busy alone."""


ALIKE = re.compile(
    r"core/(test_zennit_parity|test_architectures_parity.*\[(vgg11|vgg13|vgg16_bn|vgg19)|test_batches.*-(ignore-winner|absorb-prop))"
)
"""Tests of the library that take the branches of others beside them, with other numbers."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in order, and follow branches where they count.

    The branches that count are those of the library under its own tests: following the lines of a page as well takes as long
    again as the page.
    """

    def place(item: pytest.Item) -> int:
        where = item.nodeid.removeprefix("tests/")
        return next((n for n, begin in enumerate(LONGEST_FIRST) if where.startswith(begin)), len(LONGEST_FIRST))

    items.sort(key=place)
    for item in items:
        if not item.nodeid.startswith("tests/core/") or ALIKE.search(item.nodeid):
            item.add_marker("no_cover")


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit leaves the page it ran as `__main__`, and processes that a later test starts would begin by running it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True, scope="session")
def quick_app_tests() -> Iterator[None]:
    """AppTest without what it does again and again."""
    from streamlit.components.v2 import manifest_scanner
    from streamlit.testing.v1 import local_script_runner

    overdue = local_script_runner.require_widgets_deltas

    def join(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
        thread = runner._script_thread
        assert thread is not None
        thread.join(timeout)
        if thread.is_alive():
            overdue(runner, 0)

    with pytest.MonkeyPatch.context() as patch:
        # The metadata of all installed packages, which it reads for every app that it makes, 0.7 s each: once is enough.
        patch.setattr(
            manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests)
        )
        # Asking a thousand times a second whether a run has ended takes a fifth of the time from the run.
        patch.setattr(local_script_runner, "require_widgets_deltas", join)
        yield
