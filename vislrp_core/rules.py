"""LRP rules as data: a preset with the ten parameters of one unified formula (guide, Eq. 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vislrp_core.kinds import KIND_OF, PRESETS, Preset, RuleKind
from vislrp_core.parameters import DEFAULTS, GROUPS, KEYS, PARAMETERS, EpsilonScale, Parameter, format_number

__all__ = [
    "DEFAULTS",
    "GROUPS",
    "KEYS",
    "PARAMETERS",
    "PRESETS",
    "EpsilonScale",
    "Parameter",
    "Preset",
    "Rule",
    "format_number",
]

if TYPE_CHECKING:
    PresetKey = str
else:
    PresetKey = Literal[tuple(PRESETS)]


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
                raise ValueError(
                    f"{key}: preset {self.preset} fixes it at {format_number(preset.value(key))}, "
                    f"got {format_number(getattr(self, key))}; use preset custom"
                )
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
    def kind(self) -> RuleKind:
        """What computes, writes and exports it."""
        return KIND_OF[self.preset]

    @property
    def short(self) -> str:
        """Name for narrow places, such as ``γ 0.3`` or ``α2β1``."""
        return self.kind.short(self)

    def warnings(self) -> tuple[str, ...]:
        """Sentences about parameters that are allowed but change the sum of relevance or its meaning."""
        return tuple(self.kind.warnings(self))

    def to_dict(self) -> dict[str, Any]:
        """What a model file needs: the preset and its own parameters."""
        keys = PRESETS[self.preset].free
        data: dict[str, Any] = {"preset": self.preset, **{key: getattr(self, key) for key in keys}}
        if self.epsilon_scale != PRESETS[self.preset].epsilon_scale or "epsilon" in keys:
            data["epsilon_scale"] = self.epsilon_scale
        return data
