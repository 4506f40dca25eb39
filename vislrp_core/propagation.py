"""Trace + LRPModel + target -> Relevance: the backward pass of LRP as a pure function over tensors.

What a call gives depends on network, trace, model and target alone: neither on what was computed before nor on what other
threads compute. Where double precision is needed, the layers below work on the trace's twin in double precision, which is
made once and kept beside the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.precision import Doubtful
from vislrp_core.relevance import NonFiniteRelevance, Relevance, start_from
from vislrp_core.shares import STABILIZER as STABILIZER
from vislrp_core.shares import signed_sums as signed_sums
from vislrp_core.steps import in_double, single_step
from vislrp_core.steps import step as step
from vislrp_core.store import KeptRelevance, RelevanceStore, upper_part

BATCH_VALUES = 500_000
"""Activations of a layer above which several targets or pictures are propagated one after the other on a CPU."""

Checkpoint = Callable[[int], None]
Layers = Literal["all"] | Iterable[int] | None


def start_relevance(trace: Trace, target: int, start: str) -> Tensor:
    """Relevance of the logits, shape (classes,), see numerics.md section 4."""
    return start_from(trace.logits, target, start)


def default_layers(model: LRPModel) -> set[int]:
    """Layers of the final and the intermediate heatmaps: what each segment hands on."""
    return {0} | {segment.first - 1 for segment in model.segments}


@torch.inference_mode()
def propagate(
    network: Network,
    trace: Trace,
    model: LRPModel,
    target: int,
    *,
    layers: Layers = None,
    store: RelevanceStore | None = None,
    checkpoint: Checkpoint | None = None,
) -> Relevance:
    """Relevance of one class, from the logits down to the pixels.

    Parameters
    ----------
    trace : Trace
        Forward pass of one picture.
    layers : "all", iterable of int or None
        Layers whose relevance is kept; None keeps what each segment hands on.
    store : RelevanceStore, optional
        Where relevance at segment borders is kept: a model that differs in lower segments alone costs those alone. It does
        not change a bit of the result.
    checkpoint : callable, optional
        Called with each layer's number before it is propagated; may raise to stop.

    Raises
    ------
    NonFiniteRelevance
        If relevance becomes NaN or infinite at some layer.
    ModelError
        If the model is for another architecture.
    """
    return _propagated(network, trace, model, target, wanted(model, layers), store, checkpoint, 0).relevance()


def _propagated(
    network: Network,
    trace: Trace,
    model: LRPModel,
    target: int,
    layers: set[int],
    store: RelevanceStore | None,
    checkpoint: Checkpoint | None,
    lowest: int,
) -> Column:
    """One propagation down to a layer, from the lowest border that the store knows."""
    model.require(network.architecture)
    way = single_way(network, trace, model)
    key = (network.digest, str(network.device), trace.key, target) if store is not None else None
    column = Column(target, model, layers, store, key)
    column.kept = {k for k in column.kept if k >= lowest}
    if column.resume():
        if column.exact:
            way.to_double()
    else:
        column.current = start_relevance(trace, target, model.start)
    descend(way, column.layer, column.current[None], [column], checkpoint, down_to=lowest)
    return column


@torch.inference_mode()
def propagate_many(
    network: Network,
    trace: Trace,
    model: LRPModel,
    targets: Sequence[int],
    *,
    layers: Layers = None,
    checkpoint: Checkpoint | None = None,
) -> list[Relevance]:
    """Relevance of several classes of one picture: the parameters are those of `propagate`.

    The classes share denominators and, in the fully connected layers, each reading of the weights. The numbers are those of
    single calls up to the order in which they are added, and so no store takes part.
    """
    model.require(network.architecture)
    columns = [Column(target, model, wanted(model, layers)) for target in targets]
    batch = torch.stack([start_relevance(trace, target, model.start) for target in targets])
    descend(single_way(network, trace, model), model.plan.last, batch, columns, checkpoint)
    return [column.relevance() for column in columns]


@torch.inference_mode()
def propagate_from(
    network: Network,
    trace: Trace,
    model: LRPModel,
    layer: int,
    relevance: Tensor,
    *,
    layers: Layers = None,
    checkpoint: Checkpoint | None = None,
    target: int | None = None,
) -> Relevance:
    """Relevance from a given R[layer] (shape of that layer's activation) downwards; linear in it."""
    model.require(network.architecture)
    column = Column(target, model, wanted(model, layers))
    current = relevance.to(device=network.device, dtype=network.dtype)[None]
    if current.ndim == 4:
        current = current.contiguous(memory_format=torch.channels_last)
    descend(single_way(network, trace, model), layer, current, [column], checkpoint)
    return column.relevance()


@dataclass(frozen=True, eq=False)
class Reached:
    """R[layer] of a propagation that stopped on its way.

    Attributes
    ----------
    relevance : Tensor
        (C, H, W) or (N,).
    exact : bool
        Whether a step down to it took the sums in double precision: what is below takes them, too.
    """

    relevance: Tensor
    exact: bool

    def trace(self, network: Network, trace: Trace) -> Trace:
        """The forward pass whose sums the last step took: the given one, or its twin in double precision."""
        return in_double(network, trace) if self.exact else trace


@torch.inference_mode()
def relevance_at(
    network: Network,
    trace: Trace,
    model: LRPModel,
    target: int,
    layers: Iterable[int],
    *,
    store: RelevanceStore | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[int, Reached]:
    """Relevance of some layers, by a propagation that ends at the lowest of them; the other parameters are `propagate`'s.

    Raises
    ------
    NonFiniteRelevance
        If relevance becomes NaN or infinite on the way.
    ModelError
        If the model is for another architecture.
    """
    keep = set(layers)
    column = _propagated(network, trace, model, target, keep, store, checkpoint, min(keep))
    return {layer: Reached(relevance, column.exacts[layer]) for layer, relevance in column.maps.items()}


def wanted(model: LRPModel, layers: Layers) -> set[int]:
    """The layers that were asked for, as a set."""
    return set(range(model.plan.last + 1)) if layers == "all" else default_layers(model) if layers is None else set(layers)


@dataclass
class Way:
    """The trace that a propagation works on: its twin in double precision from the first layer on that asks for it."""

    network: Network
    model: LRPModel
    trace: Trace
    twin: Callable[[], Trace]
    exact: bool = False
    """Whether it works on the twin."""

    def to_double(self) -> None:
        """Work on the twin from here on."""
        self.trace, self.exact = self.twin(), True

    def step(self, layer: int, relevance: Tensor, disposable: bool) -> Tensor:
        """R[layer - 1] from R[layer]."""
        try:
            return single_step(self.network, self.trace, self.model, layer, relevance, disposable=disposable)
        except Doubtful:
            self.to_double()
        return single_step(self.network, self.trace, self.model, layer, relevance, disposable=disposable)


def single_way(network: Network, trace: Trace, model: LRPModel) -> Way:
    """The way of one picture."""
    return Way(network, model, trace, lambda: in_double(network, trace))


class Column:
    """What is gathered of one target on the way down."""

    def __init__(
        self, target: int | None, model: LRPModel, keep: set[int], store: RelevanceStore | None = None, key: Hashable = None
    ) -> None:
        self.target, self.model, self.keep, self.store, self.key = target, model, keep, store, key
        self.maps: dict[int, Tensor] = {}
        self.exacts: dict[int, bool] = {}
        """Of each layer in `maps`, whether sums in double precision were taken down to it."""
        self.layer = model.plan.last
        self.positive, self.negative = np.zeros(self.layer + 1), np.zeros(self.layer + 1)
        self.current = torch.empty(0)
        self.exact = False
        self.sums: tuple[float, float] | None = None
        """Sums at the layer to begin with, where they are known."""
        borders = default_layers(model)
        self.kept = keep | borders | set(model.plan.pools) if store is not None else keep
        """Layers whose relevance was asked for or may be needed again."""
        self.seldom = set(model.plan.pools) - borders
        """Those of them that only a border moved across them asks for."""

    def resume(self) -> bool:
        """Begin at the lowest layer that the store knows, if all layers asked for above it are known, too."""
        if self.store is None:
            return False
        last = self.layer
        maps: dict[int, Tensor] = {}
        for k in sorted(self.kept, reverse=True):
            kept = self.store.get((self.key, k, upper_part(self.model, k)))
            if kept is not None:
                self.layer, self.current, self.exact = k, kept.relevance, kept.exact
                self.positive[k:], self.negative[k:] = kept.positive[k:], kept.negative[k:]
                self.sums = float(kept.positive[k]), float(kept.negative[k])
                self.maps = dict(maps)
                if k in self.keep:
                    maps[k] = kept.relevance
                    self.exacts[k] = kept.exact
            elif k in self.keep:
                break
        return self.layer < last

    def record(self, k: int, current: Tensor, sums: tuple[float, float], exact: bool) -> None:
        """Note the sums at a layer and keep its relevance if need be."""
        self.positive[k], self.negative[k] = sums
        if k in self.keep:
            self.maps[k] = current
            self.exacts[k] = exact
        if self.store is not None and k in self.kept and (k not in self.seldom or current.numel() <= BATCH_VALUES):
            # A view of a batch would hold the other targets' relevance, too.
            own = current if current.untyped_storage().nbytes() == current.nbytes else current.clone()
            self.store.put(
                (self.key, k, upper_part(self.model, k)),
                KeptRelevance(own, self.positive.copy(), self.negative.copy(), exact),
            )

    def relevance(self) -> Relevance:
        """The result."""
        return Relevance(self.maps, self.positive, self.negative, self.target, self.model.key)


def descend(
    way: Way, layer: int, current: Tensor, columns: Sequence[Column], checkpoint: Checkpoint | None, down_to: int = 0
) -> Tensor:
    """Propagate a batch, one row per column, from R[layer] to R[down_to], which is recorded and returned."""
    rows, model = way.network.architecture.rows, way.model
    waits = _waits(current, columns)
    pending: list[tuple[int, Tensor]] = []
    sums: list[tuple[float, float]] = []
    disposable = False
    for k in range(layer, down_to - 1, -1):
        above = rows[min(k + 1, len(rows) - 1)]
        # Elsewhere relevance is handed on or put in other places as it is.
        changed = k == layer or above.is_weighted or (above.kind, model.pooling) == ("pool", "proportional")
        if not waits:
            # A GPU is asked for all sums at the end: each question would wait for what it has to do.
            pending.append((k, _sums_on_device(current) if changed else pending[-1][1]))
            sums = [(0.0, 0.0)] * len(columns)
        elif changed:
            known = [column.sums if k == layer else None for column in columns]
            sums = [one or signed_sums(row) for one, row in zip(known, current, strict=True)]
        for column, row, both in zip(columns, current, sums, strict=True):
            if not np.isfinite(sum(both)):
                raise _non_finite(way, k, column)
            column.record(k, row, both, way.exact)
            disposable &= k not in column.kept
        if k == down_to:
            break
        if (
            len(columns) > 1
            and current.device.type == "cpu"
            and current[0].numel() > BATCH_VALUES
            and down_to == 0
            and (len(way.trace.x) == 1)
        ):
            # Large layers gain nothing from a batch, and it would need memory for all targets at once.
            for column, row, both in zip(columns, current, sums, strict=True):
                column.sums = both
                descend(replace(way), k, row[None], [column], checkpoint)
            return current
        if checkpoint is not None:
            checkpoint(k)
        current = way.step(k, current, disposable)
        disposable |= rows[k].is_weighted or rows[k].kind == "pool"  # the others hand on what they are given
    _settle(way, pending, columns)
    return current


def _waits(current: Tensor, columns: Sequence[Column]) -> bool:
    """Whether sums are needed, or cost nothing, as the propagation goes."""
    return current.device.type == "cpu" or any(column.store is not None for column in columns)


def _sums_on_device(current: Tensor) -> Tensor:
    """Sums of positive and of negative relevance of each row, (2, B)."""
    flat = current.flatten(1)
    return torch.stack([flat.clamp(min=0).sum(dim=1), flat.clamp(max=0).sum(dim=1)])


def _settle(way: Way, pending: Sequence[tuple[int, Tensor]], columns: Sequence[Column]) -> None:
    """Take the sums of all layers from a device at once, and look whether all are finite."""
    if not pending:
        return
    found = torch.stack([both for _, both in pending]).cpu().double().numpy()
    for (k, _), (positive, negative) in zip(pending, found, strict=True):
        for column, above, below in zip(columns, positive, negative, strict=True):
            if not np.isfinite(above + below):
                raise _non_finite(way, k, column)
            column.positive[k], column.negative[k] = above, below


def _non_finite(way: Way, k: int, column: Column) -> NonFiniteRelevance:
    """The error for R[k], with what is known above it."""
    column.positive[k] = column.negative[k] = np.nan
    for below in [layer for layer in column.maps if layer <= k]:
        del column.maps[below]
    layer = min(k + 1, way.network.architecture.last)
    rule = way.model.rule_at(layer)
    activations = way.trace.activations
    if not torch.isfinite(activations[layer - 1]).all():
        cause = "the layer's activations are not finite"
    elif max(abs(value) for value in rule.values().values()) > 1e6:
        cause = "a parameter of the rule is very large"
    else:
        cause = "denominators of the rule nearly vanish there"
    return NonFiniteRelevance(
        layer,
        rule.title,
        cause,
        "raise ε or choose another rule for this layer",
        column.relevance(),
        name=way.network.architecture.name(layer),
    )
