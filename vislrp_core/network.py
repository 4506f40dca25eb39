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

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture, Layer
from vislrp_core.errors import NetworkError as NetworkError
from vislrp_core.state_dicts import understand
from vislrp_core.trace import MADE, Activations, Sums, per_channel
from vislrp_core.trace import Prediction as Prediction
from vislrp_core.trace import Trace as Trace
from vislrp_core.trace import rank as rank

EXACT_ROWS = 128
"""Rows of a fully connected matrix that are held in double precision at a time."""
EXACT_VALUES = 4_000_000
"""Values of all neighbourhoods from which a convolution in double precision is taken apart into matrix products."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


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

        return Network(
            move(self.weights),
            move(self.biases),
            self.classes,
            self.mean,
            self.std,
            self.name,
            self.title,
            self.description,
            self.digest,
            self.architecture,
        )

    @classmethod
    def from_state_dict(
        cls,
        state: Mapping[str, Any],
        *,
        name: str = "network",
        classes: Sequence[str] | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        title: str = "",
        description: str = "",
        any_width: bool = False,
    ) -> Network:
        """Find a state dict's architecture, check its tensors and take them; convolutions are copied, 80 MB at most.

        Parameters
        ----------
        state : mapping
            Tensors by torchvision's names, see `state_dicts.understand`; widths of the fully connected layers and the
            number of classes are read from their shapes. Other formats than float64 become float32.
        any_width : bool
            Also accept other numbers of channels than the architecture declares.

        Raises
        ------
        NetworkError
            If a tensor is missing, has another shape, or is not finite, or if the names are of no known architecture.
        """
        understood = understand(state)
        rows = understood.architecture
        weights: dict[int, Tensor] = {}
        biases: dict[int, Tensor] = {}
        kind = torch.float64 if all(one.dtype == torch.float64 for one in understood.tensors.values()) else torch.float32
        summary = hashlib.sha256(b"" if rows.key == DEFAULT else rows.key.encode())
        inputs = rows.input_shape[0]
        for index in rows.weighted:
            layer = rows.rows[index]
            weight, bias = (_taken(understood.tensors, layer, part, rows).detach().to(kind) for part in ("weight", "bias"))
            outputs = weight.shape[0] if any_width or layer.kind == "linear" else layer.channels
            if index == min(k for k in rows.weighted if k > rows.last_feature):
                inputs = inputs * rows.positions
            shape = (outputs, inputs, layer.kernel, layer.kernel) if layer.kind == "conv" else (outputs, inputs)
            if tuple(weight.shape) != shape or tuple(bias.shape) != (outputs,):
                raise NetworkError(
                    f"{layer.module}.weight ({layer.name}) has shape {tuple(weight.shape)}, expected "
                    f"{shape}, its bias {tuple(bias.shape)}: not a {rows.title} for "
                    f"inputs of {rows.input_shape}"
                )
            # As the activations are laid out in memory; otherwise every pass would turn the weights round first.
            weights[index] = weight.contiguous(
                memory_format=torch.channels_last if layer.kind == "conv" else torch.contiguous_format
            )
            biases[index] = bias.contiguous()
            sums = _total(weights[index]), _total(biases[index])
            if not all(map(math.isfinite, sums)):
                raise NetworkError(f"{layer.module} ({layer.name}) holds values that are not finite")
            summary.update(repr((weights[index].shape, *sums)).encode())
            inputs = weight.shape[0]
        count = weights[rows.last].shape[0]
        names = tuple(classes) if classes is not None else tuple(f"class {i}" for i in range(count))
        if len(names) != count:
            raise NetworkError(f"classes: {len(names)} names for a network of {count} classes")
        if understood.unused:
            listed = ", ".join(key[:60] for key in understood.unused[:3]) + (", ..." if len(understood.unused) > 3 else "")
            description = f"{description} Not used of the file: {listed}.".strip()
        return cls(
            weights, biases, names, tuple(mean), tuple(std), name, title or name, description, summary.hexdigest()[:16], rows
        )


def _taken(tensors: Mapping[str, Tensor], layer: Layer, kind: str, rows: Architecture) -> Tensor:
    """One tensor of a layer."""
    found = tensors.get(f"{layer.module}.{kind}")
    if found is None:
        raise NetworkError(
            f"{layer.module}.{kind} ({layer.name}) is missing: not a {rows.title} state dict with torchvision's names"
        )
    return found


def _total(tensor: Tensor) -> float:
    """Sum of all values in double precision, not finite where one of them is not.

    In pieces, because both `isfinite` and a sum in another precision make a second copy of what they are given, and fc6
    alone is 411 MB.
    """
    return sum(float(piece.sum(dtype=torch.float64)) for piece in tensor.reshape(-1).split(1 << 18))


def exact_sum(a: Tensor, weight: Tensor, row: Layer) -> Tensor:
    """Sum over the inputs of a weighted layer in double precision, fully connected matrices in blocks of rows."""
    a = a.double()
    if weight.ndim == 4:
        return _exact_convolution(a, weight.double(), row)
    return torch.cat([F.linear(a, part.double()) for part in weight.split(EXACT_ROWS)], dim=1)


def _exact_convolution(a: Tensor, weight: Tensor, row: Layer) -> Tensor:
    """Convolution in double precision; a 3 x 3 one of one image as nine matrix products over its rows laid end to end.

    torch's own writes all neighbourhoods out first, 231 MB in VGG16's block 1, and takes up to twice as long where they are
    many.
    """
    _, channels, height, width = a.shape
    if (row.kernel, row.stride, row.padding) != (3, 1, 1) or 9 * a.numel() < EXACT_VALUES or len(a) > 1:
        return F.conv2d(a, weight, stride=row.stride, padding=row.padding)
    # Two columns of zeros after each row are its right edge and the next one's left edge.
    rows = F.pad(a[0].permute(1, 2, 0), (0, 0, 1, 1, 1, 1)).reshape(-1, channels)
    rows = F.pad(rows, (0, 0, 0, 2))
    taps = weight.permute(2, 3, 1, 0).reshape(9, channels, -1)
    count = height * (width + 2)
    total = rows.new_zeros((count, len(weight)))
    for tap, matrix in enumerate(taps):
        first = tap // 3 * (width + 2) + tap % 3
        total.addmm_(rows[first : first + count], matrix)
    return total.reshape(1, height, width + 2, -1)[:, :, :width].permute(0, 3, 1, 2)


def apply_layer(network: Network, layer: int, a: Tensor) -> tuple[Tensor, Tensor | None]:
    """Output of one layer for a batch, and for weighted layers the sum over inputs without the bias."""
    output = layer_output(network, layer, a)
    if network.architecture.rows[layer].is_weighted:
        return output, output - per_channel(network.biases[layer], output)
    return output, None


def layer_output(network: Network, layer: int, a: Tensor) -> Tensor:
    """Output of one layer for a batch."""
    row = network.architecture.rows[layer]
    if row.kind == "conv":
        return F.conv2d(a, network.weights[layer], network.biases[layer], row.stride, row.padding)
    if row.kind == "linear":
        return F.linear(a.flatten(1), network.weights[layer], network.biases[layer])
    if row.kind == "relu":
        return a.relu()
    return F.max_pool2d(a, row.kernel, row.stride, row.padding) if row.kind == "pool" else a


def as_input(network: Network, x: Tensor) -> Tensor:
    """Preprocessed pictures as the network's layers take them (Raises NetworkError if their shape is another one)."""
    shape = network.architecture.input_shape
    if tuple(x.shape[1:]) != shape or not len(x):
        raise NetworkError(f"an image of shape {tuple(x.shape)} was given, expected {(1, *shape)}")
    a = x.to(device=network.device, dtype=network.dtype)
    # Convolutions and pooling on the CPU are faster with the channels of a position side by side.
    return a.contiguous(memory_format=torch.channels_last) if a.ndim == 4 else a


def run_layers(network: Network, a: Tensor, first: int, last: int) -> tuple[dict[int, Tensor], Tensor]:
    """Activations of the layers ``first`` + 1 to ``last`` that are worth keeping, and the last one."""
    kept = {}
    for layer in range(first + 1, last + 1):
        a = layer_output(network, layer, a)
        if network.architecture.rows[layer].kind not in MADE:
            kept[layer] = a
    return kept, a


def traced(network: Network, first: int, a: Tensor, kept: Mapping[int, Tensor]) -> Trace:
    """The trace of layers that were run from the activation of ``first`` on."""
    activations = Activations(network.architecture, {first: a, **kept})
    return Trace(
        a,
        activations,
        Sums(activations, network.biases),
        network.classes,
        network.dtype == torch.float64,
        network.architecture,
    )


@torch.inference_mode()
def forward(network: Network, x: Tensor) -> Trace:
    """Run the network on one image; several at once: `vislrp_core.batches`.

    Parameters
    ----------
    x : Tensor
        Preprocessed image, shape (1, 3, side, side), or what else the architecture takes.

    Raises
    ------
    NetworkError
        If the shape is another one or the logits are not finite.
    """
    if len(x) != 1:
        raise NetworkError(
            f"an image of shape {tuple(x.shape)} was given, expected {(1, *network.architecture.input_shape)}"
        )
    a = as_input(network, x)
    kept, end = run_layers(network, a, 0, network.architecture.last)
    if not torch.isfinite(end).all():
        raise NetworkError("the network's logits are not finite for this image: use another network or image")
    return traced(network, 0, a, kept)


@torch.inference_mode()
def refine(network: Network, trace: Trace) -> Trace:
    """The same forward pass with sums and activations accumulated in double precision, rounded to the network's format.

    LRP divides by sums that may nearly cancel: their rounding errors, which a forward pass in single precision takes along
    from layer to layer, would otherwise dominate the map. Call it through ``trace.cache.double``, which keeps it.
    """
    last = max(trace.activations)
    return refine_rows(network, 0, trace.x, exact_start(network, trace.x), last)[0]


def exact_start(network: Network, x: Tensor) -> Tensor:
    """The input in double precision, where that can be computed."""
    # Apple's GPUs know no double precision.
    return x.to(torch.device("cpu") if network.device.type == "mps" else network.device).double()


def refine_rows(network: Network, first: int, given: Tensor, a: Tensor, last: int) -> tuple[Trace, Tensor]:
    """`refine` for the layers ``first`` + 1 to ``last``.

    Parameters
    ----------
    given, a : Tensor
        Activation of ``first``, rounded and in double precision.

    Returns
    -------
    trace : Trace
    a : Tensor
        Activation of ``last`` in double precision.
    """
    activations, sums = {first: given}, {}
    place = a.device

    def rounded(value: Tensor) -> Tensor:
        value = value.to(network.dtype)
        return (value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value).to(network.device)

    for layer in range(first + 1, last + 1):
        row = network.architecture.rows[layer]
        if row.is_weighted:
            total = exact_sum(a if row.kind == "conv" else a.flatten(1), network.weights[layer].to(place), row)
            sums[layer] = rounded(total)
            a = total + per_channel(network.biases[layer].to(place).double(), total)
        elif row.kind == "relu":
            a = a.relu_() if layer > first + 1 else a.relu()  # what was given stays as it is
        elif row.kind == "pool":
            a = F.max_pool2d(a, row.kernel, row.stride, row.padding)
            activations[layer] = rounded(a)
    activations[last] = rounded(a)
    kept = Activations(network.architecture, activations, sums, network.biases)
    return Trace(given, kept, sums, network.classes, True, network.architecture), a


@torch.inference_mode()
def forward_from(network: Network, layer: int, a: Tensor) -> Tensor:
    """Logits, shape (B, classes), from a batch of activations of ``layer``: the layers above it alone."""
    for above in range(layer + 1, network.architecture.last + 1):
        a = layer_output(network, above, a)
    return a


def logits(network: Network, batch: Tensor) -> Tensor:
    """Logits of a batch of preprocessed images: (B, 3, side, side) to (B, classes)."""
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
