"""The unified rule (guide, Eq. 2.1; numerics, section 2): one formula with ten parameters, and the rules it contains."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from vislrp_core.factors import Change, Factors
from vislrp_core.kinds.base import Preset, RuleKind, Setting, Term
from vislrp_core.notation import Writer
from vislrp_core.parameters import KEYS, Values, format_number
from vislrp_core.precision import damping, shares
from vislrp_core.shares import Denominator
from vislrp_core.weighted import WeightedLayer

_BACH, _OVERVIEW, _TAYLOR = "Bach et al. 2015", "Montavon et al. 2019", "Montavon et al. 2017"


def one_term(
    here: WeightedLayer,
    rule: Values,
    factors: Factors,
    factor: float,
    relevance: Tensor,
    setting: Setting,
    *,
    disposable: bool,
) -> Tensor:
    """One term: factor times the sum over outputs of q / stab(sum of q) R, with the contributions q that factors make.

    Behind a ReLU the sign of a contribution is the weight's; elsewhere negative inputs exchange the factors.

    Parameters
    ----------
    disposable : bool
        Whether relevance may be overwritten.
    """
    if _mixed(here, rule) and factors.positive != factors.negative:
        return _by_sign(here, rule, factors, setting.absorb, relevance, factor, disposable=disposable)
    return here.times_inputs(_of_weights(here, rule, factors, factor, relevance, setting, disposable=disposable), rule)


def _mixed(here: WeightedLayer, rule: Values) -> bool:
    """Whether inputs of both signs occur."""
    return here.signed or rule.theta0 < 0 or rule.theta1 < 0


def _of_weights(
    here: WeightedLayer,
    rule: Values,
    factors: Factors,
    factor: float,
    relevance: Tensor,
    setting: Setting,
    *,
    disposable: bool,
) -> Tensor:
    """One term where the weights alone decide what counts, before it is multiplied by the inputs."""
    safe = factors.one_signed and (not here.signed or rule.theta1 == 0)
    # Where z is at least the activation, R / z stays bounded.
    with_bias = setting.absorb or not here.has_bias
    safe |= setting.in_proportion and with_bias and rule.theta0 >= 0 and factors.at_least_plain
    # A plain weight's sum came from the double precision pass itself; other sums are put together of several.
    exactly = None if factors.with_constant is None else partial(here.denominator_in_double, rule, factors, setting.absorb)
    lead = factors.lead
    s = shares(
        here,
        rule,
        relevance,
        factor * lead,
        partial(here.denominator, rule, factors, setting.absorb),
        exactly,
        safe=safe,
        disposable=disposable,
    )
    return here.hand_down(s, factors.divided(lead))


def _exchanged(factors: Factors) -> Factors:
    """What factors do to the weights of negative inputs: the sign of the contribution decides."""
    return Factors(factors.constant, factors.negative, factors.positive, factors.square)


def _parts_by_sign(here: WeightedLayer, rule: Values, factors: Factors) -> list[tuple[Tensor, Change | None]]:
    """Positive inputs and negative ones, each with what becomes of its weights."""
    u = here.inputs(rule)
    return [(u.clamp(min=0), factors.with_constant), (u.clamp(max=0), _exchanged(factors).with_constant)]


def _sums_by_sign(here: WeightedLayer, rule: Values, factors: Factors, absorb: bool) -> Denominator:
    """z of one term for inputs of both signs."""
    key = (here.layer, "by sign", rule.theta0, rule.theta1, factors)
    z = here.trace.cache.term(key)
    if z is None:
        (above, change), (below, exchanged) = _parts_by_sign(here, rule, factors)
        z = here.trace.cache.keep(key, here.forward(above, change).add_(here.forward(below, exchanged)))
    return Denominator(((z, 1.0),), here.bias_share(factors) if absorb else None)


def term_of(
    here: WeightedLayer, rule: Values, factors: Factors, factor: float, absorb: bool, counts: Tensor | None = None
) -> Term:
    """One term with the contributions that factors make, by the sums that `one_term` divides by."""
    by_sign = _mixed(here, rule) and factors.positive != factors.negative
    z = _sums_by_sign(here, rule, factors, absorb) if by_sign else here.denominator(rule, factors, absorb)
    change, other = factors.with_constant, _exchanged(factors).with_constant

    def contribution(a: Tensor, w: Tensor, channel: int) -> Tensor:
        u = rule.theta0 + rule.theta1 * a
        made = other if by_sign and bool(u < 0) else change
        return u * (w if made is None else made(w, None))

    bias = here.network.biases[here.layer]
    share = here.bias_share(factors) if absorb else torch.zeros_like(bias)
    return Term(factor, contribution, z, share, float(damping(rule, z)), counts)


def _by_sign(
    here: WeightedLayer, rule: Values, factors: Factors, absorb: bool, relevance: Tensor, factor: float, *, disposable: bool
) -> Tensor:
    """One term where inputs of both signs occur: positive contributions take one factor, negative ones the other."""
    parts = partial(_parts_by_sign, here, rule, factors)
    sums = partial(_sums_by_sign, here, rule, factors, absorb)

    def exactly() -> Tensor:
        (above, change), (below, exchanged) = parts()
        z = here.forward_in_double(above, change).add_(here.forward_in_double(below, exchanged))
        return z + here.per_output(here.bias_share(factors)).double() if absorb else z

    safe = factors.one_signed and factors.constant == factors.square == 0
    s = shares(here, rule, relevance, factor, sums, exactly, safe=safe, disposable=disposable)
    (above, change), (below, exchanged) = parts()
    return here.backward(s, change).mul_(above).add_(here.backward(s, exchanged).mul_(below))


class Unified(RuleKind):
    """alpha q(p, n) / z(p, n) - beta q(n, p) / z(n, p) with p = gamma1p, n = gamma1n."""

    presets = {  # noqa: RUF012 - never changed
        "zero": Preset(
            "LRP-0",
            "0",
            summary="Relevance follows each input's contribution.",
            usage="Upper layers",
            reference=_BACH,
            place=10,
        ),
        "epsilon": Preset(
            "LRP-ε",
            "ε",
            {"epsilon": 0.25},
            ("epsilon",),
            "relative",
            "Absorbs weak and contradictory relevance.",
            "Middle layers",
            _BACH,
            20,
        ),
        "gamma": Preset(
            "LRP-γ",
            "γ",
            {"gamma1p": 0.25},
            ("gamma1p",),
            summary="Favours positive contributions.",
            usage="Lower layers",
            reference=_OVERVIEW,
            place=30,
        ),
        "alpha_beta": Preset(
            "LRP-αβ",
            "αβ",
            {"alpha": 2, "beta": 1, "gamma1": 0, "gamma1p": 1},
            ("alpha", "beta"),
            summary="Treats positive and negative contributions apart.",
            usage="Lower layers",
            reference=_BACH,
            place=40,
        ),
        "alpha1_beta0": Preset(
            "LRP-α1β0",
            "α1β0",
            {"gamma1": 0, "gamma1p": 1},
            summary="Positive contributions alone.",
            usage="Lower layers",
            reference=_BACH,
            place=50,
        ),
        "z_plus": Preset(
            "LRP-z⁺",
            "z⁺",
            {"gamma1": 0, "gamma1p": 1},
            summary="Positive contributions alone.",
            usage="Lower layers",
            reference=_TAYLOR,
            place=60,
        ),
        "w_square": Preset(
            "LRP-w²",
            "w²",
            {"theta0": 1, "theta1": 0, "gamma1": 0, "gamma2": 1},
            summary="Squared weights, independent of the image.",
            usage="First layer",
            reference=_TAYLOR,
            place=70,
        ),
        "flat": Preset(
            "LRP-flat",
            "flat",
            {"theta0": 1, "theta1": 0, "gamma0": 1, "gamma1": 0},
            summary="Every input gets the same share.",
            usage="First layer",
            reference="Lapuschkin et al. 2019",
            place=80,
        ),
        "custom": Preset("Custom", "custom", free=KEYS, summary="Whatever you set.", place=100),
    }

    def step(self, here: WeightedLayer, rule: Values, relevance: Tensor, setting: Setting) -> Tensor:
        """Both terms; those that weights alone decide are multiplied by the inputs once."""
        mixed = _mixed(here, rule)
        terms = self._factors(rule)
        total: Tensor | None = None
        apart: Tensor | None = None
        for number, (factor, factors) in enumerate(terms, 1):
            last = setting.disposable and number == len(terms)
            if mixed and factors.positive != factors.negative:
                term = _by_sign(here, rule, factors, setting.absorb, relevance, factor, disposable=last)
                apart = term if apart is None else apart.add_(term)
            else:
                term = _of_weights(here, rule, factors, factor, relevance, setting, disposable=last)
                total = term if total is None else total.add_(term)
        if total is not None:
            total = here.times_inputs(total, rule)
        if total is None or apart is None:
            found = total if apart is None else apart
            return relevance.new_zeros(here.input_shape(relevance)) if found is None else found
        return total.add_(apart)

    @staticmethod
    def _factors(rule: Values) -> list[tuple[float, Factors]]:
        """The terms that do not vanish: alpha or -beta, and what it makes of weights."""
        return [
            (factor, Factors(rule.gamma0, rule.gamma1 + p, rule.gamma1 + n, rule.gamma2))
            for factor, p, n in ((rule.alpha, rule.gamma1p, rule.gamma1n), (-rule.beta, rule.gamma1n, rule.gamma1p))
            if factor != 0
        ]

    def terms(self, here: WeightedLayer, rule: Values, absorb: bool) -> tuple[Term, ...]:
        """The alpha term and the beta term."""
        return tuple(term_of(here, rule, factors, factor, absorb) for factor, factors in self._factors(rule))

    def in_proportion(self, rule: Values) -> bool:
        """Where the activation alone multiplies what arrives."""
        return rule.theta0 == 0

    def may_cancel(self, rule: Values) -> bool:
        """Plain weights, no epsilon."""
        return rule.epsilon == rule.gamma2 == 0 and rule.gamma1p == rule.gamma1n

    def short(self, rule: Values) -> str:
        """Preset with its own parameters, such as ``γ 0.3`` or ``α2β1``."""
        if rule.preset == "alpha_beta":
            return f"α{format_number(rule.alpha)}β{format_number(rule.beta)}"
        preset = self.presets[rule.preset]
        if rule.preset in ("epsilon", "gamma"):
            return f"{preset.short} {format_number(getattr(rule, preset.free[0]))}"
        return preset.short

    def warnings(self, rule: Values) -> list[str]:
        """Whether relevance is conserved, and whether anything counts."""
        found = []
        if abs(rule.alpha - rule.beta - 1) > 1e-9:
            found.append(
                f"α − β = {format_number(rule.alpha - rule.beta)}: relevance is not conserved; "
                "choose α − β = 1 to keep its sum."
            )
        if not (rule.theta0 or rule.theta1):
            found.append("θ₀ = θ₁ = 0: no input counts, all relevance vanishes; raise θ₁.")
        if not any((rule.gamma0, rule.gamma1, rule.gamma1p, rule.gamma1n, rule.gamma2)):
            found.append("All γ are 0: no weight counts, all relevance vanishes; raise γ₁.")
        return found

    def formula(self, writer: Writer, rule: Values) -> str:
        """One or two fractions."""
        parts = ""
        count = 0
        for key, factor, exchanged in (("alpha", rule.alpha, False), ("beta", -rule.beta, True)):
            if factor == 0:
                continue
            parts += writer.sign("-") if factor < 0 else writer.sign("+") if parts else ""
            parts += (writer.number(factor, key) if abs(factor) != 1 else "") + _fraction(writer, rule, exchanged)
            count += 1
        if not count:
            return writer.number(0, "alpha")
        return writer.sum("j") + (writer.bracket(parts) if count > 1 else parts) + writer.symbol("R")

    def zennit(self, rule: Values, absorb: bool) -> str:
        """One of Zennit's own rules where it is exactly the same, the script's `Unified` elsewhere."""
        bias = "None" if absorb else '["bias"]'
        relative = rule.epsilon_scale == "relative" and rule.epsilon != 0
        plain = f"stabilizer=STABILIZER, zero_params={bias}"
        if rule.preset in ("zero", "epsilon") and not relative:
            return f"Epsilon(epsilon={rule.epsilon!r} + STABILIZER, zero_params={bias})"
        if rule.preset == "epsilon":
            return f"Epsilon(epsilon=stabilized({rule.epsilon!r}, relative=True), zero_params={bias})"
        if rule.preset in ("z_plus", "alpha1_beta0"):
            return f"ZPlus({plain})"
        if rule.preset == "alpha_beta" and rule.alpha - rule.beta == 1 and rule.beta >= 0:
            return f"AlphaBeta(alpha={rule.alpha!r}, beta={rule.beta!r}, {plain})"
        if rule.preset == "w_square":
            return f"WSquare({plain})"
        if rule.preset == "flat":
            return "Flat(stabilizer=STABILIZER)"
        numbers = ", ".join(f"{key}={getattr(rule, key)!r}" for key in KEYS if key != "epsilon")
        stabilizer = f"stabilized({rule.epsilon!r}, {relative})"
        return f"Unified({numbers},\n                 stabilizer={stabilizer}, absorb={absorb})"


def _contribution(writer: Writer, rule: Values, exchanged: bool) -> str:
    p, n = (rule.gamma1n, rule.gamma1p) if exchanged else (rule.gamma1p, rule.gamma1n)
    u, terms_u = writer.polynomial([("theta0", rule.theta0, ""), ("theta1", rule.theta1, "a")])
    weight_terms = [
        ("gamma0", rule.gamma0, ""),
        ("gamma1", rule.gamma1, "w"),
        ("gamma1p", p, "w+"),
        ("gamma1n", n, "w-"),
        ("gamma2", rule.gamma2, "w2"),
    ]
    w, terms_w = writer.polynomial(weight_terms)
    if not terms_u or not terms_w:
        return writer.number(0, "theta1")
    one = writer.number(1, "theta0")
    if u == one:
        return w
    left = writer.bracket(u) if terms_u > 1 else u
    if w == writer.number(1, "gamma0"):
        return left
    return left + (writer.bracket(w) if terms_w > 1 or w.startswith(writer.sign("-")) else w)


def _fraction(writer: Writer, rule: Values, exchanged: bool) -> str:
    q = _contribution(writer, rule, exchanged)
    bottom = writer.sum("i") + q
    if rule.epsilon:
        bottom += writer.sign("+" if rule.epsilon > 0 else "-") + writer.number(rule.epsilon, "epsilon")
        if rule.epsilon_scale == "relative":
            bottom += writer.rms()
    return writer.fraction(q, bottom)


UNIFIED = Unified()
