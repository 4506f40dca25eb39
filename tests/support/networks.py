"""VGG16-shaped networks with few channels and fixed random weights: quick, and the same on every machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import nn

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.canonize import normalised_modules
from vislrp_core.network import Network
from vislrp_core.networks import EMBEDDED

if TYPE_CHECKING:
    from torchvision.models.vgg import VGG

VGG16 = ARCHITECTURES["vgg16"]


def tiny_state(
    seed: int = 0,
    *,
    divisor: int = 16,
    hidden: tuple[int, int] = (24, 20),
    classes: int = 10,
    dtype: torch.dtype = torch.float32,
    architecture: str = "vgg16",
    normalised: bool = False,
) -> dict[str, torch.Tensor]:
    """State dict with torchvision's names and every convolution ``divisor`` times narrower (1: the declared widths).

    With ``normalised`` each convolution has a batch normalisation of random statistics behind it.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = ARCHITECTURES[architecture]
    names = normalised_modules(rows)
    features = [index for index in rows.weighted if index <= rows.last_feature]
    outputs = {
        **{index: max((rows.rows[index].channels or 1) // divisor, 2) for index in features},
        **dict(zip(rows.weighted[len(features) :], (*hidden, classes), strict=True)),
    }
    state, inputs = {}, rows.input_shape[0]

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return (torch.randn(shape, generator=generator, dtype=torch.float64) * scale).to(dtype)

    for index in rows.weighted:
        layer = rows.rows[index]
        module, norm = names[layer.module or ""] if normalised else (layer.module, None)
        inputs = inputs * rows.positions if index == rows.weighted[len(features)] else inputs
        shape = (outputs[index], inputs, layer.kernel, layer.kernel) if layer.kind == "conv" else (outputs[index], inputs)
        fan = inputs * (layer.kernel**2 if layer.kind == "conv" else 1)
        state[f"{module}.weight"] = normal(*shape, scale=(2 / fan) ** 0.5)
        state[f"{module}.bias"] = normal(outputs[index], scale=0.1)
        if norm is not None:
            state |= {
                f"{norm}.weight": 1 + normal(outputs[index], scale=0.2),
                f"{norm}.bias": normal(outputs[index], scale=0.1),
                f"{norm}.running_mean": normal(outputs[index], scale=0.1),
                f"{norm}.running_var": 0.5 + normal(outputs[index]).square(),
                f"{norm}.num_batches_tracked": torch.tensor(7),
            }
        inputs = outputs[index]
    return state


def tiny_network(
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    classes: int = 10,
    architecture: str = "vgg16",
    normalised: bool = False,
    divisor: int = 16,
) -> Network:
    """Network of `tiny_state`."""
    state = tiny_state(seed, divisor=divisor, classes=classes, dtype=dtype, architecture=architecture, normalised=normalised)
    return Network.from_state_dict(state, name="tiny", any_width=True)


def small_vgg(seed: int) -> VGG:
    """torchvision's own VGG16 class with few channels, in double precision."""
    from torchvision.models.vgg import VGG, make_layers  # seconds for each server that tests start otherwise

    torch.manual_seed(seed)
    plan: list[str | int] = [4, 4, "M", 4, 5, "M", 5, 5, 6, "M", 6, 6, 6, "M", 6, 6, 6, "M"]
    module = VGG(make_layers(plan), init_weights=False)  # type: ignore[arg-type]
    module.classifier = nn.Sequential(
        nn.Linear(6 * 49, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 11), nn.ReLU(), nn.Dropout(), nn.Linear(11, 7)
    )
    return module.double().eval()


def random_image(seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Preprocessed-looking random picture with some structure, (1, 3, 224, 224)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 3, 14, 14, generator=generator, dtype=torch.float64)
    fine = torch.randn(1, 3, 224, 224, generator=generator, dtype=torch.float64)
    return (torch.nn.functional.interpolate(coarse, size=224, mode="bilinear") + 0.3 * fine).clamp(-2.1, 2.2).to(dtype)


def real_network(dtype: torch.dtype = torch.float32) -> Network:
    """The embedded network's convolutions, which are VGG16's for ImageNet, with a small random classifier."""
    state = tiny_state(7, divisor=1, hidden=(64, 48), classes=20)
    real = {key: value for key, value in load_file(EMBEDDED).items() if key.startswith("features.")}
    return Network.from_state_dict({**state, **real}, name="real").to(dtype=dtype)


def for_pictures_of(network: Network, side: int) -> Network:
    """The same network for pictures of ``side`` pixels: its first linear layer keeps as many inputs as are left."""
    plan = replace(network.architecture, input_size=side)
    first = next(k for k in plan.weighted if k > plan.last_feature)
    channels = len(network.weights[max(k for k in plan.weighted if k <= plan.last_feature)])
    left = channels * plan.positions
    weights = dict(network.weights)
    # At the same scale.
    weights[first] = weights[first][:, :left].contiguous() * (weights[first].shape[1] / left) ** 0.5
    return replace(network, weights=weights, architecture=plan)


def same_weights(network: Network, state: dict[str, torch.Tensor]) -> bool:
    """Whether a loaded network holds what the state dict says."""
    modules = {index: network.architecture.rows[index].module for index in network.architecture.weighted}
    return all(
        torch.equal(network.weights[k], state[f"{module}.weight"])
        and torch.equal(network.biases[k], state[f"{module}.bias"])
        for k, module in modules.items()
    )
