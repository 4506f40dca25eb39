"""Architectures: the rows of a chain network as a value that a network carries, and the known ones.

Row 0 is the input; row k maps the activation a[k - 1] to a[k]. All numbers of layers in models, files and on screen are
rows of the running network's architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from vislrp_core.errors import InputError

Kind = Literal["input", "conv", "relu", "pool", "linear", "dropout"]


@dataclass(frozen=True)
class Layer:
    """One row of an architecture; kernel, stride and padding are those of a square window, in positions."""

    index: int
    name: str
    kind: Kind
    block: str
    module: str | None
    """Name of the row's module in a state dict, None for the input."""
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    channels: int | None = None
    """Output channels or units of a weighted row as declared; a network may have others, see its weights."""

    @property
    def is_weighted(self) -> bool:
        """Whether the row has weights."""
        return self.kind in ("conv", "linear")


@dataclass(frozen=True)
class Block:
    """Consecutive rows ``first`` to ``last``, both included, that belong together."""

    title: str
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Architecture:
    """An ordered chain of rows, row 0 the input.

    Attributes
    ----------
    key : str
        What model files, addresses and the command line call it.
    title : str
        What the screen calls it.
    rows : tuple of Layer
        Convolutions and pooling first, fully connected rows after them; or fully connected ones alone.
    input_size : int
        Side of the square picture; length of the input where all weighted rows are fully connected.
    """

    key: str
    title: str
    rows: tuple[Layer, ...]
    input_size: int = 224

    @property
    def article(self) -> str:
        """The title with its article: a VGG16, an AlexNet."""
        return f"{'an' if self.title[:1] in 'AEIO' else 'a'} {self.title}"

    @property
    def last(self) -> int:
        """Number of the last row, whose activation is the logits."""
        return len(self.rows) - 1

    @cached_property
    def weighted(self) -> tuple[int, ...]:
        """Rows with weights."""
        return tuple(row.index for row in self.rows if row.is_weighted)

    @cached_property
    def pools(self) -> tuple[int, ...]:
        """Pooling rows."""
        return tuple(row.index for row in self.rows if row.kind == "pool")

    @cached_property
    def last_feature(self) -> int:
        """Last row with positions; the next one works on them laid end to end. -1 where the input is a vector."""
        return max((row.index for row in self.rows if row.kind in ("conv", "pool")), default=-1)

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """Positions along one side of each row's activation; 1 for units."""
        sides: list[int] = []
        for row in self.rows:
            if row.index > self.last_feature:
                sides.append(1)
            elif row.index == 0:
                sides.append(self.input_size)
            else:
                sides.append((sides[-1] + 2 * row.padding - row.kernel) // row.stride + 1)
        return tuple(sides)

    @property
    def positions(self) -> int:
        """Positions of the last row that has them: so many inputs of the first fully connected row are of one channel."""
        return self.sides[self.last_feature] ** 2 if self.last_feature >= 0 else 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input without a batch dimension: (3, side, side), or (length,)."""
        return (3, self.input_size, self.input_size) if self.last_feature >= 0 else (self.input_size,)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks of consecutive rows, without the input."""
        found: list[Block] = []
        for row in self.rows[1:]:
            if found and found[-1].title == row.block:
                found[-1] = replace(found[-1], last=row.index)
            else:
                found.append(Block(row.block, row.index, row.index))
        return tuple(found)

    def has_positions(self, index: int) -> bool:
        """Whether a row's neurons are channels with positions and not single units."""
        return index <= self.last_feature

    def name(self, index: int) -> str:
        """Name of a row, such as ``conv3_1``."""
        return self.rows[index].name

    def resolve(self, text: str) -> int:
        """Number of a row given by number or by name.

        Raises
        ------
        InputError
            If neither matches; the message says what is possible.
        """
        word = text.strip()
        for row in self.rows:
            if word in (str(row.index), row.name):
                return row.index
        raise InputError(
            f'no layer "{text}": give a number from 0 to {self.last} or a name of {self.title} such as '
            f"{self.name(self.weighted[len(self.weighted) // 2])}"
        )


def conv(name: str, channels: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> Layer:
    """A convolution, to be placed by `chain`."""
    return Layer(0, name, "conv", "", None, kernel, stride, padding, channels)


def pool(name: str, kernel: int = 2, stride: int = 2) -> Layer:
    """Max pooling, to be placed by `chain`."""
    return Layer(0, name, "pool", "", None, kernel, stride)


def linear(name: str, units: int) -> Layer:
    """A fully connected row, to be placed by `chain`."""
    return Layer(0, name, "linear", "", None, channels=units)


def relu(name: str) -> Layer:
    """A ReLU, to be placed by `chain`."""
    return Layer(0, name, "relu", "", None)


def dropout(name: str) -> Layer:
    """Dropout, which does nothing to a trained network, to be placed by `chain`."""
    return Layer(0, name, "dropout", "", None)


def chain(
    key: str, title: str, features: Sequence[Sequence[Layer]], classifier: Sequence[Layer], input_size: int = 224
) -> Architecture:
    """Declare an architecture whose modules are named as torchvision's: ``features.N``, then ``classifier.N``.

    Parameters
    ----------
    features : sequence of blocks
        Blocks of rows with positions; empty where the input is a vector.
    classifier : sequence of Layer
        The rows after them, on units.
    input_size : int
        Side of the square picture, or length of a vector.
    """
    rows = [Layer(0, "input image" if features else "input", "input", "input", None)]
    places = [(f"block {number}", row) for number, block in enumerate(features, start=1) for row in block]
    for place, (block, row) in enumerate(places):
        rows.append(replace(row, index=len(rows), block=block, module=f"features.{place}"))
    for place, row in enumerate(classifier):
        rows.append(replace(row, index=len(rows), block="classifier", module=f"classifier.{place}"))
    return Architecture(key, title, tuple(rows), input_size)


def _vgg(depth: int, convolutions: Sequence[int]) -> Architecture:
    """Simonyan and Zisserman 2015, configurations A, B, D and E."""
    features = []
    for block, (count, channels) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1):
        names = [f"{block}_{part}" for part in range(1, count + 1)]
        rows = [row for name in names for row in (conv(f"conv{name}", channels), relu(f"relu{name}"))]
        features.append([*rows, pool(f"pool{block}")])
    return chain(
        f"vgg{depth}",
        f"VGG{depth}",
        features,
        [
            linear("fc6", 4096),
            relu("relu6"),
            dropout("dropout6"),
            linear("fc7", 4096),
            relu("relu7"),
            dropout("dropout7"),
            linear("fc8", 1000),
        ],
    )


def _alexnet() -> Architecture:
    """Krizhevsky 2014, as torchvision has it."""
    return chain(
        "alexnet",
        "AlexNet",
        [
            [conv("conv1", 64, 11, stride=4, padding=2), relu("relu1"), pool("pool1", 3)],
            [conv("conv2", 192, 5, padding=2), relu("relu2"), pool("pool2", 3)],
            [
                conv("conv3", 384),
                relu("relu3"),
                conv("conv4", 256),
                relu("relu4"),
                conv("conv5", 256),
                relu("relu5"),
                pool("pool5", 3),
            ],
        ],
        [
            dropout("dropout6"),
            linear("fc6", 4096),
            relu("relu6"),
            dropout("dropout7"),
            linear("fc7", 4096),
            relu("relu7"),
            linear("fc8", 1000),
        ],
    )


ARCHITECTURES: dict[str, Architecture] = {
    one.key: one
    for one in (
        _vgg(11, (1, 1, 2, 2, 2)),
        _vgg(13, (2, 2, 2, 2, 2)),
        _vgg(16, (2, 2, 3, 3, 3)),
        _vgg(19, (2, 2, 4, 4, 4)),
        _alexnet(),
    )
}
"""Known architectures by key."""
LESSONS: dict[str, Architecture] = {
    "by_hand": chain("by_hand", "Network by hand", [], [linear("fc1", 3), relu("relu1"), linear("fc2", 2)], input_size=3)
}
"""Architectures that a model may name, but that no file of weights is taken for: 3-3-2, small enough for pen and paper."""
DEFAULT = "vgg16"
"""What a model file means that names no architecture."""


def find(key: str) -> Architecture:
    """An architecture by its key (KeyError if there is none)."""
    return ARCHITECTURES[key] if key in ARCHITECTURES else LESSONS[key]
