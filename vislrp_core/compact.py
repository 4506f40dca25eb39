"""A whole LRP model as short text for addresses, URL-safe and readable.

Name, conventions, the architecture where it is not VGG16, then each segment's last layer with its rule:
``My model~proportional~ignore~z_box~logit~alexnet~6_gamma_gamma1p=0.3~20_zero``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from vislrp_core.architecture import DEFAULT
from vislrp_core.model import FORMAT, VERSION, LRPModel, ModelError
from vislrp_core.rules import PRESETS

MAX_LENGTH = 6000
_FIELDS = ("pooling", "bias", "pixel_rule", "start")
_SCALES = {"a": "absolute", "r": "relative"}


def encode(model: LRPModel) -> str:
    """Text from which `decode` makes the same model (the description is left out)."""
    conventions = [getattr(model, field) for field in _FIELDS]
    if model.pooling_epsilon != "none":
        conventions[0] += f".{model.pooling_epsilon}"
    head = [quote(model.name, safe="").replace("~", "%7E"), *conventions]
    if model.architecture != DEFAULT:
        head.append(quote(model.architecture, safe="").replace("~", "%7E"))
    parts = []
    for segment in model.segments:
        rule, preset = segment.rule, PRESETS[segment.rule.preset]
        moved = [f"{key}={getattr(rule, key)!r}" for key in preset.free if getattr(rule, key) != preset.value(key)]
        if rule.epsilon_scale != preset.epsilon_scale:
            moved.append(f"scale={rule.epsilon_scale[0]}")
        parts.append("_".join([str(segment.last), rule.preset.replace("_", "-"), *moved]))
    return "~".join([*head, *parts])


def decode(text: str) -> LRPModel:
    """Model from `encode`'s text.

    Raises
    ------
    ModelError
        If the text is damaged; one sentence.
    """
    fields = text.split("~")
    behind = len(_FIELDS) + 1
    # A segment begins with a number; an architecture's key does not.
    named = len(fields) > behind and not fields[behind][:1].isdigit()
    if len(text) > MAX_LENGTH or len(fields) < behind + 1 + named:
        raise ModelError("the model in the address is incomplete or too long")
    first = 1
    segments: list[dict[str, Any]] = []
    for number, part in enumerate(fields[behind + named :], start=1):
        last, preset, *moved = [*part.split("_"), ""] if "_" not in part else part.split("_")
        rule: dict[str, Any] = {"preset": preset.replace("-", "_")}
        for item in moved:
            key, _, value = item.partition("=")
            try:
                rule["epsilon_scale" if key == "scale" else key] = _SCALES[value] if key == "scale" else float(value)
            except (KeyError, ValueError):
                raise ModelError(f"segment {number} of the model in the address is damaged") from None
        if not last.isascii() or not last.isdigit() or len(last) > 3:
            raise ModelError(f"segment {number} of the model in the address is damaged")
        segments.append({"first": first, "last": int(last), "rule": rule})
        first = int(last) + 1
    content = dict(zip(_FIELDS, fields[1:], strict=False))
    content["pooling"], dot, damping = content["pooling"].partition(".")
    if dot:
        content["pooling_epsilon"] = damping
    return LRPModel.from_data(
        {
            "format": FORMAT,
            "version": VERSION,
            "name": unquote(fields[0]),
            **content,
            "architecture": unquote(fields[behind]) if named else DEFAULT,
            "segments": segments,
        }
    )
