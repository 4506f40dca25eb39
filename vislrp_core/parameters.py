"""The ten parameters of the unified formula (guide, Eq. 2.1): symbols, groups, ranges, and how their values are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

EpsilonScale = Literal["absolute", "relative"]


@dataclass(frozen=True)
class Parameter:
    """One of the ten parameters: its symbol, group, slider range and what it does."""

    key: str
    symbol: str
    group: str
    minimum: float
    maximum: float
    default: float
    help: str
    step: float = 0.01


GROUPS: dict[str, tuple[int, str, str]] = {
    "contribution": (1, "Contribution", "positive against negative"),
    "activation": (2, "Activation", "u = θ₀ + θ₁a"),
    "weight": (3, "Weight", "what of w counts"),
    "suppression": (4, "Suppression", "damps weak, contradictory relevance"),
}

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("alpha", "α", "contribution", 0, 4, 1, "Weight of the first term; α − β = 1 keeps the sum of relevance."),
    Parameter(
        "beta",
        "β",
        "contribution",
        0,
        3,
        0,
        "Weight of the second term, with γ₁⁺ and γ₁⁻ exchanged: more β shows more of what speaks against.",
    ),
    Parameter("theta0", "θ₀", "activation", 0, 1, 0, "A constant in place of the activation: spreads relevance evenly."),
    Parameter("theta1", "θ₁", "activation", 0, 1, 1, "How much the activation itself counts; 0 ignores the image."),
    Parameter("gamma0", "γ₀", "weight", 0, 1, 0, "A constant in place of the weight: blurs the map."),
    Parameter("gamma1", "γ₁", "weight", 0, 1, 1, "The signed weight as it is."),
    Parameter("gamma1p", "γ₁⁺", "weight", 0, 1, 0, "Favours positive contributions: calmer, more positive maps."),
    Parameter("gamma1n", "γ₁⁻", "weight", 0, 1, 0, "Favours negative contributions."),
    Parameter("gamma2", "γ₂", "weight", 0, 1, 0, "The squared weight: strong connections count most."),
    Parameter("epsilon", "ε", "suppression", 0, 1, 0, "Added to the denominator: absorbs weak, contradictory relevance."),
)
KEYS = tuple(parameter.key for parameter in PARAMETERS)
DEFAULTS = {parameter.key: parameter.default for parameter in PARAMETERS}


def format_number(value: float) -> str:
    """Short decimal text of a parameter: ``0.3``, ``1``, ``0.125``."""
    return f"{value:.4g}"


class Values(Protocol):
    """A rule's preset, parameters and scale of epsilon, as `Rule` has them."""

    @property
    def preset(self) -> str: ...
    @property
    def alpha(self) -> float: ...
    @property
    def beta(self) -> float: ...
    @property
    def theta0(self) -> float: ...
    @property
    def theta1(self) -> float: ...
    @property
    def gamma0(self) -> float: ...
    @property
    def gamma1(self) -> float: ...
    @property
    def gamma1p(self) -> float: ...
    @property
    def gamma1n(self) -> float: ...
    @property
    def gamma2(self) -> float: ...
    @property
    def epsilon(self) -> float: ...
    @property
    def epsilon_scale(self) -> EpsilonScale: ...
