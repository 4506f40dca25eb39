"""The measurement in the background: one per session, its curves shared by all sessions through a bounded cache.

A thread of its own, because curves take many forward passes: strokes, other pages and other visitors go on meanwhile, and
every batch takes its turn at the compute gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.fills import filled_image
from vislrp_core.flipping import Curve
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_ui import service
from vislrp_ui.background import BackgroundJob, one_by_one
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.gate import GATE
from vislrp_ui.state import ImageRef

BATCH = 2
"""Pictures per turn at the gate: a brush stroke waits for one turn at most."""
Run = tuple[str, str, int | None]
"""Model id (empty where the order needs no model), order, seed of a random order."""

_curves: ByteCache[Curve] = ByteCache(allotted("flipping curves"), lambda curve: 4 * curve.logits.nbytes + 500)
_orders: ByteCache[NDArray[np.intp]] = ByteCache(allotted("flipping orders"), lambda order: order.nbytes)
_ends: ByteCache[dict[int, Tensor]] = ByteCache(allotted("flipping ends"),
                                                lambda known: sum(logits.nbytes for logits in known.values()))


def curve_key(network: Network, ref: ImageRef, target: int, settings: tuple[int, str, int], order: str, seed: int | None,
              model: LRPModel | None) -> tuple[object, ...]:
    """Everything a curve depends on; the settings are patch, fill and steps."""
    return (network.digest, ref, target, *settings, order, seed, None if model is None else model.key)


def known_scores(network: Network, ref: ImageRef, target: int, settings: tuple[int, str, int],
                 model: LRPModel) -> flipping.Scores | None:
    """Scores of a map whose two curves are measured; nothing is computed."""
    morf, lerf = (_curves.get(curve_key(network, ref, target, settings, order, None, model)) for order in ("morf", "lerf"))
    return None if morf is None or lerf is None else flipping.scores(morf, lerf)


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
    network: Network
    trace: Trace
    target: int
    models: dict[str, LRPModel]
    known: dict[str, NDArray[np.float32]]
    patch: int
    fill: str
    steps: int
    seeds: int

    def runs(self) -> list[Run]:
        """Every curve: two per model, and the random ones."""
        seeds: list[Run] = [("", "random", seed) for seed in range(self.seeds)]
        return [(id, order, None) for id in self.models for order in ("morf", "lerf")] + seeds

    def key(self, id: str, order: str, seed: int | None) -> tuple[object, ...]:
        """Everything a curve depends on."""
        settings = (self.patch, self.fill, self.steps)
        return curve_key(self.network, self.ref, self.target, settings, order, seed, self.models[id] if id else None)

    def curve(self, id: str, order: str, seed: int | None = None) -> Curve | None:
        """A curve, if it is measured."""
        return _curves.get(self.key(id, order, seed))

    def missing(self) -> list[Run]:
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
            maps = service.maps_of(self.network, self.ref, lambda: self.trace, self.models[id], self.target)
            if maps.error is not None:
                raise maps.error
            self.known[id] = maps.maps[0]
        return self.known[id]


class Job(BackgroundJob):
    """The measurement of one session."""

    name = "vislrp-flipping"
    stopped = "Stopped: complete curves are kept."
    failed = "The measurement failed ({error}): measure again."

    def start(self, *tasks: Task) -> None:
        """Measure what is missing, unless a measurement is running."""
        pending = [(task, runs) for task in tasks if (runs := task.missing())]
        self.begin(partial(self._work, pending), sum(len(runs) * task.steps for task, runs in pending))

    def _work(self, pending: list[tuple[Task, list[Run]]]) -> str:
        message, before = "", 0
        for task, runs in pending:
            message = self._all(task, runs, before) or message
            before += len(runs) * task.steps
        return message

    def _all(self, task: Task, runs: list[Run], before: int) -> str:
        filled = filled_image(task.trace.x, task.network, task.fill)

        def ends() -> dict[int, Tensor]:
            with GATE.slot():
                service.counters.count("forward_passes")
                return flipping.ends(task.network, task.trace, filled, task.patch)

        known = _ends.get_or_make((task.network.digest, task.ref, task.fill, task.patch), ends)
        return one_by_one(runs, lambda place, run: self._measure(task, run, filled, known, before + place * task.steps))

    def _measure(self, task: Task, run: Run, filled: Tensor, known: dict[int, Tensor], before: int) -> None:
        id, order, seed = run
        self.tell(before)
        squares = task.order(id, order, seed)
        service.counters.count("forward_passes", len(set(flipping.flipped_counts(len(squares), task.steps)) - known.keys()))
        curve = flipping.measure(
            task.network, task.trace.x, filled, squares, task.target, patch=task.patch, steps=task.steps, kind=order,
            seed=seed, batch=BATCH, known=known, guard=GATE.slot,
            checkpoint=lambda done: self.tell(before + max(done - 1, 0)))
        _curves.put(task.key(id, order, seed), curve)
