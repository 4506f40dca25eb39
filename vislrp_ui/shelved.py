"""Results about samples that are kept on disk: their forward passes, and maps of the models that every visit begins with.

Only samples under the server's own networks: nothing that a visitor has brought gets there. What is not there may have come
with the program (`shipped`).
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from functools import cache
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from vislrp_core.model import LRPModel
from vislrp_core.network import Network, traced
from vislrp_core.search.ready import is_found
from vislrp_core.trace import Trace
from vislrp_ui import rule_maps, session, shelf, shipped
from vislrp_ui.answers import Maps
from vislrp_ui.samples import samples
from vislrp_ui.shelf import Parcel, Shelf
from vislrp_ui.state import ImageRef

NETWORKS = ("embedded", "imagenet")
MAX_WAITING = 8
_shared: set[str] = set()


def place(net: Network, ref: ImageRef) -> Shelf | None:
    """Where results about a picture are kept; None for anybody's own picture or network."""
    own = ref.kind == "sample" and net.digest in _shared and net.device.type == "cpu" and ref.id in samples()
    return shelf.app_shelf() if own else None


def share(name: str, net: Network) -> None:
    """The server itself has loaded a network: its results may be kept."""
    if name in NETWORKS:
        _shared.add(net.digest)


@cache
def _file_digest(id: str) -> str:
    return blake2b(samples()[id].path.read_bytes(), digest_size=8).hexdigest()


# --- forward passes -------------------------------------------------------------------------------------------------------


def about(net: Network, ref: ImageRef) -> tuple[object, ...]:
    """What a sample's forward pass depends on."""
    return net.digest, str(net.dtype), _file_digest(ref.id), ref.fit


def trace_name(net: Network, ref: ImageRef) -> str:
    """Name of a sample's forward pass."""
    return shelf.name_of("trace", *about(net, ref))


def known_trace(net: Network, ref: ImageRef) -> Trace | None:
    """A sample's forward pass, if it is on disk: read in a tenth of the time that it takes to compute."""
    held = place(net, ref)
    parcel = held.get(trace_name(net, ref)) if held is not None else None
    return None if parcel is None else unpack_trace(net, parcel)


def keep_trace(net: Network, ref: ImageRef, passed: Trace) -> None:
    """Put a sample's forward pass on disk, in the background; not if another one is on its way there."""
    held = place(net, ref)
    if held is None or not _one_trace.acquire(blocking=False):
        return

    def write() -> None:
        try:
            name = trace_name(net, ref)
            if not held.has(name):
                held.put(name, pack_trace(passed))
        finally:
            _one_trace.release()

    if not _later(write):
        _one_trace.release()


def packed(kept: Tensor) -> Tensor:
    """The channels of a position side by side."""
    return kept.permute(0, 2, 3, 1) if kept.ndim == 4 else kept


def unpacked(kept: Tensor) -> Tensor:
    """The inverse of `packed`."""
    return kept.permute(0, 3, 1, 2) if kept.ndim == 4 else kept


def pack_trace(passed: Trace) -> dict[str, Tensor]:
    """Activations by layer, as they are in memory."""
    return {str(layer): packed(kept) for layer, kept in passed.activations.items()}


def unpack_trace(net: Network, parcel: Parcel) -> Trace:
    """The inverse of `pack_trace`."""
    kept = {int(layer): unpacked(one) for layer, one in parcel.tensors.items()}
    return traced(net, 0, kept.pop(0), kept)


def known_logits(net: Network, ref: ImageRef) -> Tensor | None:
    """The network's logits for a sample, if they are on disk: who looks at maps that are known needs no forward pass."""
    held = place(net, ref)
    if held is None:
        return None
    parcel = held.get(_logits_name(net, ref))
    if parcel is not None:
        return parcel.tensors["logits"]
    values = shipped.logits(shipped_logits(net, ref))
    return None if values is None else torch.from_numpy(values)


def keep_logits(net: Network, ref: ImageRef, logits: Tensor) -> None:
    """Put a sample's logits on disk, in the background."""
    held = place(net, ref)
    if held is not None and not held.has(name := _logits_name(net, ref)):
        _later(lambda: held.put(name, {"logits": logits}))


def _logits_name(net: Network, ref: ImageRef) -> str:
    return shelf.name_of("logits", *about(net, ref))


# --- maps -----------------------------------------------------------------------------------------------------------------


def maps_name(net: Network, ref: ImageRef, model: LRPModel, target: int) -> str:
    """Name of the maps of a sample."""
    return shelf.name_of("maps", *about(net, ref), model.key, target)


def shipped_maps(net: Network, ref: ImageRef, model: LRPModel, target: int) -> str:
    """Name of the maps of a sample among those that come with the program: of whatever code."""
    return shelf.digest_of("maps", *about(net, ref), model.key, target)


def shipped_logits(net: Network, ref: ImageRef) -> str:
    """Name of the logits of a sample there."""
    return shelf.digest_of("logits", *about(net, ref))


def known_maps(net: Network, ref: ImageRef, model: LRPModel, target: int) -> Maps | None:
    """A sample's maps, if they are on disk."""
    held = place(net, ref)
    if held is None:
        return None
    parcel = held.get(maps_name(net, ref, model, target))
    if parcel is not None:
        return unpack_maps(parcel, model, target)
    return shipped.maps(shipped_maps(net, ref, model, target), model.key, target)


def has_own_maps(net: Network, ref: ImageRef, model: LRPModel, target: int) -> bool:
    """Whether a sample's maps were computed here and are on disk, or cannot be kept there."""
    held = place(net, ref)
    return held is None or held.has(maps_name(net, ref, model, target))


def has_maps(net: Network, ref: ImageRef, model: LRPModel, target: int) -> bool:
    """The same, or whether they came with the program."""
    return has_own_maps(net, ref, model, target) or shipped.has(shipped_maps(net, ref, model, target))


def keep_maps(net: Network, ref: ImageRef, model: LRPModel, found: Maps) -> None:
    """Put maps of a model that the server offers on disk, in the background."""
    held = place(net, ref)
    if held is None or found.error is not None or model.key not in _keys(net.architecture.key):
        return
    _later(lambda: held.put(maps_name(net, ref, model, found.target), pack_maps(found), seconds=repr(found.seconds)))


def pack_maps(found: Maps) -> dict[str, Tensor]:
    """Maps by layer and the sums of all layers."""
    return {
        "positive": torch.from_numpy(found.positive),
        "negative": torch.from_numpy(found.negative),
        **{str(layer): torch.from_numpy(values) for layer, values in found.maps.items()},
    }


def unpack_maps(parcel: Parcel, model: LRPModel, target: int) -> Maps:
    """The inverse of `pack_maps`."""
    arrays = {name: tensor.numpy() for name, tensor in parcel.tensors.items()}
    positive, negative = (np.asarray(arrays.pop(name), dtype=np.float64) for name in ("positive", "negative"))
    return Maps(
        {int(name): values for name, values in arrays.items()},
        positive,
        negative,
        target,
        model.key,
        seconds=float(parcel.words["seconds"]),
    )


@cache
def _keys(architecture: str) -> frozenset[str]:
    """Models whose maps are kept: what is offered, and what stands beside the table of rules."""
    return frozenset(one.key for one in (*offered(), *rule_maps.models(architecture)))


@cache
def offered() -> tuple[LRPModel, ...]:
    """The models that every visit begins with: the examples, and LRP-0 on all layers."""
    return (*(entry.model for entry in session.examples()), LRPModel.basic())


@cache
def first_offered() -> tuple[LRPModel, ...]:
    """Those of them that a class looks at: what a search found is close to the composites that it began with."""
    found = {entry.model.key for entry in session.examples() if is_found(entry.id)}
    return tuple(model for model in offered() if model.key not in found)


# --- one thread that writes ----------------------------------------------------------------------------

_writing: queue.Queue[Callable[[], object]] = queue.Queue(MAX_WAITING)
_one_trace = threading.Lock()


def _later(write: Callable[[], object]) -> bool:
    """Have something written; not if too much waits: it will be computed again another time."""
    _begin_writing()
    try:
        _writing.put_nowait(write)
    except queue.Full:
        return False
    return True


@cache
def _begin_writing() -> threading.Thread:
    def work() -> None:
        while True:
            write = _writing.get()
            try:
                write()
            except Exception:
                logging.getLogger(__name__).exception("A result is not kept")
            finally:
                _writing.task_done()

    thread = threading.Thread(target=work, name="vislrp-shelf", daemon=True)
    thread.start()
    return thread


def flush() -> None:
    """Wait until all is written."""
    _writing.join()
