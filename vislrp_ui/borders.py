"""Relevance kept at the layers where segments meet, so that an edit recomputes the layers below it and no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core.layers import LAST, LAYERS
from vislrp_core.model import LRPModel
from vislrp_core.network import VGG16, Trace
from vislrp_core.propagation import NonFiniteRelevance, Relevance, propagate, propagate_from
from vislrp_ui.caches import ByteCache


@dataclass(frozen=True, eq=False)
class Border:
    """R[layer], and the sums of all layers from there up."""

    relevance: Tensor
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]


def new_store(max_bytes: int) -> ByteCache[Border]:
    """Kept borders, bounded in bytes."""
    return ByteCache(max_bytes, lambda border: border.relevance.nbytes + 700)


def keys_above(model: LRPModel) -> list[str]:
    """For each layer 0 to 38 a hash of all that its relevance depends on: the rules above it and the conventions.

    Where segments with equal rules meet does not matter, nor does the pixel rule above layer 0.
    """
    found = [""] * (LAST + 1)
    digest = hashlib.sha256(f"{model.start} {model.bias} {model.pooling}".encode())
    for layer in range(LAST, -1, -1):
        found[layer] = digest.copy().hexdigest()
        if layer and LAYERS[layer].kind in ("conv", "linear"):
            digest.update(f"{layer} {model.rule_at(layer)!r}".encode())
    return found


def propagate_again(network: VGG16, trace: Trace, model: LRPModel, target: int, wanted: frozenset[int],
                    checkpoint: Callable[[int], None], store: ByteCache[Border], picture: Hashable) -> Relevance:
    """`propagate`, from the lowest layer whose relevance is known already.

    Parameters
    ----------
    wanted : frozenset of int
        Layers to keep.
    store : ByteCache
        What earlier runs left; this run leaves its own wanted layers there.
    picture : hashable
        Names network and picture.

    Raises
    ------
    NonFiniteRelevance
        As `propagate`; its `relevance` holds all that is known above.
    """
    keys = [(picture, target, layer, name) for layer, name in enumerate(keys_above(model))]
    known = {layer: border for layer, key in enumerate(keys) if (border := store.get(key)) is not None}
    begin = next((layer for layer in sorted(known) if all(above in known for above in wanted if above > layer)), None)
    if begin is None:
        result = propagate(network, trace, model, target, layers=wanted, checkpoint=checkpoint)
    else:
        try:
            result = propagate_from(network, trace, model, begin, known[begin].relevance, layers=wanted,
                                    checkpoint=checkpoint, target=target)
        except NonFiniteRelevance as error:
            if error.relevance is not None:
                error.relevance = _joined(error.relevance, known, wanted, begin)
            raise
        result = _joined(result, known, wanted, begin)
    for layer, relevance in result.maps.items():
        store.put(keys[layer], Border(relevance, result.positive, result.negative))
    return result


def _joined(result: Relevance, known: dict[int, Border], wanted: frozenset[int], begin: int) -> Relevance:
    """A result from `begin` downwards with what was known above."""
    positive, negative = result.positive.copy(), result.negative.copy()
    positive[begin:], negative[begin:] = known[begin].positive[begin:], known[begin].negative[begin:]
    maps = result.maps | {layer: known[layer].relevance for layer in wanted if layer > begin}
    return Relevance(maps, positive, negative, result.target, result.model_key)
