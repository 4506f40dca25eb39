"""The compute gate: as many computations at once as fit the cores, first come first served, the cores shared among them.

An answer may take several computations, such as the ten maps of a comparison: `places` says when each of them is due.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from vislrp_core.cores import usable_cores
from vislrp_ui import places

POLL_SECONDS = 0.25


@dataclass(frozen=True, eq=False)
class Ticket:
    """A place in the queue: when it was taken, or earlier, when its computation was due (`time.monotonic`)."""

    came: float


class Gate:
    """A fair queue before a number of slots; long work waits behind all that somebody looks at.

    A thread that holds a slot may ask for one again and has it: so the forward pass that a propagation needs is made in the
    propagation's own slot, and nobody who waits holds a forward pass in memory.

    Parameters
    ----------
    slots : int
        Computations that may run at the same time.
    share : callable, optional
        Called when a computation begins, with the number of those that run or could run at the same time, itself included.
    """

    def __init__(self, slots: int, share: Callable[[int], None] | None = None) -> None:
        self.slots = max(1, slots)
        self._share = share
        self._changed = threading.Condition()
        self._running = self._turns = 0
        self._urgent: list[Ticket] = []
        self._patient: list[Ticket] = []
        self._held = threading.local()
        self._urgent_until = time.monotonic()

    @contextmanager
    def slot(
        self, waiting: Callable[[int], None] | None = None, *, patient: bool = False, hurry: Callable[[], bool] | None = None
    ) -> Iterator[None]:
        """Hold one slot.

        Parameters
        ----------
        waiting : callable, optional
            Called again and again, while waiting, with the number of computations ahead of this one. It may raise to give up
            the place.
        patient : bool
            Whether all that is not patient goes first, whenever it comes: measurements, and what is computed beforehand.
        hurry : callable, optional
            Asked again and again while a patient one waits: whether somebody who is not wants its result meanwhile.
        """
        if getattr(self._held, "slot", False):
            yield
            return
        others = self._wait(waiting, patient, hurry)
        self._held.slot = True
        try:
            if self._share is not None:
                self._share(others)
            yield
        finally:
            self._held.slot = False
            with self._changed:
                self._running -= 1
                if not patient:
                    self._urgent_until = time.monotonic()
                self._move_up()

    def _move_up(self) -> None:
        self._turns += 1
        self._changed.notify_all()

    def _wait(self, waiting: Callable[[int], None] | None, patient: bool, hurry: Callable[[], bool] | None) -> int:
        """Wait for a slot; returns how many computations share the cores with this one, itself included."""
        ticket = Ticket(min(time.monotonic(), places.due()))
        queue = self._patient if patient else self._urgent
        with self._changed:
            insort(queue, ticket, key=_came)
        try:
            while True:
                with self._changed:
                    if patient and hurry is not None and hurry():
                        queue.remove(ticket)
                        patient, queue = False, self._urgent
                        insort(queue, ticket, key=_came)
                        self._move_up()
                    before = self._running + queue.index(ticket) + (len(self._urgent) if patient else 0)
                    if before < self.slots:
                        self._running += 1
                        places.begin()
                        return min(self.slots, self._running + len(self._urgent) - (not patient))
                    turn = self._turns
                if waiting is not None:
                    waiting(before - self.slots + 1)
                with self._changed:
                    self._changed.wait_for(lambda seen=turn: self._turns != seen, POLL_SECONDS)  # type: ignore[misc]
        finally:
            with self._changed:
                queue.remove(ticket)
                self._move_up()

    @property
    def wanted(self) -> bool:
        """Whether somebody who is not patient waits for a slot: long work gives way then."""
        return bool(self._urgent)

    @property
    def idle(self) -> bool:
        """Whether nothing is computed and nobody waits."""
        return not (self._running or self._urgent or self._patient)

    @property
    def quiet_seconds(self) -> float:
        """Seconds since the last computation that somebody waited for."""
        return time.monotonic() - self._urgent_until


def _came(ticket: Ticket) -> float:
    return ticket.came


def default_slots() -> int:
    """Two slots, one where there is one core, and one for every two cores where there are many.

    In one computation two cores do half as much again as one; two computations side by side do twice as much.
    """
    named = os.environ.get("VISLRP_COMPUTE_SLOTS", "")
    if named.isascii() and named.isdigit() and int(named) > 0:
        return int(named)
    cores = usable_cores()
    return max(min(cores, 2), cores // 2)


def share_cores(computations: int) -> None:
    """Let the calling thread compute with its share of the cores: all of them while nobody else computes."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    cores = int(named) if named.isascii() and named.isdigit() and int(named) > 0 else usable_cores()
    torch.set_num_threads(max(1, cores // computations))


GATE = Gate(default_slots(), share_cores)
