"""One ablation curve as a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vislrp_core import ablation
from vislrp_core.ablation import NeuronAblationCurve
from vislrp_core.experiments.curves import packed, unpacked
from vislrp_core.experiments.workspace import Picture, Wish, Workspace
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.neurons import score

ORDERS: dict[str, str] = {
    "relevance": "largest relevance first",
    "activation": "largest activation first",
    "random": "random order",
}


@dataclass(frozen=True)
class AblationCurve:
    """Ablate neurons of one layer of one picture in one order and watch one class.

    Attributes
    ----------
    target : int
        Class whose relevance ranks the neurons, and which is watched.
    counts : tuple of int
        How many neurons are ablated at each point, see `ablation.steps`.
    order : str
        A key of `ORDERS`.
    model : LRPModel or None
        Whose relevance ranks the neurons; the other orders need none.
    seed : int or None
        Of a random order.
    value : str
        What a neuron's output becomes, a key of `ablation.VALUES`.
    by : str
        Score that ranks under a model, a key of `neurons.SCORES`.
    """

    picture: Picture
    target: int
    layer: int
    counts: tuple[int, ...]
    order: str
    model: LRPModel | None = None
    seed: int | None = None
    value: str = "zero"
    by: str = "total_relevance"

    @property
    def key(self) -> tuple[Any, ...]:
        """All that the curve depends on besides the network; the model's name is not among it."""
        return (
            self.picture.digest,
            self.picture.fit,
            self.target,
            self.layer,
            list(self.counts),
            self.value,
            self.by,
            self.order,
            self.seed if self.model is None else self.model.key,
        )

    @property
    def size(self) -> int:
        """Points."""
        return len(self.counts)

    @property
    def wish(self) -> Wish | None:
        """None: it ranks by relevance of its layer."""
        return None

    def neurons(self, workspace: Workspace) -> NDArray[np.intp]:
        """The layer's neurons in the order of ablation (NonFiniteRelevance)."""
        trace = workspace.trace(self.picture)
        if self.order == "random":
            return ablation.random_order(trace.shape(self.layer)[0], self.seed or 0)
        activation = trace.activation(self.layer)
        if self.model is None:
            return score(self.layer, activation, activation).strongest("activation_sum")
        model = self.model

        def rank() -> NDArray[np.intp]:
            relevance = workspace.relevance(self.picture, model, self.target, self.layer)
            return score(self.layer, relevance, activation).strongest(self.by)

        return workspace.order((self.picture, self.target, self.layer, self.by, model.key), rank)

    def run(self, network: Network, workspace: Workspace | None = None) -> NeuronAblationCurve:
        """Measure it.

        Raises
        ------
        VisLRPError, OSError
            The picture cannot be read, relevance is not finite at the layer, settings that cannot be.
        """
        space = workspace or Workspace(network)
        space.tell(0)
        order, trace = self.neurons(space), space.trace(self.picture)
        begin = 1 if self.counts[0] == 0 else 0
        parts = [ablation.untouched(trace, self.target)] if begin else []
        for start in range(begin, len(self.counts), space.batch):
            space.tell(start)
            group = np.array(self.counts[start : start + space.batch], dtype=np.intp)
            with space.turn(len(group)):
                parts.append(
                    ablation.curve(
                        network,
                        trace,
                        self.layer,
                        order,
                        self.target,
                        group,
                        cast(ablation.Value, self.value),
                        batch=space.batch,
                    )
                )
        return NeuronAblationCurve(
            *(np.concatenate(arrays) for arrays in zip(*(vars(part).values() for part in parts), strict=True))
        )

    def pack(self, result: NeuronAblationCurve) -> dict[str, Any]:
        """A curve as JSON."""
        return packed(result)

    def unpack(self, data: Mapping[str, Any]) -> NeuronAblationCurve:
        """A curve from JSON."""
        return unpacked(NeuronAblationCurve, data)
