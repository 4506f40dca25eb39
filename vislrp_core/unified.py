"""R[layer - 1] from R[layer] at a weighted layer: the unified rule (Eq. 2.1; lrp.md, section 2) and LRP-z^beta (3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.factors import Change, Factors, negative_part, positive_part
from vislrp_core.network import Network, Trace, refine
from vislrp_core.rules import Rule
from vislrp_core.shares import Denominator, divide
from vislrp_core.weighted import WeightedLayer

STABILIZER = 1e-9
SAFE_EPSILON = 1e-2
"""A relative epsilon from which no denominator is small enough to ask for more digits."""


def _is_damped(rule: Rule, z: Denominator) -> bool:
    """Whether epsilon keeps all denominators from nearly vanishing."""
    return rule.epsilon > 0 and rule.epsilon >= SAFE_EPSILON * (1.0 if rule.epsilon_scale == "relative" else z.rms()) > 0


def _shares(here: WeightedLayer, rule: Rule, relevance: Tensor, factor: float, sums: Callable[[], Denominator],
            exactly: Callable[[], Tensor] | None, *, safe: bool, disposable: bool) -> Tensor:
    """Factor times R / stab(z), with z in double precision where single precision would not do.

    First all sums of the image are taken from a forward pass in double precision; where z is put together of several sums
    and those nearly cancel, `exactly` gives it as one.
    """
    z = sums()
    epsilon = rule.epsilon * (z.rms() if rule.epsilon and rule.epsilon_scale == "relative" else 1.0) + STABILIZER
    doubtful = not (safe or here.network.dtype == torch.float64 or _is_damped(rule, z))
    s, trusted = divide(relevance, z, epsilon, factor=factor, disposable=disposable, doubtful=doubtful)
    if trusted:
        return s
    if not here.trace.exact:
        refine(here.network, here.trace)
        return _shares(here, rule, relevance, factor, sums, exactly, safe=safe, disposable=disposable)
    if exactly is None:
        return s
    exact = Denominator(((exactly(), 1.0),))
    return divide(relevance.double(), exact, epsilon, factor=factor, disposable=True)[0].to(relevance.dtype)


def unified(network: Network, trace: Trace, layer: int, rule: Rule, absorb: bool, relevance: Tensor, *,
            in_proportion: bool = False, disposable: bool = False) -> Tensor:
    """R[layer - 1] of the unified rule for a batch R[layer]; fully connected inputs as (B, N).

    Parameters
    ----------
    in_proportion : bool
        Whether relevance vanishes with the activation it belongs to, as it does below all rules that multiply by it.
    disposable : bool
        Whether R[layer] may be overwritten.
    """
    here = WeightedLayer(network, trace, layer)
    with_bias = absorb or not bool(network.biases[layer].any())
    # Behind a ReLU the sign of a contribution is the weight's; elsewhere negative inputs exchange p and n.
    mixed = layer == 1 or rule.theta0 < 0 or rule.theta1 < 0
    terms = [(factor, p, n) for factor, p, n in ((rule.alpha, rule.gamma1p, rule.gamma1n),
                                                 (-rule.beta, rule.gamma1n, rule.gamma1p)) if factor != 0]
    total: Tensor | None = None
    apart: Tensor | None = None
    for number, (factor, p, n) in enumerate(terms, 1):
        factors = Factors(rule.gamma0, rule.gamma1 + p, rule.gamma1 + n, rule.gamma2)
        last = disposable and number == len(terms)
        if mixed and p != n:
            term = _by_sign(here, rule, factors, absorb, relevance, factor, disposable=last)
            apart = term if apart is None else apart.add_(term)
            continue
        safe = factors.one_signed and (layer > 1 or rule.theta1 == 0)
        # Where z is at least the activation, R / z stays bounded.
        safe |= in_proportion and with_bias and rule.theta0 >= 0 and factors.at_least_plain
        # A plain weight's sum came from the double precision pass itself; other sums are put together of several.
        exactly = None if factors.with_constant is None else partial(here.denominator_in_double, rule, factors, absorb)
        lead = factors.lead
        s = _shares(here, rule, relevance, factor * lead, partial(here.denominator, rule, factors, absorb), exactly,
                    safe=safe, disposable=last)
        term = here.hand_down(s, factors.divided(lead))
        total = term if total is None else total.add_(term)
    if total is not None:
        total = here.times_inputs(total, rule)
    if total is None or apart is None:
        found = total if apart is None else apart
        return relevance.new_zeros(here.input_shape(relevance)) if found is None else found
    return total.add_(apart)


def _by_sign(here: WeightedLayer, rule: Rule, factors: Factors, absorb: bool, relevance: Tensor, factor: float, *,
             disposable: bool) -> Tensor:
    """One term where inputs of both signs occur: p counts positive contributions, n negative ones."""
    other = Factors(factors.constant, factors.negative, factors.positive, factors.square)
    key = (here.layer, "by sign", rule.theta0, rule.theta1, factors)

    def parts() -> list[tuple[Tensor, Change | None]]:
        u = here.inputs(rule)
        return [(u.clamp(min=0), factors.with_constant), (u.clamp(max=0), other.with_constant)]

    def sums() -> Denominator:
        z = here.trace.terms.get(key)
        if z is None:
            (above, change), (below, exchanged) = parts()
            z = here.trace.keep(key, here.forward(above, change).add_(here.forward(below, exchanged)))
        return Denominator(((z, 1.0),), here.bias_share(factors) if absorb else None)

    def exactly() -> Tensor:
        (above, change), (below, exchanged) = parts()
        z = here.forward_in_double(above, change).add_(here.forward_in_double(below, exchanged))
        return z + here.per_output(here.bias_share(factors)).double() if absorb else z

    safe = factors.one_signed and factors.constant == factors.square == 0
    s = _shares(here, rule, relevance, factor, sums, exactly, safe=safe, disposable=disposable)
    (above, change), (below, exchanged) = parts()
    return here.backward(s, change).mul_(above).add_(here.backward(s, exchanged).mul_(below))


def z_box(network: Network, trace: Trace, layer: int, relevance: Tensor, *, disposable: bool = False) -> Tensor:
    """LRP-z^beta (Montavon et al. 2017; lrp.md section 3): a w - l w^+ - h w^-; bias terms cancel."""
    here = WeightedLayer(network, trace, layer)
    a = here.below
    if layer == 1:
        low, high = network.pixel_bounds()
        boxes = [F.conv2d(bound.expand(1, 3, 3, 3), here.changed(change), padding=1)
                 for bound, change in ((low, positive_part), (high, negative_part))]
        box = boxes[0] + boxes[1]
    else:
        low, high = torch.zeros((), dtype=a.dtype, device=a.device), a.max()
        box = here.unit_part("negative") * high

    plain, times = here.plain_sum(False)
    middle = box[0, :, 1, 1] if here.conv else box[0]
    z = Denominator(((plain, 1.0),), times * network.biases[layer] - middle).whole()
    if here.conv:
        z = here.add_edges(z, box, -1.0)
    s, _ = divide(relevance, Denominator(((z, 1.0),)), STABILIZER, disposable=disposable)
    if layer > 1:
        return here.backward(s, None).mul_(a).sub_(here.backward(s, negative_part).mul_(high))
    # (a - l) w^+ + (a - h) w^-: both kinds of weights of so few inputs go through one convolution.
    weights = torch.cat([here.changed(positive_part), here.changed(negative_part)], dim=1)
    positive, negative = F.conv_transpose2d(s, weights, padding=1).chunk(2, dim=1)
    return (a - low) * positive + (a - high) * negative
