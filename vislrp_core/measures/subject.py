"""One picture under one network: what measures ask of it, each computed once."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.baselines import Baseline
from vislrp_core.batches import explain_each
from vislrp_core.experiments.flips import FlipCurve
from vislrp_core.experiments.workspace import Explainer, Picture, Workspace
from vislrp_core.fills import filled_image
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, class_index, forward
from vislrp_core.propagation import propagate, propagate_many

Map = NDArray[np.float64]
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
            return [self.map_of(model, self.x, one) for one in classes]
        with self.workspace.turn(1):
            found = propagate_many(self.network, self.trace, model, classes, layers=(0,))
        return [one.map(0).astype(np.float64) for one in found]

    def maps_of_pictures(self, model: Explainer, pictures: Iterable[Tensor]) -> Iterator[Map]:
        """R of other inputs for the target, in groups that no setting changes, so that none changes a digit."""
        if isinstance(model, Baseline):
            yield from (self.map_of(model, x, self.target) for x in pictures)
            return
        others = iter(pictures)
        while group := list(itertools.islice(others, AT_ONCE)):
            with self.workspace.turn(len(group)):
                found = list(explain_each(self.network, group, [model], targets=itertools.repeat(self.target), size=AT_ONCE))
            yield from (seen.relevances[0].map(0).astype(np.float64) for seen in found)

    def map_of(self, model: Explainer, x: Tensor, target: int, network: Network | None = None) -> Map:
        """R of another input, or of another network."""
        other = network or self.network
        if isinstance(model, Baseline):
            with self.workspace.turn(1):
                return _summed(model.relevance(other, x, target))
        return self.map_from(model, self.see(x, other), target, other)

    def see(self, x: Tensor, network: Network | None = None) -> Trace:
        """Forward pass of another input."""
        with self.workspace.turn(1):
            return forward(network or self.network, x)

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


def _summed(relevance: Tensor) -> Map:
    return relevance.sum(0).cpu().numpy().astype(np.float64)
