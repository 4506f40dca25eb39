"""Reading model files: ours, and those of the original VisLRPDesigner program."""

from __future__ import annotations

from typing import Any

from vislrp_core import texts
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.model import FORMAT, VERSION, LRPModel, ModelError, parse_json
from vislrp_core.rules import KEYS, PRESETS, Rule

_ORIGINAL_ROWS = ARCHITECTURES["vgg16"].last
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
        raise ModelError(f"{texts.one_line(filename, 80) or 'the file'}: {error}") from None


def notes_of(model: LRPModel) -> tuple[str, ...]:
    """What an imported model does not do as the original program did, from its description: one sentence each."""
    return tuple(line for line in model.description.splitlines() if line.startswith(_NOTE))


_SOURCE = "Imported from the original VisLRPDesigner."
_NOTE = "Not as in the original: "


def _original(data: dict[str, Any]) -> LRPModel:
    """The original: segment x0 .. x1 - 1, relative epsilon, also at its proportional pooling, bias absorbed, pixels zβ."""
    entries = data["configuration"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= _ORIGINAL_ROWS:
        raise ModelError(f"configuration: must be a list of 1 to {_ORIGINAL_ROWS} segments")
    segments, notes = [], []
    for place, entry in enumerate(entries):
        where = f"configuration[{place}]"
        if not isinstance(entry, dict):
            raise ModelError(f"{where}: must be an object with x0, x1 and the ten parameters")
        first, behind = _number(entry, "x0", where), _number(entry, "x1", where)
        if first != int(first) or behind != int(behind):
            raise ModelError(f"{where}.x0: segments begin and end at whole layer numbers")
        rule, differences = _rule(entry, where)
        segments.append({"first": int(first), "last": int(behind) - 1, "rule": rule.to_dict()})
        notes += [(int(first), f"{_NOTE}layers {int(first)} to {int(behind) - 1}: {what}.") for what in differences]
    name = data.get("name")
    return LRPModel.from_data(
        {
            "format": FORMAT,
            "version": VERSION,
            "name": name if isinstance(name, str) and texts.is_visible(name) else "Imported model",
            "description": "\n".join([_SOURCE, *(note for _, note in sorted(notes))]),
            "pooling": "proportional",
            "pooling_epsilon": "segment",
            "bias": "absorb",
            "pixel_rule": "z_box",
            "start": "logit",
            "segments": sorted(segments, key=lambda segment: segment["first"]),
        }
    )


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


_METHODS = {
    "0": "zero",
    "epsilon": "epsilon",
    "gamma": "gamma",
    "w2": "w_square",
    "w^2": "w_square",
    "w²": "w_square",
    "wsquare": "w_square",
    "flat": "flat",
    "z+": "z_plus",
    "zplus": "z_plus",
    "zb": "z_box",
    "zβ": "z_box",
    "zbeta": "z_box",
    "zbox": "z_box",
}
_BY_NUMBERS = ("zero", "w_square", "flat", "alpha_beta")


def _rule(entry: dict[str, Any], where: str) -> tuple[Rule, list[str]]:
    """Our rule for a segment of the original program, and what it does not do as that program did."""
    method = entry.get("method")
    method = method[0] if isinstance(method, list) and method else method
    text = "".join(sign for sign in method.lower() if sign not in "-_ ") if isinstance(method, str) else ""
    text = text.removeprefix("lrp")
    named = "alpha_beta" if text.startswith("alpha") else _METHODS.get(text)
    values = {
        key: _number(entry, original, where) if original in entry else PRESETS[named or "zero"].value(key)
        for key, original in _ORIGINAL_KEYS.items()
    }
    if named == "z_box":
        return Rule.of("z_box"), []
    differences = _translate(values)
    for preset in (named or "zero", *_BY_NUMBERS):
        fixed = [key for key in KEYS if key not in PRESETS[preset].free]
        if all(values[key] == PRESETS[preset].value(key) for key in fixed):
            own = {key: values[key] for key in PRESETS[preset].free}
            return Rule.of(preset, epsilon_scale="relative", **own), differences
    return Rule.of("custom", epsilon_scale="relative", **values), differences


def _translate(values: dict[str, float]) -> list[str]:
    """Change the original's parameters, in place, to ours; returns what cannot be expressed in ours.

    The original's first term has γ₁⁺ and no γ₁⁻, its second γ₁⁻ and no γ₁⁺; ours exchanges them, so that (c, c) there is
    (c, 0) here. It also multiplies θ₀ by the root mean square of the layer's activations, and γ₀ by that of its weights,
    which cancels where they are alone.
    """
    differences = []
    if values["beta"]:
        if values["gamma1p"] != values["gamma1n"]:
            differences.append(
                "γ₁⁺ of the first term and γ₁⁻ of the second were chosen apart "
                f"({values['gamma1p']:g}, {values['gamma1n']:g}), here the second takes the first's"
            )
        values["gamma1n"] = 0.0
        if values["gamma1p"] > 0 and not any(values[key] for key in ("gamma0", "gamma1", "gamma2")):
            values["gamma1p"] = 1.0  # alone in both terms, its size cancels
    if values["theta0"] and not values["theta1"]:
        differences.append(
            "inputs were all as large as the root mean square of the layer's activations, here they are "
            f"{values['theta0']:g}, which gives the bias a slightly other share"
        )
    elif values["theta0"]:
        differences.append(
            f"θ₀ = {values['theta0']:g} was multiplied by the root mean square of the layer's activations, "
            "here it counts as it is"
        )
    if values["gamma0"] and any(values[key] for key in ("gamma1", "gamma1p", "gamma1n", "gamma2")):
        differences.append(
            f"γ₀ = {values['gamma0']:g} was multiplied by the root mean square of the layer's weights, here "
            "it counts as it is"
        )
    return differences
