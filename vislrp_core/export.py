"""What leaves the program: relevance as .npz, a Python script that repeats a heatmap, a Zennit composite."""

from __future__ import annotations

import io
import json
import pprint
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from vislrp_core.errors import VisLRPError
from vislrp_core.model import LRPModel
from vislrp_core.network import IMAGENET_MEAN, IMAGENET_STD
from vislrp_core.relevance import Relevance

_EMBEDDED = "model_store/embedded_vgg16.safetensors"
TEMPLATES = Path(__file__).with_name("templates")


class ExportError(VisLRPError, ValueError):
    """A model cannot be expressed in the other library; the message names what."""


def relevance_npz(relevance: Relevance, layers: Iterable[int] | None = None) -> bytes:
    """Relevance of layers as an .npz file.

    Parameters
    ----------
    relevance : Relevance
        Result of `propagate`.
    layers : iterable of int, optional
        Which layers; all that were kept by default.

    Returns
    -------
    bytes
        Arrays named by layer number, "0" for the input, of shape (C, H, W) or (N,) in the dtype of the computation.
    """
    buffer = io.BytesIO()
    chosen = relevance.layers if layers is None else layers
    arrays = {str(layer): relevance.at(layer).detach().cpu().numpy() for layer in chosen}
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def python_script(model: LRPModel, image: str, target: str | int, network: str = "embedded", fit: str = "crop") -> str:
    """A Python script on `vislrp_core` that computes and saves this very heatmap.

    Parameters
    ----------
    model : LRPModel
        Written into the script.
    image : str
        Path of the picture; the script takes another one as its argument.
    target : str or int
        Class name or index.
    network : str
        Name or path.
    fit : {"crop", "squash"}
        How the picture is brought to the network's size.
    """
    data = pprint.pformat(json.loads(model.to_json()), sort_dicts=False, width=100)
    return _fill(
        "python_script.py.txt",
        TITLE=_comment(f"Relevance of {target} in {image} under the LRP model {model.name}."),
        NAME="this_script.py",
        IMAGE=repr(str(image)),
        NETWORK=repr(str(network)),
        TARGET=repr(target),
        FIT=repr(fit),
        MODEL=textwrap.indent(data, "    "),
    )


def zennit_script(
    model: LRPModel,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    *,
    network: str = "imagenet",
    target: int | None = None,
    fit: str = "crop",
) -> str:
    """A Python script that computes the model's relevance with Zennit instead of `vislrp_core`.

    Zennit's own rules are used where they are the same; proportional pooling and rules that Zennit lacks are
    written out as hooks.

    Parameters
    ----------
    model : LRPModel
        Any model without LRP-zβ above the pixels.
    mean, std : sequence of float
        The network's preprocessing.
    network : str
        Which network the script loads unless it is given another: "imagenet", "embedded", or the path of a state dict.
    target : int, optional
        Number of the class that it explains by default; the first class otherwise.
    fit : {"crop", "squash"}
        How the picture is brought to the network's size.

    Raises
    ------
    ExportError
        Names the layers whose rule Zennit cannot express.
    """
    rows = model.plan
    limits = {
        layer: model.rule_at(layer).kind.zennit_limit(model.rule_at(layer), layer == rows.weighted[0])
        for layer in rows.weighted
    }
    refused = [layer for layer, reason in limits.items() if reason]
    if refused:
        rule = model.rule_at(refused[0])
        raise ExportError(
            f"{rule.title} on {rows.name(refused[0])} to {rows.name(refused[-1])}: {limits[refused[0]]}; "
            "choose another rule there."
        )
    name_map = _name_map(model)
    kinds = {model.rule_at(layer).kind: None for layer in rows.weighted}
    helpers = "".join(f"{kind.zennit_helper}\n\n" for kind in kinds if kind.zennit_helper)
    return _fill(
        "zennit_script.py.txt",
        TITLE=_comment(f"The LRP model {model.name}."),
        NAME="this_script.py",
        MEAN=repr(tuple(map(float, mean))),
        STD=repr(tuple(map(float, std))),
        RULES=_imported(f"{name_map}\n{helpers}"),
        HELPERS=helpers,
        NETWORK=repr({"imagenet": "torchvision", "embedded": _EMBEDDED}.get(network, str(network))),
        TARGET=repr(target),
        FIT=repr(fit),
        ARCHITECTURE=rows.title,
        SHAPE=repr(rows.input_shape),
        SIDE=str(rows.input_size),
        POSITIONS=str(rows.positions),
        WEIGHTS=f"{rows.key.upper()}_Weights" if rows.key != "alexnet" else "AlexNet_Weights",
        FEATURES=_modules(model, "features"),
        CLASSIFIER=_modules(model, "classifier"),
        NAME_MAP=name_map,
        START=textwrap.indent(_START[model.start], "    "),
    )


_OWN = {"Unified", "ProportionalPool", "None", "True", "False"}
"""Names in the script that are not Zennit's."""
_START = {
    "logit": "relevance[target] = logits[target]",
    "one": "relevance[target] = 1.0",
    "probability": "relevance[target] = logits.softmax(0)[target]",
    "contrast": "if len(logits) > 1:\n    relevance[:] = -logits[target] / (len(logits) - 1)\n"
    "relevance[target] = logits[target]",
}


def _imported(text: str) -> str:
    """Zennit's classes that a part of the script uses."""
    own = _OWN | set(re.findall(r"^class (\w+)", text, flags=re.MULTILINE))
    return ", ".join(sorted(set(re.findall(r"\b([A-Z]\w*[a-z]\w*)[()]", text)) - own))


def _modules(model: LRPModel, part: str) -> str:
    """Rows of one part of the network as (kind, kernel, stride, padding), one a line."""
    rows = [row for row in model.plan.rows if (row.module or "").startswith(f"{part}.")]
    return "\n".join(f"    {(row.kind, row.kernel, row.stride, row.padding)!r},  # {row.name}" for row in rows)


def _name_map(model: LRPModel) -> str:
    """Lines of Zennit's name map: modules with the same rule side by side, then ReLU and pooling."""
    absorb = model.bias == "absorb"
    groups: list[tuple[str, list[str], str]] = []
    rows = model.plan
    for layer in rows.weighted:
        rule = model.rule_at(layer)
        text = rule.kind.zennit(rule, absorb)
        module = rows.rows[layer].module or ""
        if groups and groups[-1][0] == text:
            groups[-1][1].append(module)
        else:
            groups.append((text, [module], f"{rows.name(layer)} and above: {rule.title}"))
    modules = {kind: [one.module or "" for one in rows.rows if one.kind == kind] for kind in ("relu", "pool")}
    groups.append(("Pass()", modules["relu"], "ReLU hands relevance on unchanged"))
    if model.pooling == "proportional" and model.pooling_epsilon == "none":
        groups.append(("ProportionalPool()", modules["pool"], "max pooling"))
    elif model.pooling == "proportional":
        for one in rows.rows:
            if one.kind == "pool":
                rule = model.rule_at(one.index)
                damping = f"stabilized({rule.epsilon!r}, {rule.epsilon_scale == 'relative'})"
                groups.append((f"ProportionalPool({damping})", [one.module or ""], "max pooling with the segment's epsilon"))
    return "\n".join(f"        # {note}\n        ({names!r},\n         {text})," for text, names, note in groups)


def _comment(text: str) -> str:
    """Text that cannot end the docstring it is put in, of characters that any file can hold."""
    line = " ".join(text.split()).replace("\\", "/").replace('"', "'")
    return "".join(sign for sign in line if sign.isprintable())


def _fill(template: str, **values: str) -> str:
    """The template with each @KEY@ replaced once, in order of appearance: values are never searched."""
    parts = (TEMPLATES / template).read_text(encoding="utf-8").split("@")
    filled = [values.get(part, part) if place % 2 else part for place, part in enumerate(parts)]
    return "".join(filled)
