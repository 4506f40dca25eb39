"""Ready spaces: for a network (the default), around a model's segments, around its rules."""

from __future__ import annotations

from typing import Any

from vislrp_core.architecture import Architecture
from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule
from vislrp_core.search.space import CONVENTIONS, RuleChoice, Space

GAMMA: dict[str, Any] = {"from": 0.01, "to": 1.0, "scale": "log"}
EPSILON: dict[str, Any] = {"from": 0.01, "to": 1.0, "scale": "log"}
CONVOLUTIONS: list[dict[str, Any]] = [
    {"preset": "gamma", "gamma1p": GAMMA},
    {"preset": "gamma_generalized", "gamma1p": GAMMA},
    {"preset": "z_plus"},
    {"preset": "alpha_beta", "alpha": {"from": 1.0, "to": 3.0}},
    {"preset": "epsilon", "epsilon": EPSILON, "epsilon_scale": "relative"},
]
"""Rules below; ε alone leaves maps of the lowest layers noisy, but a search should find that out."""
TOP: list[dict[str, Any]] = [
    {"preset": "zero"},
    {"preset": "epsilon", "epsilon": 1e-6, "epsilon_scale": "absolute"},
    {"preset": "epsilon", "epsilon": EPSILON, "epsilon_scale": "relative"},
    {"preset": "gamma", "gamma1p": GAMMA},
    {"preset": "z_plus"},
]
"""Rules of the fully connected layers."""
FREE = {
    "pixel_rule": ["z_box", "w_square", "flat", "segment"],
    "pooling": ["proportional", "winner-takes-all"],
    "bias": ["ignore", "absorb"],
}
"""Conventions that the default space leaves free."""
RANGES: dict[str, dict[str, Any]] = {"gamma1p": GAMMA, "epsilon": EPSILON, "alpha": {"from": 1.0, "to": 3.0}}


def default_space(plan: Architecture) -> Space:
    """Four segments: three borders between the convolutions, the fully connected layers at the top.

    Zennit's composites and most example models lie in it, so that a search begins with what is known.
    """
    ends = [block.last for block in plan.blocks if block.last <= plan.last_feature]
    upper = [*CONVOLUTIONS, {"preset": "zero"}]
    if len(ends) < 3:
        borders: list[tuple[Any, list[dict[str, Any]]]] = [(end, upper) for end in ends]
    else:
        middle = len(ends) // 2
        borders = [
            ({"from": ends[0], "to": ends[middle]}, CONVOLUTIONS),
            ({"from": ends[min(1, middle)], "to": ends[-2]}, upper),
            ({"from": ends[-2], "to": ends[-1]}, upper),
        ]
    return _space(plan.key, [*borders, (plan.last, TOP)], FREE)


def same_segments(model: LRPModel) -> Space:
    """The model's borders and conventions; each segment may have any rule, with any parameters."""
    segments: list[tuple[Any, list[dict[str, Any]]]] = []
    for one in model.segments:
        rules = [*CONVOLUTIONS, {"preset": "zero"}] if one.last <= model.plan.last_feature else TOP
        known = any(RuleChoice.model_validate(rule).matching(one.rule) is not None for rule in rules)
        segments.append((one.last, rules if known else [_fixed(one.rule), *rules]))
    return _space(model.architecture, segments, _conventions(model))


def other_parameters(model: LRPModel) -> Space:
    """The model's borders, presets and conventions; their parameters are free."""
    return _space(model.architecture, [(one.last, [_loose(one.rule)]) for one in model.segments], _conventions(model))


def other_borders(model: LRPModel) -> Space:
    """The model's rules and conventions; its borders are free, in their order."""
    last = model.plan.last
    ends = [*({"from": place, "to": last - 1} for place in range(1, len(model.segments))), last]
    return _space(
        model.architecture,
        [(end, [_fixed(one.rule)]) for end, one in zip(ends, model.segments, strict=True)],
        _conventions(model),
    )


def _conventions(model: LRPModel) -> dict[str, list[str]]:
    return {field: [getattr(model, field)] for field in CONVENTIONS}


def _fixed(rule: Rule) -> dict[str, Any]:
    return rule.to_dict() | {"epsilon_scale": rule.epsilon_scale}


def _loose(rule: Rule) -> dict[str, Any]:
    """The rule with ranges around its parameters; those of a custom rule stay as they are."""
    data = _fixed(rule)
    if data["preset"] == "custom":
        return data
    if data["preset"] == "alpha_beta" and data["alpha"] - data["beta"] == 1:
        data.pop("beta")
    for key, common in RANGES.items():
        if key in data:
            low, high = min(common["from"], data[key]), max(common["to"], data[key])
            data[key] = {"from": low, "to": high, "scale": common.get("scale", "linear") if low > 0 else "linear"}
    return data


def _space(architecture: str, segments: list[tuple[Any, list[dict[str, Any]]]], conventions: dict[str, list[str]]) -> Space:
    return Space.from_data(
        {
            "architecture": architecture,
            **conventions,
            "segments": [{"last": last, "rules": rules} for last, rules in segments],
        }
    )
