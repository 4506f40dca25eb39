"""Batch normalisation folded into the convolutions before it (numerics.md, section 9): the same network as a plain chain."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vislrp_core.architecture import Architecture
from vislrp_core.errors import NetworkError

EPSILON = 1e-5
"""torch's default, with which torchvision's networks were trained."""
PARTS = ("weight", "bias", "running_mean", "running_var")


def normalised_modules(architecture: Architecture) -> dict[str, tuple[str, str | None]]:
    """For each weighted module its name, and that of its normalisation, where one follows each convolution.

    The places of later modules move: ``features.3`` of VGG11 is ``features.4`` of VGG11 with normalisation, followed by
    ``features.5``.
    """
    names: dict[str, tuple[str, str | None]] = {}
    passed = 0
    for row in architecture.rows[1:]:
        part, place = (row.module or "").split(".")
        if row.kind == "conv":
            names[f"{part}.{place}"] = (f"{part}.{int(place) + passed}", f"{part}.{int(place) + passed + 1}")
            passed += 1
        elif row.kind == "linear":
            names[f"{part}.{place}"] = (f"{part}.{place}", None)
    return names


def fold_batch_norm(state: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """A state dict with the plain architecture's names, computing what the one with normalisation computes.

    w' = w g / sqrt(var + 1e-5), b' = (b - mean) g / sqrt(var + 1e-5) + beta, in double precision, then rounded to the
    weights' own format. A convolution without a bias counts as one with 0.

    Raises
    ------
    NetworkError
        A tensor is missing or has another size than its convolution has outputs.
    """
    folded: dict[str, Tensor] = {}
    for plain, (module, norm) in normalised_modules(architecture).items():
        weight, bias = state.get(f"{module}.weight"), state.get(f"{module}.bias")
        if norm is None or weight is None or weight.ndim != 4:
            given = (("weight", weight), ("bias", bias))
            folded |= {f"{plain}.{kind}": tensor for kind, tensor in given if tensor is not None}
            continue
        gain, shift, mean, variance = _statistics(state, norm, weight)
        scale = gain / torch.sqrt(variance + EPSILON)
        kind = weight.dtype if weight.dtype == torch.float64 else torch.float32
        folded[f"{plain}.weight"] = (weight.double() * scale.reshape(-1, 1, 1, 1)).to(kind)
        start = torch.zeros_like(mean) if bias is None else bias.double()
        folded[f"{plain}.bias"] = ((start - mean) * scale + shift).to(kind)
    return folded


def _statistics(state: Mapping[str, Tensor], norm: str, weight: Tensor) -> list[Tensor]:
    """Gain, shift, mean and variance of one normalisation, in double precision."""
    found = []
    for part, default in zip(PARTS, (1.0, 0.0, None, None), strict=True):
        tensor = state.get(f"{norm}.{part}")
        if tensor is None and (default is None or any(f"{norm}.{other}" in state for other in PARTS[:2])):
            raise NetworkError(f"{norm}.{part} is missing: the batch normalisation after a convolution needs it")
        if tensor is None:
            tensor = torch.full((len(weight),), float(default or 0))  # a normalisation without gain and shift
        if tuple(tensor.shape) != (len(weight),) or not tensor.is_floating_point():
            raise NetworkError(
                f"{norm}.{part} has shape {tuple(tensor.shape)}, expected ({len(weight)},), one for "
                "each output of its convolution"
            )
        found.append(tensor.double())
    if bool((found[3] < 0).any()):
        raise NetworkError(f"{norm}.running_var holds negative values")
    return found
