"""Trace + LRPModel + target -> Relevance: the backward pass of LRP as a pure function over tensors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vislrp_core.errors import VisLRPError
from vislrp_core.layers import LAST, LAST_FEATURE, LAYERS, WEIGHTED, layer_name
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.pooling import pool
from vislrp_core.shares import signed_sums as signed_sums
from vislrp_core.store import POOLS, Kept, RelevanceStore, upper_part
from vislrp_core.unified import STABILIZER as STABILIZER
from vislrp_core.unified import unified, z_box

BATCH_VALUES = 500_000
"""Activations of a layer above which several targets are propagated one after the other."""

Checkpoint = Callable[[int], None]


class NonFiniteRelevance(VisLRPError, ArithmeticError):
    """Relevance became NaN or infinite: the layer, its rule, the cause and what to do."""

    def __init__(self, layer: int, rule: str, cause: str, suggestion: str, relevance: Relevance | None = None) -> None:
        self.layer, self.rule, self.cause, self.suggestion = layer, rule, cause, suggestion
        self.relevance = relevance
        """What is known of the layers above."""
        super().__init__(f"relevance is not finite below {layer_name(layer)} (layer {layer}, {rule}): {cause}; {suggestion}")


@dataclass(frozen=True, eq=False)
class Relevance:
    """Relevance of one target under one model.

    ``maps[k]`` is R[k], shape (C, H, W) or (N,), for the layers asked for; ``positive`` and ``negative`` hold the sums of
    positive and of negative relevance at all 39 layers.
    """

    maps: dict[int, Tensor]
    positive: np.ndarray
    negative: np.ndarray
    target: int | None
    model_key: str

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers whose relevance was kept."""
        return tuple(sorted(self.maps))

    @property
    def total(self) -> np.ndarray:
        """Sum of relevance at all 39 layers."""
        return self.positive + self.negative

    def at(self, layer: int) -> Tensor:
        """R[layer]."""
        return self.maps[layer]

    def map(self, layer: int = 0) -> np.ndarray:
        """Relevance summed over channels, shape (H, W); of a fully connected layer its N values as (1, N)."""
        relevance = self.maps[layer]
        summed = relevance.sum(dim=0) if relevance.ndim == 3 else relevance[None, :]
        return summed.cpu().numpy()

    @property
    def nbytes(self) -> int:
        """Bytes of the maps."""
        return sum(tensor.nbytes for tensor in self.maps.values())


def start_relevance(trace: Trace, target: int, start: str) -> Tensor:
    """R[38] of shape (classes,), see lrp.md section 4."""
    logits = trace.logits
    relevance = torch.zeros_like(logits)
    if start == "contrast" and len(logits) > 1:
        relevance.fill_(-float(logits[target]) / (len(logits) - 1))
    relevance[target] = {"one": 1.0, "probability": float(trace.probabilities[target])}.get(start, float(logits[target]))
    return relevance


def step(network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, *,
         disposable: bool = False) -> Tensor:
    """R[layer - 1] from R[layer], both with a leading batch dimension.

    Parameters
    ----------
    disposable : bool
        Whether R[layer] may be overwritten, which saves memory and time.
    """
    kind = LAYERS[layer].kind
    if kind == "pool":
        damping = model.rule_at(layer) if model.pooling_epsilon == "segment" else None
        return pool(network.architecture.rows[layer], trace.activations[layer - 1], relevance, model.pooling, damping)
    if kind not in ("conv", "linear"):
        return relevance
    rule = model.rule_at(layer)
    if rule.preset == "z_box":
        below = z_box(network, trace, layer, relevance, disposable=disposable)
    else:
        below = unified(network, trace, layer, rule, model.bias == "absorb", relevance,
                        in_proportion=_in_proportion(model, layer), disposable=disposable)
    if layer != LAST_FEATURE + 1:
        return below
    below = below.reshape(len(below), *trace.activations[LAST_FEATURE].shape[1:])
    return below.contiguous(memory_format=torch.channels_last)


def _in_proportion(model: LRPModel, layer: int) -> bool:
    """Whether R[layer] vanishes with its activation: every rule above multiplies by the activation alone."""
    rules = [model.rule_at(above) for above in WEIGHTED if above > layer]
    return all(rule.theta0 == 0 and rule.preset != "z_box" for rule in rules)


def default_layers(model: LRPModel) -> set[int]:
    """Layers of the final and the intermediate heatmaps: what each segment hands on."""
    return {0} | {segment.first - 1 for segment in model.segments}


Layers = Literal["all"] | Iterable[int] | None


def propagate(network: Network, trace: Trace, model: LRPModel, target: int, *, layers: Layers = None,
              store: RelevanceStore | None = None, checkpoint: Checkpoint | None = None) -> Relevance:
    """Relevance of one class, from the logits down to the pixels.

    Parameters
    ----------
    layers : "all", iterable of int or None
        Layers whose relevance is kept; None keeps what each segment hands on.
    store : RelevanceStore, optional
        Where relevance at segment borders is kept: a model that differs in lower segments alone costs those alone.
    checkpoint : callable, optional
        Called with each layer's number before it is propagated; may raise to stop.

    Raises
    ------
    NonFiniteRelevance
        If relevance becomes NaN or infinite at some layer.
    """
    return propagate_many(network, trace, model, [target], layers=layers, store=store, checkpoint=checkpoint)[0]


@torch.inference_mode()
def propagate_many(network: Network, trace: Trace, model: LRPModel, targets: Sequence[int], *, layers: Layers = None,
                   store: RelevanceStore | None = None, checkpoint: Checkpoint | None = None) -> list[Relevance]:
    """Relevance of several classes: the parameters are those of `propagate`.

    The classes share denominators and, in the fully connected layers, each reading of the weights.
    """
    keep = _wanted(model, layers)
    found = [_Column(target, model, keep, store, (network.digest, trace.key, target) if store is not None else None)
             for target in targets]
    fresh = [column for column in found if not column.resume()]
    groups = [fresh] if fresh else []
    groups += [[column] for column in found if column not in fresh]
    for columns in groups:
        if columns is fresh:
            for column in columns:
                column.current = start_relevance(trace, column.target or 0, model.start)
        # Only fresh ones, vectors of logits, are stacked: one alone keeps the order of its values in memory.
        batch = torch.stack([column.current for column in columns]) if len(columns) > 1 else columns[0].current[None]
        _descend(network, trace, model, columns[0].layer, batch, columns, checkpoint)
    return [column.relevance() for column in found]


@torch.inference_mode()
def propagate_from(network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, *,
                   layers: Layers = None, checkpoint: Checkpoint | None = None,
                   target: int | None = None) -> Relevance:
    """Relevance from a given R[layer] (shape of that layer's activation) downwards; linear in it."""
    column = _Column(target, model, _wanted(model, layers), None, None)
    current = relevance.to(device=network.device, dtype=network.dtype)[None]
    if current.ndim == 4:
        current = current.contiguous(memory_format=torch.channels_last)
    _descend(network, trace, model, layer, current, [column], checkpoint)
    return column.relevance()


def _wanted(model: LRPModel, layers: Layers) -> set[int]:
    return set(range(LAST + 1)) if layers == "all" else default_layers(model) if layers is None else set(layers)


class _Column:
    """What is gathered of one target on the way down."""

    def __init__(self, target: int | None, model: LRPModel, keep: set[int], store: RelevanceStore | None,
                 key: Hashable) -> None:
        self.target, self.model, self.keep, self.store, self.key = target, model, keep, store, key
        self.maps: dict[int, Tensor] = {}
        self.positive, self.negative = np.zeros(LAST + 1), np.zeros(LAST + 1)
        self.layer = LAST
        self.current = torch.empty(0)
        self.sums: tuple[float, float] | None = None
        """Sums at the layer to begin with, where they are known."""

    def resume(self) -> bool:
        """Begin at the lowest layer that the store knows, if all layers asked for above it are known, too."""
        if self.store is None:
            return False
        wanted = sorted(default_layers(self.model) | self.keep | set(POOLS), reverse=True)
        maps: dict[int, Tensor] = {}
        for k in wanted:
            kept = self.store.get((self.key, k, upper_part(self.model, k)))
            if kept is not None:
                self.layer, self.current = k, kept.relevance
                self.positive[k:], self.negative[k:] = kept.positive[k:], kept.negative[k:]
                self.sums = float(kept.positive[k]), float(kept.negative[k])
                self.maps = dict(maps)
                if k in self.keep:
                    maps[k] = kept.relevance
            elif k in self.keep:
                break
        return self.layer < LAST

    def keeps(self, k: int) -> bool:
        """Whether relevance of a layer was asked for or may be needed again."""
        return k in self.keep or (self.store is not None and (k in POOLS or k in default_layers(self.model)))

    def record(self, k: int, current: Tensor, sums: tuple[float, float]) -> None:
        """Note the sums at a layer and keep its relevance if need be."""
        self.positive[k], self.negative[k] = sums
        if k in self.keep:
            self.maps[k] = current
        if self.store is not None and self.keeps(k):
            # A view of a batch would hold the other targets' relevance, too.
            own = current if current.untyped_storage().nbytes() == current.nbytes else current.clone()
            self.store.put((self.key, k, upper_part(self.model, k)), Kept(own, self.positive.copy(), self.negative.copy()))

    def relevance(self) -> Relevance:
        """The result."""
        return Relevance(self.maps, self.positive, self.negative, self.target, self.model.key)


def _descend(network: Network, trace: Trace, model: LRPModel, layer: int, current: Tensor, columns: list[_Column],
             checkpoint: Checkpoint | None) -> None:
    """Propagate a batch, one row per column, from R[layer] to the pixels."""
    sums: list[tuple[float, float]] = []
    disposable = False
    for k in range(layer, -1, -1):
        if k == layer:
            sums = [column.sums or signed_sums(row) for column, row in zip(columns, current, strict=True)]
        elif LAYERS[k + 1].kind in ("conv", "linear") or (LAYERS[k + 1].kind, model.pooling) == ("pool", "proportional"):
            # Elsewhere relevance is handed on or put in other places as it is.
            sums = [signed_sums(row) for row in current]
        for column, row, both in zip(columns, current, sums, strict=True):
            if not np.isfinite(sum(both)):
                column.positive[k] = column.negative[k] = np.nan
                raise _non_finite(trace, model, min(k + 1, LAST), column.relevance())
            column.record(k, row, both)
            disposable &= not column.keeps(k)
        if k == 0:
            return
        if len(columns) > 1 and current[0].numel() > BATCH_VALUES:
            # Large layers gain nothing from a batch, and it would need memory for all targets at once.
            for column, row, both in zip(columns, current, sums, strict=True):
                column.sums = both
                _descend(network, trace, model, k, row[None], [column], checkpoint)
            return
        if checkpoint is not None:
            checkpoint(k)
        current = step(network, trace, model, k, current, disposable=disposable)
        disposable |= LAYERS[k].kind in ("conv", "linear", "pool")  # the others hand on what they are given


def _non_finite(trace: Trace, model: LRPModel, layer: int, above: Relevance) -> NonFiniteRelevance:
    rule = model.rule_at(layer)
    if not torch.isfinite(trace.activations[layer - 1]).all():
        cause = "the layer's activations are not finite"
    elif max(abs(value) for value in rule.values().values()) > 1e6:
        cause = "a parameter of the rule is very large"
    else:
        cause = "denominators of the rule nearly vanish there"
    return NonFiniteRelevance(layer, rule.title, cause, "raise ε or choose another rule for this layer", above)
