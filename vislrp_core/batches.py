"""Several pictures at once: the same maps as one by one, with less reading of weights (numerics.md, section 12).

    for seen in explain_each(network, pictures, [model], size=8):
        seen.logits, seen.relevances[0].at(0)

or, where the forward passes are used again:

    batch = forward_many(network, pictures)              # (B, 3, side, side)
    maps = propagate_batch(network, batch, model, batch.top)

On a CPU, layers whose activations fill more than the cache gain nothing from a batch: there each picture goes alone, and all
are joined above. On a GPU all layers take the whole batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import torch
from torch import Tensor

from vislrp_core import propagation
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, NetworkError, as_input, exact_start, layer_output, refine_rows, run_layers, traced
from vislrp_core.propagation import Checkpoint, Column, Layers, Way, descend, wanted
from vislrp_core.relevance import Relevance, start_from
from vislrp_core.steps import in_double
from vislrp_core.successive import Successive
from vislrp_core.trace import Activations, Sums, Trace, TraceCache
from vislrp_core.winograd import Scratch, Winograd, suits

SIZE = 8
"""Pictures at once unless another number is asked for: a forward pass of VGG16 keeps 60 MB of each."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Forward passes of several pictures.

    Attributes
    ----------
    pieces : tuple of Trace
        Layers up to ``joint``, each of one picture; none where ``joint`` is 0.
    upper : Trace
        Layers from ``joint`` upwards, all pictures in their order.
    joint : int
        The layer at which the pieces are joined; 0 where all layers are computed together.
    """

    pieces: tuple[Trace, ...]
    upper: Trace
    joint: int
    cache: TraceCache = field(default_factory=lambda: TraceCache(0))

    def __len__(self) -> int:
        return len(self.upper.x)

    @property
    def logits(self) -> Tensor:
        """Logits of all pictures, (B, classes)."""
        return self.upper.activations[self.upper.architecture.last]

    @property
    def top(self) -> list[int]:
        """The first class of each picture."""
        return [int(row) for row in self.logits.argmax(dim=1)]

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors kept."""
        return sum(piece.nbytes for piece in self.pieces) + self.upper.nbytes + self.cache.nbytes


@dataclass(frozen=True, eq=False)
class Seen:
    """One picture of `explain_each`.

    Attributes
    ----------
    logits : Tensor
        (classes,).
    target : int
        The class explained.
    relevances : tuple of Relevance
        One for each model.
    """

    logits: Tensor
    target: int
    relevances: tuple[Relevance, ...]


def joint_of(network: Network) -> int:
    """The pooling layer above all layers that are too large to gain from a batch; 0 where none is, or on a GPU."""
    plan = network.architecture
    if network.device.type != "cpu" or plan.last_feature < 0:
        return 0
    large = max((k for k in range(1, plan.last_feature + 1) if _values(network, k) > propagation.BATCH_VALUES), default=0)
    return next((k for k in plan.pools if k > large), plan.last_feature) if large else 0


def _values(network: Network, layer: int) -> int:
    """Values of one picture's activation."""
    weighted = max((k for k in network.architecture.weighted if k <= layer), default=0)
    channels = len(network.weights[weighted]) if weighted else 3
    return int(channels * network.architecture.sides[layer] ** 2)


@torch.inference_mode()
def forward_many(network: Network, pictures: Tensor) -> Batch:
    """Run the network on several preprocessed pictures, and keep what propagation needs.

    Parameters
    ----------
    pictures : Tensor
        (B, 3, side, side), or what else the architecture takes. A forward pass of VGG16 keeps 60 MB of each in float32.

    Raises
    ------
    NetworkError
        If the shape is another one, or the logits of a picture are not finite.
    """
    last, joint = network.architecture.last, joint_of(network)
    a = as_input(network, pictures)
    pieces = []
    if joint:
        ends = []
        for place in range(len(a)):
            kept, end = run_layers(network, a[place : place + 1], 0, joint)
            pieces.append(traced(network, 0, a[place : place + 1], kept))
            ends.append(end)
        a = torch.cat(ends)
    kept, end = run_layers(network, a, joint, last)
    _check(end)
    return Batch(tuple(pieces), traced(network, joint, a, kept), joint)


def _check(logits: Tensor) -> None:
    """Refuse logits that are not finite."""
    bad = (~torch.isfinite(logits).all(dim=1)).nonzero()[:, 0].tolist()
    if bad:
        raise NetworkError(
            f"the network's logits are not finite for picture {bad[0] + 1} of {len(logits)}: use another network or image"
        )


@torch.inference_mode()
def logits_of(network: Network, pictures: Tensor, *, size: int = SIZE) -> Tensor:
    """Logits of any number of preprocessed pictures, (B, classes), ``size`` of them at once; activations are not kept."""
    return torch.cat([_above(network, 0, as_input(network, group)) for group in pictures.split(size)])


@torch.inference_mode()
def logits_above(network: Network, layer: int, activations: Iterable[Tensor], *, size: int = SIZE) -> Tensor:
    """Logits, (B, classes), from any number of activations of one layer: the layers above it alone.

    Parameters
    ----------
    activations : iterable of Tensor
        Each (C, H, W) or (N,); read as they are needed, ``size`` of them at once.
    """
    source, found = iter(activations), []
    while group := list(itertools.islice(source, size)):
        a = torch.stack(group)
        found.append(_above(network, layer, a.contiguous(memory_format=torch.channels_last) if a.ndim == 4 else a))
    return torch.cat(found)


def _above(network: Network, layer: int, a: Tensor) -> Tensor:
    """Logits from a batch of activations; layers that gain nothing from it take them one after the other."""
    joint, room = joint_of(network), Scratch()
    if layer < joint:
        lower = Successive(network, layer, joint)
        a, layer = torch.cat([lower(one) for one in a.split(1)]), joint
    for above in range(layer + 1, network.architecture.last + 1):
        if suits(network, above, len(a)):
            # The upper kernels are large: one layer's are turned at a time.
            a = Winograd(network.weights[above], network.biases[above], room)(a)
        else:
            a = layer_output(network, above, a)
    return a


def _refined(network: Network, batch: Batch) -> Batch:
    """All forward passes in double precision, see `vislrp_core.network.refine`."""
    last = network.architecture.last
    if not batch.joint:
        x = batch.upper.x
        return Batch((), refine_rows(network, 0, x, exact_start(network, x), last)[0], 0)
    pieces, ends = [], []
    for piece in batch.pieces:
        twin, end = refine_rows(network, 0, piece.x, exact_start(network, piece.x), batch.joint)
        pieces.append(twin)
        ends.append(end)
    given = torch.cat([piece.activations[batch.joint] for piece in pieces])
    upper, _ = refine_rows(network, batch.joint, given, torch.cat(ends), last)
    return Batch(tuple(pieces), upper, batch.joint)


def _twin(network: Network, batch: Batch) -> Batch:
    """The batch in double precision, made once and kept with it."""
    return cast(Batch, batch.cache.double(lambda: _refined(network, batch)))


def trace_of(network: Network, batch: Batch, place: int) -> Trace:
    """One picture of a batch as a trace of its own, with its pass in double precision where that was made; no copies."""
    lower, upper = batch.pieces[place : place + 1], batch.upper
    known = {k: values[place : place + 1] for k, values in upper.activations.items()}
    sums = {k: values[place : place + 1] for k, values in upper.sums.items()}
    for piece in lower:
        known.update(piece.activations)
        sums.update(piece.sums)
    activations = Activations(network.architecture, known, sums, network.biases)
    found = Trace(
        known[0], activations, sums or Sums(activations, network.biases), upper.classes, upper.exact, upper.architecture
    )
    if batch.cache.has_double:
        found.cache.double(lambda: trace_of(network, _twin(network, batch), place))
    return found


@torch.inference_mode()
def propagate_batch(
    network: Network,
    batch: Batch,
    model: LRPModel,
    targets: Sequence[int],
    *,
    layers: Layers = None,
    checkpoint: Checkpoint | None = None,
) -> list[Relevance]:
    """Relevance of one class of each picture.

    For several classes of every picture call it once for each: parts of denominators stay with the batch.

    Parameters
    ----------
    targets : sequence of int
        One class for each picture, such as ``batch.top``.
    layers, checkpoint
        As in `vislrp_core.propagation.propagate`; the lower layers are propagated once for each picture.

    Returns
    -------
    list of Relevance
        In the order of the pictures; the numbers are those of single calls up to the order in which they are added (float32:
        cosine at least 0.99999, float64: 1e-9 of the largest value).

    Raises
    ------
    NonFiniteRelevance, ModelError
    InputError
        If there are not as many classes as pictures.
    """
    model.require(network.architecture)
    if len(targets) != len(batch):
        raise InputError(f"{len(targets)} classes for {len(batch)} pictures: give one per picture")
    keep = wanted(model, layers)
    columns = [Column(target, model, keep) for target in targets]
    start = torch.stack([start_from(row, target, model.start) for row, target in zip(batch.logits, targets, strict=True)])

    twin = partial(_twin, network, batch)
    way = Way(network, model, batch.upper, lambda: twin().upper)
    current = descend(way, network.architecture.last, start, columns, checkpoint, down_to=batch.joint)
    for place, (piece, column) in enumerate(zip(batch.pieces, columns, strict=False)):
        own_twin = partial(in_double, network, piece)
        lower = Way(network, model, twin().pieces[place] if way.exact else piece, own_twin, way.exact)
        column.sums = float(column.positive[batch.joint]), float(column.negative[batch.joint])
        # A row of its own, in the order of memory of a single call.
        own = current[place : place + 1].contiguous(memory_format=torch.channels_last)
        descend(lower, batch.joint, own, [column], checkpoint)
    return [_alone(column.relevance(), batch.joint) for column in columns]


def _alone(relevance: Relevance, joint: int) -> Relevance:
    """Maps that hold no other picture's memory."""
    for layer, one in relevance.maps.items():
        if layer >= joint and one.untyped_storage().nbytes() != one.nbytes:
            relevance.maps[layer] = one.clone()
    return relevance


def explain_each(
    network: Network,
    pictures: Iterable[Tensor],
    models: Sequence[LRPModel],
    *,
    targets: Iterable[int] | None = None,
    layers: Layers = (0,),
    size: int = SIZE,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Seen]:
    """Relevance of any number of pictures under any number of models, some pictures at a time.

    Parameters
    ----------
    pictures : iterable of Tensor
        Preprocessed, each (3, side, side) or (1, 3, side, side); read as they are needed.
    targets : iterable of int, optional
        A class for each picture; by default its first one.
    layers : "all", iterable of int or None
        Layers whose relevance is kept.
    size : int
        Pictures held at once, by which memory is bounded.

    Yields
    ------
    Seen
        In the order of the pictures.
    """
    if size < 1:
        raise InputError(f"size: must be at least 1, got {size}")
    wide = len(network.architecture.input_shape)
    kept = layers if layers is None or layers == "all" else tuple(layers)
    chosen = iter(targets) if targets is not None else None
    source = iter(pictures)
    while group := list(itertools.islice(source, size)):
        batch = forward_many(network, torch.cat([one if one.ndim > wide else one[None] for one in group]))
        classes = batch.top if chosen is None else list(itertools.islice(chosen, len(group)))
        found = [propagate_batch(network, batch, model, classes, layers=kept, checkpoint=checkpoint) for model in models]
        for place, target in enumerate(classes):
            yield Seen(batch.logits[place].clone(), target, tuple(one[place] for one in found))
