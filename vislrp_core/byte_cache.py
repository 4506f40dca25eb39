"""A cache bounded in bytes and shared by threads; equal requests at the same time are computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from cachetools import LRUCache

T = TypeVar("T")


@dataclass(eq=False)
class _Making:
    """A value that is being computed, and how many threads want it, the one that computes included."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0


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
        self._making: dict[Hashable, _Making] = {}

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

    def get_or_make(
        self,
        key: Hashable,
        make: Callable[[], T],
        waiting: Callable[[], Any] | None = None,
        accept: Callable[[T], bool] = lambda value: True,
    ) -> T:
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
            making = self._making.setdefault(key, _Making())
            making.threads += 1
        try:
            while not making.lock.acquire(timeout=0.1):
                if waiting is not None:
                    waiting()
            try:
                value = self.get(key)
                if value is None or not accept(value):
                    value = make()
                    self.put(key, value)
                return value
            finally:
                making.lock.release()
        finally:
            with self._lock:
                making.threads -= 1
                if not making.threads:  # where the computation was given up, those who wait for it take turns still
                    del self._making[key]

    def awaited(self, key: Hashable) -> bool:
        """Whether another thread waits for a value that is being computed."""
        with self._lock:
            making = self._making.get(key)
            return making is not None and making.threads > 1

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
