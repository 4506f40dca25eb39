"""Caches bounded in bytes and shared by all sessions; equal requests at the same time are computed once."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Generic, TypeVar, cast

from cachetools import LRUCache
from streamlit.runtime.scriptrunner import script_runner

T = TypeVar("T")
COLLECT_SECONDS = 5.0
_M_ARENA_MAX = -8


SHARES = {
    "traces": 0.59, "relevances": 0.04, "borders": 0.06, "maps": 0.07, "pictures": 0.02, "files": 0.03,
    "logits": 0.002, "views": 0.018,
    "compare predictions": 0.005, "compare facts": 0.005, "compare pictures": 0.02,
    "flipped": 0.01, "flipping marks": 0.01, "flipping curves": 0.01, "flipping orders": 0.01,
    "flipping ends": 0.001,
    "neuron sheets": 0.01, "neuron relevance": 0.04, "neuron scores": 0.005, "neuron logits": 0.005,
    "neuron pixels": 0.02, "neuron curves": 0.005, "neuron orders": 0.005, "evidence": 0.005,
}
"""Parts of the budget, so that all caches of all pages together stay within the one setting."""


def allotted(name: str) -> int:
    """Bytes that one cache may hold (KeyError if `SHARES` does not name it)."""
    return int(SHARES[name] * budget())


def budget() -> int:
    """Bytes that all caches together may hold: VISLRP_CACHE_MB (default 240)."""
    named = os.environ.get("VISLRP_CACHE_MB", "")
    megabytes = int(named) if named.isascii() and named.isdigit() else 240
    return max(megabytes, 16) * 1_000_000


@cache
def _trim() -> Callable[[int], int] | None:
    """The C library's function that gives freed memory back; only glibc has it."""
    try:
        return cast(Callable[[int], int], ctypes.CDLL(None).malloc_trim)
    except (OSError, AttributeError):
        return None


def give_back_memory() -> None:
    """Hand freed memory to the system: the allocator keeps that of past tensors, several hundred MB after some pictures."""
    trim = _trim()
    if trim is not None:
        trim(0)


class Seldom:
    """Python's collector as Streamlit calls it after every run of a page, but for all sessions together."""

    def __init__(self) -> None:
        self._next = 0.0

    def collect(self, generation: int = 2) -> int:
        """Collect garbage if the last time was a while ago."""
        now = time.monotonic()
        if now < self._next:
            return 0
        self._next = now + COLLECT_SECONDS
        return gc.collect(generation)


def bound_arenas() -> None:
    """Let the allocator keep two heaps for all threads: each session has a thread, and each heap keeps what it once held."""
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    except (OSError, AttributeError):  # no glibc
        return


_modules = 0


def settle() -> None:
    """Take what imported modules made out of the garbage collector's rounds, and let these be few.

    Streamlit collects garbage after every run of a page; going through the hundred thousands of objects of torch and others
    took 0.17 s each time, in which no image is served. In a class, pages run several times a second.
    """
    global _modules
    if not isinstance(script_runner.gc, Seldom):
        script_runner.gc = Seldom()  # type: ignore[assignment]
        bound_arenas()
    if len(sys.modules) != _modules:
        _modules = len(sys.modules)
        gc.freeze()


class ByteCache(Generic[T]):
    """Least recently used values up to a number of bytes.

    A single value larger than the whole cache is kept alone until the next one comes: the picture someone is looking at
    must not be computed at every click.

    Parameters
    ----------
    max_bytes : int
        Bytes of all values together.
    size : callable
        Bytes of one value.
    """

    def __init__(self, max_bytes: int, size: Callable[[T], int]) -> None:
        self.max_bytes = max_bytes
        self._size = size
        self._lock = threading.Lock()
        self._values: LRUCache[Hashable, T] = LRUCache(max_bytes, getsizeof=size)
        self._large: tuple[Hashable, T] | None = None
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable) -> T | None:
        """The value, if it is kept."""
        with self._lock:
            if self._large is not None and self._large[0] == key:
                return self._large[1]
            return self._values.get(key)

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value."""
        with self._lock:
            if self._size(value) > self.max_bytes:
                self._values.clear()
                self._large = (key, value)
            else:
                self._large = None
                self._values[key] = value

    def get_or_make(self, key: Hashable, make: Callable[[], T], waiting: Callable[[], Any] | None = None,
                    accept: Callable[[T], bool] = lambda value: True) -> T:
        """The kept value, or a new one.

        Parameters
        ----------
        accept : callable
            Says whether a kept value is enough; one that is not is replaced.
        make : callable
            Computes the value; what it raises passes through and nothing is kept.
        waiting : callable, optional
            Called again and again while another thread computes the same value; may raise to stop waiting.
        """
        value = self.get(key)
        if value is not None and accept(value):
            return value
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        while not making.acquire(timeout=0.1):
            if waiting is not None:
                waiting()
        try:
            value = self.get(key)
            if value is None or not accept(value):
                value = make()
                self.put(key, value)
            return value
        finally:
            with self._lock:
                if self._making.get(key) is making:
                    del self._making[key]
            making.release()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._large = None

    @property
    def nbytes(self) -> int:
        """Bytes kept now."""
        with self._lock:
            return int(self._values.currsize) + (self._size(self._large[1]) if self._large else 0)
