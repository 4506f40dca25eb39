"""Neuron ablation: switch neurons off and run the layers above (guide, section 2.5; docs/numerics.md, section 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vislrp_core.batches import logits_above
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, apply_layer, forward_from
from vislrp_core.neurons import NeuronError, NeuronScores, check_layer, check_neurons
from vislrp_core.propagation import propagate_from

Value = Literal["zero", "mean"]
VALUES: dict[str, str] = {
    "zero": "The neuron's output becomes 0 everywhere.",
    "mean": "The neuron's output becomes its own mean over all positions: it fires, but no longer at particular places.",
}
NO_MEAN = "a single unit has no positions, its mean is its own value and nothing would change: set its output to 0"
Sets = Mapping[int, Iterable[int]]
"""Neurons to ablate, by layer number."""


def switch_off(activation: torch.Tensor, neurons: Sequence[int], value: Value = "zero") -> torch.Tensor:
    """A copy of one layer's activation with some neurons ablated.

    Parameters
    ----------
    activation : Tensor
        (C, H, W) or (N,), or the same with a leading batch axis.
    neurons : sequence of int
        Numbers of channels or units.
    value : "zero" or "mean"
        What takes the place of each neuron's output; the mean of a single unit is its own value.
    """
    if value not in VALUES:
        raise NeuronError(f'value: must be zero or mean, got "{value}"')
    changed = activation.clone()
    index = torch.as_tensor(list(neurons), dtype=torch.long, device=activation.device)
    spatial = activation.ndim >= 3
    axis = -3 if spatial else -1
    if value == "zero":
        changed.index_fill_(axis, index, 0)
    elif spatial:
        chosen = activation.index_select(axis, index)
        changed.index_copy_(axis, index, chosen.mean((-2, -1), keepdim=True).expand_as(chosen).contiguous())
    return changed


def ablate(network: Network, trace: Trace, sets: Sets, value: Value = "zero") -> torch.Tensor:
    """Logits after ablating sets of neurons at one or several layers.

    Layers are ablated from the bottom up; only the layers above the lowest one are computed.

    Parameters
    ----------
    network : Network
    trace : Trace
        The image's forward pass.
    sets : mapping
        Neuron numbers by layer number; empty sets change nothing.
    value : "zero" or "mean"
        With "mean", the mean of the neuron as it is after the ablation below.

    Returns
    -------
    Tensor
        (classes,) logits.

    Raises
    ------
    NeuronError
        A layer or neuron that does not exist.
    """
    chosen = checked(network, trace, sets)
    if not chosen:
        return trace.logits
    layers = sorted(chosen)
    with torch.inference_mode():
        here = layers[0]
        activation = switch_off(trace.activation(here), chosen[here], value).unsqueeze(0)
        for layer in layers[1:]:
            for above in range(here + 1, layer + 1):
                activation, _ = apply_layer(network, above, activation)
            activation = switch_off(activation, chosen[layer], value)
            here = layer
        return forward_from(network, here, activation)[0]


def check_value(network: Network, layers: Iterable[int], value: Value) -> None:
    """Refuse the mean where it changes nothing (Raises NeuronError): at layers of single units.

    For who asks a person; `ablate` itself gives the network's own prediction there.
    """
    rows = network.architecture
    unit = next((layer for layer in sorted(layers) if not rows.has_positions(layer)), None)
    if value == "mean" and unit is not None:
        raise NeuronError(f"{rows.name(unit)}: {NO_MEAN}.")


def checked(network: Network, trace: Trace, sets: Sets) -> dict[int, tuple[int, ...]]:
    """The sets that are not empty, sorted and within their layers."""
    rows = network.architecture
    found = {
        layer: check_neurons(rows.name(check_layer(layer, rows)), neurons, trace.shape(layer)[0])
        for layer, neurons in sets.items()
    }
    return {layer: neurons for layer, neurons in found.items() if neurons}


def mask(relevance: torch.Tensor, neurons: Iterable[int], *, complement: bool = False) -> torch.Tensor:
    """R of one layer with all neurons but these (or with these, if `complement`) set to 0."""
    keep = torch.zeros(relevance.shape[0], dtype=torch.bool, device=relevance.device)
    keep[list(neurons)] = True
    if complement:
        keep = ~keep
    return torch.where(keep.reshape(-1, *[1] * (relevance.ndim - 1)), relevance, torch.zeros_like(relevance))


def pass_on(
    network: Network,
    trace: Trace,
    model: LRPModel,
    layer: int,
    relevance: torch.Tensor,
    neurons: Iterable[int],
    *,
    complement: bool = False,
    checkpoint: Callable[[int], None] | None = None,
) -> torch.Tensor:
    """Relevance at the pixels that flows through a set of neurons.

    R[layer] with all other neurons set to 0, propagated on; it is linear in R, so a set and its complement
    add up to the whole map (docs/numerics.md, section 8).

    Parameters
    ----------
    layer : int
        Where the set lives.
    relevance : Tensor
        R[layer], (C, H, W) or (N,).
    neurons : iterable of int
    complement : bool
        The relevance through all other neurons instead.
    checkpoint : callable, optional
        Called with each layer's number before it is propagated; may raise to stop.

    Returns
    -------
    Tensor
        R[0] of the set, (3, H, W).
    """
    rows = network.architecture
    chosen = check_neurons(rows.name(check_layer(layer, rows)), neurons, relevance.shape[0])
    masked = mask(relevance, chosen, complement=complement)
    return propagate_from(network, trace, model, layer, masked, layers=(0,), checkpoint=checkpoint).at(0)


@dataclass(frozen=True)
class NeuronAblationCurve:
    """The target's probability and logit while more and more neurons are ablated."""

    counts: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    logits: NDArray[np.float64]
    first_class: NDArray[np.intp]

    @property
    def area(self) -> float:
        """Mean probability over the number ablated (trapezoid over the share of the largest count)."""
        return _area(self.counts, self.probabilities)

    @property
    def neurons_to_change(self) -> int | None:
        """The smallest measured count at which another class comes first; None if none does."""
        changed = np.flatnonzero(self.first_class != self.first_class[0])
        return int(self.counts[changed[0]]) if len(changed) else None


def _area(counts: NDArray[np.intp], values: NDArray[np.float64]) -> float:
    span = counts[-1] - counts[0]
    return float(np.trapezoid(values, counts) / span) if span else float(values[0])


def area_between(curve: NeuronAblationCurve, reference: NeuronAblationCurve) -> float:
    """Area under the reference minus area under the curve: how much faster this order takes the class away.

    Raises
    ------
    InputError
        If the curves were measured at different counts.
    """
    if not np.array_equal(curve.counts, reference.counts):
        raise InputError("the two curves were measured at different numbers of neurons")
    return reference.area - curve.area


def mean_curve(curves: Sequence[NeuronAblationCurve]) -> NeuronAblationCurve:
    """Mean of several runs at the same counts (random orders); first classes are those of the first run."""
    return NeuronAblationCurve(
        curves[0].counts,
        np.mean([curve.probabilities for curve in curves], axis=0),
        np.mean([curve.logits for curve in curves], axis=0),
        curves[0].first_class,
    )


def steps(size: int, points: int = 16, most: int | None = None) -> NDArray[np.intp]:
    """Numbers of ablated neurons to measure at: 0 to `most`, denser where the curves fall (quadratic)."""
    end = size if most is None else min(most, size)
    return np.unique(np.rint(end * np.linspace(0, 1, max(points, 2)) ** 2).astype(np.intp))


def random_order(size: int, seed: int) -> NDArray[np.intp]:
    """All neurons in a random, repeatable order."""
    return np.random.default_rng(seed).permutation(size)


def ranking(scores: NeuronScores) -> NDArray[np.intp]:
    """The order in which a relevance model's ranking ablates: largest total relevance first."""
    return scores.strongest("total_relevance")


def untouched(trace: Trace, target: int) -> NeuronAblationCurve:
    """The first point of every curve: no neuron ablated, which is the picture's own forward pass."""
    logits = trace.logits.double()
    return NeuronAblationCurve(
        np.zeros(1, dtype=np.intp),
        logits.softmax(0)[target : target + 1].cpu().numpy(),
        logits[target : target + 1].cpu().numpy(),
        logits.argmax()[None].cpu().numpy(),
    )


def curve(
    network: Network,
    trace: Trace,
    layer: int,
    order: Sequence[int] | NDArray[np.intp],
    target: int,
    counts: NDArray[np.intp],
    value: Value = "zero",
    *,
    batch: int = 4,
    checkpoint: Callable[[int], None] | None = None,
) -> NeuronAblationCurve:
    """Ablate neurons of one layer one after the other.

    Parameters
    ----------
    order : sequence of int
        Neurons in the order of ablation.
    target : int
        Class that is watched.
    counts : ndarray of int
        How many of them are ablated at each point, see `steps`.
    batch : int
        Points computed at once.
    checkpoint : callable, optional
        Called with the number of finished points before each batch; may raise to cancel.

    Returns
    -------
    NeuronAblationCurve
    """
    layers = network.architecture
    activation = trace.activation(check_layer(layer, layers))
    sequence = np.asarray(order, dtype=np.intp)
    check_neurons(layers.name(layer), sequence.tolist(), activation.shape[0])

    def switched() -> Iterator[torch.Tensor]:
        for place, count in enumerate(counts):
            if checkpoint is not None and place % batch == 0:
                checkpoint(place)
            yield switch_off(activation, sequence[:count].tolist(), value)

    logits = logits_above(network, layer, switched(), size=batch).double()
    probabilities = logits.softmax(1)[:, target]
    return NeuronAblationCurve(
        np.asarray(counts), probabilities.cpu().numpy(), logits[:, target].cpu().numpy(), logits.argmax(1).cpu().numpy()
    )
