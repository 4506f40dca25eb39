"""Relevance kept where a later propagation may begin: at segment borders and below each block of the network."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vislrp_core.model import LRPModel


def upper_part(model: LRPModel, layer: int) -> Hashable:
    """All of a model that decides R[layer]: two models that agree in it have the same relevance there.

    Rules count at weighted layers alone, so that a border moved across a ReLU or a pooling layer is none; where pooling is
    damped by its segment's epsilon, that counts, too.
    """
    plan = model.plan
    rules = tuple(model.rule_at(k) for k in plan.weighted if k > layer)
    pools = [k for k in plan.pools if k > layer]
    damping: tuple[Hashable, ...] = ()
    if model.pooling == "proportional" and model.pooling_epsilon == "segment":
        damping = tuple((rule.epsilon, rule.epsilon_scale) for rule in map(model.rule_at, pools))
    return plan.key, model.start, model.bias, model.pooling if pools else "", damping, rules


@dataclass(frozen=True, eq=False)
class Kept:
    """R[layer] of one target, with the sums of positive and negative relevance of every layer from there upwards."""

    relevance: Tensor
    positive: np.ndarray
    negative: np.ndarray
    exact: bool = False
    """Whether sums in double precision were asked for above: the layers below then take them, too."""

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
