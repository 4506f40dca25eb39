"""Ready models: Zennit's named composites with its conventions, and a schedule of falling γ, for every architecture.

Zennit takes the bias as one more input, lets max pooling give relevance to the maximum alone, starts with 1 at the target
and stabilises with 1e-6, added to each denominator with its sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel, Segment
from vislrp_core.rules import Rule

EPSILON = 1e-6
"""Of Zennit's ε rule, absolute."""
GAMMAS = (0.5, 0.5, 0.25, 0.1)
"""Of the falling γ schedule in blocks 1 to 4; 0 above."""


def _epsilon() -> Rule:
    return Rule.of("epsilon", epsilon=EPSILON, epsilon_scale="absolute")


def _zennit(name: str, rule: str, pixel_rule: str = "segment", above: str = "") -> Callable[[Architecture], LRPModel]:
    """One rule on the convolutions, ε (or another) on the fully connected layers."""

    def make(plan: Architecture) -> LRPModel:
        border = plan.last_feature
        parts = [(1, border, Rule.of(rule)), (border + 1, plan.last, Rule.of(above) if above else _epsilon())]
        segments = tuple(Segment(first=first, last=last, rule=one) for first, last, one in parts if first <= last)
        return LRPModel.model_validate(
            {
                "name": name,
                "architecture": plan.key,
                "segments": segments,
                "pooling": "winner-takes-all",
                "bias": "absorb",
                "start": "one",
                "pixel_rule": pixel_rule,
                "description": f"Zennit's composite {name}, with its conventions.",
            }
        )

    return make


def _falling_gamma(plan: Architecture) -> LRPModel:
    segments: list[Segment] = []
    for place, block in enumerate(plan.blocks):
        gamma = GAMMAS[place] if place < len(GAMMAS) and block.last <= plan.last_feature else 0.0
        rule = Rule.of("gamma", gamma1p=gamma) if gamma else Rule.of("zero")
        if segments and segments[-1].rule == rule:
            segments[-1] = Segment(first=segments[-1].first, last=block.last, rule=rule)
        else:
            segments.append(Segment(first=block.first, last=block.last, rule=rule))
    return LRPModel(
        name="Falling gamma",
        architecture=plan.key,
        segments=tuple(segments),
        description="γ 0.5 in blocks 1 and 2, 0.25 in block 3, 0.1 in block 4, 0 above; zβ at the pixels.",
    )


@dataclass(frozen=True)
class Composite:
    """A ready model: where it comes from, and how it is made for an architecture."""

    source: str
    make: Callable[[Architecture], LRPModel]


_SOURCE = "Zennit's zennit.composites.{}"
COMPOSITES: dict[str, Composite] = {
    "epsilon_plus": Composite(_SOURCE.format("EpsilonPlus"), _zennit("EpsilonPlus", "z_plus")),
    "epsilon_plus_flat": Composite(_SOURCE.format("EpsilonPlusFlat"), _zennit("EpsilonPlusFlat", "z_plus", "flat")),
    "epsilon_alpha2_beta1": Composite(_SOURCE.format("EpsilonAlpha2Beta1"), _zennit("EpsilonAlpha2Beta1", "alpha_beta")),
    "epsilon_alpha2_beta1_flat": Composite(
        _SOURCE.format("EpsilonAlpha2Beta1Flat"), _zennit("EpsilonAlpha2Beta1Flat", "alpha_beta", "flat")
    ),
    "epsilon_gamma_box": Composite(
        _SOURCE.format("EpsilonGammaBox"), _zennit("EpsilonGammaBox", "gamma_generalized", "z_box")
    ),
    "excitation_backprop": Composite(
        _SOURCE.format("ExcitationBackprop") + "; Zhang et al. 2018 (IJCV 126)",
        _zennit("ExcitationBackprop", "z_plus", above="z_plus"),
    ),
    "falling_gamma": Composite("Montavon et al. 2019's idea of a γ that falls with depth", _falling_gamma),
}
"""Ready models by the name that ``--model`` takes in place of a file."""


def composite(key: str, architecture: str = DEFAULT) -> LRPModel:
    """A ready model for an architecture.

    Raises
    ------
    InputError
        There is no such composite or architecture.
    """
    if key not in COMPOSITES:
        raise InputError(f'there is no ready model "{key[:40]}": choose one of {", ".join(COMPOSITES)}')
    if architecture not in ARCHITECTURES:
        raise InputError(f'there is no architecture "{architecture[:40]}": choose one of {", ".join(ARCHITECTURES)}')
    return COMPOSITES[key].make(ARCHITECTURES[architecture])
