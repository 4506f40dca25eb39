"""A weighted layer for one image: the sums that denominators are made of, and sums handed down to its inputs.

The denominator is linear in the rule's parameters. With T0 = sum of u w (the forward pass has it) and T+ = sum of (u w)^+,
gamma0 + gamma1 w + p w^+ + n w^- + gamma2 w^2 gives

    z = gamma0 B + (gamma1 + n) T0 + (p - n) T+ + gamma2 T2

and u = theta0 + theta1 a makes each of them theta1 times the sum over activations plus theta0 times a constant of the
weights. The sums over activations stay on the trace: another class or another value of a slider convolves only downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.factors import PARTS, Change, Factors
from vislrp_core.layers import LAYERS
from vislrp_core.network import Network, Trace, exact_sum
from vislrp_core.rules import Rule
from vislrp_core.shares import Denominator, times_positive_part_
from vislrp_core.trace import per_channel

BLOCK_ROWS = 16
"""Rows of a fully connected matrix that are changed at a time: they fit the cache, and fc6 is never copied as a whole."""
DENSE = 0.8
"""Share of units with relevance from which a whole matrix is read."""
STRETCHES = 4
"""Parts of a matrix row that threads may sum apart."""


@dataclass(frozen=True)
class WeightedLayer:
    """One convolution or fully connected layer of a network for one image."""

    network: Network
    trace: Trace
    layer: int

    @property
    def conv(self) -> bool:
        """Whether the layer is a convolution."""
        return LAYERS[self.layer].kind == "conv"

    @property
    def below(self) -> Tensor:
        """Activations that go in, (1, C, H, W) or (1, N)."""
        a = self.trace.activations[self.layer - 1]
        return a if self.conv else a.flatten(1)

    @property
    def weight(self) -> Tensor:
        """The layer's weights."""
        return self.network.weights[self.layer]

    def inputs(self, rule: Rule) -> Tensor:
        """u = theta0 + theta1 a."""
        a = self.below
        return a if (rule.theta0, rule.theta1) == (0, 1) else a * rule.theta1 + rule.theta0

    def times_inputs(self, summed: Tensor, rule: Rule) -> Tensor:
        """What arrives at the inputs, times u, in place."""
        kept = self.trace.activations
        if (rule.theta0, rule.theta1) == (0, 1) and LAYERS[self.layer - 1].kind == "relu" and self.layer - 2 in kept:
            # The ReLU is not kept and need not be made as a whole.
            return times_positive_part_(summed, kept[self.layer - 2])
        return summed.mul_(self.inputs(rule))

    def input_shape(self, outputs: Tensor) -> tuple[int, ...]:
        """Shape of a batch of inputs, from one of outputs."""
        return (len(outputs), self.weight.shape[1], *outputs.shape[2:])

    # --- sums over inputs -------------------------------------------------------------------------

    def forward(self, u: Tensor, change: Change | None) -> Tensor:
        """Sum over inputs u of u times the changed weight."""
        if self.conv:
            return F.conv2d(u, self.changed(change), padding=1)
        if change is None:
            return F.linear(u, self.weight)
        return torch.cat([F.linear(u, rows) for rows in self.blocks(change)], dim=1)

    def changed(self, change: Change | None) -> Tensor:
        """A convolution's weights as a rule changes them."""
        return self.weight if change is None else change(self.weight, None)

    def blocks(self, change: Change | None, chosen: Tensor | None = None) -> Iterator[Tensor]:
        """A fully connected matrix as a rule changes it, some rows at a time in one place of memory.

        Parameters
        ----------
        chosen : Tensor, optional
            Numbers of the rows to take; all of them otherwise.
        """
        made = torch.empty_like(self.weight[:BLOCK_ROWS])
        if chosen is None:
            for part in self.weight.split(BLOCK_ROWS):
                yield part if change is None else change(part, made[:len(part)])
            return
        picked = torch.empty_like(made)
        for numbers in chosen.split(BLOCK_ROWS):
            rows = torch.index_select(self.weight, 0, numbers, out=picked[:len(numbers)])
            yield rows if change is None else change(rows, made[:len(numbers)])

    def part(self, name: str) -> Tensor:
        """T+, T2 or B of the activations, kept on the trace (T0 is `plain_sum`)."""
        kept = self.trace.terms.get((self.layer, name))
        if kept is None:
            a = self.below
            if name == "constant":
                summed = a.sum(dim=1, keepdim=True)
                value = F.avg_pool2d(summed, 3, 1, 1, divisor_override=1) if self.conv else summed
            else:
                value = self.forward(a, PARTS[name])
            kept = self.trace.keep((self.layer, name), value)
        return kept

    def unit_part(self, name: str) -> Tensor:
        """The same for inputs of 1: (1, outputs), or (1, outputs, 3, 3) for a convolution's corners, edges and middle."""
        key = (self.layer, name, "of ones")
        kept = self.trace.terms.get(key)
        if kept is None:
            size = self.weight.shape[1]
            ones = self.weight.new_ones((1, size, 3, 3) if self.conv else (1, size))
            if name == "constant":
                value = size * F.avg_pool2d(ones[:, :1], 3, 1, 1, divisor_override=1) if self.conv else ones[:, :1] * size
            else:
                value = self.forward(ones, PARTS[name])
            kept = self.trace.keep(key, value)
        return kept

    def add_unit(self, z: Tensor, unit: Tensor, factor: float) -> Tensor:
        """Add a part of `unit_part`'s form to z in place."""
        if not self.conv:
            return z.add_(unit, alpha=factor)
        return self.add_edges(z.add_(unit[:, :, 1:2, 1:2], alpha=factor), unit, factor)

    def add_edges(self, z: Tensor, unit: Tensor, factor: float) -> Tensor:
        """Add at the borders of z, in place, by how much a part of `unit_part`'s form differs there from its middle."""
        spans = (slice(0, 1), slice(1, -1), slice(-1, None))
        beyond = unit - unit[:, :, 1:2, 1:2]
        for i, rows in enumerate(spans):
            for j, columns in enumerate(spans):
                if (i, j) != (1, 1):
                    z[:, :, rows, columns].add_(beyond[:, :, i:i + 1, j:j + 1], alpha=factor)
        return z

    # --- denominators -----------------------------------------------------------------------------

    def bias_share(self, factors: Factors) -> Tensor:
        """What the bias adds to a denominator where it counts as one more input, (outputs,)."""
        return factors.of_bias(self.network.biases[self.layer])

    def per_output(self, values: Tensor) -> Tensor:
        """One value per output in a shape that broadcasts."""
        return per_channel(values, self.weight)

    def plain_sum(self, absorb: bool) -> tuple[Tensor, float]:
        """T0 as it is kept, and how often the bias is to be added to it for the sum with or without the bias."""
        if self.trace.exact:
            return self.trace.sums[self.layer], float(absorb)
        return self.trace.activations[self.layer], float(absorb) - 1

    def denominator(self, rule: Rule, factors: Factors, absorb: bool) -> Denominator:
        """z of one term for inputs of one sign."""
        weights = {"plain": factors.negative, "positive": factors.positive - factors.negative, "square": factors.square}
        bias = self.network.biases[self.layer]
        offset = torch.zeros_like(bias)
        parts: list[tuple[Tensor, float]] = []
        for name, weight in weights.items():
            factor = rule.theta1 * weight
            if factor == 0:
                continue
            if name == "plain":
                part, times = self.plain_sum(absorb)
                offset += factor * times * bias
            else:
                part = self.part(name)
            parts.append((part, factor))
        if absorb:
            offset += self.bias_share(factors) - rule.theta1 * factors.negative * bias
        if rule.theta0 or not parts or factors.constant:
            parts = [(self._with_constants(rule, factors, Denominator(tuple(parts)).whole() if parts else None), 1.0)]
        return Denominator(tuple(parts), offset if bool(offset.any()) else None)

    def _with_constants(self, rule: Rule, factors: Factors, z: Tensor | None) -> Tensor:
        """z of one term without its bias: what gamma0 and theta0 add to the sums over activations."""
        z = torch.zeros_like(self.plain_sum(False)[0]) if z is None else z.clone()
        if rule.theta1 * factors.constant:
            z.add_(self.part("constant"), alpha=rule.theta1 * factors.constant)
        weights = {"plain": factors.negative, "positive": factors.positive - factors.negative, "square": factors.square,
                   "constant": factors.constant}
        for name, weight in weights.items():
            if rule.theta0 * weight:
                z = self.add_unit(z, self.unit_part(name), rule.theta0 * weight)
        return z

    def denominator_in_double(self, rule: Rule, factors: Factors, absorb: bool) -> Tensor:
        """`denominator` as one sum in double precision: slow, for the few layers where the parts of z nearly cancel."""
        z = self.forward_in_double(self.inputs(rule), factors.with_constant)
        return z + self.per_output(self.bias_share(factors)).double() if absorb else z

    def forward_in_double(self, u: Tensor, change: Change | None) -> Tensor:
        """`forward` in double precision."""
        u = u.double()
        if not self.conv:
            parts = (part.double() for part in self.weight.split(BLOCK_ROWS))
            return torch.cat([u @ (part if change is None else change(part, None)).T for part in parts], dim=1)
        weight = self.weight.double()
        return exact_sum(u, weight if change is None else change(weight, None))

    # --- relevance handed down --------------------------------------------------------------------

    def backward(self, s: Tensor, change: Change | None) -> Tensor:
        """For each input the sum over outputs of s times the changed weight; s has a batch dimension."""
        if self.conv:
            return F.conv_transpose2d(s, self.changed(change), padding=1)
        # Units that are off, often nine of ten, carry no relevance: their rows need not be read (a GPU would wait for them).
        chosen = s.any(dim=0).nonzero()[:, 0] if s.device.type == "cpu" else None
        if chosen is None or len(chosen) > DENSE * s.shape[1]:
            if change is None:
                return s @ self.weight
            chosen, live = None, s
        else:
            live = s[:, chosen]
            if change is None and len(s) == 1 and len(chosen):
                return _weighted_rows(self.weight, chosen, live[0])
        result = s.new_zeros((len(s), self.weight.shape[1]))
        for part, rows in zip(live.split(BLOCK_ROWS, dim=1), self.blocks(change, chosen), strict=True):
            result.addmm_(part, rows)
        return result

    def hand_down(self, s: Tensor, factors: Factors) -> Tensor:
        """`backward` with the weight that a term of the rule makes."""
        spread: Tensor | None = None
        if factors.constant:
            summed = s.sum(dim=1, keepdim=True) * factors.constant
            spread = F.avg_pool2d(summed, 3, 1, 1, divisor_override=1) if self.conv else summed
        if factors.positive == factors.negative == factors.square == 0:
            shape = self.input_shape(s)
            return s.new_zeros(shape) if spread is None else spread.expand(shape).clone()
        result = self.backward(s, factors.change)
        return result if spread is None else result.add_(spread)


def _weighted_rows(matrix: Tensor, numbers: Tensor, factors: Tensor) -> Tensor:
    """Sum of some rows of a matrix, each times its factor, as (1, columns); nothing is copied."""
    # An embedding bag is such a sum. One bag for each stretch of columns lets threads share the work.
    stretches = math.gcd(matrix.shape[1], STRETCHES)
    places = numbers * stretches + torch.arange(stretches)[:, None]
    bags = F.embedding_bag(places, matrix.view(matrix.shape[0] * stretches, -1), mode="sum",
                           per_sample_weights=factors.expand(stretches, -1).contiguous())
    return bags.reshape(1, -1)
