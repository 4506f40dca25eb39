"""The models of the small maps beside the table of rules: each rule on all layers, and at its usual place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from vislrp_core.adapt import adapt
from vislrp_core.architecture import DEFAULT, find
from vislrp_core.model import LRPModel, Segment
from vislrp_core.rules import PRESETS, Rule
from vislrp_ui.choices import ImageRef

PICTURE = ImageRef()
"""The sample that all of them explain, by its first class: the one that every visit begins with."""
RULES = ("zero", "epsilon", "gamma", "alpha_beta", "alpha1_beta0", "w_square", "flat", "z_box")
LOW = ("gamma", "alpha_beta", "alpha1_beta0")
"""Rules whose usual place is that of γ in the standard composite."""
PIXELS = ("w_square", "flat", "z_box")
"""Rules whose usual place is the first layer."""


@dataclass(frozen=True)
class RulePair:
    """A rule on all layers, the pixels among them, and at its usual place in the standard composite."""

    everywhere: LRPModel
    usual: LRPModel


@cache
def pairs(architecture: str) -> dict[str, RulePair]:
    """The models by preset, over the rows of an architecture."""
    return {key: RulePair(*(adapt(model, architecture) for model in (_everywhere(key), _usual(key)))) for key in RULES}


@cache
def models(architecture: str) -> tuple[LRPModel, ...]:
    """All different ones, in the order of the table."""
    each = [model for pair in pairs(architecture).values() for model in (pair.everywhere, pair.usual)]
    return tuple({model.key: model for model in each}.values())


def _everywhere(preset: str) -> LRPModel:
    return LRPModel(
        name=f"{PRESETS[preset].title} on all layers",
        segments=(Segment(first=1, last=find(DEFAULT).last, rule=Rule.of(preset)),),
        pixel_rule="z_box" if preset == "z_box" else "segment",
    )


def _usual(preset: str) -> LRPModel:
    """γ below, ε in the middle, LRP-0 above, zβ at the pixels, as in the overview's tutorial; one of them is replaced."""
    rows = find(DEFAULT)
    low = Rule.of(preset) if preset in LOW else Rule.of("gamma")
    standard = LRPModel(
        name="Standard composite" if preset in STANDARD else f"{PRESETS[preset].title} in the standard composite",
        segments=(
            Segment(first=1, last=rows.blocks[2].last, rule=low),
            Segment(first=rows.blocks[2].last + 1, last=rows.last_feature, rule=Rule.of("epsilon")),
            Segment(first=rows.last_feature + 1, last=rows.last, rule=Rule.of("zero")),
        ),
    )
    return standard.model_copy(update={"pixel_rule": preset if preset in PIXELS else "z_box"})


STANDARD = ("zero", "epsilon", "gamma", "z_box")
"""Rules of which the standard composite consists."""
