"""Ablation curves in the background: one measurement per session, its curves shared by all through a bounded cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vislrp_core import ablation
from vislrp_core.ablation import Curve
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.neurons import score
from vislrp_core.propagation import propagate
from vislrp_ui import service
from vislrp_ui.ablation import work
from vislrp_ui.background import BackgroundJob, one_by_one
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.gate import GATE
from vislrp_ui.state import ImageRef

BATCH = 2
"""Points per turn at the gate: another visitor waits for one turn at most."""
ORDERS = {"relevance": "largest relevance first", "activation": "largest activation first", "random": "random order"}
Run = tuple[str, str, int | None]
"""Model id (empty where the order needs no model), order, seed of a random order."""

_curves: ByteCache[Curve] = ByteCache(allotted("neuron curves"), lambda curve: 4 * curve.logits.nbytes + 500)
_orders: ByteCache[NDArray[np.intp]] = ByteCache(allotted("neuron orders"), lambda order: order.nbytes)


def clear_caches() -> None:
    """Forget all results (tests)."""
    _curves.clear()
    _orders.clear()


@dataclass(frozen=True, eq=False)
class Task:
    """What is measured; complete in itself, so that the thread needs no session.

    Attributes
    ----------
    models : dict
        By id: those whose relevance ranks the neurons.
    value : str
        What a neuron's output becomes, a key of `ablation.VALUES`.
    share, points, seeds : int
        Percent of the layer's neurons ablated at the end, points of each curve, number of random orders.
    """

    ref: ImageRef
    network: Network
    trace: Trace
    target: int
    layer: int
    models: dict[str, LRPModel]
    value: str
    share: int
    points: int
    seeds: int

    @property
    def size(self) -> int:
        """Number of the layer's neurons."""
        return self.trace.shape(self.layer)[0]

    @property
    def counts(self) -> NDArray[np.intp]:
        """How many neurons are ablated at each point."""
        return ablation.steps(self.size, self.points, max(1, round(self.size * self.share / 100)))

    def runs(self) -> list[Run]:
        """Every curve: one per model, one by activation, the random ones."""
        return [*((id, "relevance", None) for id in self.models), ("", "activation", None),
                *(("", "random", seed) for seed in range(self.seeds))]

    def key(self, id: str, order: str, seed: int | None) -> tuple[object, ...]:
        """Everything a curve depends on."""
        return (self.network.digest, self.ref, self.target, self.layer, self.share, self.points, self.value, order, seed,
                self.models[id].key if id else None)

    def curve(self, id: str, order: str, seed: int | None = None) -> Curve | None:
        """A curve, if it is measured."""
        return _curves.get(self.key(id, order, seed))

    def missing(self) -> list[Run]:
        """Curves that are not measured."""
        return [run for run in self.runs() if self.curve(*run) is None]

    def order(self, id: str, order: str, seed: int | None = None) -> NDArray[np.intp]:
        """The layer's neurons in the order of ablation (NonFiniteRelevance if a model has none there)."""
        if order == "random":
            return ablation.random_order(self.size, seed or 0)
        activation = self.trace.activation(self.layer)
        if order == "activation":
            return score(self.layer, activation, activation).strongest("activation_sum")
        key = (self.network.digest, self.ref, self.target, self.layer, self.models[id].key)

        def rank() -> NDArray[np.intp]:
            relevance = work.known_relevance(self.network, self.ref, self.models[id], self.target, self.layer)
            if relevance is None:
                with GATE.slot():
                    service.counters.count("propagations")
                    relevance = propagate(self.network, self.trace, self.models[id], self.target,
                                          layers=(self.layer,)).at(self.layer)
            return ablation.ranking(score(self.layer, relevance, activation))

        return _orders.get_or_make(key, rank)


class Job(BackgroundJob):
    """The measurement of one session."""

    name = "vislrp-ablation"
    stopped = "Stopped: complete curves are kept."
    failed = "The measurement failed ({error}): measure again."

    def start(self, task: Task) -> None:
        """Measure what is missing, unless a measurement is running."""
        runs, points = task.missing(), len(task.counts)
        self.begin(lambda: one_by_one(runs, lambda place, run: self._measure(task, run, place * points)), len(runs) * points)

    def _measure(self, task: Task, run: Run, before: int) -> None:
        self.tell(before)
        order, counts = task.order(*run), task.counts
        parts = [_untouched(task)]
        for start in range(1, len(counts), BATCH):
            self.tell(before + start)
            with GATE.slot():
                service.counters.count("forward_passes", len(counts[start:start + BATCH]))
                parts.append(ablation.curve(task.network, task.trace, task.layer, order, task.target,
                                            counts[start:start + BATCH], cast(ablation.Value, task.value), batch=BATCH))
        _curves.put(task.key(*run), Curve(
            counts, *(np.concatenate([getattr(part, name) for part in parts])
                      for name in ("probabilities", "logits", "first_class"))))


def _untouched(task: Task) -> Curve:
    """The first point of every curve: no neuron ablated, which is the picture's own forward pass."""
    logits = task.trace.logits.double()
    return Curve(task.counts[:1], logits.softmax(0)[task.target:task.target + 1].cpu().numpy(),
                 logits[task.target:task.target + 1].cpu().numpy(), logits.argmax()[None].cpu().numpy())
