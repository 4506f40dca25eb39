"""Weighted layers under the unified rule (Eq. 2.1; lrp.md, sections 2 and 3): denominators, and relevance handed down.

The denominator is linear in the rule's parameters. With T0 = sum of u w (the forward pass has it) and T+ = sum of (u w)^+,
gamma0 + gamma1 w + p w^+ + n w^- + gamma2 w^2 gives

    z = gamma0 B + (gamma1 + n) T0 + (p - n) T+ + gamma2 T2

and u = theta0 + theta1 a makes each of them theta1 times the sum over activations plus theta0 times a constant of the
weights. The sums over activations stay on the trace: another class or another value of a slider convolves only downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.factors import PARTS, Change, Factors, negative_part_, positive_part_
from vislrp_core.layers import LAYERS
from vislrp_core.network import VGG16, Trace, exact_sum, refine
from vislrp_core.rules import Rule
from vislrp_core.shares import divide, rms, times_positive_part_
from vislrp_core.trace import per_channel

STABILIZER = 1e-9
BLOCK_ROWS = 16
"""Rows of a fully connected matrix that are changed at a time: they fit the cache, and fc6 is never copied as a whole."""
SAFE_EPSILON = 1e-2
"""A relative epsilon from which no denominator is small enough to ask for more digits."""


@dataclass(frozen=True)
class WeightedLayer:
    """One convolution or fully connected layer of a network for one image."""

    network: VGG16
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
        return self.weight if change is None else change(self.weight.clone())

    def blocks(self, change: Change | None, dtype: torch.dtype | None = None) -> Iterator[Tensor]:
        """A fully connected matrix as a rule changes it, some rows at a time in one place of memory."""
        parts = self.weight.split(BLOCK_ROWS)
        room = torch.empty_like(parts[0], dtype=dtype)
        for part in parts:
            rows = room[:len(part)].copy_(part)
            yield rows if change is None else change(rows)

    def part(self, name: str) -> Tensor:
        """T0, T+, T2 or B of the activations, kept on the trace."""
        if name == "plain":
            return self.trace.sums[self.layer]
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
        """Add a part of `unit_part`'s form to z in place: a convolution's middle value at all inner positions."""
        if not self.conv:
            return z.add_(unit, alpha=factor)
        spans = (slice(0, 1), slice(1, -1), slice(-1, None))
        for i, rows in enumerate(spans):
            for j, columns in enumerate(spans):
                z[:, :, rows, columns].add_(unit[:, :, i:i + 1, j:j + 1], alpha=factor)
        return z

    # --- denominators -----------------------------------------------------------------------------

    def bias_share(self, factors: Factors) -> Tensor:
        """What the bias adds to a denominator where it counts as one more input."""
        return per_channel(factors.of_bias(self.network.biases[self.layer]), self.weight)

    def denominator(self, rule: Rule, factors: Factors, absorb: bool) -> tuple[Tensor, bool]:
        """z of one term for inputs of one sign, and whether it is no kept part itself, so that it may be overwritten."""
        weights = {"plain": factors.negative, "positive": factors.positive - factors.negative, "square": factors.square}
        z: Tensor | None = None
        own = False
        for name, weight in weights.items():
            factor = rule.theta1 * weight
            if factor == 0:
                continue
            # The layer's output is the plain sum with its bias: where that counts, it need not be taken off first.
            part = self.trace.activations[self.layer] if absorb and name == "plain" else self.part(name)
            if z is None:
                z, own = (part, False) if factor == 1 else (part * factor, True)
            else:
                z, own = z.add_(part, alpha=factor) if own else torch.add(z, part, alpha=factor), True
        if z is None:
            z, own = torch.zeros_like(self.trace.sums[self.layer]), True
        if absorb:
            bias = self.network.biases[self.layer]
            share = per_channel(factors.of_bias(bias) - rule.theta1 * factors.negative * bias, self.weight)
            if bool(share.any()):
                z, own = z.add_(share) if own else z + share, True
        if rule.theta1 * factors.constant:
            part = self.part("constant")
            factor = rule.theta1 * factors.constant
            z, own = z.add_(part, alpha=factor) if own else torch.add(z, part, alpha=factor), True
        for name, weight in {**weights, "constant": factors.constant}.items():
            if rule.theta0 * weight:
                z, own = self.add_unit(z if own else z.clone(), self.unit_part(name), rule.theta0 * weight), True
        return z, own

    def denominator_in_double(self, rule: Rule, factors: Factors, absorb: bool) -> Tensor:
        """`denominator` as one sum in double precision: slow, for the few layers where the parts of z nearly cancel."""
        z = self.forward_in_double(self.inputs(rule), factors.with_constant)
        return z + self.bias_share(factors).double() if absorb else z

    def forward_in_double(self, u: Tensor, change: Change | None) -> Tensor:
        """`forward` in double precision."""
        u = u.double()
        if not self.conv:
            return torch.cat([u @ rows.T for rows in self.blocks(change, torch.float64)], dim=1)
        weight = self.weight.double()
        weight = weight.clone() if weight is self.weight else weight
        return exact_sum(u, weight if change is None else change(weight))

    # --- relevance handed down --------------------------------------------------------------------

    def backward(self, s: Tensor, change: Change | None) -> Tensor:
        """For each input the sum over outputs of s times the changed weight; s has a batch dimension."""
        if self.conv:
            return F.conv_transpose2d(s, self.changed(change), padding=1)
        if change is None:
            return s @ self.weight
        result = s.new_zeros((len(s), self.weight.shape[1]))
        for part, rows in zip(s.split(BLOCK_ROWS, dim=1), self.blocks(change), strict=True):
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


Sums = Callable[[], tuple[Tensor, bool]]
"""z, and whether it is no kept part, so that it may be overwritten."""


def _is_damped(rule: Rule, z: Tensor) -> bool:
    """Whether epsilon keeps all denominators from nearly vanishing."""
    return rule.epsilon > 0 and rule.epsilon >= SAFE_EPSILON * (1.0 if rule.epsilon_scale == "relative" else rms(z)) > 0


def _shares(here: WeightedLayer, rule: Rule, sums: Sums, safe: bool, relevance: Tensor,
            exactly: Callable[[], Tensor] | None) -> Tensor:
    """R / stab(z), with z in double precision where single precision would not do.

    First all sums of the image are taken from a forward pass in double precision; where z is put together of several sums
    and those nearly cancel, `exactly` gives it as one.
    """
    z, own = sums()
    epsilon = rule.epsilon * (rms(z) if rule.epsilon and rule.epsilon_scale == "relative" else 1.0) + STABILIZER
    doubtful = not (safe or here.network.dtype == torch.float64 or _is_damped(rule, z))
    s, trusted = divide(relevance, z, epsilon, own=own, doubtful=doubtful)
    if trusted:
        return s
    if not here.trace.exact:
        refine(here.network, here.trace)
        return _shares(here, rule, sums, safe, relevance, exactly)
    if exactly is None:
        return s
    return divide(relevance.double(), exactly(), epsilon, own=True)[0].to(relevance.dtype)


def unified(network: VGG16, trace: Trace, layer: int, rule: Rule, absorb: bool, relevance: Tensor,
            in_proportion: bool = False) -> Tensor:
    """R[layer - 1] of the unified rule for a batch R[layer]; fully connected inputs as (B, N).

    Parameters
    ----------
    in_proportion : bool
        Whether relevance vanishes with the activation it belongs to, as it does below all rules that multiply by it.
    """
    here = WeightedLayer(network, trace, layer)
    with_bias = absorb or not bool(network.biases[layer].any())
    # Behind a ReLU the sign of a contribution is the weight's; elsewhere negative inputs exchange p and n.
    mixed = layer == 1 or rule.theta0 < 0 or rule.theta1 < 0
    total: Tensor | None = None
    apart: Tensor | None = None
    for factor, p, n in ((rule.alpha, rule.gamma1p, rule.gamma1n), (-rule.beta, rule.gamma1n, rule.gamma1p)):
        if factor == 0:
            continue
        factors = Factors(rule.gamma0, rule.gamma1 + p, rule.gamma1 + n, rule.gamma2)
        if mixed and p != n:
            term = _by_sign(here, rule, factors, absorb, relevance).mul_(factor)
            apart = term if apart is None else apart.add_(term)
            continue
        safe = factors.one_signed and (layer > 1 or rule.theta1 == 0)
        # Where z is at least the activation, R / z stays bounded.
        safe |= in_proportion and with_bias and rule.theta0 >= 0 and factors.at_least_plain
        # A plain weight's sum came from the double precision pass itself; other sums are put together of several.
        exactly = None if factors.with_constant is None else partial(here.denominator_in_double, rule, factors, absorb)
        s = _shares(here, rule, partial(here.denominator, rule, factors, absorb), safe, relevance, exactly)
        term = here.hand_down(s if factor == 1 else s.mul_(factor), factors)
        total = term if total is None else total.add_(term)
    if total is not None:
        total = here.times_inputs(total, rule)
    if total is None or apart is None:
        found = total if apart is None else apart
        return relevance.new_zeros(here.input_shape(relevance)) if found is None else found
    return total.add_(apart)


def _by_sign(here: WeightedLayer, rule: Rule, factors: Factors, absorb: bool, relevance: Tensor) -> Tensor:
    """One term where inputs of both signs occur: p counts positive contributions, n negative ones."""
    other = Factors(factors.constant, factors.negative, factors.positive, factors.square)
    key = (here.layer, "by sign", rule.theta0, rule.theta1, factors)

    def parts() -> list[tuple[Tensor, Change | None]]:
        u = here.inputs(rule)
        return [(u.clamp(min=0), factors.with_constant), (u.clamp(max=0), other.with_constant)]

    def sums() -> tuple[Tensor, bool]:
        z = here.trace.terms.get(key)
        if z is None:
            (above, change), (below, exchanged) = parts()
            z = here.trace.keep(key, here.forward(above, change).add_(here.forward(below, exchanged)))
        return (z + here.bias_share(factors), True) if absorb else (z, False)

    def exactly() -> Tensor:
        (above, change), (below, exchanged) = parts()
        z = here.forward_in_double(above, change).add_(here.forward_in_double(below, exchanged))
        return z + here.bias_share(factors).double() if absorb else z

    s = _shares(here, rule, sums, factors.one_signed and factors.constant == factors.square == 0, relevance, exactly)
    (above, change), (below, exchanged) = parts()
    return here.backward(s, change).mul_(above).add_(here.backward(s, exchanged).mul_(below))


def z_box(network: VGG16, trace: Trace, layer: int, relevance: Tensor) -> Tensor:
    """LRP-zβ (Montavon et al. 2017; lrp.md section 3): a w - l w^+ - h w^-; bias terms cancel."""
    here = WeightedLayer(network, trace, layer)
    a = here.below
    if layer == 1:
        low, high = network.pixel_bounds()
        boxes = [F.conv2d(bound.expand(1, 3, 3, 3), here.changed(change), padding=1)
                 for bound, change in ((low, positive_part_), (high, negative_part_))]
        box = boxes[0] + boxes[1]
    else:
        low, high = torch.zeros((), dtype=a.dtype, device=a.device), a.max()
        box = here.unit_part("negative") * high

    z = here.add_unit(here.part("plain").clone(), box, -1.0)
    s, _ = divide(relevance, z, STABILIZER, own=True)
    if layer > 1:
        return here.backward(s, None).mul_(a).sub_(here.backward(s, negative_part_).mul_(high))
    # The three kinds of weights of so few inputs go through one convolution.
    weights = torch.cat([here.weight, here.changed(positive_part_), here.changed(negative_part_)], dim=1)
    shares, positive, negative = F.conv_transpose2d(s, weights, padding=1).chunk(3, dim=1)
    return a * shares - low * positive - high * negative
