"""Relevance kept where a later propagation may begin: at segment borders and below each block of the network."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vislrp_core.layers import LAYERS, WEIGHTED
from vislrp_core.model import LRPModel

POOLS = tuple(layer.index for layer in LAYERS if layer.kind == "pool")
"""Layers below which relevance is kept besides segment borders: all five together are 3 MB."""


def upper_part(model: LRPModel, layer: int) -> Hashable:
    """All of a model that decides R[layer]: two models that agree in it have the same relevance there.

    Rules count at weighted layers alone, so that a border moved across a ReLU or a pooling layer is none; where pooling is
    damped by its segment's epsilon, that counts, too.
    """
    rules = tuple(model.rule_at(k) for k in WEIGHTED if k > layer)
    return model.start, model.bias, model.pooling if layer < POOLS[-1] else "", _damping(model, layer), rules


def _damping(model: LRPModel, layer: int) -> Hashable:
    """Epsilon and its scale at each pooling layer above, where they count."""
    if model.pooling != "proportional" or model.pooling_epsilon == "none":
        return ()
    rules = [model.rule_at(k) for k in POOLS if k > layer]
    return tuple((rule.epsilon, rule.epsilon_scale) for rule in rules)


@dataclass(frozen=True, eq=False)
class Kept:
    """R[layer] of one target, with the sums of positive and negative relevance (39,) from there upwards."""

    relevance: Tensor
    positive: np.ndarray
    negative: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors."""
        return self.relevance.nbytes + self.positive.nbytes + self.negative.nbytes


class RelevanceStore:
    """Least recently used relevance up to a number of bytes; shared by threads.

    Parameters
    ----------
    max_bytes : int
        Bytes of all tensors together. One that takes more than a quarter of it is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Kept | None:
        """What is kept under a key."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, value: Kept) -> None:
        """Keep a value, and forget those that were not used for the longest time."""
        if 4 * value.nbytes > self.max_bytes:
            return
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += value.nbytes - (old.nbytes if old is not None else 0)
            self._kept[key] = value
            while self._bytes > self.max_bytes:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes kept now."""
        return self._bytes
