"""Ablation curves in the background: one measurement per session, its curves shared by all through a bounded cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import ablation
from vislrp_core.ablation import NeuronAblationCurve
from vislrp_core.experiments import AblationCurve, Picture
from vislrp_core.experiments.run import record_key
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_ui import service
from vislrp_ui.ablation import work
from vislrp_ui.background import BackgroundJob
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.gate import GATE
from vislrp_ui.shared.experiments import PageWorkspace, measure, picture_of
from vislrp_ui.state import ImageRef

Run = tuple[str, str, int | None]
"""Model id (empty where the order needs no model), order, seed of a random order."""

_curves: ByteCache[dict[str, Any]] = ByteCache(allotted("neuron curves"), lambda packed: 160 * len(packed["counts"]) + 500)
_orders: ByteCache[NDArray[np.intp]] = ByteCache(allotted("neuron orders"), lambda order: order.nbytes)


def clear_caches() -> None:
    """Forget all results (tests)."""
    _curves.clear()
    _orders.clear()


@dataclass(frozen=True, eq=False)
class CurvesTask:
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
        return [
            *((id, "relevance", None) for id in self.models),
            ("", "activation", None),
            *(("", "random", seed) for seed in range(self.seeds)),
        ]

    def measurement(self, id: str, order: str, seed: int | None = None) -> AblationCurve:
        """A curve as a task."""
        return AblationCurve(
            picture_of(self.ref),
            self.target,
            self.layer,
            tuple(self.counts.tolist()),
            order,
            self.models[id] if id else None,
            seed,
            self.value,
        )

    def curve(self, id: str, order: str, seed: int | None = None) -> NeuronAblationCurve | None:
        """A curve, if it is measured."""
        wanted = self.measurement(id, order, seed)
        packed = _curves.get(record_key(self.network, wanted))
        return None if packed is None else wanted.unpack(packed)

    def missing(self) -> list[Run]:
        """Curves that are not measured."""
        return [run for run in self.runs() if self.curve(*run) is None]


class LayerWorkspace(PageWorkspace):
    """Relevance of the page's layer, where it is at hand."""

    def relevance(self, picture: Picture, model: LRPModel, target: int, layer: int) -> Tensor:
        """R[layer] (NonFiniteRelevance)."""
        known = work.known_relevance(self.network, self.seen[picture][0], model, target, layer)
        if known is not None:
            return known
        with GATE.slot(patient=True):
            service.counters.count("propagations")
            return super().relevance(picture, model, target, layer)


class CurvesJob(BackgroundJob):
    """The measurement of one session."""

    name = "vislrp-ablation"
    stopped = "Stopped: complete curves are kept."
    failed = "The measurement failed ({error}): measure again."

    def start(self, task: CurvesTask) -> None:
        """Measure what is missing, unless a measurement is running."""
        wanted = [task.measurement(*run) for run in task.missing()]
        space = LayerWorkspace(task.network, {picture_of(task.ref): (task.ref, task.trace)}, {"order": _orders})
        self.begin(lambda: measure(self, task.network, wanted, space, _curves), sum(one.size for one in wanted))
