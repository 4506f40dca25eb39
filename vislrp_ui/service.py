"""The pages' only door to the engine: shared caches bounded in bytes, one gate, work that a newer edit makes obsolete stops.

The forward pass and propagation are here; pictures (`pictures`) and maps as pictures (`coloured`) have modules of their own
and are handed on. The network is an argument: the page's frame looks it up once (`running`) and passes it.

Everything is keyed by content (network, picture, model, class), so sessions share results without seeing each other: a
picture that was uploaded is served to the session that holds it alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

import streamlit as st
from torch import Tensor

from vislrp_core.architecture import Architecture
from vislrp_core.baselines import Baseline
from vislrp_core.errors import VisLRPError
from vislrp_core.images import to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Prediction, Trace, forward, rank
from vislrp_core.propagation import NonFiniteRelevance, Reached, Relevance, default_layers, propagate, relevance_at
from vislrp_core.store import RelevanceStore
from vislrp_ui import inbox, parts, pictures, shelved
from vislrp_ui.allocator import give_back_memory
from vislrp_ui.answers import Counters, Maps, Stopwatch, maps_from, partial_maps
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.coloured import dark_maps as dark_maps
from vislrp_ui.coloured import heatmap_png as heatmap_png
from vislrp_ui.coloured import limit_of as limit_of
from vislrp_ui.gate import GATE
from vislrp_ui.pictures import picture as picture
from vislrp_ui.pictures import thumbnail as thumbnail
from vislrp_ui.pictures import view as view
from vislrp_ui.pictures import view_png as view_png
from vislrp_ui.state import ImageRef
from vislrp_ui.streamlit_inside import run_context
from vislrp_ui.uploads import AwaitedImage as AwaitedImage
from vislrp_ui.uploads import MissingImage as MissingImage

Watch = Callable[[str, float], None]
"""Told what is being done and the share done (0 to 1); an `st` call in it lets a newer edit stop the work."""
Layers = Literal["all"] | Iterable[int] | None
T = TypeVar("T")


counters = Counters()
_traces: ByteCache[Trace] = ByteCache(allotted("traces"), lambda trace: trace.nbytes)
_relevances: ByteCache[Relevance] = ByteCache(allotted("relevances"), lambda relevance: relevance.nbytes)
_borders = RelevanceStore(allotted("borders"))
_maps: ByteCache[Maps] = ByteCache(allotted("maps"), lambda maps: maps.nbytes)
_logits: ByteCache[Tensor] = ByteCache(allotted("logits"), lambda logits: logits.nbytes)


def clear_caches() -> None:
    """Forget all results (tests)."""
    for kept in (_traces, _logits, _relevances, _borders, _maps, pictures.images, pictures.views, pictures.files):
        kept.clear()


# --- forward pass and propagation -----------------------------------------------------------------


def _let_newer_edit_in() -> None:
    # Any access to the session is a point where Streamlit ends a run that a newer interaction has made obsolete.
    if run_context() is not None:
        inbox.stamp()
        _ = "_visit" in st.session_state


def _waiting(watch: Watch | None) -> Callable[[int], None]:
    told = 0

    def tell(before: int) -> None:
        nonlocal told
        _let_newer_edit_in()
        if watch is not None and before != told:
            told = before
            watch(f"Waiting for a free compute slot ({before} before you)", 0.0)

    return tell


def _checkpoint(rows: Architecture, watch: Watch | None) -> Callable[[int], None]:
    def tell(layer: int) -> None:
        _let_newer_edit_in()
        if watch is not None:
            watch(
                f"Propagating through {rows.name(layer)}, {rows.last - layer + 1} of {rows.last} layers",
                (rows.last - layer + 1) / rows.last,
            )

    return tell


def trace(net: Network, ref: ImageRef, *, watch: Watch | None = None) -> Trace:
    """The forward pass of a picture."""
    view(ref)
    key = (net.digest, ref)
    kept = _traces.get(key)
    if kept is not None:
        return kept

    def run() -> Trace:
        passed = shelved.known_trace(net, ref)
        if passed is None:
            counters.count("forward_passes")
            passed = forward(net, to_input(picture(ref), net, ref.fit))
            shelved.keep_trace(net, ref, passed)
        parts.attach(net, ref, passed)
        _logits.put(key, found := passed.logits.clone())
        shelved.keep_logits(net, ref, found)
        return passed

    # The slot first: who waits for it must not be waited for by one that has it.
    with GATE.slot(_waiting(watch)):
        return _traces.get_or_make(key, run, _let_newer_edit_in)


def logits(net: Network, ref: ImageRef) -> Tensor:
    """The network's logits for a picture, (classes,); kept for long, unlike the forward pass itself."""
    view(ref)
    kept = _known_logits(net, ref)
    return trace(net, ref).logits if kept is None else kept


def has_seen(net: Network, ref: ImageRef) -> bool:
    """Whether the network has seen a picture, so that its classes are known at once."""
    return _known_logits(net, ref) is not None


def _known_logits(net: Network, ref: ImageRef) -> Tensor | None:
    kept = _logits.get((net.digest, ref))
    if kept is None and (kept := shelved.known_logits(net, ref)) is not None:
        _logits.put((net.digest, ref), kept)
    return kept


def predictions(net: Network, ref: ImageRef, count: int = 10) -> list[Prediction]:
    """The first classes of a picture."""
    return rank(logits(net, ref), net.classes, count)


def target_of(net: Network, ref: ImageRef, target: int | None) -> int:
    """The class to explain: the one chosen, or the first of the prediction; one the network lacks counts as none."""
    if target is not None and 0 <= target < net.num_classes:
        return target
    return int(logits(net, ref).argmax())


def kept_maps(net: Network, ref: ImageRef, key: str, target: int, make: Callable[[], Maps]) -> Maps:
    """Maps under the key of what makes them, computed where they are not at hand."""
    return _maps.get_or_make((net.digest, ref, key, target), make, _let_newer_edit_in)


def known_maps(net: Network, ref: ImageRef, model: LRPModel | Baseline, target: int) -> Maps | None:
    """`maps` of a chosen class if they are at hand; nothing is computed."""
    return _maps.get((net.digest, ref, model.key, target))


def _propagate(
    net: Network,
    ref: ImageRef,
    model: LRPModel,
    target: int,
    layers: Layers,
    see: Callable[[], Trace],
    watch: Watch | None,
    clock: Stopwatch | None = None,
    patient: bool = False,
    hurry: Callable[[], bool] | None = None,
) -> Relevance:
    with GATE.slot(_waiting(watch), patient=patient, hurry=hurry):
        passed = see()
        counters.count("propagations")
        try:
            store = None if layers == "all" else _borders
            told = _checkpoint(net.architecture, watch)
            with (clock or Stopwatch()).running():
                return propagate(net, passed, model, target, layers=layers, store=store, checkpoint=told)
        except VisLRPError:
            raise
        except BaseException:
            counters.count("stopped")
            raise
        finally:
            _traces.put((net.digest, ref), passed)  # its denominators may have grown: count its bytes again
            give_back_memory()


def relevance(
    net: Network,
    ref: ImageRef,
    model: LRPModel,
    target: int | None = None,
    *,
    layers: Layers = None,
    watch: Watch | None = None,
) -> Relevance:
    """Relevance as tensors.

    Parameters
    ----------
    layers : "all", iterable of int or None
        Layers to keep; None keeps what each segment hands on. All layers are about 120 MB and are not cached.

    Raises
    ------
    NonFiniteRelevance, MissingImage, NetworkError
    """
    view(ref)
    chosen = target_of(net, ref, target)

    def run(wanted: Layers) -> Relevance:
        return _propagate(net, ref, model, chosen, wanted, lambda: trace(net, ref), watch)

    if layers == "all":
        return run(layers)
    wanted = frozenset(default_layers(model) if layers is None else layers)
    return _relevances.get_or_make((net.digest, ref, model.key, chosen, wanted), lambda: run(wanted), _let_newer_edit_in)


def reached(
    net: Network,
    ref: ImageRef,
    model: LRPModel,
    target: int,
    layers: Iterable[int],
    use: Callable[[Trace, dict[int, Reached]], T],
    *,
    watch: Watch | None = None,
) -> T:
    """What is made of the relevance of some layers and the forward pass, in one slot of the gate; the result is not kept.

    Raises
    ------
    NonFiniteRelevance, MissingImage, NetworkError
    """
    view(ref)
    with GATE.slot(_waiting(watch)):
        passed = trace(net, ref)
        counters.count("propagations")
        told = _checkpoint(net.architecture, watch)
        try:
            return use(passed, relevance_at(net, passed, model, target, layers, store=_borders, checkpoint=told))
        except VisLRPError:
            raise
        except BaseException:
            counters.count("stopped")
            raise
        finally:
            _traces.put((net.digest, ref), passed)
            give_back_memory()


def maps(
    net: Network,
    ref: ImageRef,
    model: LRPModel,
    target: int | None = None,
    *,
    layers: Iterable[int] = (),
    watch: Watch | None = None,
) -> Maps:
    """Relevance as pages draw it: what each segment hands on, the pixels, and further layers if asked for.

    Relevance that is not finite is part of the result (`Maps.error`), not an exception.
    """
    view(ref)
    chosen = target_of(net, ref, target)
    return maps_of(net, ref, lambda: trace(net, ref), model, chosen, layers, watch)


def maps_of(
    net: Network,
    ref: ImageRef,
    see: Callable[[], Trace],
    model: LRPModel,
    target: int,
    layers: Iterable[int] = (),
    watch: Watch | None = None,
    patient: bool = False,
    own: bool = False,
) -> Maps:
    """`maps` for a thread that has no session; `see` gives the forward pass where the maps are not at hand.

    Own maps are computed here, and kept, even where some came with the program, whose seconds nobody knows.

    Patient work on a map that a page asks for meanwhile is patient no longer: the page waits for it.
    """
    wanted = frozenset({0, *default_layers(model), *layers})
    key = (net.digest, ref, model.key, target)
    clock = Stopwatch()

    def suits(kept: Maps) -> bool:
        return wanted <= kept.maps.keys() and not (own and math.isnan(kept.seconds))

    def run() -> Maps:
        kept = shelved.known_maps(net, ref, model, target)
        if kept is not None and suits(kept):
            return kept
        try:
            result = _propagate(net, ref, model, target, wanted, see, watch, clock, patient, lambda: _maps.awaited(key))
        except NonFiniteRelevance as error:
            return partial_maps(error, target, model)
        known = _maps.get(key)  # layers that were looked at before stay: going back to one computes nothing
        also = known.maps if known is not None else None
        found = maps_from(result, model, target, seconds=clock.seconds, also=also)
        shelved.keep_maps(net, ref, model, found)
        return found

    return _maps.get_or_make(key, run, _let_newer_edit_in, accept=lambda kept: kept.error is not None or suits(kept))
