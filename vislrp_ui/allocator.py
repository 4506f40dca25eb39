"""The C library's allocator: few heaps, no large tensors in them, and what was freed goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import cast

LARGE_BYTES = 2 << 20
"""From this size on, memory is the system's again the moment it is let go: tensors, hardly anything else."""
TOP_BYTES = 4 << 20
"""So much may be free at the end of a heap."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's mallopt


@cache
def _function(name: str) -> Callable[..., int] | None:
    """A function that only glibc has."""
    try:
        return cast(Callable[..., int], getattr(ctypes.CDLL(None), name))
    except (OSError, AttributeError, TypeError):
        return None


def bound_heaps() -> None:
    """Let the allocator make no further heap, and put no large tensors into those that are there.

    Each session has a thread, threads have heaps, and each heap keeps what it once held. Of itself the allocator moves its
    limit for large pieces up to 32 MB as soon as one was freed: tensors then lie in the heaps, and what was freed of them
    stayed resident, 0.5 GB in a class of thirty. A limit that is set does not move.
    """
    tune = _function("mallopt")
    if tune is not None:
        for what, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, LARGE_BYTES), (_M_TRIM_THRESHOLD, TOP_BYTES)):
            tune(what, value)


def give_back_memory() -> None:
    """Hand freed memory to the system: the allocator keeps that of past tensors, several hundred MB after some pictures."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)
