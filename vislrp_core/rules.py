"""LRP rules as data: ten parameters of one unified formula (guide, Eq. 2.1) and the presets that fix some of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

EpsilonScale = Literal["absolute", "relative"]
PresetKey = Literal["zero", "epsilon", "gamma", "alpha_beta", "alpha1_beta0", "z_plus", "w_square", "flat", "z_box",
                    "custom"]


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
    Parameter("beta", "β", "contribution", 0, 3, 0,
              "Weight of the second term, with γ₁⁺ and γ₁⁻ exchanged: more β shows more of what speaks against."),
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


@dataclass(frozen=True)
class Preset:
    """A named rule: the parameters it sets and those of them that stay free."""

    title: str
    short: str
    values: dict[str, float] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    epsilon_scale: EpsilonScale = "absolute"
    summary: str = ""
    usage: str = ""
    reference: str = ""

    def value(self, key: str) -> float:
        """Value of a parameter in this preset."""
        return self.values.get(key, DEFAULTS[key])


_BACH, _OVERVIEW, _TAYLOR = "Bach et al. 2015", "Montavon et al. 2019", "Montavon et al. 2017"
PRESETS: dict[str, Preset] = {
    "zero": Preset("LRP-0", "0", summary="Relevance follows each input's contribution.", usage="Upper layers",
                   reference=_BACH),
    "epsilon": Preset("LRP-ε", "ε", {"epsilon": 0.25}, ("epsilon",), "relative",
                      "Absorbs weak and contradictory relevance.", "Middle layers", _BACH),
    "gamma": Preset("LRP-γ", "γ", {"gamma1p": 0.25}, ("gamma1p",), summary="Favours positive contributions.",
                    usage="Lower layers", reference=_OVERVIEW),
    "alpha_beta": Preset("LRP-αβ", "αβ", {"alpha": 2, "beta": 1, "gamma1": 0, "gamma1p": 1}, ("alpha", "beta"),
                         summary="Treats positive and negative contributions apart.", usage="Lower layers",
                         reference=_BACH),
    "alpha1_beta0": Preset("LRP-α1β0", "α1β0", {"gamma1": 0, "gamma1p": 1},
                           summary="Positive contributions alone.", usage="Lower layers", reference=_BACH),
    "z_plus": Preset("LRP-z⁺", "z⁺", {"gamma1": 0, "gamma1p": 1}, summary="Positive contributions alone.",
                     usage="Lower layers", reference=_TAYLOR),
    "w_square": Preset("LRP-w²", "w²", {"theta0": 1, "theta1": 0, "gamma1": 0, "gamma2": 1},
                       summary="Squared weights, whatever the image.", usage="First layer", reference=_TAYLOR),
    "flat": Preset("LRP-flat", "flat", {"theta0": 1, "theta1": 0, "gamma0": 1, "gamma1": 0},
                   summary="Every input gets the same share.", usage="First layer", reference="Lapuschkin et al. 2019"),
    "z_box": Preset("LRP-zβ", "zβ", summary="Contributions within the box of possible inputs.",
                    usage="Pixels", reference=_TAYLOR),
    "custom": Preset("Custom", "custom", free=KEYS, summary="Whatever you set."),
}


def format_number(value: float) -> str:
    """Short decimal text of a parameter: ``0.3``, ``1``, ``0.125``."""
    return f"{value:.4g}"


class Rule(BaseModel):
    """A rule of one segment: preset, the ten parameters of Eq. 2.1, and the scale of epsilon.

    Parameters that are left out take the preset's values. One that contradicts its preset is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    preset: PresetKey = "zero"
    alpha: float = Field(1.0, ge=-1e30, le=1e30)
    beta: float = Field(0.0, ge=-1e30, le=1e30)
    theta0: float = Field(0.0, ge=-1e30, le=1e30)
    theta1: float = Field(1.0, ge=-1e30, le=1e30)
    gamma0: float = Field(0.0, ge=-1e30, le=1e30)
    gamma1: float = Field(1.0, ge=-1e30, le=1e30)
    gamma1p: float = Field(0.0, ge=-1e30, le=1e30)
    gamma1n: float = Field(0.0, ge=-1e30, le=1e30)
    gamma2: float = Field(0.0, ge=-1e30, le=1e30)
    epsilon: float = Field(0.0, ge=-1e30, le=1e30)
    epsilon_scale: EpsilonScale = "absolute"

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        preset = PRESETS.get(data.get("preset", "zero")) if isinstance(data.get("preset", "zero"), str) else None
        if preset is None:
            return data
        return {"epsilon_scale": preset.epsilon_scale, **{key: preset.value(key) for key in KEYS}, **data}

    @model_validator(mode="after")
    def _agree_with_preset(self) -> Rule:
        preset = PRESETS[self.preset]
        for key in KEYS:
            if key not in preset.free and getattr(self, key) != preset.value(key):
                raise ValueError(f"{key}: preset {self.preset} fixes it at {format_number(preset.value(key))}, "
                                 f"got {format_number(getattr(self, key))}; use preset custom")
        return self

    @classmethod
    def of(cls, preset: str, **values: Any) -> Rule:
        """Rule of a preset with some of its own parameters set."""
        return cls.model_validate({"preset": preset, **values})

    def values(self) -> dict[str, float]:
        """The ten parameters by key, in workflow order."""
        return {key: getattr(self, key) for key in KEYS}

    def changed(self, key: str, value: Any) -> Rule:
        """The rule with one parameter moved; a parameter that the preset fixes makes it custom."""
        preset = self.preset if key == "epsilon_scale" or key in PRESETS[self.preset].free else "custom"
        if key in KEYS and value == getattr(self, key):
            preset = self.preset
        return Rule.model_validate({"epsilon_scale": self.epsilon_scale, **self.values(), "preset": preset, key: value})

    @property
    def title(self) -> str:
        """Name on screen, such as ``LRP-γ``."""
        return PRESETS[self.preset].title

    @property
    def short(self) -> str:
        """Name for narrow places, such as ``γ 0.3`` or ``α2β1``."""
        if self.preset == "alpha_beta":
            return f"α{format_number(self.alpha)}β{format_number(self.beta)}"
        preset = PRESETS[self.preset]
        if self.preset in ("epsilon", "gamma"):
            return f"{preset.short} {format_number(getattr(self, preset.free[0]))}"
        return preset.short

    def warnings(self) -> tuple[str, ...]:
        """Sentences about parameters that are allowed but change the sum of relevance or its meaning."""
        found = []
        if abs(self.alpha - self.beta - 1) > 1e-9:
            found.append(f"α − β = {format_number(self.alpha - self.beta)}: relevance is not conserved; "
                         "choose α − β = 1 to keep its sum.")
        if self.preset != "z_box" and not (self.theta0 or self.theta1):
            found.append("θ₀ = θ₁ = 0: no input counts, all relevance vanishes; raise θ₁.")
        if self.preset != "z_box" and not any((self.gamma0, self.gamma1, self.gamma1p, self.gamma1n, self.gamma2)):
            found.append("All γ are 0: no weight counts, all relevance vanishes; raise γ₁.")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """What a model file needs: the preset and its own parameters."""
        keys = PRESETS[self.preset].free
        data: dict[str, Any] = {"preset": self.preset, **{key: getattr(self, key) for key in keys}}
        if self.epsilon_scale != PRESETS[self.preset].epsilon_scale or "epsilon" in keys:
            data["epsilon_scale"] = self.epsilon_scale
        return data
