"""What is kept of one forward pass, and how classes are ranked by it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from vislrp_core.layers import LAST, LAYERS

MADE = ("relu", "dropout")
"""Kinds of layers whose outputs are not kept but made again when they are asked for."""
MAX_TERMS = 1.0
"""Parts of denominators kept for one image, as a multiple of the bytes of its activations and sums."""


@dataclass(frozen=True)
class Prediction:
    """One class of a forward pass."""

    index: int
    name: str
    logit: float
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Fields as the command line prints them."""
        return {"index": self.index, "name": self.name, "logit": self.logit, "probability": self.probability}


def rank(logits: Tensor, classes: Sequence[str], count: int = 10) -> list[Prediction]:
    """The first ``count`` classes, the most probable first; ties by number.

    Parameters
    ----------
    logits : Tensor
        (classes,), of any forward pass: of the picture, of a flipped one, with neurons switched off.
    classes : sequence of str
        Names by class number.
    """
    probabilities = torch.softmax(logits, dim=0)
    order = torch.argsort(logits, descending=True, stable=True)[:count]
    return [Prediction(i, classes[i], logit, probability) for i, logit, probability in zip(
        order.tolist(), logits[order].tolist(), probabilities[order].tolist(), strict=True)]


class Activations(dict[int, Tensor]):
    """Activations by layer, each with a batch dimension of 1; those that follow from others are made when asked for.

    A ReLU's output is half of the memory of a forward pass and costs one pass over its input; dropout changes nothing; and
    where only the weighted sums are kept, the bias is added.

    Parameters
    ----------
    sums, biases : mapping
        Weighted sums without the bias, by layer, for the layers of which nothing else is known.
    """

    def __init__(self, known: Mapping[int, Tensor], sums: Mapping[int, Tensor] | None = None,
                 biases: Mapping[int, Tensor] | None = None) -> None:
        super().__init__(known)
        self._sums, self._biases = sums or {}, biases or {}

    def __missing__(self, layer: int) -> Tensor:
        kind = LAYERS[layer].kind
        if kind == "relu":
            below = self[layer - 1]
            # What was made for this call alone may be overwritten.
            return below.relu() if layer - 1 in self else below.relu_()
        if kind == "dropout":
            return self[layer - 1]
        total = self._sums[layer]
        return total + per_channel(self._biases[layer], total)

    def shape(self, layer: int) -> torch.Size:
        """Shape of an activation, without making it."""
        if layer in self:
            return self[layer].shape
        return self.shape(layer - 1) if LAYERS[layer].kind in MADE else self._sums[layer].shape


class Sums(dict[int, Tensor]):
    """Weighted sums without the bias by layer; where only the activations are known, made from them.

    The bias costs nothing inside a convolution and hardly a digit when it is taken off again.
    """

    def __init__(self, activations: Mapping[int, Tensor], biases: Mapping[int, Tensor]) -> None:
        super().__init__()
        self._activations, self._biases = activations, biases

    def __missing__(self, layer: int) -> Tensor:
        output, bias = self._activations[layer], self._biases[layer]
        return output - per_channel(bias, output) if bool(bias.any()) else output


@dataclass(eq=False)
class Trace:
    """One forward pass of one image: what propagation needs, kept.

    ``sums`` are the weighted sums over inputs *without* the bias.
    ``terms`` holds parts of denominators already used, so that another class, epsilon or gamma recomputes none.
    """

    x: Tensor
    activations: Activations
    sums: dict[int, Tensor]
    classes: tuple[str, ...]
    exact: bool = False
    """Whether the sums were accumulated in double precision, see `refine`."""
    terms: dict[tuple[Any, ...], Tensor] = field(default_factory=dict)

    def keep(self, key: tuple[Any, ...], term: Tensor) -> Tensor:
        """Remember a part of a denominator; the oldest are forgotten, so that one image's parts stay bounded."""
        room = MAX_TERMS * sum(kept.nbytes for group in (self.activations, self.sums) for kept in list(group.values()))
        while self.terms and sum(kept.nbytes for kept in list(self.terms.values())) + term.nbytes > room:
            self.terms.pop(next(iter(self.terms)), None)
        self.terms[key] = term
        return term

    def activation(self, layer: int) -> Tensor:
        """Activation of a layer, shape (C, H, W) or (N,)."""
        return self.activations[layer][0]

    def shape(self, layer: int) -> torch.Size:
        """Shape of what `activation` gives."""
        return self.activations.shape(layer)[1:]

    @property
    def logits(self) -> Tensor:
        """Logits, shape (classes,)."""
        return self.activations[LAST][0]

    @property
    def probabilities(self) -> Tensor:
        """Softmax probabilities, shape (classes,)."""
        return torch.softmax(self.logits, dim=0)

    def predictions(self, count: int = 10) -> list[Prediction]:
        """The first ``count`` classes, the most probable first."""
        return rank(self.logits, self.classes, count)

    @cached_property
    def key(self) -> str:
        """Hash of the preprocessed image."""
        return hashlib.blake2b(self.x.detach().contiguous().cpu().numpy().tobytes(), digest_size=16).hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors kept."""
        unique = {t.data_ptr(): t for group in (self.activations, self.sums, self.terms) for t in list(group.values())}
        return sum(t.nbytes for t in unique.values())


def per_channel(values: Tensor, like: Tensor) -> Tensor:
    """One value per channel or unit, in a shape that broadcasts."""
    return values.reshape(1, -1, 1, 1) if like.ndim == 4 else values
