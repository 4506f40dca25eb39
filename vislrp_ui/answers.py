"""What the engine's answers look like to pages: maps by layer and their sums, and what it was asked to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vislrp_core import heatmap as colours
from vislrp_core.model import LRPModel
from vislrp_core.propagation import NonFiniteRelevance, Relevance


@dataclass
class Counters:
    """What the engine was asked to do since the start; tests read it."""

    forward_passes: int = 0
    propagations: int = 0
    stopped: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, what: str, times: int = 1) -> None:
        """Add one, or several."""
        with self._lock:
            setattr(self, what, getattr(self, what) + times)


@dataclass(frozen=True, eq=False)
class Maps:
    """A result as pages draw it.

    Attributes
    ----------
    maps : dict
        Channel sums by layer, (H, W) float32; fully connected layers as a grid.
    positive, negative : ndarray
        Sums of relevance per row; NaN below a layer where relevance is not finite.
    error : NonFiniteRelevance or None
        Why the maps below its layer are missing.
    seconds : float
        Time of the propagation when it was computed, without waiting for a slot; NaN of maps that came with the program.
    """

    maps: dict[int, NDArray[np.float32]]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]
    target: int
    model_key: str
    error: NonFiniteRelevance | None = None
    seconds: float = float("nan")

    @property
    def total(self) -> NDArray[np.float64]:
        """Sum of relevance at all layers."""
        return self.positive + self.negative

    @property
    def nbytes(self) -> int:
        """Bytes of the maps."""
        return sum(m.nbytes for m in self.maps.values()) + 1000


@dataclass
class Stopwatch:
    """How long a propagation took."""

    seconds: float = float("nan")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure the time inside."""
        begin = time.perf_counter()
        yield
        self.seconds = time.perf_counter() - begin


def layer_sum(result: Relevance, layer: int) -> NDArray[np.float32]:
    """Relevance of a layer summed over its channels, (H, W)."""
    return np.asarray(colours.channel_sum(result.at(layer)), dtype=np.float32)


def maps_from(
    result: Relevance,
    model: LRPModel,
    target: int,
    *,
    seconds: float = float("nan"),
    also: Mapping[int, NDArray[np.float32]] | None = None,
) -> Maps:
    """A propagation's layers as pages draw them; ``also`` are maps of further layers."""
    found = {**(also or {}), **{k: layer_sum(result, k) for k in result.layers}}
    return Maps(found, result.positive, result.negative, target, model.key, seconds=seconds)


def partial_maps(error: NonFiniteRelevance, target: int, model: LRPModel) -> Maps:
    """What is known above the layer where relevance is not finite."""
    above = getattr(error, "relevance", None)
    positive, negative = (np.full(model.plan.last + 1, np.nan) for _ in range(2))
    found: dict[int, NDArray[np.float32]] = {}
    if above is not None:
        positive[error.layer :] = above.positive[error.layer :]
        negative[error.layer :] = above.negative[error.layer :]
        found = {k: layer_sum(above, k) for k in above.layers if k >= error.layer}
    return Maps(found, positive, negative, target, model.key, error)
