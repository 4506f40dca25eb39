"""Measured flipping of a page: one measurement per session, its curves shared by all sessions through a bounded cache.

A thread of its own, because curves take many forward passes: strokes, other pages and other visitors go on meanwhile, and
every batch takes its turn at the compute gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.experiments import Explainer, FlipCurve, Picture
from vislrp_core.experiments.run import record_key
from vislrp_core.flipping import PerturbationCurve
from vislrp_core.network import Network, Trace
from vislrp_ui.background import BackgroundJob
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.shared.experiments import PageWorkspace, measure, picture_of
from vislrp_ui.state import ImageRef, Visit

BASELINE = "baseline-"
"""Beginning of a baseline's id among the ids of models."""


def measurable(visit: Visit) -> dict[str, tuple[str, Explainer]]:
    """Names and what makes the map, by id: the visit's models, then the baselines."""
    models: dict[str, tuple[str, Explainer]] = {entry.id: (entry.name, entry.model) for entry in visit.models}
    return models | {f"{BASELINE}{key}": (f"{method.title} (baseline)", Baseline(key)) for key, method in METHODS.items()}


Run = tuple[str, str, int | None]
"""Model id (empty where the order needs no model), order, seed of a random order."""

_curves: ByteCache[dict[str, Any]] = ByteCache(allotted("flipping curves"), lambda packed: 160 * len(packed["shares"]) + 500)
_orders: ByteCache[NDArray[np.intp]] = ByteCache(allotted("flipping orders"), lambda order: order.nbytes)
_ends: ByteCache[dict[int, Tensor]] = ByteCache(
    allotted("flipping ends"), lambda known: sum(logits.nbytes for logits in known.values())
)


def known_scores(
    network: Network, ref: ImageRef, target: int, settings: tuple[int, str, int], model: Explainer
) -> flipping.FlippingScores | None:
    """Scores of a map whose two curves are measured, by patch, fill and steps; nothing is computed."""
    patch, fill, steps = settings
    morf, lerf = (
        _kept(network, FlipCurve(picture_of(ref), target, order, model, None, patch, fill, steps))
        for order in ("morf", "lerf")
    )
    return None if morf is None or lerf is None else flipping.scores(morf, lerf)


def _kept(network: Network, curve: FlipCurve) -> PerturbationCurve | None:
    packed = _curves.get(record_key(network, curve))
    return None if packed is None else curve.unpack(packed)


@dataclass(frozen=True, eq=False)
class FlippingTask:
    """What a page asks for about one picture.

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
    models: dict[str, Explainer]
    known: dict[str, NDArray[np.float32]]
    patch: int
    fill: str
    steps: int
    seeds: int

    def runs(self) -> list[Run]:
        """Every curve: two per model, and the random ones."""
        seeds: list[Run] = [("", "random", seed) for seed in range(self.seeds)]
        return [(id, order, None) for id in self.models for order in ("morf", "lerf")] + seeds

    def measurement(self, id: str, order: str, seed: int | None = None) -> FlipCurve:
        """A curve as a task."""
        return FlipCurve(
            picture_of(self.ref),
            self.target,
            order,
            self.models[id] if id else None,
            seed,
            self.patch,
            self.fill,
            self.steps,
        )

    def curve(self, id: str, order: str, seed: int | None = None) -> PerturbationCurve | None:
        """A curve, if it is measured."""
        return _kept(self.network, self.measurement(id, order, seed))

    def missing(self) -> list[Run]:
        """Curves that are not measured."""
        return [run for run in self.runs() if self.curve(*run) is None]

    def order(self, id: str, order: str, seed: int | None = None) -> NDArray[np.intp]:
        """Squares in the order of flipping; needs the model's map."""
        return self.measurement(id, order, seed).squares(self.workspace)

    @cached_property
    def workspace(self) -> MapsWorkspace:
        """What this task brings."""
        return MapsWorkspace(self.network, [self])


class MapsWorkspace(PageWorkspace):
    """The page's maps are at hand without another look at the app's."""

    def __init__(self, network: Network, tasks: list[FlippingTask]) -> None:
        super().__init__(
            network, {picture_of(task.ref): (task.ref, task.trace) for task in tasks}, {"order": _orders, "ends": _ends}
        )
        self._maps = {
            (picture_of(task.ref), task.models[id].key, task.target): values
            for task in tasks
            for id, values in task.known.items()
        }

    def values(self, picture: Picture, model: Explainer, target: int) -> NDArray[Any]:
        """The pixels' map."""
        known = self._maps.get((picture, model.key, target))
        return super().values(picture, model, target) if known is None else known


class FlippingJob(BackgroundJob):
    """The measurement of one session."""

    name = "vislrp-flipping"
    stopped = "Stopped: complete curves are kept."
    failed = "The measurement failed ({error}): measure again."

    def start(self, *tasks: FlippingTask) -> None:
        """Measure what is missing, unless a measurement is running."""
        wanted = [task.measurement(*run) for task in tasks for run in task.missing()]
        if tasks:
            network, space = tasks[0].network, MapsWorkspace(tasks[0].network, list(tasks))
            self.begin(lambda: measure(self, network, wanted, space, _curves), sum(one.size for one in wanted))
