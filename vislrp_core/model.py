"""LRP models: which rule on which layers, and the conventions beside it; their JSON file (docs/numerics.md, section 6)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vislrp_core import texts
from vislrp_core.architecture import ARCHITECTURES, DEFAULT, LESSONS, Architecture, find
from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.findings import Finding, shown
from vislrp_core.rules import Rule

FORMAT, VERSION = "vislrp-model", 2
READABLE = (1, VERSION)
"""Versions that are read; the first one knows VGG16 alone."""
MAX_SEGMENTS = 12
MAX_BYTES = 1_000_000


class ModelError(VisLRPError, ValueError):
    """A model that cannot be used; the text is one sentence that names the place."""


@dataclass(frozen=True)
class Choice:
    """One value of a convention: its name on screen, what it does, and which library does it so."""

    title: str
    sentence: str
    library: str


POOLINGS = {
    "proportional": Choice(
        "Proportional",
        "Max pooling gives relevance back in proportion to its four inputs.",
        "the heatmapping tutorial, the original VisLRPDesigner",
    ),
    "winner-takes-all": Choice(
        "Winner takes all", "Max pooling gives relevance back to the maximum alone.", "Zennit, Captum, iNNvestigate"
    ),
}
POOLING_EPSILONS = {
    "none": Choice("None", "Windows of max pooling are shared out exactly.", "the definition of LRP"),
    "segment": Choice(
        "As the segment",
        "Proportional pooling is damped by the ε of its segment, too.",
        "the heatmapping tutorial, the original VisLRPDesigner",
    ),
}
BIASES = {
    "ignore": Choice("Ignore", "Sums run over the inputs only, so relevance is conserved.", "iNNvestigate's IgnoreBias"),
    "absorb": Choice(
        "Absorb", "The bias is one more input and takes its share of relevance.", "Zennit, the original VisLRPDesigner"
    ),
}
PIXEL_RULES = {
    "z_box": Choice("zβ", "Layer 1 uses the box between a black and a white pixel.", "the heatmapping tutorial"),
    "w_square": Choice("w²", "Layer 1 shares by squared weights.", "deep Taylor decomposition"),
    "flat": Choice("flat", "Layer 1 shares evenly over its inputs.", "Zennit's EpsilonPlusFlat"),
    "segment": Choice("As segment 1", "The first segment's rule applies to the pixels, too.", "Captum"),
}
STARTS = {
    "logit": Choice("Logit", "Relevance starts as the target's logit.", "the heatmapping tutorial"),
    "one": Choice("One", "Relevance starts as 1.", "Zennit's one-hot output"),
    "probability": Choice("Probability", "Relevance starts as the target's softmax probability.", "tensorflow-lrp"),
    "contrast": Choice(
        "Contrast", "Relevance starts as the logit there and -logit/(classes - 1) elsewhere.", "CLRP, Gu et al. 2018"
    ),
}


class Segment(BaseModel):
    """Layers ``first`` to ``last`` (both included) under one rule."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    first: int = Field(ge=1)
    last: int = Field(ge=1)
    rule: Rule


class LRPModel(BaseModel):
    """A composite: segments over all layers of an architecture without gap or overlap, with stated conventions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field("My New Model", min_length=1, max_length=200)
    description: str = Field("", max_length=5000)
    pooling: Literal["proportional", "winner-takes-all"] = "proportional"
    pooling_epsilon: Literal["none", "segment"] = "none"
    bias: Literal["ignore", "absorb"] = "ignore"
    pixel_rule: Literal["z_box", "w_square", "flat", "segment"] = "z_box"
    start: Literal["logit", "one", "probability", "contrast"] = "logit"
    architecture: str = DEFAULT
    """Key of the architecture whose rows the segments count."""
    segments: tuple[Segment, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("segments"), list):
            return {**data, "segments": tuple(data["segments"])}
        return data

    @field_validator("name", "description")
    @classmethod
    def _can_be_written(cls, text: str) -> str:
        if half := texts.half_character(text):
            raise ValueError(f"must not hold half a character, got {half}")
        return text

    @field_validator("name")
    @classmethod
    def _can_be_seen(cls, name: str) -> str:
        if not texts.is_visible(name):
            raise ValueError("must have at least one visible character")
        return name

    @model_validator(mode="after")
    def _cover_all_layers(self) -> LRPModel:
        if self.architecture not in ARCHITECTURES and self.architecture not in LESSONS:
            raise ValueError(f"architecture: must be one of {', '.join(ARCHITECTURES)}, got {shown(self.architecture)}")
        expected, last = 1, self.plan.last
        for place, segment in enumerate(self.segments):
            if segment.first != expected:
                raise ValueError(
                    f"segments[{place}].first: must be {expected}, so that the segments cover layers 1 to "
                    f"{last} without gap or overlap, got {segment.first}"
                )
            if segment.last > last:
                raise ValueError(f"segments[{place}].last: must be a layer number from 1 to {last}, got {segment.last}")
            if segment.last < segment.first:
                raise ValueError(f"segments[{place}].last: must be at least {segment.first}, got {segment.last}")
            expected = segment.last + 1
        if expected != last + 1:
            raise ValueError(f"segments[{len(self.segments) - 1}].last: must be {last}, got {expected - 1}")
        return self

    @classmethod
    def basic(cls, name: str = "My New Model", architecture: str = DEFAULT) -> LRPModel:
        """LRP-0 on all layers, with the default conventions."""
        return cls(
            name=name,
            architecture=architecture,
            segments=(Segment(first=1, last=find(architecture).last, rule=Rule.of("zero")),),
        )

    @property
    def plan(self) -> Architecture:
        """The architecture whose rows the segments count."""
        return find(self.architecture)

    def require(self, architecture: Architecture) -> None:
        """Refuse a network of another architecture (Raises ModelError, which names both)."""
        if architecture.key != self.architecture:
            raise ModelError(
                f'the model "{self.name}" is for {self.plan.title} ({self.architecture}), the network is '
                f"of the architecture {architecture.title} ({architecture.key}): adapt the model first "
                f'("python -m vislrp_core adapt FILE --architecture {architecture.key} --out FILE")'
            )

    def rule_at(self, layer: int) -> Rule:
        """Rule of a layer; at layer 1 the pixel rule."""
        if layer == 1 and self.pixel_rule != "segment":
            return Rule.of(self.pixel_rule)
        return next(segment.rule for segment in self.segments if segment.first <= layer <= segment.last)

    @property
    def key(self) -> str:
        """Hash of all that changes relevance: not of name and description."""
        content = self.model_dump(exclude={"name", "description"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def to_json(self) -> str:
        """Text of the model file; a convention younger than the format's first version is written where it is used."""
        head = {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "description": self.description,
            "architecture": self.architecture,
            "pooling": self.pooling,
            **({} if self.pooling_epsilon == "none" else {"pooling_epsilon": self.pooling_epsilon}),
            "bias": self.bias,
            "pixel_rule": self.pixel_rule,
            "start": self.start,
        }
        lines = [
            f" {json.dumps({'first': s.first, 'last': s.last, 'rule': s.rule.to_dict()}, ensure_ascii=False)}"
            for s in self.segments
        ]
        body = json.dumps(head, ensure_ascii=False)[:-1]
        return body + ',\n "segments": [\n ' + ",\n ".join(lines) + "]}\n"

    def save(self, path: str | Path) -> None:
        """Write the model file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def from_json(cls, text: str | bytes) -> LRPModel:
        """Read a model file's text.

        Raises
        ------
        ModelError
            One sentence that names the place of what is wrong.
        """
        return cls.from_data(parse_json(text))

    @classmethod
    def from_data(cls, data: Any) -> LRPModel:
        """Check the parsed content of a model file (Raises ModelError)."""
        if not isinstance(data, dict):
            raise ModelError("the file must hold one JSON object with the fields of an LRP model")
        content = dict(data)
        if content.pop("format", None) != FORMAT:
            raise ModelError(f'format: must be "{FORMAT}", got {shown(data.get("format"))}')
        version = content.pop("version", None)
        if version not in READABLE or not isinstance(version, int) or isinstance(version, bool):
            raise ModelError(f"version: must be {' or '.join(map(str, READABLE))}, got {shown(version)}")
        if version == 1 and "architecture" in content:
            raise ModelError("architecture: is not a field of version 1, which is for VGG16 alone: set version to 2")
        if "name" not in content:
            raise ModelError("name: is missing")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            known = ARCHITECTURES.get(str(content.get("architecture", DEFAULT)), ARCHITECTURES[DEFAULT])
            raise ModelError(_sentence(error, known.last).encode("utf-8", "backslashreplace").decode()) from None

    @classmethod
    def load(cls, path: str | Path) -> LRPModel:
        """Read a model file (Raises ModelError, also when the file cannot be read)."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
        try:
            return cls.from_json(content)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None


def parse_json(text: str | bytes) -> Any:
    """Strict JSON: UTF-8, no repeated fields, no NaN, of bounded size (Raises ModelError)."""
    if len(text) > MAX_BYTES:
        raise ModelError(f"the file is larger than {MAX_BYTES // 1_000_000} MB: no LRP model is that large")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if repeated := next((key for key in keys if keys.count(key) > 1), None):
            raise ModelError(f"{shown(repeated[:80])[1:-1]}: appears twice in one object")
        return dict(pairs)

    try:
        decoded = texts.decoded(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except InputError as error:
        raise ModelError(f"the file {error}") from None
    try:
        data = json.loads(decoded, object_pairs_hook=unique)
        if half := texts.half_character(data):
            raise ModelError(f"the file holds half a character ({half}), as a text that was cut inside an emoji: correct it")
        return data
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ModelError(f"the file is not valid JSON{where}") from None


def _sentence(error: ValidationError, last: int) -> str:
    """First finding of pydantic as one sentence that names the place; layers run from 1 to ``last``."""
    found = Finding.first(error)
    place, kind = found.place, found.kind
    if text := found.common("an LRP model"):
        inner = kind == "value_error" and not text.startswith("must")  # it begins with the name of a field
        return f"{place}{'.' if inner else ': '}{text}" if place else text
    if kind in ("too_long", "too_short"):
        return f"{place}: must hold 1 to {last} segments"
    if (
        kind.startswith("float")
        or kind == "finite_number"
        or (place.rsplit(".", 1)[-1] not in ("first", "last", "name", "description", "rule", "segments") and "than" in kind)
    ):
        text = "must be a finite number"
    elif kind.startswith("int") or "than" in kind:
        text = f"must be a layer number from 1 to {last}"
    elif kind.startswith("string"):
        text = "must be text of reasonable length"
    else:
        text = "must be an object of the right form"
    return f"{place or 'the file'}: {text}, got {found.given}"
