"""Where the relevance of one neuron comes from: R_i of a layer's input as the exact sum over the layer's outputs j.

Numerators, denominators, stabilizer and the share of the bias are those that the layer's rule itself divides by
(`kinds.base.RuleKind.terms`), taken for the outputs that i reaches alone and worked with in double precision. With the
fractions t of the rule (docs/numerics.md, section 2)

    R_i = sum_j R_(i<-j),    R_(i<-j) = sum_t factor_t q_ij,t / (z_j,t + stabilizer_j,t) R_j

and of what j shares out, biases and stabilizers keep their own parts; alpha - beta other than 1 adds or takes some. Max
pooling is such a sum over the windows that hold i; ReLU and dropout hand relevance on as it is (`source_row`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.architecture import Architecture, Layer
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.pooling import stabilizer
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
        q_ij; at max pooling the activation, or 1 for the winner and where all inputs of the window are 0.
    z : Tensor
        z_j, the share of the bias included; at max pooling the sum over the window.
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
    """R_i of one input of a weighted or pooling layer, part by part; all tensors in double precision.

    Attributes
    ----------
    layer : int
        The row whose outputs are j.
    place : tuple of int
        Where i is in the activation below: (unit,) or (channel, row, column).
    outputs : Tensor
        Places of the outputs that i reaches, (n, 1) or (n, 3).
    relevance : Tensor
        Their R_j, (n,).
    fractions : tuple of Fraction
        The fractions of the rule.
    activation : float
        a_i.
    weights : Tensor
        w_ij, (n,); nothing at max pooling.
    """

    layer: int
    place: tuple[int, ...]
    outputs: Tensor
    relevance: Tensor
    fractions: tuple[Fraction, ...]
    activation: float
    weights: Tensor

    @property
    def parts(self) -> Tensor:
        """R_(i<-j), (n,)."""
        total = torch.zeros_like(self.relevance)
        for fraction in self.fractions:
            total = total + fraction.share * self.relevance
        return total

    @property
    def value(self) -> float:
        """R_i, the sum of all parts."""
        return float(self.parts.sum())

    def strongest(self, count: int) -> tuple[Tensor, float]:
        """Numbers of the parts that are largest in absolute value, the largest first, and the sum of all others."""
        return strongest(self.parts, count)


def strongest(parts: Tensor, count: int) -> tuple[Tensor, float]:
    """Numbers of the parts, (n,), that are largest in absolute value, the largest first, and the sum of all others."""
    chosen = parts.abs().argsort(descending=True, stable=True)[:count]
    others = torch.ones_like(parts, dtype=torch.bool)
    others[chosen] = False
    return chosen, float(parts[others].sum())


def source_row(plan: Architecture, layer: int) -> int | None:
    """The row above a layer that shares out the relevance of its neurons; None where that is the start.

    Rows in between, ReLU and dropout, hand it on unchanged.
    """
    return next((row.index for row in plan.rows[layer + 1 :] if row.is_weighted or row.kind == "pool"), None)


@torch.inference_mode()
def contributions(
    network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, place: tuple[int, ...]
) -> Contributions:
    """What each output of a weighted or pooling layer hands to one of its inputs; nothing else is computed.

    Parameters
    ----------
    trace : Trace
        Forward pass of one picture: the one whose sums the propagation took, see `propagation.relevance_at`.
    layer : int
        A convolution, fully connected or pooling row.
    relevance : Tensor
        R[layer], (C, H, W) or (N,).
    place : tuple of int
        The input in the activation of ``layer`` - 1: (unit,), or (channel, row, column) where that has positions.

    Raises
    ------
    InputError
        If the row hands relevance on unchanged, or there is no such input.
    ModelError
        If the model is for another architecture.
    """
    model.require(network.architecture)
    plan = network.architecture
    if not 0 < layer <= plan.last or not (plan.rows[layer].is_weighted or plan.rows[layer].kind == "pool"):
        rows = ", ".join(str(row.index) for row in plan.rows if row.is_weighted or row.kind == "pool")
        raise InputError(f"layer {layer} shares no relevance out: give one of {rows}")
    shape = _shape(trace, layer, place)
    if plan.rows[layer].kind == "pool":
        return _of_pool(plan.rows[layer], trace, model, relevance, place)
    here = WeightedLayer(network, trace, layer)
    outputs, weights = _reached(here, shape, place)
    where, weights = tuple(outputs.T), _exactly(weights)
    a = _exactly(trace.value(layer - 1, place))
    rule = model.rule_at(layer)
    fractions = []
    for term in rule.kind.terms(here, rule, model.bias == "absorb"):
        z = term.z.at(where)
        counts = 1.0 if term.counts is None else _exactly(term.counts[0][where])
        fractions.append(
            Fraction(
                torch.full_like(z, term.factor) * counts,
                term.contribution(a, weights, place[0]),
                z,
                _exactly(term.bias[where[0]]),
                _signed(term.damping, z),
            )
        )
    return Contributions(layer, place, outputs, _exactly(relevance[where]), tuple(fractions), float(a), weights)


def _of_pool(row: Layer, trace: Trace, model: LRPModel, relevance: Tensor, place: tuple[int, ...]) -> Contributions:
    """The windows of max pooling that hold an input."""
    layer, (channel, y, x) = row.index, place
    below = trace.shape(layer - 1)
    winner, damped = model.pooling == "winner-takes-all", model.pooling_epsilon == "segment"
    size = 0.0
    if damped and not winner:
        means = F.avg_pool2d(trace.activations[layer - 1], row.kernel, row.stride, row.padding)
        size = float(stabilizer(means, model.rule_at(layer)))
    found = [(channel, down, right) for down, right, _, _ in _windows(row, trace.shape(layer)[-2:], place)]
    numbers: list[tuple[float, float, float]] = []
    for _, down, right in found:
        begins = down * row.stride - row.padding, right * row.stride - row.padding
        spans = [slice(max(begin, 0), min(begin + row.kernel, side)) for begin, side in zip(begins, below[1:], strict=True)]
        window = _exactly(trace.value(layer - 1, (channel, *spans)))
        mine = y - spans[0].start, x - spans[1].start
        total, a = float(window.sum()), float(window[mine])
        if winner:
            first = int(window.flatten().argmax())
            numbers.append((float(first == mine[0] * window.shape[1] + mine[1]), 1.0, 0.0))
        elif damped:
            mean = total / row.kernel**2
            numbers.append((a / row.kernel**2, mean, size if mean >= 0 else -size))
        else:
            numbers.append((1.0, float(window.numel()), 0.0) if total == 0 else (a, total, 0.0))
    outputs = torch.tensor(found, dtype=torch.long).reshape(-1, 3)
    numerator, z, kept = torch.tensor(numbers, dtype=torch.float64).reshape(-1, 3).T
    one = Fraction(torch.ones_like(z), numerator, z, torch.zeros_like(z), kept)
    arriving = _exactly(relevance[tuple(outputs.T.to(relevance.device))])
    return Contributions(layer, place, outputs, arriving, (one,), float(trace.value(layer - 1, place)), z.new_zeros(0))


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

    Parameters are those of `contributions`, for weighted rows alone. All q_ij of a neuron add up to z_j without its bias, so
    what a fraction does not hand on is factor (bias_j + stabilizer_j) / (z_j + stabilizer_j) R_j.

    Raises
    ------
    InputError
        If the row has no weights.
    """
    model.require(network.architecture)
    plan = network.architecture
    if not 0 < layer <= plan.last or not plan.rows[layer].is_weighted:
        raise InputError(f"layer {layer} has no weights: give one of {', '.join(map(str, plan.weighted))}")
    _shape(trace, layer, None)
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
        z = term.z.whole()
        factor = torch.full_like(z, term.factor) * (1 if term.counts is None else term.counts)
        damping = _signed(term.damping, z)
        share = factor * batch / (z + damping)
        kept[0] += float((share * here.per_output(term.bias)).sum())
        kept[1] += float((share * damping).sum())
        left = left - factor
    kept[2] = float((left * batch).sum())
    return Balance(float(batch.sum()), float(below.sum()), *kept.tolist())


def _signed(damping: float, z: Tensor) -> Tensor:
    """The stabilizer with the sign of z, sign(0) = +1."""
    size = torch.full_like(z, damping)
    return torch.where(z >= 0, size, -size)


def _exactly(values: Tensor) -> Tensor:
    """In double precision; not every accelerator has it."""
    return values.to("cpu", torch.float64)


def _shape(trace: Trace, layer: int, place: tuple[int, ...] | None) -> tuple[int, ...]:
    """Shape of the layer's input in the trace (Raises InputError)."""
    if len(trace.x) != 1:
        raise InputError(f"a trace of {len(trace.x)} pictures was given, expected one picture")
    shape = tuple(trace.shape(layer - 1))
    if place is not None and (
        len(place) != len(shape) or not all(0 <= one < size for one, size in zip(place, shape, strict=True))
    ):
        raise InputError(f"there is no input {place} of layer {layer}: its inputs have the shape {shape}")
    return shape


def _windows(row: Layer, sides: Sequence[int], place: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Windows that hold a position: row and column of the output, row and column of the position in the window."""
    taps = []
    for position, out in zip(place[1:], sides, strict=True):
        reach = [(one, position + row.padding - one * row.stride) for one in range(out)]
        taps.append([(one, tap) for one, tap in reach if 0 <= tap < row.kernel])
    return [(y, x, down, right) for y, down in taps[0] for x, right in taps[1]]


def _reached(here: WeightedLayer, shape: tuple[int, ...], place: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Places of the outputs that an input goes into, and its weight for each."""
    if not here.conv:
        flat = 0
        for one, size in zip(place, shape, strict=True):
            flat = flat * size + one
        count = len(here.weight)
        return torch.arange(count, device=here.weight.device)[:, None], here.weight[:, flat]
    count = len(here.weight)
    found = _windows(here.row, here.trace.shape(here.layer)[-2:], place)
    channels = torch.arange(count, device=here.weight.device)
    if not found:
        return channels.new_zeros((0, 3)), here.weight.new_zeros(0)
    outputs = [
        torch.stack([channels, torch.full_like(channels, y), torch.full_like(channels, x)], 1) for y, x, _, _ in found
    ]
    return torch.cat(outputs), torch.cat([here.weight[:, place[0], ty, tx] for _, _, ty, tx in found])
