"""A chain network as immutable weights, and its forward pass kept as a Trace. No module, no hook, no autograd graph."""

from __future__ import annotations

import difflib
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.errors import VisLRPError
from vislrp_core.layers import LAST, LAST_FEATURE, LAYERS, WEIGHTED
from vislrp_core.trace import MADE, Activations, Sums, per_channel
from vislrp_core.trace import Prediction as Prediction
from vislrp_core.trace import Trace as Trace
from vislrp_core.trace import rank as rank

EXACT_ROWS = 128
"""Rows of a fully connected matrix that are held in double precision at a time."""
EXACT_VALUES = 4_000_000
"""Values of all neighbourhoods from which a convolution in double precision is taken apart into matrix products."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTHS = dict(zip(WEIGHTED[:13], (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512), strict=True))


class NetworkError(VisLRPError, ValueError):
    """A network that cannot be used; the text is one sentence that names what and where."""


@dataclass(frozen=True, eq=False)
class Network:
    """Weights of one chain network, by row of its architecture; shared by all sessions and never changed."""

    weights: Mapping[int, Tensor]
    biases: Mapping[int, Tensor]
    classes: tuple[str, ...]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    name: str = "network"
    title: str = ""
    description: str = ""
    digest: str = ""
    architecture: Architecture = ARCHITECTURES[DEFAULT]

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def _first(self) -> Tensor:
        return self.weights[self.architecture.weighted[0]]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._first.device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self._first.dtype

    def pixel_bounds(self) -> tuple[Tensor, Tensor]:
        """Preprocessed values of a black and of a white pixel, each of shape (1, 3, 1, 1)."""
        mean = torch.tensor(self.mean, dtype=torch.float64)
        std = torch.tensor(self.std, dtype=torch.float64)
        low, high = (-mean / std), (1 - mean) / std
        return tuple(t.to(self.dtype).to(self.device).reshape(1, 3, 1, 1) for t in (low, high))  # type: ignore[return-value]

    def to(self, *, dtype: torch.dtype | None = None, device: str | torch.device | None = None) -> Network:
        """The same network in another number format or on another device."""
        def move(tensors: Mapping[int, Tensor]) -> dict[int, Tensor]:
            return {key: tensor.to(device=device, dtype=dtype) for key, tensor in tensors.items()}
        return Network(move(self.weights), move(self.biases), self.classes, self.mean, self.std, self.name, self.title,
                     self.description, self.digest, self.architecture)

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any], *, name: str = "network", classes: Sequence[str] | None = None,
                        mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD, title: str = "",
                        description: str = "", any_width: bool = False) -> Network:
        """Check a state dict with torchvision's key names and take its tensors; convolutions are copied, 59 MB at most.

        Parameters
        ----------
        state : mapping
            Tensors ``features.N.weight`` ... ``classifier.6.bias``; widths of the fully connected layers and the number
            of classes are read from their shapes.
        any_width : bool
            Also accept other numbers of channels (tests use small networks).

        Raises
        ------
        NetworkError
            If a tensor is missing, has another shape, or is not finite.
        """
        weights: dict[int, Tensor] = {}
        biases: dict[int, Tensor] = {}
        sums: dict[int, tuple[float, float]] = {}
        inputs = 3
        for index in WEIGHTED:
            layer = LAYERS[index]
            for kind, store in (("weight", weights), ("bias", biases)):
                key = f"{layer.module}.{kind}"
                tensor = state.get(key)
                if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
                    raise NetworkError(f"{key} ({layer.name}) is missing or is no floating-point tensor: "
                                       "not a VGG16 state dict with torchvision's names")
                store[index] = tensor.detach()
            outputs = weights[index].shape[0]
            if layer.kind == "conv" and not any_width:
                outputs = WIDTHS[index]
            if index == LAST_FEATURE + 1:
                inputs = inputs * 49
            shape = (outputs, inputs, 3, 3) if layer.kind == "conv" else (outputs, inputs)
            if tuple(weights[index].shape) != shape or tuple(biases[index].shape) != (outputs,):
                raise NetworkError(f"{layer.module}.weight ({layer.name}) has shape {tuple(weights[index].shape)}, "
                                   f"expected {shape}: not a VGG16 for 224 x 224 images")
            if layer.kind == "conv":
                # As the activations lie in memory; otherwise every pass would turn the weights round first.
                weights[index] = weights[index].contiguous(memory_format=torch.channels_last)
            sums[index] = (_total(weights[index]), _total(biases[index]))
            if not all(map(math.isfinite, sums[index])):
                raise NetworkError(f"{layer.module} ({layer.name}) holds values that are not finite")
            inputs = outputs
        count = weights[LAST].shape[0]
        names = tuple(classes) if classes is not None else tuple(f"class {i}" for i in range(count))
        if len(names) != count:
            raise NetworkError(f"classes: {len(names)} names for a network of {count} classes")
        summary = hashlib.sha256()
        for index in WEIGHTED:
            summary.update(repr((weights[index].shape, *sums[index])).encode())
        return cls(weights, biases, names, tuple(mean), tuple(std), name, title or name, description,
                   summary.hexdigest()[:16])


def _total(tensor: Tensor) -> float:
    """Sum of all values in double precision, not finite where one of them is not.

    In pieces, because both `isfinite` and a sum in another precision make a second copy of what they are given, and fc6
    alone is 411 MB.
    """
    return sum(float(piece.sum(dtype=torch.float64)) for piece in tensor.reshape(-1).split(1 << 18))


def exact_sum(a: Tensor, weight: Tensor) -> Tensor:
    """Sum over the inputs of a weighted layer in double precision, fully connected matrices in blocks of rows."""
    a = a.double()
    if weight.ndim == 4:
        return _exact_convolution(a, weight.double())
    return torch.cat([F.linear(a, part.double()) for part in weight.split(EXACT_ROWS)], dim=1)


def _exact_convolution(a: Tensor, weight: Tensor) -> Tensor:
    """3 x 3 convolution of one image in double precision, as nine matrix products over its rows laid end to end.

    torch's own writes all neighbourhoods out first, 231 MB in block 1, and takes up to twice as long where they are many.
    """
    _, channels, height, width = a.shape
    if 9 * a.numel() < EXACT_VALUES or len(a) > 1:
        return F.conv2d(a, weight, padding=1)
    # Two columns of zeros after each row are its right edge and the next one's left edge.
    rows = F.pad(a[0].permute(1, 2, 0), (0, 0, 1, 1, 1, 1)).reshape(-1, channels)
    rows = F.pad(rows, (0, 0, 0, 2))
    taps = weight.permute(2, 3, 1, 0).reshape(9, channels, -1)
    count = height * (width + 2)
    total = rows.new_zeros((count, len(weight)))
    for tap, matrix in enumerate(taps):
        first = tap // 3 * (width + 2) + tap % 3
        total.addmm_(rows[first:first + count], matrix)
    return total.reshape(1, height, width + 2, -1)[:, :, :width].permute(0, 3, 1, 2)


def apply_layer(network: Network, layer: int, a: Tensor) -> tuple[Tensor, Tensor | None]:
    """Output of one layer for a batch, and for weighted layers the sum over inputs without the bias."""
    output = layer_output(network, layer, a)
    if LAYERS[layer].kind in ("conv", "linear"):
        return output, output - per_channel(network.biases[layer], output)
    return output, None


def layer_output(network: Network, layer: int, a: Tensor) -> Tensor:
    """Output of one layer for a batch."""
    kind = LAYERS[layer].kind
    if kind == "conv":
        return F.conv2d(a, network.weights[layer], network.biases[layer], padding=1)
    if kind == "linear":
        return F.linear(a.flatten(1), network.weights[layer], network.biases[layer])
    if kind == "relu":
        return a.relu()
    return F.max_pool2d(a, 2) if kind == "pool" else a


@torch.inference_mode()
def forward(network: Network, x: Tensor) -> Trace:
    """Run the network on one image.

    Parameters
    ----------
    x : Tensor
        Preprocessed image, shape (1, 3, 224, 224).

    Raises
    ------
    NetworkError
        If the shape is another one or the logits are not finite.
    """
    if tuple(x.shape) != (1, 3, 224, 224):
        raise NetworkError(f"an image of shape {tuple(x.shape)} was given, expected (1, 3, 224, 224)")
    a = x.to(device=network.device, dtype=network.dtype)
    # Convolutions and pooling on the CPU are faster with the channels of a position side by side.
    a = a.contiguous(memory_format=torch.channels_last)
    kept = {0: a}
    for layer in range(1, LAST + 1):
        a = layer_output(network, layer, a)
        if LAYERS[layer].kind not in MADE:
            kept[layer] = a
    activations = Activations(kept)
    if not torch.isfinite(a).all():
        raise NetworkError("the network's logits are not finite for this image: use another network or image")
    return Trace(activations[0], activations, Sums(activations, network.biases), network.classes,
                 network.dtype == torch.float64)


@torch.inference_mode()
def refine(network: Network, trace: Trace) -> None:
    """Take the trace's sums and activations from a forward pass in double precision, rounded to the network's format.

    LRP divides by sums that may nearly cancel: their rounding errors, which a forward pass in single precision takes along
    from layer to layer, would otherwise dominate the map.
    """
    # Apple's GPUs know no double precision.
    place = torch.device("cpu") if network.device.type == "mps" else network.device
    a = trace.x.to(place).double()
    activations, sums = {0: trace.x}, {}

    def rounded(value: Tensor) -> Tensor:
        value = value.to(network.dtype)
        return (value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value).to(network.device)

    for layer in range(1, LAST + 1):
        kind = LAYERS[layer].kind
        if kind in ("conv", "linear"):
            total = exact_sum(a if kind == "conv" else a.flatten(1), network.weights[layer].to(place))
            sums[layer] = rounded(total)
            a = total + per_channel(network.biases[layer].to(place).double(), total)
        elif kind == "relu":
            a = a.relu_()
        elif kind == "pool":
            a = F.max_pool2d(a, 2)
            activations[layer] = rounded(a)
    activations[LAST] = rounded(a)
    trace.activations, trace.sums = Activations(activations, sums, network.biases), sums
    trace.terms, trace.exact = {}, True


@torch.inference_mode()
def forward_from(network: Network, layer: int, a: Tensor) -> Tensor:
    """Logits, shape (B, classes), from a batch of activations of ``layer``: the layers above it alone."""
    for above in range(layer + 1, LAST + 1):
        a = layer_output(network, above, a)
    return a


def logits(network: Network, batch: Tensor) -> Tensor:
    """Logits of a batch of preprocessed images: (B, 3, 224, 224) to (B, classes)."""
    return forward_from(network, 0, batch.to(device=network.device, dtype=network.dtype))


def class_index(network: Network, target: str | int, trace: Trace | None = None) -> int:
    """Index of a target class given by name, index, or ``top`` (needs the trace).

    Raises
    ------
    NetworkError
        If there is no such class; similar names are suggested.
    """
    text = str(target).strip()
    if text == "top" and trace is not None:
        return trace.predictions(1)[0].index
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        # A number of thousands of digits is none that Python reads.
        digits = text.lstrip("0") or "0"
        if digits.isdigit() and len(digits) < 10 and int(digits) < network.num_classes:
            return int(digits)
        raise NetworkError(f"target {text[:40]}: class numbers run from 0 to {network.num_classes - 1}")
    lowered = [name.lower() for name in network.classes]
    if text.lower() in lowered:
        return lowered.index(text.lower())
    near = difflib.get_close_matches(text.lower(), lowered, 3)
    hint = f"; did you mean {', '.join(network.classes[lowered.index(name)] for name in near)}?" if near else ""
    raise NetworkError(f'target "{text}": the network has no such class{hint}')
