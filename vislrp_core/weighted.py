"""A weighted layer for some pictures: the sums that denominators are made of, and sums handed down to its inputs.

The denominator is linear in the rule's parameters. With T0 = sum of u w (the forward pass has it) and T+ = sum of (u w)^+,
gamma0 + gamma1 w + p w^+ + n w^- + gamma2 w^2 gives

    z = gamma0 B + (gamma1 + n) T0 + (p - n) T+ + gamma2 T2

and u = theta0 + theta1 a makes each of them theta1 times the sum over activations plus theta0 times a constant of the
weights. The sums over activations stay beside the trace: another class or another value of a slider convolves only
downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.architecture import Layer
from vislrp_core.factors import PARTS, Change, Factors
from vislrp_core.network import Network, Trace, exact_sum
from vislrp_core.parameters import Values
from vislrp_core.shares import Denominator, times_positive_part_
from vislrp_core.trace import per_channel

BLOCK_ROWS = 16
"""Rows of a fully connected matrix that are changed at a time: they fit the cache, and fc6 is never copied as a whole."""
DENSE = 0.8
"""Share of units with relevance from which a whole matrix is read."""
PASSING = ("pool", "dropout")
"""Kinds of rows that leave the signs of activations as they are."""
STRETCHES = 4
"""Parts of a matrix row that threads may sum apart."""


@dataclass(frozen=True)
class WeightedLayer:
    """One convolution or fully connected layer of a network for the pictures of a trace."""

    network: Network
    trace: Trace
    layer: int

    @cached_property
    def row(self) -> Layer:
        """Its row of the architecture."""
        return self.network.architecture.rows[self.layer]

    @cached_property
    def conv(self) -> bool:
        """Whether the layer is a convolution."""
        return self.row.kind == "conv"

    @property
    def first(self) -> bool:
        """Whether the network's input goes in, whose values may be negative."""
        return self.layer == self.network.architecture.weighted[0]

    @property
    def has_bias(self) -> bool:
        """Whether any bias differs from 0."""
        return bool(self.network.biases[self.layer].any())

    @cached_property
    def signed(self) -> bool:
        """Whether its inputs may be negative: no ReLU comes between the last weights, or the network's input, and it."""
        below = (row.kind for row in reversed(self.network.architecture.rows[: self.layer]) if row.kind not in PASSING)
        return next(below) != "relu"

    @property
    def in_double(self) -> bool:
        """Whether all is computed in double precision anyhow."""
        return self.network.dtype == torch.float64

    @property
    def below(self) -> Tensor:
        """Activations that go in, (B, C, H, W) or (B, N)."""
        a = self.trace.activations[self.layer - 1]
        return a if self.conv else a.flatten(1)

    @property
    def weight(self) -> Tensor:
        """The layer's weights."""
        return self.network.weights[self.layer]

    def inputs(self, rule: Values) -> Tensor:
        """u = theta0 + theta1 a."""
        a = self.below
        return a if (rule.theta0, rule.theta1) == (0, 1) else a * rule.theta1 + rule.theta0

    def times_inputs(self, summed: Tensor, rule: Values) -> Tensor:
        """What arrives at the inputs, times u, in place."""
        kept = self.trace.activations
        below = self.network.architecture.rows[self.layer - 1]
        if (
            (rule.theta0, rule.theta1) == (0, 1)
            and below.kind == "relu"
            and self.layer - 2 in kept
            and (kept[self.layer - 2].ndim == summed.ndim)
        ):
            # The ReLU is not kept and need not be made as a whole.
            return times_positive_part_(summed, kept[self.layer - 2])
        return summed.mul_(self.inputs(rule))

    def input_shape(self, outputs: Tensor) -> tuple[int, ...]:
        """Shape of a batch of inputs, from one of outputs."""
        return (len(outputs), *self.below_shape)

    @property
    def below_shape(self) -> tuple[int, ...]:
        """Shape of one picture's inputs: (C, H, W) or (N,)."""
        return tuple(self.trace.shape(self.layer - 1)) if self.conv else (self.weight.shape[1],)

    # --- sums over inputs -------------------------------------------------------------------------

    def forward(self, u: Tensor, change: Change | None) -> Tensor:
        """Sum over inputs u of u times the changed weight."""
        if self.conv:
            return F.conv2d(u, self.changed(change), stride=self.row.stride, padding=self.row.padding)
        if change is None:
            return F.linear(u, self.weight)
        return torch.cat([F.linear(u, rows) for rows in self.blocks(change)], dim=1)

    def changed(self, change: Change | None) -> Tensor:
        """A convolution's weights as a rule changes them."""
        return self.weight if change is None else change(self.weight, None)

    @property
    def block_rows(self) -> int:
        """Rows of a fully connected matrix to change at a time; a GPU takes all of them at once."""
        return BLOCK_ROWS if self.weight.device.type == "cpu" else len(self.weight)

    def blocks(self, change: Change | None, chosen: Tensor | None = None) -> Iterator[Tensor]:
        """A fully connected matrix as a rule changes it, some rows at a time in one place of memory.

        Parameters
        ----------
        chosen : Tensor, optional
            Numbers of the rows to take; all of them otherwise.
        """
        count = self.block_rows
        made = torch.empty_like(self.weight[:count])
        if chosen is None:
            for part in self.weight.split(count):
                yield part if change is None else change(part, made[: len(part)])
            return
        picked = torch.empty_like(made)
        for numbers in chosen.split(count):
            rows = torch.index_select(self.weight, 0, numbers, out=picked[: len(numbers)])
            yield rows if change is None else change(rows, made[: len(numbers)])

    def box_sum(self, values: Tensor) -> Tensor:
        """Sum over each window of a convolution."""
        if 2 * self.row.padding > self.row.kernel:
            # More padding than pooling knows.
            ones = values.new_ones((1, 1, self.row.kernel, self.row.kernel))
            return F.conv2d(values, ones, stride=self.row.stride, padding=self.row.padding)
        return F.avg_pool2d(values, self.row.kernel, self.row.stride, self.row.padding, divisor_override=1)

    def box_spread(self, values: Tensor) -> Tensor:
        """For each input the sum over the windows that hold it."""
        if self.row.stride == 1 and 2 * self.row.padding == self.row.kernel - 1:
            return self.box_sum(values)
        return self.transposed(values, values.new_ones((1, 1, self.row.kernel, self.row.kernel)))

    def part(self, name: str) -> Tensor:
        """T+, T2 or B of the activations, kept beside the trace (T0 is `plain_sum`)."""
        kept = self.trace.cache.term((self.layer, name))
        if kept is None:
            a = self.below
            if name == "constant":
                summed = a.sum(dim=1, keepdim=True)
                value = self.box_sum(summed) if self.conv else summed
            else:
                value = self.forward(a, PARTS[name])
            kept = self.trace.cache.keep((self.layer, name), value)
        return kept

    # --- inputs that are the same everywhere: outputs differ at the borders alone ---------------------

    @cached_property
    def borders(self) -> tuple[int, int, int]:
        """Outputs along a side whose window reaches beyond it, before and after, and a side of inputs that has both.

        The smallest such side with one output in the middle; the layer's own where that is no larger.
        """
        side, out = self.below_shape[-1], self.trace.shape(self.layer)[-1]
        before = min(-(-self.row.padding // self.row.stride), out)
        after = sum(i * self.row.stride - self.row.padding + self.row.kernel > side for i in range(before, out))
        return before, after, side - max(out - before - after - 1, 0) * self.row.stride

    def of_constant(self, value: Tensor, change: Change | None) -> Tensor:
        """Outputs for inputs that are one value per channel, (C,) or (): as `unit_part`."""
        size = self.weight.shape[1]
        if not self.conv:
            return self.forward(value.expand(size)[None].contiguous(), change)
        side = self.borders[2]
        return self.forward(value.reshape(-1, 1, 1).expand(size, side, side)[None], change)

    def unit_part(self, name: str) -> Tensor:
        """Outputs for inputs of 1: (1, outputs), or (1, outputs, n, n) for a convolution's corners, edges and middle."""
        key = (self.layer, name, "of ones")
        kept = self.trace.cache.term(key)
        if kept is None:
            size = self.weight.shape[1]
            if name != "constant":
                value = self.of_constant(self.weight.new_ones(()), PARTS[name])
            elif self.conv:
                value = size * self.box_sum(self.weight.new_ones((1, 1, self.borders[2], self.borders[2])))
            else:
                value = self.weight.new_full((1, 1), size)
            kept = self.trace.cache.keep(key, value)
        return kept

    def middle(self, unit: Tensor) -> Tensor:
        """The middle of `unit_part`'s form, (1, outputs, 1, 1) or (1, outputs)."""
        if not self.conv:
            return unit
        place = min(self.borders[0], unit.shape[-1] - 1)
        return unit[:, :, place : place + 1, place : place + 1]

    def add_unit(self, z: Tensor, unit: Tensor, factor: float) -> Tensor:
        """Add a part of `unit_part`'s form to z in place."""
        z.add_(self.middle(unit), alpha=factor)
        return self.add_edges(z, unit, factor) if self.conv else z

    def add_edges(self, z: Tensor, unit: Tensor, factor: float) -> Tensor:
        """Add at the borders of z, in place, by how much a part of `unit_part`'s form differs there from its middle."""
        before, after, _ = self.borders
        count, out = unit.shape[-1], z.shape[-1]
        own = [*range(before), *range(count - after, count)]
        beyond = unit - self.middle(unit)
        places = [i if i < before else out - count + i for i in own]
        spans = [(slice(i, i + 1), slice(place, place + 1)) for i, place in zip(own, places, strict=True)]
        if count > before + after:
            spans.append((slice(before, before + 1), slice(before, out - after)))
        for place, (of_rows, rows) in enumerate(spans):
            for other, (of_columns, columns) in enumerate(spans):
                if min(place, other) < len(own):
                    z[:, :, rows, columns].add_(beyond[:, :, of_rows, of_columns], alpha=factor)
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

    def denominator(self, rule: Values, factors: Factors, absorb: bool) -> Denominator:
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

    def _with_constants(self, rule: Values, factors: Factors, z: Tensor | None) -> Tensor:
        """z of one term without its bias: what gamma0 and theta0 add to the sums over activations."""
        z = torch.zeros_like(self.plain_sum(False)[0]) if z is None else z.clone()
        if rule.theta1 * factors.constant:
            z.add_(self.part("constant"), alpha=rule.theta1 * factors.constant)
        weights = {
            "plain": factors.negative,
            "positive": factors.positive - factors.negative,
            "square": factors.square,
            "constant": factors.constant,
        }
        for name, weight in weights.items():
            if rule.theta0 * weight:
                z = self.add_unit(z, self.unit_part(name), rule.theta0 * weight)
        return z

    def denominator_in_double(self, rule: Values, factors: Factors, absorb: bool) -> Tensor:
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
        return exact_sum(u, weight if change is None else change(weight, None), self.row)

    # --- relevance handed down --------------------------------------------------------------------

    def backward(self, s: Tensor, change: Change | None) -> Tensor:
        """For each input the sum over outputs of s times the changed weight; s has a batch dimension."""
        if self.conv:
            return self.transposed(s, self.changed(change))
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
        for part, rows in zip(live.split(self.block_rows, dim=1), self.blocks(change, chosen), strict=True):
            result.addmm_(part, rows)
        return result

    def transposed(self, s: Tensor, weight: Tensor) -> Tensor:
        """Transposed convolution back to the layer's inputs."""
        row = self.row
        if row.stride == 1:
            return F.conv_transpose2d(s, weight, padding=row.padding)
        # Inputs that no window reaches get nothing.
        missing = [
            side - ((out - 1) * row.stride - 2 * row.padding + row.kernel)
            for side, out in zip(self.below_shape[1:], s.shape[-2:], strict=True)
        ]
        return F.conv_transpose2d(s, weight, stride=row.stride, padding=row.padding, output_padding=missing)

    def hand_down(self, s: Tensor, factors: Factors) -> Tensor:
        """`backward` with the weight that a term of the rule makes."""
        spread: Tensor | None = None
        if factors.constant:
            summed = s.sum(dim=1, keepdim=True) * factors.constant
            spread = self.box_spread(summed) if self.conv else summed
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
    bags = F.embedding_bag(
        places,
        matrix.view(matrix.shape[0] * stretches, -1),
        mode="sum",
        per_sample_weights=factors.expand(stretches, -1).contiguous(),
    )
    return bags.reshape(1, -1)
