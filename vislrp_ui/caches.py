"""How the memory for caches is shared out, when garbage is collected. The caches themselves: `vislrp_core.byte_cache`."""

from __future__ import annotations

import gc
import os
import sys
import time

from vislrp_core.byte_cache import ByteCache as ByteCache
from vislrp_ui import rooms
from vislrp_ui.streamlit_inside import script_runner

COLLECT_SECONDS = 5.0
THAW_SECONDS = 600.0
"""After so long, what `settle` froze is looked through once: sessions that were there at that moment, with all they hold."""
COMMON = {
    "traces": 0.44,
    "relevances": 0.04,
    "borders": 0.20,
    "maps": 0.07,
    "pictures": 0.02,
    "files": 0.03,
    "logits": 0.002,
    "views": 0.018,
}
"""Weights of the engine's caches; those of a page are in its declaration (`rooms.Room`)."""


def shares() -> dict[str, float]:
    """Parts of the budget by name: each cache's weight among all, so that one more cache makes itself room.

    All caches of all pages together stay within the one setting.
    """
    weights = {**COMMON, **{name: weight for room in rooms.ROOMS for name, weight in room.caches.items()}}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def allotted(name: str) -> int:
    """Bytes that one cache may hold (KeyError if neither the engine nor a page declares it)."""
    return int(shares()[name] * budget())


def budget() -> int:
    """Bytes that all caches together may hold: VISLRP_CACHE_MB (default 240)."""
    named = os.environ.get("VISLRP_CACHE_MB", "")
    megabytes = int(named) if named.isascii() and named.isdigit() else 240
    return max(megabytes, 16) * 1_000_000


class Seldom:
    """Python's collector as Streamlit calls it after every run of a page, but for all sessions together."""

    def __init__(self) -> None:
        self._next = 0.0
        self._thaw: float | None = None

    def collect(self, generation: int = 2) -> int:
        """Collect garbage if the last time was a while ago."""
        now = time.monotonic()
        if now < self._next:
            return 0
        self._next = now + COLLECT_SECONDS
        if self._thaw is None:
            self._thaw = now + THAW_SECONDS
        if now < self._thaw:
            return gc.collect(generation)
        self._thaw = now + THAW_SECONDS
        gc.unfreeze()
        found = gc.collect(2)
        gc.freeze()
        return found


_modules = 0


def settle() -> None:
    """Take what imported modules made out of the garbage collector's rounds, and let these be few.

    Streamlit collects garbage after every run of a page; going through the hundred thousands of objects of torch and others
    took 0.17 s each time, in which no image is served. In a class, pages run several times a second.
    """
    global _modules
    if not isinstance(script_runner.gc, Seldom):
        script_runner.gc = Seldom()  # type: ignore[assignment]
    if len(sys.modules) != _modules:
        _modules = len(sys.modules)
        gc.freeze()
