"""LRP-γ for inputs and sums of both signs (Andéol et al. 2021; Zennit's `Gamma`; numerics.md, section 9), shown as LRP-γ±.

For a neuron j with the plain sum z_j, contributions of z_j's sign count 1 + γ times, the others once:

    z_j > 0: a^+ (w + γ w^+) + a^- (w + γ w^-) = a w + γ (a w)^+
    z_j < 0: a^+ (w + γ w^-) + a^- (w + γ w^+) = a w + γ (a w)^-

so each side is a term of the unified rule for the relevance of the neurons of its sign; z_j = 0 passes nothing on.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vislrp_core.factors import Factors
from vislrp_core.kinds.base import Preset, RuleKind, Setting, Term
from vislrp_core.kinds.unified import one_term, term_of
from vislrp_core.notation import Writer
from vislrp_core.parameters import Values, format_number
from vislrp_core.weighted import WeightedLayer


class GammaGeneralized(RuleKind):
    """What speaks for a neuron's own sign is favoured."""

    presets = {  # noqa: RUF012 - never changed
        "gamma_generalized": Preset(
            "LRP-γ±",
            "γ±",
            {"gamma1p": 0.25},
            ("gamma1p",),
            summary="Favours contributions of the sign of their sum.",
            usage="Lower layers",
            reference="Andéol et al. 2021",
            place=35,
        )
    }

    def step(self, here: WeightedLayer, rule: Values, relevance: Tensor, setting: Setting) -> Tensor:
        """One term for neurons with a positive sum, one for those with a negative one."""
        total: Tensor | None = None
        for side, factors in self._sides(here, rule, setting.absorb):
            arriving = torch.where(side, relevance, 0.0)
            # Behind a ReLU neurons of negative sum mostly carry nothing; a GPU would have to be waited for.
            if arriving.device.type == "cpu" and not bool(arriving.any()):
                continue
            term = one_term(here, rule, factors, 1.0, arriving, setting, disposable=True)
            total = term if total is None else total.add_(term)
        return relevance.new_zeros(here.input_shape(relevance)) if total is None else total

    @staticmethod
    def _sides(here: WeightedLayer, rule: Values, absorb: bool) -> tuple[tuple[Tensor, Factors], ...]:
        """Which neurons have a sum of each sign, and what counts for them."""
        plain = here.denominator(rule, Factors(0.0, 1.0, 1.0, 0.0), absorb).whole()
        return (
            (plain > 0, Factors(0.0, 1.0 + rule.gamma1p, 1.0, 0.0)),
            (plain < 0, Factors(0.0, 1.0, 1.0 + rule.gamma1p, 0.0)),
        )

    def terms(self, here: WeightedLayer, rule: Values, absorb: bool) -> tuple[Term, ...]:
        """One for each sign of a neuron's sum."""
        return tuple(
            term_of(here, rule, factors, 1.0, absorb, counts=side) for side, factors in self._sides(here, rule, absorb)
        )

    def may_cancel(self, rule: Values) -> bool:
        """As LRP-0 where γ is 0."""
        return rule.gamma1p == 0

    def short(self, rule: Values) -> str:
        """Such as ``γ± 0.3``."""
        return f"γ± {format_number(rule.gamma1p)}"

    def formula(self, writer: Writer, rule: Values) -> str:
        """± is the sign of the neuron's sum."""
        q = writer.symbol("a") + writer.symbol("w")
        if rule.gamma1p:
            sign = writer.sign("+" if rule.gamma1p > 0 else "-")
            q += (
                sign
                + (writer.number(rule.gamma1p, "gamma1p") if abs(rule.gamma1p) != 1 else "")
                + writer.power(writer.bracket(q), "±")
            )
        return writer.sum("j") + writer.fraction(q, writer.sum("i") + q) + writer.symbol("R")

    zennit_helper = '''class GammaWithoutBias(Gamma):
    """Zennit's Gamma with the bias ignored also where the sign of the sum is taken."""

    def __init__(self, gamma):
        super().__init__(gamma=gamma, stabilizer=STABILIZER, zero_params=["bias"])
        self.param_modifiers[-1] = NoMod(zero_params=["bias"])
'''

    def zennit(self, rule: Values, absorb: bool) -> str:
        """Zennit's own `Gamma`, which takes its sign from the sum with the bias."""
        if absorb:
            return f"Gamma(gamma={rule.gamma1p!r}, stabilizer=STABILIZER, zero_params=None)"
        return f"GammaWithoutBias(gamma={rule.gamma1p!r})"


GAMMA_GENERALIZED = GammaGeneralized()
