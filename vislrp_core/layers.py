"""The 39 rows of the ruler: the input image and VGG16's 38 layers, numbered as in Figure 2.1 of the guide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["input", "conv", "relu", "pool", "linear", "dropout"]


@dataclass(frozen=True)
class Layer:
    """One row: layer ``index`` maps activation ``a[index - 1]`` to ``a[index]``."""

    index: int
    name: str
    kind: Kind
    block: str
    module: str | None
    """torchvision's name of the module, None for the input image."""


CONVOLUTIONS_PER_BLOCK = (2, 2, 3, 3, 3)


def _rows() -> tuple[Layer, ...]:
    rows = [Layer(0, "input image", "input", "input", None)]
    plan: list[tuple[str, Kind, str]] = []
    for number, convolutions in enumerate(CONVOLUTIONS_PER_BLOCK, start=1):
        for part in range(1, convolutions + 1):
            plan.append((f"conv{number}_{part}", "conv", f"block {number}"))
            plan.append((f"relu{number}_{part}", "relu", f"block {number}"))
        plan.append((f"pool{number}", "pool", f"block {number}"))
    features = len(plan)
    for name, kind in (("fc6", "linear"), ("relu6", "relu"), ("dropout6", "dropout"), ("fc7", "linear"),
                       ("relu7", "relu"), ("dropout7", "dropout"), ("fc8", "linear")):
        plan.append((name, kind, "classifier"))  # type: ignore[arg-type]
    for place, (name, kind, block) in enumerate(plan):
        module = f"features.{place}" if place < features else f"classifier.{place - features}"
        rows.append(Layer(place + 1, name, kind, block, module))
    return tuple(rows)


LAYERS = _rows()
LAST = len(LAYERS) - 1
WEIGHTED = tuple(layer.index for layer in LAYERS if layer.kind in ("conv", "linear"))
LAST_FEATURE = max(layer.index for layer in LAYERS if layer.kind == "pool")


def layer_name(index: int) -> str:
    """Name of a row, such as ``conv3_1``."""
    return LAYERS[index].name


def resolve_layer(text: str) -> int:
    """Number of a layer given by number or by name.

    Raises
    ------
    ValueError
        If neither matches; the message says what is possible.
    """
    word = text.strip()
    for layer in LAYERS:
        if word in (str(layer.index), layer.name):
            return layer.index
    raise ValueError(f'no layer "{text}": give a number from 0 to {LAST} or a name such as conv3_1')
