"""Where the relevance of one neuron comes from: R_i of a layer's input as the exact sum over the layer's outputs j.

Numerators, denominators, stabilizer and the share of the bias are those that the layer's rule itself divides by
(`kinds.base.RuleKind.terms`). With the fractions t of the rule (docs/numerics.md, section 2)

    R_i = sum_j R_(i<-j),    R_(i<-j) = sum_t factor_t q_ij,t / (z_j,t + stabilizer_j,t) R_j

and of what j shares out, biases and stabilizers keep their own parts; alpha - beta other than 1 adds or takes some.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.precision import Doubtful
from vislrp_core.steps import in_double, single_step
from vislrp_core.weighted import WeightedLayer


@dataclass(frozen=True, eq=False)
class Fraction:
    """One fraction of a rule for one input i and those outputs j that it reaches; all tensors are (n,).

    Attributes
    ----------
    factor : Tensor
        alpha, -beta or 1; 0 where j has no such term.
    numerator : Tensor
        q_ij.
    z : Tensor
        z_j, the share of the bias included.
    bias : Tensor
        That share, 0 where the bias is ignored.
    stabilizer : Tensor
        What is added to z_j, with its sign.
    """

    factor: Tensor
    numerator: Tensor
    z: Tensor
    bias: Tensor
    stabilizer: Tensor

    @property
    def share(self) -> Tensor:
        """Which part of R_j it hands to i."""
        return self.factor * self.numerator / (self.z + self.stabilizer)


@dataclass(frozen=True, eq=False)
class Contributions:
    """R_i of one input of a weighted layer, part by part.

    Attributes
    ----------
    layer : int
        The weighted row whose outputs are j.
    place : tuple of int
        Where i is in the activation below: (unit,) or (channel, row, column).
    outputs : Tensor
        Places of the outputs that i reaches, (n, 1) or (n, 3).
    relevance : Tensor
        Their R_j, (n,).
    fractions : tuple of Fraction
        The fractions of the rule.
    value : float
        R_i as the propagation has it.
    """

    layer: int
    place: tuple[int, ...]
    outputs: Tensor
    relevance: Tensor
    fractions: tuple[Fraction, ...]
    value: float

    @property
    def parts(self) -> Tensor:
        """R_(i<-j), (n,)."""
        total = torch.zeros_like(self.relevance)
        for fraction in self.fractions:
            total = total + fraction.share * self.relevance
        return total

    def strongest(self, count: int) -> tuple[Tensor, float]:
        """Numbers of the parts that are largest in absolute value, the largest first, and the sum of all others.

        The others are what is missing from `value`, so that both together are exactly that.
        """
        parts = self.parts
        chosen = parts.abs().argsort(descending=True, stable=True)[:count]
        return chosen, self.value - float(parts[chosen].sum())


@torch.inference_mode()
def contributions(
    network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, place: tuple[int, ...]
) -> Contributions:
    """What each output of a weighted layer hands to one of its inputs, under the layer's rule.

    Parameters
    ----------
    trace : Trace
        Forward pass of one picture.
    layer : int
        A convolution or fully connected row.
    relevance : Tensor
        R[layer], (C, H, W) or (N,).
    place : tuple of int
        The input in the activation of ``layer`` - 1: (unit,), or (channel, row, column) where that has positions.

    Raises
    ------
    InputError
        If the row has no weights, or there is no such input.
    ModelError
        If the model is for another architecture.
    """
    model.require(network.architecture)
    shape = _checked(network, trace, layer, place)
    batch = relevance.to(device=network.device, dtype=network.dtype)[None]
    try:
        below = single_step(network, trace, model, layer, batch)
    except Doubtful:
        trace = in_double(network, trace)
        below = single_step(network, trace, model, layer, batch)
    here = WeightedLayer(network, trace, layer)
    outputs, weights = _reached(here, shape, place)
    where = tuple(outputs.T)
    a = trace.activations[layer - 1][0][place]
    rule = model.rule_at(layer)
    fractions = []
    for term in rule.kind.terms(here, rule, model.bias == "absorb"):
        z = term.z[0][where]
        fractions.append(
            Fraction(
                torch.full_like(z, term.factor) * (1 if term.counts is None else term.counts[0][where]),
                term.contribution(a, weights, place[0]),
                z,
                term.bias[where[0]],
                _signed(term.damping, z),
            )
        )
    return Contributions(layer, place, outputs, batch[0][where], tuple(fractions), float(below.reshape(1, *shape)[0][place]))


@dataclass(frozen=True)
class Balance:
    """Sum of relevance above and below a weighted layer, and where the difference goes; all add up exactly.

    Attributes
    ----------
    above, below : float
        Sum of R[layer] and of R[layer - 1].
    bias, stabilizer : float
        What biases and stabilizers keep.
    factors : float
        What is missing because the rule's factors do not add up to 1: alpha - beta, or a term that a neuron does not have.
    """

    above: float
    below: float
    bias: float
    stabilizer: float
    factors: float


@torch.inference_mode()
def balance(network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor) -> Balance:
    """Where the relevance of a weighted layer goes that its inputs do not get.

    Parameters are those of `contributions`. All q_ij of a neuron add up to z_j without its bias, so what a fraction does not
    hand on is factor (bias_j + stabilizer_j) / (z_j + stabilizer_j) R_j.

    Raises
    ------
    InputError
        If the row has no weights.
    """
    model.require(network.architecture)
    _checked(network, trace, layer, None)
    batch = relevance.to(device=network.device, dtype=network.dtype)[None]
    try:
        below = single_step(network, trace, model, layer, batch)
    except Doubtful:
        trace = in_double(network, trace)
        below = single_step(network, trace, model, layer, batch)
    here = WeightedLayer(network, trace, layer)
    rule = model.rule_at(layer)
    kept = torch.zeros(3, dtype=torch.float64)
    left = torch.ones_like(batch)
    for term in rule.kind.terms(here, rule, model.bias == "absorb"):
        factor = torch.full_like(term.z, term.factor) * (1 if term.counts is None else term.counts)
        stabilizer = _signed(term.damping, term.z)
        share = factor * batch / (term.z + stabilizer)
        kept[0] += float((share * here.per_output(term.bias)).sum())
        kept[1] += float((share * stabilizer).sum())
        left = left - factor
    kept[2] = float((left * batch).sum())
    return Balance(float(batch.sum()), float(below.sum()), *kept.tolist())


def _signed(damping: float, z: Tensor) -> Tensor:
    """The stabilizer with the sign of z, sign(0) = +1."""
    size = torch.full_like(z, damping)
    return torch.where(z >= 0, size, -size)


def _checked(network: Network, trace: Trace, layer: int, place: tuple[int, ...] | None) -> tuple[int, ...]:
    """Shape of the layer's input in the trace (Raises InputError)."""
    plan = network.architecture
    if not 0 < layer <= plan.last or not plan.rows[layer].is_weighted:
        raise InputError(f"layer {layer} has no weights: give one of {', '.join(map(str, plan.weighted))}")
    if len(trace.x) != 1:
        raise InputError(f"a trace of {len(trace.x)} pictures was given, expected one picture")
    shape = tuple(trace.activations[layer - 1].shape[1:])
    if place is not None and (
        len(place) != len(shape) or not all(0 <= one < size for one, size in zip(place, shape, strict=True))
    ):
        raise InputError(f"there is no input {place} of layer {layer}: its inputs have the shape {shape}")
    return shape


def _reached(here: WeightedLayer, shape: tuple[int, ...], place: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Places of the outputs that an input goes into, and its weight for each."""
    if not here.conv:
        flat = 0
        for one, size in zip(place, shape, strict=True):
            flat = flat * size + one
        count = len(here.weight)
        return torch.arange(count, device=here.weight.device)[:, None], here.weight[:, flat]
    row, sides = here.row, here.trace.shape(here.layer)[-2:]
    taps = []
    for position, out in zip(place[1:], sides, strict=True):
        reach = [(one, position + row.padding - one * row.stride) for one in range(out)]
        taps.append([(one, tap) for one, tap in reach if 0 <= tap < row.kernel])
    count = len(here.weight)
    found = [(y, x, ty, tx) for y, ty in taps[0] for x, tx in taps[1]]
    channels = torch.arange(count, device=here.weight.device)
    if not found:
        return channels.new_zeros((0, 3)), here.weight.new_zeros(0)
    outputs = [
        torch.stack([channels, torch.full_like(channels, y), torch.full_like(channels, x)], 1) for y, x, _, _ in found
    ]
    return torch.cat(outputs), torch.cat([here.weight[:, place[0], ty, tx] for _, _, ty, tx in found])
