"""Spaces of models as data: which borders, rules, parameters, conventions may be chosen (numerics.md, section 11)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.errors import InputError
from vislrp_core.findings import shown
from vislrp_core.model import BIASES, PIXEL_RULES, POOLING_EPSILONS, POOLINGS, STARTS, LRPModel, ModelError, parse_json
from vislrp_core.parameters import EpsilonScale
from vislrp_core.rules import PRESETS, Rule
from vislrp_core.search.wording import SpaceError, sentence

FORMAT, VERSION = "vislrp-space", 1
CONVENTIONS = {
    "pixel_rule": PIXEL_RULES,
    "pooling": POOLINGS,
    "pooling_epsilon": POOLING_EPSILONS,
    "bias": BIASES,
    "start": STARTS,
}
SCALED = ("logit", "one", "probability")
"""Starts whose maps are the same up to a positive factor (where the logit is positive), as all ranks are."""
LARGEST = 1e6


class Suggest(Protocol):
    """Who chooses, such as a trial of Optuna."""

    def suggest_categorical(self, name: str, choices: Sequence[str], /) -> Any:
        """One of several words."""

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """A whole number, both ends included."""

    def suggest_float(self, name: str, low: float, high: float, /, *, log: bool) -> float:
        """A number."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(_Part):
    """Numbers from one to another, both included; on a logarithmic scale each tenfold is as likely as the next.

    In a file a number alone is a range that holds nothing else.
    """

    low: float = Field(alias="from", strict=True)
    high: float = Field(alias="to", strict=True)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="before")
    @classmethod
    def _a_number_stands_for_itself(cls, data: Any) -> Any:
        return data if isinstance(data, dict) else {"from": data, "to": data}

    @model_validator(mode="after")
    def _holds_something(self) -> Range:
        if max(abs(self.low), abs(self.high)) > LARGEST:
            raise ValueError(f"must lie between -{LARGEST:g} and {LARGEST:g}, got {self.low:g} to {self.high:g}")
        if self.low > self.high:
            raise ValueError(f"to must not be smaller than from, got {self.low:g} to {self.high:g}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a logarithmic range must begin above 0, got {self.low:g}")
        return self

    @property
    def fixed(self) -> bool:
        """Whether it holds one number."""
        return self.low == self.high

    @property
    def middle(self) -> float:
        """The number in its middle."""
        return math.sqrt(self.low * self.high) if self.scale == "log" else (self.low + self.high) / 2

    def to_data(self) -> Any:
        """As it stands in a file."""
        return self.low if self.fixed else self.model_dump(by_alias=True)


class Rows(_Part):
    """Where a border may lie: after any row of these, which makes a difference after weighted layers alone."""

    low: int = Field(alias="from", strict=True, ge=1)
    high: int = Field(alias="to", strict=True, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _a_row_stands_for_itself(cls, data: Any) -> Any:
        return data if isinstance(data, dict) else {"from": data, "to": data}

    @model_validator(mode="after")
    def _holds_something(self) -> Rows:
        if self.low > self.high:
            raise ValueError(f"to must not be smaller than from, got {self.low} to {self.high}")
        return self

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"

    def to_data(self) -> Any:
        """As it stands in a file."""
        return self.low if self.low == self.high else self.model_dump(by_alias=True)


class RuleChoice(_Part):
    """A rule that a segment may have: a preset, and values or ranges of parameters that the preset leaves free."""

    preset: str
    epsilon_scale: EpsilonScale | None = None
    values: dict[str, Range]

    @model_validator(mode="before")
    @classmethod
    def _parameters_stand_beside_the_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        preset = data.get("preset")
        if not isinstance(preset, str) or preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {shown(preset)}")
        head = {key: value for key, value in data.items() if key in ("preset", "epsilon_scale")}
        values = {key: value for key, value in data.items() if key not in head}
        for key in values:
            if key not in PRESETS[preset].free:
                free = ", ".join(PRESETS[preset].free) or "none"
                raise ValueError(f"{key[:40]} is no parameter that preset {preset} leaves free ({free})")
        return {**head, "values": values}

    @property
    def short(self) -> str:
        """Preset with its fixed values."""
        fixed = "".join(f" {key}={value.low:g}" for key, value in self.values.items() if value.fixed)
        return self.preset + fixed + (f" {self.epsilon_scale}" if self.epsilon_scale else "")

    @property
    def middle(self) -> dict[str, float]:
        """Values in the middle of the ranges."""
        return {key: allowed.middle for key, allowed in self.values.items()}

    def rule(self, values: Mapping[str, float]) -> Rule:
        """The rule with these values; αβ without a β of its own has β = α - 1, which keeps the sum of relevance."""
        given = dict(values)
        if self.preset == "alpha_beta" and "alpha" in given and "beta" not in given:
            given["beta"] = given["alpha"] - 1  # not rounded: α - β is 1 to the last bit
        scale = {} if self.epsilon_scale is None else {"epsilon_scale": self.epsilon_scale}
        return Rule.of(self.preset, **scale, **given)

    def matching(self, rule: Rule) -> dict[str, float] | None:
        """Values within the ranges that make the same rule; None if none do."""
        values = {key: allowed.low if allowed.fixed else getattr(rule, key) for key, allowed in self.values.items()}
        if any(not allowed.low <= values[key] <= allowed.high for key, allowed in self.values.items()):
            return None
        own = self.rule(values)
        same = own.kind is rule.kind and own.values() == rule.values()
        return values if same and (own.epsilon == 0 or own.epsilon_scale == rule.epsilon_scale) else None

    def to_data(self) -> dict[str, Any]:
        """As it stands in a file."""
        scale = {} if self.epsilon_scale is None else {"epsilon_scale": self.epsilon_scale}
        return {"preset": self.preset, **scale, **{key: value.to_data() for key, value in self.values.items()}}


class SegmentSpace(_Part):
    """A segment: where it ends, and the rules it may have."""

    last: Rows
    rules: tuple[RuleChoice, ...] = Field(min_length=1)

    @property
    def labels(self) -> tuple[str, ...]:
        """A name of its own for each rule."""
        names = [choice.short for choice in self.rules]
        return tuple(name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, start=1))


class Space(_Part):
    """What a search may choose from; the same as the JSON file of ``vislrp search --space``.

    Attributes
    ----------
    segments : tuple of SegmentSpace
        From the pixels upwards. One that ends where the segment below it does is left out of the model.
    pixel_rule, pooling, pooling_epsilon, bias, start : tuple of str
        Conventions that may be chosen, see `vislrp_core.model`.
    """

    architecture: str = DEFAULT
    segments: tuple[SegmentSpace, ...] = Field(min_length=1, max_length=12)
    pixel_rule: tuple[str, ...] = ("z_box",)
    pooling: tuple[str, ...] = ("proportional",)
    pooling_epsilon: tuple[str, ...] = ("none",)
    bias: tuple[str, ...] = ("ignore",)
    start: tuple[str, ...] = ("logit",)

    @field_validator(*CONVENTIONS, mode="before")
    @classmethod
    def _known_conventions(cls, value: Any, info: Any) -> Any:
        known = CONVENTIONS[info.field_name]
        words = [value] if isinstance(value, str) else value
        if (
            not isinstance(words, list | tuple)
            or not words
            or any(not isinstance(word, str) or word not in known for word in words)
        ):
            raise ValueError(f"must be a list of some of {', '.join(known)}, got {shown(value)}")
        return tuple(dict.fromkeys(words))

    @model_validator(mode="after")
    def _borders_rise(self) -> Space:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture: must be one of {', '.join(ARCHITECTURES)}, got {shown(self.architecture)}")
        last = self.plan.last
        below = self.segments[0].last
        for place, segment in enumerate(self.segments):
            rows = segment.last
            if rows.high > last:
                raise ValueError(f"segments[{place}].last: must lie between 1 and {last}, got {rows}")
            if rows.low < below.low or rows.high < below.high:
                raise ValueError(
                    f"segments[{place}].last: must not begin or end below that of the segment before ({below}), got {rows}"
                )
            below = rows
        if below.low != last:
            raise ValueError(f"segments[{len(self.segments) - 1}].last: must be {last}, the last row, got {below}")
        return self

    @property
    def plan(self) -> Architecture:
        """The architecture whose rows the borders count."""
        return ARCHITECTURES[self.architecture]

    @property
    def varies(self) -> bool:
        """Whether it holds more than one model."""
        return any(len(getattr(self, field)) > 1 for field in CONVENTIONS) or any(
            len(self.borders(place)) > 1
            or len(one.rules) > 1
            or not all(value.fixed for value in one.rules[0].values.values())
            for place, one in enumerate(self.segments)
        )

    def borders(self, place: int) -> tuple[int, ...]:
        """Where a segment may end: the highest row of each set of borders between the same weighted layers."""
        rows = self.segments[place].last
        below: dict[int, int] = {}
        for row in range(rows.low, rows.high + 1):
            below[sum(k <= row for k in self.plan.weighted)] = row
        return tuple(below.values())

    def choose(self, suggest: Suggest, name: str = "Found by search") -> LRPModel:
        """A model of the space, every choice made by `suggest`; parameters have three digits, so that models read well."""
        segments: list[dict[str, Any]] = []
        end = 0
        for place, segment in enumerate(self.segments):
            ends, number = self.borders(place), place + 1
            chosen = ends[suggest.suggest_int(f"border {number}", 0, len(ends) - 1) if len(ends) > 1 else 0]
            labels = segment.labels
            label = cast(str, suggest.suggest_categorical(f"rule {number}", labels)) if len(labels) > 1 else labels[0]
            choice = segment.rules[labels.index(label)]
            values = {
                key: _rounded(
                    suggest.suggest_float(_parameter(key, number, label), one.low, one.high, log=one.scale == "log"), one
                )
                if not one.fixed
                else one.low
                for key, one in choice.values.items()
            }
            last = max(chosen, end)
            rule = choice.rule(values)
            if last > end and segments and segments[-1]["rule"] == rule and self.pooling_epsilon == ("none",):
                segments[-1]["last"] = end = last  # a border between equal rules changes nothing
            elif last > end:
                segments.append({"first": end + 1, "last": last, "rule": rule})
                end = last
        conventions = {
            field: suggest.suggest_categorical(field, allowed) if len(allowed) > 1 else allowed[0]
            for field in CONVENTIONS
            for allowed in [getattr(self, field)]
        }
        return LRPModel.model_validate(
            {"name": name, "architecture": self.architecture, "segments": tuple(segments), **conventions}
        )

    def coordinates(self, model: LRPModel) -> dict[str, Any] | None:
        """Choices that give a model, or one whose maps are the same up to a factor; None if it lies outside the space."""
        found: dict[str, Any] = {}
        for field in CONVENTIONS:
            allowed, value = getattr(self, field), getattr(model, field)
            if field == "start" and value in SCALED and value not in allowed:
                value = next((one for one in allowed if one in SCALED), value)
            if value not in allowed:
                return None
            if len(allowed) > 1:
                found[field] = value
        if model.architecture != self.architecture:
            return None
        parts = next(self._parts(model, 0, 0), None)
        return None if parts is None else {**parts, **found}

    def _parts(self, model: LRPModel, place: int, end: int) -> Iterator[dict[str, Any]]:
        """Choices for the segments from one upwards that give a model's rules, the ones below ending at a row."""
        if place == len(self.segments):
            yield {}
            return
        segment, ends, number = self.segments[place], self.borders(place), place + 1
        free = model.pixel_rule == "segment"
        for index, border in enumerate(ends):
            last = max(border, end)
            rules = {
                model.rule_at(k).model_dump_json(): model.rule_at(k)
                for k in self.plan.weighted
                if end < k <= last and (k > 1 or free)
            }
            if len(rules) > 1:
                break  # a wider segment has no fewer rules
            for label, choice in zip(segment.labels, segment.rules, strict=True):
                values = choice.matching(next(iter(rules.values()))) if rules else choice.middle
                if values is None:
                    continue
                own: dict[str, Any] = {f"border {number}": index} if len(ends) > 1 else {}
                if len(segment.rules) > 1:
                    own[f"rule {number}"] = label
                own |= {
                    _parameter(key, number, label): value for key, value in values.items() if not choice.values[key].fixed
                }
                yield from ({**own, **above} for above in self._parts(model, place + 1, last))

    def to_data(self) -> dict[str, Any]:
        """The content of its file."""
        segments = [
            {"last": part.last.to_data(), "rules": [choice.to_data() for choice in part.rules]} for part in self.segments
        ]
        return {
            "format": FORMAT,
            "version": VERSION,
            "architecture": self.architecture,
            "segments": segments,
            **{field: list(getattr(self, field)) for field in CONVENTIONS},
        }

    @classmethod
    def from_data(cls, data: Any) -> Space:
        """Check the parsed content of a file.

        Raises
        ------
        SpaceError
            One sentence that names the place of what is wrong.
        """
        if not isinstance(data, dict):
            raise SpaceError("a space must be one JSON object with the field segments")
        content = dict(data)
        if content.pop("format", FORMAT) != FORMAT:
            raise SpaceError(f'format: must be "{FORMAT}", got {shown(data["format"])}')
        version = content.pop("version", VERSION)
        if version != VERSION or isinstance(version, bool):
            raise SpaceError(f"version: must be {VERSION}, got {shown(version)}")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise SpaceError(sentence(error)) from None

    @classmethod
    def from_json(cls, text: str | bytes) -> Space:
        """Read a file's text (Raises SpaceError)."""
        try:
            data = parse_json(text)
        except ModelError as error:
            raise SpaceError(str(error).replace("no LRP model is", "no space is")) from None
        return cls.from_data(data)

    @classmethod
    def load(cls, path: str) -> Space:
        """Read a file (Raises SpaceError, also when it cannot be read)."""
        try:
            with open(path, "rb") as stream:
                return cls.from_json(stream.read())
        except OSError as error:
            raise SpaceError(f"{path}: cannot be read ({error.strerror})") from None
        except SpaceError as error:
            raise SpaceError(f"{path}: {error}") from None

    def require(self, architecture: Architecture) -> None:
        """Refuse a network of another architecture (Raises InputError, which names both)."""
        if architecture.key != self.architecture:
            raise InputError(
                f"the space is for {self.plan.title} ({self.architecture}), the network is of the architecture "
                f'{architecture.title} ({architecture.key}): set "architecture" and the borders of the space'
            )


def _parameter(key: str, number: int, label: str) -> str:
    return f"{key} of {label} in segment {number}"


def _rounded(value: float, within: Range) -> float:
    return min(max(float(f"{value:.3g}"), within.low), within.high)
