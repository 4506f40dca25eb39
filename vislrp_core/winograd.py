"""3 x 3 convolutions by Winograd's minimal filtering: a quarter of the multiplications, on the CPU.

Measures run the forward pass on hundreds of changed pictures and keep nothing but logits: convolutions are nearly all that
costs. F(4 x 4, 3 x 3) turns each 6 x 6 tile of the input, and each kernel, into 36 values, multiplies those as 36
matrices (tiles x channels), and turns the products back into 4 x 4 outputs [Lavin & Gray, "Fast Algorithms for
Convolutional Neural Networks", CVPR 2016, section 4.1]. Float32 sums are off by about 4e-6 of the largest output, where the
direct convolution's are off by 2e-6; propagation, which divides by such sums, therefore does not use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vislrp_core.network import Network

TILE, WINDOW = 4, 6
"""Outputs along the edge of a tile, and inputs that they look at."""
PRODUCTS = WINDOW * WINDOW
TILES = 256
"""Tiles at once: enough rows for a fast product of matrices, few enough to stay near the processor."""
LEAST = 64 * 128
"""Pairs of channels from which a layer gains: below, turning tiles takes the time that products save."""
LEAST_TILES = 48
"""Tiles from which a layer gains: turning its kernels takes as long as the products of about so many tiles save."""

_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def _both_ways(matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """The matrix along rows and along columns at once, for flattened tiles."""
    one = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one, one).float()


def suits(network: Network, layer: int, pictures: int, least: int | None = None) -> bool:
    """Whether a layer is faster this way: float32 on the CPU, 3 x 3, stride and padding 1, many channels and tiles."""
    row, weight = network.architecture.rows[layer], network.weights.get(layer)
    return (
        row.kind == "conv"
        and weight is not None
        and weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and tuple(weight.shape[2:]) == (3, 3)
        and (row.stride, row.padding) == (1, 1)
        and weight.shape[0] * weight.shape[1] >= (LEAST if least is None else least)
        and pictures * _tiles(network.architecture.sides[layer]) ** 2 >= LEAST_TILES
    )


class Scratch:
    """Memory that is used again and again: fresh memory costs as much as the sums that are written to it."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}

    def matrix(self, name: str, rows: int, columns: int) -> Tensor:
        """An uninitialised float32 matrix, valid until the name is asked for again."""
        held = self._held.get(name)
        if held is None or held.numel() < rows * columns:
            held = self._held[name] = torch.empty(rows * columns)
        return held[: rows * columns].view(rows, columns)


@dataclass(frozen=True, eq=False)
class Made:
    """Outputs of a layer as tiles.

    Attributes
    ----------
    values : Tensor
        (B, lines of tiles, 4, columns of tiles, 4, channels); beyond the picture's edges what nobody reads.
    height, width : int
        Of the picture.
    """

    values: Tensor
    height: int
    width: int

    @property
    def activation(self) -> Tensor:
        """(B, channels, height, width), in the same memory."""
        whole = self.values.flatten(3, 4).flatten(1, 2)
        return whole[:, : self.height, : self.width].permute(0, 3, 1, 2)


class Winograd:
    """One layer, its kernels turned once.

    Parameters
    ----------
    weight : Tensor
        (out channels, in channels, 3, 3), float32.
    bias : Tensor
        (out channels,).
    room : Scratch
        For what is needed during a call.
    name : str
        Where the turned kernels lie in the room: layers in use at the same time need names of their own.
    positive : bool
        Whether the ReLU above is taken along.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, room: Scratch, name: str = "kernels", *, positive: bool = False
    ) -> None:
        outputs, inputs = weight.shape[:2]
        flat = weight.permute(2, 3, 0, 1).reshape(9, -1)
        turned = torch.mm(_both_ways(_KERNEL), flat, out=room.matrix(name, PRODUCTS, outputs * inputs))
        self.kernels = turned.view(PRODUCTS, outputs, inputs).transpose(1, 2)
        self.room, self.bias, self.positive = room, bias, positive
        self._input, self._output = _both_ways(_INPUT), _both_ways(_OUTPUT)

    def __call__(self, a: Tensor) -> Tensor:
        """The convolution of a batch, (B, in channels, H, W) to (B, out channels, H, W), padding and stride 1."""
        return self.made(a).activation

    def made(self, a: Tensor) -> Made:
        """The same, as tiles."""
        count, _, height, width = a.shape
        down, across = _tiles(height), _tiles(width)
        found = Made(a.new_empty((count, down, TILE, across, TILE, len(self.bias))), height, width)
        self._into(found, a, ((*where, slice(None)) for where in _rounds(count, down, across)))
        return found

    def renew(self, made: Made, a: Tensor, places: Tensor) -> None:
        """Tiles of the first picture again, from inputs that have changed.

        Parameters
        ----------
        made : Made
            Of this layer; changed in place.
        a : Tensor
            (1, in channels, H, W).
        places : Tensor
            (n, 2), line and column of each tile.
        """
        self._into(made, a, ((0, *part.unbind(1)) for part in places.split(TILES)))

    def _into(self, made: Made, a: Tensor, rounds: Iterable[tuple[Any, ...]]) -> None:
        """Compute tiles, some at a time; a round says which, as an index of picture, line and column."""
        inputs, outputs = self.kernels.shape[1:]
        count, down, _, across = made.values.shape[:4]
        padded = a.new_zeros((count, TILE * down + 2, TILE * across + 2, inputs))
        padded[:, 1 : made.height + 1, 1 : made.width + 1] = a.permute(0, 2, 3, 1)
        tiles = padded.unfold(1, WINDOW, TILE).unfold(2, WINDOW, TILE).permute(4, 5, 0, 1, 2, 3)
        places = made.values.permute(2, 4, 0, 1, 3, 5)
        space, both = self.room.matrix, (slice(None), slice(None))
        for where in rounds:
            part = tiles[(*both, *where)]
            among = part[0, 0, ..., 0].numel()
            given = space("given", PRODUCTS, among * inputs)
            given.view(part.shape).copy_(part)
            turned = torch.mm(self._input, given, out=space("turned", PRODUCTS, among * inputs))
            product = space("product", PRODUCTS, among * outputs)
            torch.bmm(turned.view(PRODUCTS, among, inputs), self.kernels, out=product.view(PRODUCTS, among, outputs))
            back = torch.mm(self._output, product, out=space("back", TILE * TILE, among * outputs))
            back = back.view(TILE, TILE, *part.shape[2:-1], outputs).add_(self.bias)
            places[(*both, *where)] = back.relu_() if self.positive else back


def _tiles(side: int) -> int:
    """Tiles along an edge."""
    return -(-side // TILE)


def _rounds(count: int, down: int, across: int) -> Iterator[tuple[slice, slice]]:
    """Pictures and lines of tiles to take together: about `TILES` tiles, of several pictures where one has fewer."""
    lines = max(TILES // across, 1)
    if lines < down:
        for picture in range(count):
            for line in range(0, down, lines):
                yield slice(picture, picture + 1), slice(line, min(line + lines, down))
        return
    pictures = max(TILES // (down * across), 1)
    for first in range(0, count, pictures):
        yield slice(first, min(first + pictures, count)), slice(0, down)
