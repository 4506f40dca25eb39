"""State dicts as people have them: which architecture, under which names, and why one cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, strided

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.canonize import fold_batch_norm, normalised_modules
from vislrp_core.errors import NetworkError

TIED = "classifier.0.tied_weight"
"""fc6 of the embedded network, stored once for all positions."""
_OURS = re.compile(r"^((?:.*\.)?)(features|classifier)\.\d+\.(?:weight|tied_weight)$")
_COUNTER = "num_batches_tracked"
_OTHERS = (
    (r"(^|\.)pre_logits\.fc\d|(^|\.)head\.fc\.", "has timm's name: rename its keys to torchvision's (classifier.N)"),
    (r"(^|\.)conv\d_\d|(^|\.)fc[678][._]", "has Caffe's name: rename its keys to torchvision's (features.N, classifier.N)"),
    (r"(^|\.)block\d_conv\d", "has Keras's name: convert the weights to torchvision's names and shapes first"),
    (r"(^|\.)layer\d\.\d+\.", "belongs to a ResNet, which is not a chain of layers"),
    (r"(^|\.)(denseblock|conv0)", "belongs to a DenseNet, which is not a chain of layers"),
    (r"(^|\.)\d+\.(squeeze|expand)", "belongs to a SqueezeNet, which is not a chain of layers"),
    (r"(^|\.)(Mixed_|Conv2d_1a|inception)", "belongs to an Inception network, which is not a chain of layers"),
    (r"(^|\.)(cls_token|class_token|pos_embed|encoder_layer|attn|patch_embed)", "belongs to a transformer"),
    (r"(^|\.)features\.\d+\.\d+\.|(^|\.)blocks\.|(^|\.)stages\.", "belongs to a network of nested blocks"),
)
"""Names of other libraries' and other kinds of networks, and what to say about them."""


@dataclass(frozen=True)
class Understood:
    """A state dict under its architecture's own names, normalisation folded.

    Attributes
    ----------
    unused : tuple of str
        Keys beside the network's, which are left alone.
    """

    architecture: Architecture
    tensors: Mapping[str, Tensor]
    unused: tuple[str, ...] = ()


def understand(state: Mapping[str, Any]) -> Understood:
    """Find a state dict's architecture by its keys and shapes.

    A prefix that all of the network's keys share (``module.`` and the like) is taken off; counters of batches and keys of
    other parts are left alone.

    Raises
    ------
    NetworkError
        One sentence that names the key that does not fit, and what the file is where that is known.
    """
    own, unused = _without_prefix(state)
    for key, tensor in own.items():
        _check_plain(key, tensor)
    weighted = {
        key.rsplit(".", 1)[0] for key, tensor in own.items() if (key.endswith(".weight") and tensor.ndim > 1) or key == TIED
    }
    architecture, normalised = _nearest(weighted, own, state)
    expected = _modules(architecture, normalised)
    allowed = {f"{module}.{kind}" for module in expected for kind in ("weight", "bias")} | {TIED}
    if normalised:
        norms = [norm for _, norm in normalised_modules(architecture).values()]
        allowed |= {f"{norm}.{part}" for norm in norms for part in ("weight", "bias", "running_mean", "running_var")}
    for key in own:
        if key not in allowed:
            raise NetworkError(f"{key[:80]} is not a tensor of {architecture.title} with torchvision's names")
    return Understood(architecture, fold_batch_norm(own, architecture) if normalised else own, unused)


def _check_plain(key: str, tensor: Any) -> None:
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise NetworkError(f"{key} is not a floating-point tensor: not a state dict of weights")
    if tensor.layout is not strided or tensor.is_quantized or tensor.is_meta:
        raise NetworkError(f"{key} is sparse, quantized or without values: save it as a plain tensor")
    if tensor.ndim == 0:
        raise NetworkError(f"{key} is a single number, not the weights of a layer")


def _without_prefix(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The network's tensors under plain names, and all other keys."""
    names = [str(key) for key in state if not str(key).endswith(_COUNTER)]
    prefixes = {found[1] for name in names if (found := _OURS.match(name)) and found[2] == "features"} or {
        found[1] for name in names if (found := _OURS.match(name))
    }
    if not prefixes:
        raise NetworkError(_foreign(names))
    if len(prefixes) > 1:
        raise NetworkError(
            f"there are several networks ({', '.join(sorted(one + 'features' for one in prefixes))[:80]}): "
            "save one of them alone"
        )
    prefix = prefixes.pop()
    mine = [name for name in names if re.match(rf"{re.escape(prefix)}(features|classifier)\.", name)]
    own = {name.removeprefix(prefix): state[name] for name in mine}
    return own, tuple(name for name in names if name not in set(mine))


def _modules(architecture: Architecture, normalised: bool) -> set[str]:
    """Names of the weighted modules."""
    names = normalised_modules(architecture)
    return {module for module, _ in names.values()} if normalised else set(names)


def _nearest(weighted: set[str], state: Mapping[str, Any], whole: Iterable[str]) -> tuple[Architecture, bool]:
    """The architecture whose weighted modules are these, or lack or exceed them least; and whether it is normalised."""
    statistics = any(key.endswith((".running_mean", ".running_var")) for key in state)
    normalisations = (False, True) if statistics else (False,)
    forms = [(one, normalised) for normalised in normalisations for one in ARCHITECTURES.values()]
    found, normalised = min(
        forms,
        key=lambda form: (
            len(_modules(form[0], form[1]) ^ weighted),
            not _fits(form[0], form[1], state),
            form[0].key != DEFAULT,
        ),
    )
    expected = _modules(found, normalised)
    if 2 * len(expected ^ weighted) > len(expected):
        raise NetworkError(_foreign(whole))
    missing = next(
        (row for row in found.rows if row.is_weighted and _name(found, row.module, normalised) not in weighted), None
    )
    if missing is not None:
        if reason := _known_name(list(map(str, whole))):
            raise NetworkError(reason)
        raise NetworkError(
            f"{_name(found, missing.module, normalised)}.weight ({missing.name}) is missing or is not a "
            f"floating-point tensor: not a {found.title} state dict with torchvision's names"
        )
    return found, normalised


def _name(architecture: Architecture, module: str | None, normalised: bool) -> str:
    return normalised_modules(architecture)[module or ""][0] if normalised else module or ""


def _fits(architecture: Architecture, normalised: bool, state: Mapping[str, Any]) -> bool:
    """Whether the windows of all convolutions agree: architectures may share their modules' names."""
    shapes = [
        (row.kernel, getattr(state.get(f"{_name(architecture, row.module, normalised)}.weight"), "shape", ()))
        for row in architecture.rows
        if row.kind == "conv"
    ]
    return all(tuple(shape[2:]) == (kernel, kernel) for kernel, shape in shapes)


def _foreign(names: Iterable[str]) -> str:
    """Why these names belong to no known network."""
    keys = list(map(str, names))
    if not keys:
        return f"it holds no tensors: give the state dict of {_usable()}"
    return _known_name(keys) or (
        f"{keys[0][:80]} is not a tensor of any known network: usable are {_usable()} with "
        "torchvision's names (features.N, classifier.N)"
    )


def _known_name(keys: list[str]) -> str:
    """What is known of these names from elsewhere; empty if nothing is."""
    for pattern, reason in _OTHERS:
        if hit := next((key for key in keys if re.search(pattern, key)), None):
            return f"{hit[:80]} {reason}; usable are {_usable()} with torchvision's names"
    return ""


def _usable() -> str:
    return ", ".join(architecture.title for architecture in ARCHITECTURES.values())
