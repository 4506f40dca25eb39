"""What is kept of one forward pass, and how classes are ranked by it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture

Place = tuple[int | slice, ...]
MADE = ("relu", "dropout")
"""Kinds of layers whose outputs are not kept but made again when they are asked for."""
MAX_TERMS = 1.0
"""Parts of denominators kept beside a trace, as a multiple of the bytes of its activations and sums."""


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
    return [
        Prediction(i, classes[i], logit, probability)
        for i, logit, probability in zip(order.tolist(), logits[order].tolist(), probabilities[order].tolist(), strict=True)
    ]


def percent(probability: float) -> str:
    """A probability as bars and tables write it: one decimal, and never 0.0 or 100.0 where it is not exactly that."""
    value = 100.0 * probability
    if 0.0 < value < 0.05:
        return "<0.1"
    if 99.95 <= value < 100.0:
        return ">99.9"
    return f"{value:.1f}"


class Activations(Mapping[int, Tensor]):
    """Activations by layer, read-only, with a batch dimension; those that follow from others are made when asked for.

    A ReLU's output is half of the memory of a forward pass and costs one pass over its input; dropout changes nothing; and
    where only the weighted sums are kept, the bias is added.

    Parameters
    ----------
    sums, biases : mapping
        Weighted sums without the bias, by layer, for the layers of which nothing else is known.
    """

    def __init__(
        self,
        architecture: Architecture,
        known: Mapping[int, Tensor],
        sums: Mapping[int, Tensor] | None = None,
        biases: Mapping[int, Tensor] | None = None,
    ) -> None:
        self._rows, self._known = architecture.rows, dict(known)
        self._sums, self._biases = sums or {}, biases or {}

    def __getitem__(self, layer: int) -> Tensor:
        known = self._known.get(layer)
        if known is not None:
            return known
        kind = self._rows[layer].kind
        if kind == "relu":
            below = self[layer - 1]
            # What was made for this call alone may be overwritten.
            return below.relu() if layer - 1 in self._known else below.relu_()
        if kind == "dropout":
            return self[layer - 1]
        total = self._sums[layer]
        return total + per_channel(self._biases[layer], total)

    def __contains__(self, layer: object) -> bool:
        return layer in self._known

    def __iter__(self) -> Iterator[int]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def value(self, layer: int, place: Place) -> Tensor:
        """Activations of the first picture at some place, without making the others."""
        if layer in self._known:
            return self._known[layer][0][place]
        kind = self._rows[layer].kind
        if kind == "relu":
            return self.value(layer - 1, place).relu()
        if kind == "dropout":
            return self.value(layer - 1, place)
        return self._sums[layer][0][place] + self._biases[layer][place[0]]

    def shape(self, layer: int) -> torch.Size:
        """Shape of an activation, without making it."""
        if layer in self._known:
            return self._known[layer].shape
        return self.shape(layer - 1) if self._rows[layer].kind in MADE else self._sums[layer].shape


class Sums(Mapping[int, Tensor]):
    """Weighted sums without the bias by layer, made from the activations when they are asked for.

    The bias costs nothing inside a convolution and hardly a digit when it is taken off again.
    """

    def __init__(self, activations: Mapping[int, Tensor], biases: Mapping[int, Tensor]) -> None:
        self._activations, self._biases = activations, biases

    def __getitem__(self, layer: int) -> Tensor:
        output, bias = self._activations[layer], self._biases[layer]
        return output - per_channel(bias, output) if bool(bias.any()) else output

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Beyond(Protocol):
    """Where what was computed from a trace outlives it, bit by bit, such as a folder."""

    def find(self, key: Hashable) -> Tensor | None:
        """A part of a denominator, if it is there."""

    def put(self, key: Hashable, term: Tensor) -> None:
        """A part of a denominator was computed."""

    def double(self, make: Callable[[], Any]) -> Any:
        """The pass in double precision, made if it is not there."""


class TraceCache:
    """What was computed from a trace and is kept beside it: parts of denominators, and the pass in double precision.

    Threads share it. Nothing in it changes a result: a part that was forgotten is computed again as it was.

    Parameters
    ----------
    room : float
        Bytes of all parts together.

    Attributes
    ----------
    beyond : Beyond or None
        Asked before something is computed, and told of what was.
    """

    def __init__(self, room: float) -> None:
        self.room = room
        self.beyond: Beyond | None = None
        self._lock, self._making = threading.Lock(), threading.Lock()
        self._terms: dict[Hashable, Tensor] = {}
        self._double: Any = None

    def term(self, key: Hashable) -> Tensor | None:
        """A part of a denominator, if it is kept."""
        with self._lock:
            kept = self._terms.get(key)
        if kept is None and self.beyond is not None:
            kept = self.beyond.find(key)
            if kept is not None:
                self._remember(key, kept)
        return kept

    def keep(self, key: Hashable, term: Tensor) -> Tensor:
        """Keep a part of a denominator; the oldest are forgotten, so that their bytes stay bounded."""
        self._remember(key, term)
        if self.beyond is not None:
            self.beyond.put(key, term)
        return term

    def _remember(self, key: Hashable, term: Tensor) -> None:
        with self._lock:
            others = sum(kept.nbytes for name, kept in self._terms.items() if name != key)
            while self._terms and others + term.nbytes > self.room:
                oldest = next(iter(self._terms))
                gone = self._terms.pop(oldest)
                others -= gone.nbytes if oldest != key else 0
            self._terms[key] = term

    def double(self, make: Callable[[], Any]) -> Any:
        """The pass in double precision, made by the first who asks for it."""
        with self._making:
            found = self._double
            if found is None:
                found = make() if self.beyond is None else self.beyond.double(make)
            self._double = found
            return found

    @property
    def has_double(self) -> bool:
        """Whether a propagation has asked for the pass in double precision."""
        return self._double is not None

    def forget(self) -> None:
        """Let all of it go: up to three times the memory of the forward pass itself."""
        with self._making, self._lock:
            self._terms.clear()
            self._double = None

    def tensors(self) -> list[Tensor]:
        """The parts kept now."""
        with self._lock:
            return list(self._terms.values())

    @property
    def nbytes(self) -> int:
        """Bytes of the parts and of the pass in double precision."""
        double = self._double
        return sum(term.nbytes for term in self.tensors()) + (0 if double is None else double.nbytes)


@dataclass(frozen=True, eq=False)
class Trace:
    """One forward pass, kept: what propagation needs. Nothing rewrites it.

    Attributes
    ----------
    x : Tensor
        What went in, with a batch dimension.
    activations, sums : mapping
        By layer, with a batch dimension; ``sums`` are the weighted sums over inputs *without* the bias.
    exact : bool
        Whether the sums were accumulated in double precision, see `refine`.
    cache : TraceCache
        What was computed from it; the only part that grows.
    """

    x: Tensor
    activations: Mapping[int, Tensor]
    sums: Mapping[int, Tensor]
    classes: tuple[str, ...]
    exact: bool = False
    architecture: Architecture = ARCHITECTURES[DEFAULT]
    cache: TraceCache = field(default_factory=lambda: TraceCache(0))

    def __post_init__(self) -> None:
        # Bytes of what is known; those that are made when asked for do not count.
        self.cache.room = MAX_TERMS * sum(kept.nbytes for group in (self.activations, self.sums) for kept in group.values())

    def activation(self, layer: int) -> Tensor:
        """Activation of a layer, shape (C, H, W) or (N,)."""
        return self.activations[layer][0]

    def shape(self, layer: int) -> torch.Size:
        """Shape of what `activation` gives."""
        if isinstance(self.activations, Activations):
            return self.activations.shape(layer)[1:]
        return self.activations[layer].shape[1:]

    def value(self, layer: int, place: Place) -> Tensor:
        """What `activation` gives at some place: a channel or unit, then rows and columns, as numbers or slices."""
        if isinstance(self.activations, Activations):
            return self.activations.value(layer, place)
        return self.activations[layer][0][place]

    @property
    def logits(self) -> Tensor:
        """Logits, shape (classes,)."""
        return self.activations[self.architecture.last][0]

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
        """Bytes of all tensors kept, with those of the cache."""
        unique = {t.data_ptr(): t for group in (self.activations, self.sums) for t in group.values()}
        own = {t.data_ptr() for t in self.cache.tensors()} & unique.keys()
        return sum(t.nbytes for t in unique.values()) + self.cache.nbytes - sum(unique[p].nbytes for p in own)


def per_channel(values: Tensor, like: Tensor) -> Tensor:
    """One value per channel or unit, in a shape that broadcasts."""
    return values.reshape(1, -1, 1, 1) if like.ndim == 4 else values
