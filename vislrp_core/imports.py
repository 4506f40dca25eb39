"""Reading model files: ours, and those of the original VisLRPDesigner program."""

from __future__ import annotations

from typing import Any

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.model import FORMAT, VERSION, LRPModel, ModelError, parse_json
from vislrp_core.rules import KEYS, PRESETS, Rule

_ORIGINAL_LAST = ARCHITECTURES["vgg16"].last
"""The original program knows VGG16 alone."""
_ORIGINAL_KEYS = {key: "eps" if key == "epsilon" else key for key in KEYS}


def read_model(content: bytes | str, filename: str = "model") -> LRPModel:
    """Model from a file's content, in our format or in the original program's.

    Raises
    ------
    ModelError
        One sentence that names the file and the place.
    """
    try:
        data = parse_json(content)
        if isinstance(data, dict) and "configuration" in data and "format" not in data:
            return _original(data)
        return LRPModel.from_data(data)
    except ModelError as error:
        raise ModelError(f"{filename[:80]}: {error}") from None


def _original(data: dict[str, Any]) -> LRPModel:
    """The original program: segment x0 .. x1 - 1, relative epsilon, proportional pooling, bias absorbed, pixels zβ."""
    entries = data["configuration"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= _ORIGINAL_LAST:
        raise ModelError(f"configuration: must be a list of 1 to {_ORIGINAL_LAST} segments")
    segments = []
    for place, entry in enumerate(entries):
        where = f"configuration[{place}]"
        if not isinstance(entry, dict):
            raise ModelError(f"{where}: must be an object with x0, x1 and the ten parameters")
        first, behind = _number(entry, "x0", where), _number(entry, "x1", where)
        if first != int(first) or behind != int(behind):
            raise ModelError(f"{where}.x0: segments begin and end at whole layer numbers")
        segments.append({"first": int(first), "last": int(behind) - 1, "rule": _rule(entry, where).to_dict()})
    name = data.get("name")
    return LRPModel.from_data({
        "format": FORMAT, "version": VERSION, "name": name if isinstance(name, str) and name else "Imported model",
        "description": "Imported from the original VisLRPDesigner.", "pooling": "proportional", "bias": "absorb",
        "pixel_rule": "z_box", "start": "logit", "segments": sorted(segments, key=lambda segment: segment["first"])})


def _number(entry: dict[str, Any], key: str, where: str) -> float:
    value = entry.get(key)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= 1e30:
        raise ModelError(f"{where}.{key}: must be a finite number")
    return float(value)


def _rule(entry: dict[str, Any], where: str) -> Rule:
    method = entry.get("method")
    method = method[0] if isinstance(method, list) and method else method
    text = method.lower() if isinstance(method, str) else ""
    named = {"0": "zero", "epsilon": "epsilon", "gamma": "gamma"}.get(text)
    if named is None and text.startswith("alpha"):
        named = "alpha_beta"
    values = {key: _number(entry, original, where) if original in entry else PRESETS[named or "zero"].value(key)
              for key, original in _ORIGINAL_KEYS.items()}
    for preset in (named or "zero", "zero"):
        fixed = [key for key in KEYS if key not in PRESETS[preset].free]
        if all(values[key] == PRESETS[preset].value(key) for key in fixed):
            own = {key: values[key] for key in PRESETS[preset].free}
            return Rule.of(preset, epsilon_scale="relative", **own)
    return Rule.of("custom", epsilon_scale="relative", **values)
