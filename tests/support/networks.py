"""VGG16-shaped networks with few channels and fixed random weights: quick, and the same on every machine."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torchvision.models.vgg import VGG, make_layers

from vislrp_core.layers import LAST_FEATURE, LAYERS, WEIGHTED
from vislrp_core.network import WIDTHS, Network

CONVOLUTIONS = Path(__file__).parents[3] / "shared" / "data" / "vgg16_imagenet_convolutions.safetensors"


def tiny_state(seed: int = 0, *, divisor: int = 16, hidden: tuple[int, int] = (24, 20), classes: int = 10,
               dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """State dict with torchvision's names and every convolution ``divisor`` times narrower (1: VGG16's own widths)."""
    generator = torch.Generator().manual_seed(seed)
    outputs = {**{index: width // divisor for index, width in WIDTHS.items()},
               **dict(zip(WEIGHTED[13:], (*hidden, classes), strict=True))}
    state, inputs = {}, 3
    for index in WEIGHTED:
        layer = LAYERS[index]
        inputs = inputs * 49 if index == LAST_FEATURE + 1 else inputs
        shape = (outputs[index], inputs, 3, 3) if layer.kind == "conv" else (outputs[index], inputs)
        fan = inputs * (9 if layer.kind == "conv" else 1)
        weight = torch.randn(shape, generator=generator, dtype=torch.float64) * (2 / fan) ** 0.5
        state[f"{layer.module}.weight"] = weight.to(dtype)
        bias = torch.randn(outputs[index], generator=generator, dtype=torch.float64) * 0.1
        state[f"{layer.module}.bias"] = bias.to(dtype)
        inputs = outputs[index]
    return state


def tiny_network(seed: int = 0, dtype: torch.dtype = torch.float64, classes: int = 10) -> Network:
    """Network of `tiny_state`."""
    return Network.from_state_dict(tiny_state(seed, classes=classes, dtype=dtype), name="tiny", any_width=True)


def small_vgg(seed: int) -> VGG:
    """torchvision's own VGG16 class with few channels, in double precision."""
    torch.manual_seed(seed)
    plan: list[str | int] = [4, 4, "M", 4, 5, "M", 5, 5, 6, "M", 6, 6, 6, "M", 6, 6, 6, "M"]
    module = VGG(make_layers(plan), init_weights=False)  # type: ignore[arg-type]
    module.classifier = nn.Sequential(nn.Linear(6 * 49, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 11), nn.ReLU(),
                                      nn.Dropout(), nn.Linear(11, 7))
    return module.double().eval()


def random_image(seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Preprocessed-looking random picture with some structure, (1, 3, 224, 224)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 14, 14, generator=generator, dtype=torch.float64)
    fine = torch.randn(1, 3, 224, 224, generator=generator, dtype=torch.float64)
    return (torch.nn.functional.interpolate(coarse, size=224, mode="bilinear") + 0.3 * fine).clamp(-2.1, 2.2).to(dtype)


def real_network(dtype: torch.dtype = torch.float32) -> Network:
    """VGG16 with ImageNet's convolutions where they are at hand, full-width random ones elsewhere; small classifier."""
    state = tiny_state(7, divisor=1, hidden=(64, 48), classes=20)
    if CONVOLUTIONS.exists():
        state.update({key: value for key, value in load_file(CONVOLUTIONS).items() if key in state})
    return Network.from_state_dict(state, name="real").to(dtype=dtype)
