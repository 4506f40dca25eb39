"""Writing the embedded network: ImageNet convolutions and the trained head in half precision, fc6 in its small form."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from .networks import CLASSES, Convolutions

METADATA = {"format": "vislrp-embedded", "version": "1"}


def half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in half precision.

    Raises
    ------
    ValueError
        If a value is beyond half precision.
    """
    halved = {key: tensor.detach().half().contiguous() for key, tensor in tensors.items()}
    for key, tensor in halved.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{key}: holds values beyond half precision")
    return halved


def export(path: Path, convolutions: Convolutions, head: dict[str, Tensor], description: str) -> None:
    """Write ``path`` (safetensors) and the JSON file of the same stem.

    Parameters
    ----------
    head : dict of str to Tensor
        `head.Head.folded`.
    description : str
        One honest sentence about how well the network does.
    """
    features = {f"features.{key}": value for key, value in convolutions.features.state_dict().items()}
    temporary = path.with_suffix(".part")
    save_file(half({**features, **head}), temporary, METADATA)
    temporary.replace(path)
    content = {
        "title": "Embedded VGG16",
        "description": description,
        "mean": convolutions.mean,
        "std": convolutions.std,
        "classes": CLASSES,
    }
    path.with_suffix(".json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
