"""The measurement in the background: one per session, its curves shared by all sessions through a bounded cache.

A thread of its own, because curves take many forward passes: strokes, other pages and other visitors go on meanwhile, and
every batch takes its turn at the compute gate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.fills import filled_image
from vislrp_core.flipping import Curve
from vislrp_core.model import LRPModel
from vislrp_core.network import VGG16, Trace
from vislrp_core.propagation import propagate
from vislrp_ui import service
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.gate import GATE
from vislrp_ui.state import ImageRef

BATCH = 2
"""Pictures per turn at the gate: a brush stroke waits for one turn at most."""

_curves: ByteCache[Curve] = ByteCache(allotted("flipping curves"), lambda curve: 4 * curve.logits.nbytes + 500)
_orders: ByteCache[NDArray[np.intp]] = ByteCache(allotted("flipping orders"), lambda order: order.nbytes)


class Stopped(Exception):
    """The measurement was stopped."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is measured; complete in itself, so that the thread needs no session.

    Attributes
    ----------
    models : dict
        By id.
    known : dict
        Maps of the pixels that are there already, by id.
    """

    ref: ImageRef
    network: VGG16
    trace: Trace
    target: int
    models: dict[str, LRPModel]
    known: dict[str, NDArray[np.float32]]
    patch: int
    fill: str
    steps: int
    seeds: int

    def runs(self) -> list[tuple[str, str, int | None]]:
        """Model id, order and seed of every curve; random orders need no model."""
        seeds: list[tuple[str, str, int | None]] = [("", "random", seed) for seed in range(self.seeds)]
        return [(id, order, None) for id in self.models for order in ("morf", "lerf")] + seeds

    def key(self, id: str, order: str, seed: int | None) -> tuple[object, ...]:
        """Everything a curve depends on."""
        model = self.models[id].key if id else None
        return (self.network.digest, self.ref, self.target, self.patch, self.fill, self.steps, order, seed, model)

    def curve(self, id: str, order: str, seed: int | None = None) -> Curve | None:
        """A curve, if it is measured."""
        return _curves.get(self.key(id, order, seed))

    def missing(self) -> list[tuple[str, str, int | None]]:
        """Curves that are not measured."""
        return [run for run in self.runs() if self.curve(*run) is None]

    def order(self, id: str, order: str, seed: int | None = None) -> NDArray[np.intp]:
        """Squares in the order of flipping; needs the model's map."""
        key = (self.network.digest, self.ref, self.target, self.patch, order, seed, self.models[id].key if id else None)
        return _orders.get_or_make(key, lambda: flipping.order_of(self._values(id), self.patch, order, seed))

    def _values(self, id: str) -> NDArray[np.float32] | None:
        if not id:
            return None
        if id not in self.known:
            with GATE.slot():
                service.counters.count("propagations")
                relevance = propagate(self.network, self.trace, self.models[id], self.target, layers=(0,))
            self.known[id] = np.asarray(relevance.map(0), dtype=np.float32)
        return self.known[id]


@dataclass(frozen=True)
class Progress:
    """Where a measurement stands."""

    running: bool = False
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


class Job:
    """The measurement of one session.

    Parameters
    ----------
    alive : callable
        Says whether the session that asked still exists; the work ends with it.
    """

    def __init__(self, alive: Callable[[], bool] = lambda: True) -> None:
        self._alive = alive
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = Progress()

    @property
    def progress(self) -> Progress:
        """Where it stands now."""
        with self._lock:
            return self._progress

    def start(self, task: Task) -> None:
        """Measure what is missing, unless a measurement is running."""
        with self._lock:
            if self._progress.running:
                return
            runs = task.missing()
            self._progress = Progress(True, 0, len(runs) * task.steps)
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, args=(task, runs), name="vislrp-flipping", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask it to stop; curves that are complete stay."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for the end (tests)."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _tell(self, done: int) -> None:
        if self._stop.is_set() or not self._alive():
            raise Stopped
        with self._lock:
            self._progress = Progress(True, done, self._progress.total)

    def _run(self, task: Task, runs: list[tuple[str, str, int | None]]) -> None:
        message = ""
        try:
            filled = filled_image(task.trace.x, task.network, task.fill)
            with GATE.slot():
                known = flipping.ends(task.network, task.trace, filled, task.patch)
            for place, run in enumerate(runs):
                try:
                    self._measure(task, run, filled, known, place * task.steps)
                except (ArithmeticError, ValueError) as error:
                    message = str(error)  # one model without a finite map does not stop the others
        except Stopped:
            message = "Stopped: complete curves are kept."
        except Exception as error:
            message = f"The measurement failed ({type(error).__name__}): measure again."
            raise
        finally:
            with self._lock:
                self._progress = Progress(False, self._progress.done, self._progress.total, message)

    def _measure(self, task: Task, run: tuple[str, str, int | None], filled: Tensor, known: dict[int, Tensor],
                 before: int) -> None:
        id, order, seed = run
        self._tell(before)
        squares = task.order(id, order, seed)
        curve = flipping.measure(
            task.network, task.trace.x, filled, squares, task.target, patch=task.patch, steps=task.steps, kind=order,
            seed=seed, batch=BATCH, known=known, guard=GATE.slot,
            checkpoint=lambda done: self._tell(before + max(done - 1, 0)))
        _curves.put(task.key(id, order, seed), curve)
