"""The compute gate: as many computations at once as fit the cores, first come first served."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.1


class Gate:
    """A fair queue before a number of slots.

    Parameters
    ----------
    slots : int
        Computations that may run at the same time.
    """

    def __init__(self, slots: int) -> None:
        self.slots = max(1, slots)
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @contextmanager
    def slot(self, waiting: Callable[[int], None] | None = None) -> Iterator[None]:
        """Hold one slot.

        Parameters
        ----------
        waiting : callable, optional
            Told again and again, while waiting, how many stand before this computation. It may raise to give up the place.
        """
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            while (before := self._before(ticket)) >= self.slots:
                if waiting is not None:
                    waiting(before - self.slots + 1)
                with self._changed:
                    self._changed.wait(POLL_SECONDS)
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _before(self, ticket: object) -> int:
        with self._changed:
            return self._queue.index(ticket)


def default_slots() -> int:
    """One slot for every four cores: torch uses several cores per computation."""
    named = os.environ.get("VISLRP_COMPUTE_SLOTS", "")
    if named.isascii() and named.isdigit() and int(named) > 0:
        return int(named)
    return max(1, usable_cores() // 4)


def usable_cores(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores that this process may use: by its affinity, and by the quota of its container.

    Parameters
    ----------
    group : Path
        Folder of the control group (version 2), whose `cpu.max` holds the quota and its period, or "max".
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or no limit
        pass
    return cores


GATE = Gate(default_slots())
