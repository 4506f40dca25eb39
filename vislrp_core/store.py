"""Relevance kept where a later propagation may begin: at segment borders and below each block of the network."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vislrp_core.byte_cache import ByteCache
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
class KeptRelevance:
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
        self._kept: ByteCache[KeptRelevance] = ByteCache(max_bytes, lambda kept: kept.nbytes)

    def get(self, key: Hashable) -> KeptRelevance | None:
        """What is kept under a key."""
        return self._kept.get(key)

    def put(self, key: Hashable, value: KeptRelevance) -> None:
        """Keep a value, and forget those that were not used for the longest time."""
        if 4 * value.nbytes <= self.max_bytes:
            self._kept.put(key, value)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    @property
    def nbytes(self) -> int:
        """Bytes kept now."""
        return self._kept.nbytes
