"""What the page computes: relevance and scores of any layer, predictions without neurons, what they pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import ablation
from vislrp_core.architecture import Architecture
from vislrp_core.heatmap import channel_sum
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Prediction, rank
from vislrp_core.neurons import NeuronScores, score
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_core.store import upper_part
from vislrp_ui import service, session
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.gate import GATE
from vislrp_ui.service import Watch
from vislrp_ui.state import ImageRef, Visit
from vislrp_ui.state_ablation import Cut

_layers: ByteCache[Tensor] = ByteCache(allotted("neuron relevance"), lambda relevance: relevance.nbytes)
_scores: ByteCache[NeuronScores] = ByteCache(allotted("neuron scores"), lambda scores: 48 * len(scores) + 100)
_logits: ByteCache[NDArray[np.float64]] = ByteCache(allotted("neuron logits"), lambda logits: logits.nbytes)
_passed: ByteCache[NDArray[np.float32]] = ByteCache(allotted("neuron pixels"), lambda values: values.nbytes)


def clear_caches() -> None:
    """Forget all results (tests)."""
    for kept in (_layers, _scores, _logits, _passed):
        kept.clear()


@dataclass(frozen=True, eq=False)
class ExplanationKey:
    """Whose relevance the page is about: network, picture, model and class."""

    network: Network
    ref: ImageRef
    model: LRPModel
    target: int

    def key(self, layer: int) -> tuple[object, ...]:
        """Everything that R[layer] depends on."""
        return relevance_key(self.network, self.ref, self.model, self.target, layer)


def asked_by(network: Network, visit: Visit) -> ExplanationKey:
    """What a visit's page is about."""
    return ExplanationKey(network, visit.image, visit.model, service.target_of(network, visit.image, visit.target))


def relevance_key(network: Network, ref: ImageRef, model: LRPModel, target: int, layer: int) -> tuple[object, ...]:
    """Everything that R[layer] depends on."""
    return (network.digest, ref, target, layer, upper_part(model, layer))


def carrier(rows: Architecture, layer: int) -> int:
    """The lowest layer with the same relevance: ReLU and dropout hand it on as it is (and in its shape)."""
    while rows.rows[layer].kind in ("relu", "dropout") and layer != rows.last_feature + 1:
        layer -= 1
    return layer


def relevance_at(asked: ExplanationKey, layer: int, watch: Watch | None = None) -> Tensor:
    """R[layer]; one propagation serves all layers of a model.

    Raises
    ------
    NonFiniteRelevance
        If it is not finite there.
    """
    rows = asked.network.architecture
    where = carrier(rows, layer)

    def run() -> Tensor:
        try:
            maps = service.relevance(asked.network, asked.ref, asked.model, asked.target, layers="all", watch=watch).maps
        except NonFiniteRelevance as error:
            maps = error.relevance.maps if error.relevance is not None else {}
            if where not in maps:
                raise
        # The large ones of the low layers first: they are the first to be forgotten. Of the pixels the map alone is shown.
        for other in range(1, rows.last + 1):
            if other in maps and carrier(rows, other) == other:
                _layers.put(asked.key(other), maps[other])
        if 0 in maps:
            _passed.put((*asked.key(0), "whole"), np.asarray(channel_sum(maps[0]), dtype=np.float32))
        return maps[where]

    return _layers.get_or_make(asked.key(where), run, session.get_visit)


def known_relevance(network: Network, ref: ImageRef, model: LRPModel, target: int, layer: int) -> Tensor | None:
    """`relevance_at` where it is at hand; nothing is computed, and no session is needed."""
    return _layers.get(relevance_key(network, ref, model, target, carrier(network.architecture, layer)))


def scores_at(asked: ExplanationKey, layer: int, watch: Watch | None = None) -> NeuronScores:
    """Scores of a layer's neurons (NonFiniteRelevance as above)."""

    def run() -> NeuronScores:
        relevance = relevance_at(asked, layer, watch)
        return score(layer, relevance, service.trace(asked.network, asked.ref, watch=watch).activation(layer))

    return _scores.get_or_make((*asked.key(layer), layer), run)


def known_scores(asked: ExplanationKey, layer: int) -> NeuronScores | None:
    """`scores_at` where they are at hand; nothing is computed."""
    return _scores.get((*asked.key(layer), layer))


def _waiting(before: int) -> None:
    session.get_visit()  # a point where Streamlit ends a run that a newer edit has made obsolete


def _checkpoint(rows: Architecture, first: int, watch: Watch | None) -> Callable[[int], None]:
    def tell(layer: int) -> None:
        session.get_visit()
        if watch is not None:
            watch(f"What these neurons pass on: {rows.name(layer)}", (first - layer + 1) / first)

    return tell


def shapes(net: Network) -> dict[int, tuple[int, ...]]:
    """Shape of every layer's activation: (channels, rows, columns) or (units,)."""
    rows = net.architecture
    found: dict[int, tuple[int, ...]] = {}
    size = 0
    for layer, side in enumerate(rows.sides[1:], start=1):
        size = net.weights[layer].shape[0] if layer in net.weights else size
        found[layer] = (size, side, side) if rows.has_positions(layer) else (size,)
    return found


def sizes(net: Network) -> dict[int, int]:
    """Number of neurons of every layer."""
    return {layer: shape[0] for layer, shape in shapes(net).items()}


def before(net: Network, ref: ImageRef) -> list[Prediction]:
    """Predictions of the whole network, all classes."""
    return service.predictions(net, ref, net.num_classes)


def logits_without(net: Network, ref: ImageRef, cut: Cut) -> NDArray[np.float64]:
    """Logits after an ablation, (classes,); cached by content."""

    def run() -> NDArray[np.float64]:
        with GATE.slot(_waiting):
            service.counters.count("forward_passes")
            found = ablation.ablate(net, service.trace(net, ref), cut.mapping, cast(ablation.Value, cut.value))
        return np.asarray(found.double().cpu().numpy())

    return _logits.get_or_make((net.digest, ref, cut), run)


def without(net: Network, ref: ImageRef, cut: Cut) -> list[Prediction]:
    """Predictions after an ablation, all classes."""
    return as_predictions(logits_without(net, ref, cut), net.classes)


def as_predictions(logits: NDArray[np.float64], classes: tuple[str, ...]) -> list[Prediction]:
    """All classes with logit and probability, the most probable first."""
    return rank(torch.from_numpy(logits), classes, len(classes))


def passed_on(asked: ExplanationKey, layer: int, neurons: Iterable[int], watch: Watch | None = None) -> NDArray[np.float32]:
    """Relevance at the pixels that flows through neurons of a layer, channel sum (H, W)."""
    chosen = tuple(neurons)
    net = asked.network

    def run() -> NDArray[np.float32]:
        relevance = relevance_at(asked, layer, watch)
        with GATE.slot(_waiting):
            service.counters.count("propagations")
            found = ablation.pass_on(
                net,
                service.trace(asked.network, asked.ref),
                asked.model,
                layer,
                relevance,
                chosen,
                checkpoint=_checkpoint(net.architecture, layer, watch),
            )
        return np.asarray(channel_sum(found), dtype=np.float32)

    return _passed.get_or_make((*asked.key(0), layer, chosen), run)


def whole_map(asked: ExplanationKey, watch: Watch | None = None) -> NDArray[np.float32]:
    """Relevance of the pixels, channel sum (H, W)."""
    return _passed.get_or_make(
        (*asked.key(0), "whole"), lambda: np.asarray(channel_sum(relevance_at(asked, 0, watch)), dtype=np.float32)
    )
