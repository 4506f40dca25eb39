"""One picture under one network: what measures ask of it, each computed once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.baselines import Baseline
from vislrp_core.batches import Batch, forward_many, propagate_batch
from vislrp_core.errors import VisLRPError
from vislrp_core.experiments.flips import FlipCurve
from vislrp_core.experiments.workspace import Explainer, Picture, Workspace
from vislrp_core.fills import filled_image
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, class_index, forward, run_layers, traced
from vislrp_core.propagation import propagate, propagate_many
from vislrp_core.trace import TraceCache

Map = NDArray[np.float64]
Errors = dict[str, VisLRPError]
"""Why a model has no value, by its key."""
Together = Callable[[Mapping[str, Explainer], Errors], Mapping[str, float]]
AT_ONCE = 5
"""Noisy copies that are explained at once: a forward pass of VGG16 keeps 60 MB of each."""


@dataclass(frozen=True)
class Settings:
    """Settings of measures.

    Attributes
    ----------
    target : str
        Class that is explained: ``top`` (the picture's first class), a name, or a number.
    seed : int
        Of all random numbers, drawn again for every picture.
    patch, steps, fill : int, int, str
        Of flipping and of faithfulness.
    """

    target: str = "top"
    seed: int = 0
    patch: int = 16
    steps: int = 14
    fill: str = "mean"

    @property
    def key(self) -> tuple[Any, ...]:
        """The values."""
        return (self.target, self.seed, self.patch, self.steps, self.fill)


class Subject:
    """One picture, one target, one network.

    Parameters
    ----------
    workspace : Workspace
        Of the network; what several models or measures need is kept there.
    picture : Picture
    settings : Settings
    """

    def __init__(self, workspace: Workspace, picture: Picture, settings: Settings) -> None:
        self.workspace, self.picture, self.settings = workspace, picture, settings
        self.network = workspace.network
        self.trace = workspace.trace(picture)
        self.x = self.trace.x
        self.target = class_index(self.network, settings.target, self.trace)

    @property
    def first(self) -> int:
        """The picture's first class."""
        return class_index(self.network, "top", self.trace)

    def rng(self) -> np.random.Generator:
        """Random numbers from their beginning."""
        return np.random.default_rng(self.settings.seed)

    def key(self, *parts: Hashable) -> tuple[Hashable, ...]:
        """Name of a value that no model changes."""
        return (self.picture, self.settings, *parts)

    def map(self, model: Explainer) -> Map:
        """R, the channel sum of R[0] for the target, (H, W)."""
        return self.workspace.values(self.picture, model, self.target).astype(np.float64)

    def maps_of_classes(self, model: Explainer, classes: Sequence[int]) -> list[Map]:
        """R for other classes."""
        if isinstance(model, Baseline):
            return [self.map_of(model, self.x, one, slopes=self.workspace.slopes(self.picture)) for one in classes]
        with self.workspace.turn(1):
            found = propagate_many(self.network, self.trace, model, classes, layers=(0,))
        return [one.map(0).astype(np.float64) for one in found]

    def maps_of_pictures(
        self, models: Mapping[str, Explainer], pictures: Iterable[Tensor], errors: Errors
    ) -> Iterator[tuple[str, Map]]:
        """R of other inputs for the target under several models, which share the forward passes.

        Inputs are explained in groups that no setting changes, so that none changes a digit.

        Parameters
        ----------
        models : mapping
            By key.
        errors : dict
            Why a model has no map, by its key: it is left out from there on.

        Yields
        ------
        tuple
            A model's key and a map; those of one model in the order of the inputs.
        """
        others = iter(pictures)
        while group := list(itertools.islice(others, AT_ONCE)):
            batch: Batch | None = None
            slopes: list[dict[int, Tensor]] = [{} for _ in group]
            for key, model in models.items():
                self.workspace.tell(0)
                if key in errors:
                    continue
                if isinstance(model, Baseline):
                    for x, own in zip(group, slopes, strict=True):
                        yield key, self.map_of(model, x, self.target, own)
                    continue
                try:
                    with self.workspace.turn(len(group)):
                        batch = batch or forward_many(self.network, torch.cat(group))
                        found = propagate_batch(self.network, batch, model, [self.target] * len(group), layers=(0,))
                except VisLRPError as error:
                    errors[key] = error
                    continue
                yield from ((key, one.map(0).astype(np.float64)) for one in found)

    def together(self, metric: str, model: Explainer, measure: Together, *more: Hashable) -> float:
        """A measure that costs less for several models at once: of all models that the run is going to ask for.

        Parameters
        ----------
        measure : callable
            Gives values by key of the model, and notes the errors of those without.
        *more : hashable
            What the values depend on besides picture and settings.

        Raises
        ------
        VisLRPError
            The model's own.
        """
        kept: dict[str, float | VisLRPError] = self.workspace.remember(f"{metric} of all", self.key(*more), dict)
        if model.key not in kept:
            asked = [one for one in self.workspace.ahead if getattr(one, "metric", "") == metric]
            same = [one.model for one in asked if (one.picture, one.settings) == (self.picture, self.settings)]
            errors: Errors = {}
            kept.update(measure({one.key: one for one in [model, *same] if one.key not in kept}, errors))
            kept.update(errors)
        found = kept[model.key]
        if isinstance(found, VisLRPError):
            raise found
        return found

    def map_of(self, model: Explainer, x: Tensor, target: int, slopes: dict[int, Tensor] | None = None) -> Map:
        """R of another input, or for another class."""
        if isinstance(model, Baseline):
            with self.workspace.turn(1):
                return _summed(model.relevance(self.network, x, target, slopes))
        return self.map_from(model, self.see(x), target)

    def map_randomised(self, model: Explainer) -> Map:
        """R of the picture under `randomised`."""
        network = self.randomised()
        if isinstance(model, Baseline):
            with self.workspace.turn(1):
                return _summed(
                    model.relevance(network, self.x, self.target, self.workspace.slopes(self.picture, "randomised"))
                )
        return self.map_from(model, self.randomised_trace(), self.target, network)

    def see(self, x: Tensor) -> Trace:
        """Forward pass of another input."""
        with self.workspace.turn(1):
            return forward(self.network, x)

    def map_from(self, model: LRPModel, trace: Trace, target: int, network: Network | None = None) -> Map:
        """R of a forward pass."""
        with self.workspace.turn(1):
            found = propagate(network or self.network, trace, model, target, layers=(0,), store=self.workspace.store)
        return found.map(0).astype(np.float64)

    def scores(self, model: Explainer) -> flipping.FlippingScores:
        """Scores of measured flipping."""
        settings = self.settings

        def run() -> flipping.FlippingScores:
            morf, lerf = (
                FlipCurve(self.picture, self.target, order, model, None, settings.patch, settings.fill, settings.steps).run(
                    self.network, self.workspace
                )
                for order in ("morf", "lerf")
            )
            return flipping.scores(morf, lerf)

        return self.workspace.remember("scores", self.key(model.key), run)

    def filled(self) -> Tensor:
        """The picture with every pixel flipped."""
        return filled_image(self.x, self.network, self.settings.fill)

    def randomised_trace(self) -> Trace:
        """The picture's forward pass through `randomised`: that of the network but for the last row.

        Parts of denominators below it are those of the network's own pass.
        """

        def see() -> Trace:
            network, own = self.randomised(), self.trace
            last = network.architecture.last
            with self.workspace.turn(1):
                kept = {row: own.activations[row] for row in own.activations if 0 < row < last}
                _, end = run_layers(network, own.activations[last - 1], last - 1, last)
                found = traced(network, 0, own.x, {**kept, last: end})
            found.cache.beyond = _Below(own.cache, last)
            return found

        return self.workspace.remember("randomised trace", self.key(), see)

    def randomised(self) -> Network:
        """The network with the weights of its last row in random places, then its biases."""

        def shuffle() -> Network:
            rng, last = self.rng(), self.network.architecture.last
            weight, bias = (parts[last].cpu().numpy() for parts in (self.network.weights, self.network.biases))
            shuffled = rng.permutation(weight.reshape(-1)).reshape(weight.shape)
            moved = rng.permutation(bias)
            weights, biases = dict(self.network.weights), dict(self.network.biases)
            weights[last], biases[last] = (torch.from_numpy(one).to(self.network.device) for one in (shuffled, moved))
            return replace(
                self.network,
                weights=weights,
                biases=biases,
                digest=f"{self.network.digest} top randomised {self.settings.seed}",
            )

        return self.workspace.remember("randomised", self.settings.seed, shuffle)


class _Below:
    """Parts of denominators of another trace whose rows below one are the same (`trace.Beyond`)."""

    def __init__(self, cache: TraceCache, row: int) -> None:
        self._cache, self._row = cache, row

    def find(self, key: Hashable) -> Tensor | None:
        """A part, if the other trace keeps it."""
        return self._cache.term(key) if self._shared(key) else None

    def put(self, key: Hashable, term: Tensor) -> None:
        """Let the other trace keep a part."""
        if self._shared(key):
            self._cache.keep(key, term)

    def double(self, make: Callable[[], Any]) -> Any:
        """The pass in double precision is one of its own."""
        return make()

    def _shared(self, key: Hashable) -> bool:
        return isinstance(key, tuple) and isinstance(key[0], int) and key[0] < self._row


def _summed(relevance: Tensor) -> Map:
    return relevance.sum(0).cpu().numpy().astype(np.float64)
