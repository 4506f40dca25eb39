"""The pages' only door to the engine: shared caches bounded in bytes, one gate, work that a newer edit makes obsolete stops.

Everything is keyed by content (network, picture, model, class), so sessions share results without seeing each other: a
picture that was uploaded is served to the session that holds it alone.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from numpy.typing import NDArray
from PIL import Image
from streamlit.runtime.scriptrunner import get_script_run_ctx
from torch import Tensor

from vislrp_core import heatmap as colours
from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.baselines import Baseline
from vislrp_core.errors import VisLRPError
from vislrp_core.images import network_view, read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, NetworkError, Prediction, Trace, forward, rank
from vislrp_core.networks import default_network_name, imagenet_on_disk, load_network
from vislrp_core.propagation import NonFiniteRelevance, Relevance, default_layers, propagate
from vislrp_core.store import RelevanceStore
from vislrp_ui import beforehand, inbox, own_networks, session, theme
from vislrp_ui.answers import Counters, Maps, Stopwatch, layer_sum, partial_maps
from vislrp_ui.caches import ByteCache, allotted, give_back_memory
from vislrp_ui.gate import GATE
from vislrp_ui.own_networks import OWN
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef, Look
from vislrp_ui.uploads import AwaitedImage as AwaitedImage
from vislrp_ui.uploads import MissingImage as MissingImage

Watch = Callable[[str, float], None]
"""Told what is being done and the share done (0 to 1); an `st` call in it lets a newer edit stop the work."""
Layers = Literal["all"] | Iterable[int] | None


counters = Counters()
_traces: ByteCache[Trace] = ByteCache(allotted("traces"), lambda trace: trace.nbytes)
_relevances: ByteCache[Relevance] = ByteCache(allotted("relevances"), lambda relevance: relevance.nbytes)
_borders = RelevanceStore(allotted("borders"))
_maps: ByteCache[Maps] = ByteCache(allotted("maps"), lambda maps: maps.nbytes)
_logits: ByteCache[Tensor] = ByteCache(allotted("logits"), lambda logits: logits.nbytes)
_pictures: ByteCache[Image.Image] = ByteCache(allotted("pictures"), lambda image: 3 * image.width * image.height)
_views: ByteCache[Image.Image] = ByteCache(allotted("views"), lambda image: 3 * image.width * image.height)
_files: ByteCache[bytes] = ByteCache(allotted("files"), len)
_networks: dict[str, Network] = {}
_networks_lock = threading.Lock()


def clear_caches() -> None:
    """Forget all results (tests)."""
    for kept in (_traces, _logits, _relevances, _borders, _maps, _pictures, _views, _files):
        kept.clear()


# --- network and picture --------------------------------------------------------------------------

def network_key(key: str | None = None) -> str:
    """Name of the network that runs: the one given, the visit's, or the server's default."""
    return key or session.get_visit().network or _default_key()


def default_network() -> str:
    """Name of the network that the server itself runs."""
    return _default_key()


@cache
def _default_key() -> str:
    # Resolved once: a download that ends later must not switch running visits by itself.
    return default_network_name()


def network(key: str | None = None) -> Network:
    """The network that runs; loaded once per process (NetworkError if that fails)."""
    name = network_key(key)
    if name == OWN:
        held = own_networks.own()
        if held is None:
            raise NetworkError("This visit holds no network of its own (any more): bring the file again in the network "
                               "menu, or choose another network there.")
        return held.network
    with _networks_lock:
        if name not in _networks:
            if name == "imagenet" and imagenet_on_disk() is None:
                raise NetworkError("The full VGG16 is not on this server: get it in the network menu, or choose another "
                                   "network there.")
            _networks[name] = load_network(name)
            beforehand.share(name, _networks[name])
        return _networks[name]


def network_file() -> str:
    """What `load_network` takes for the running network: its name, or the name of the file that the visitor brought."""
    held = own_networks.own() if network_key() == OWN else None
    return network_key() if held is None else held.file


def rows() -> Architecture:
    """The running network's architecture; VGG16 where the network cannot be loaded."""
    try:
        return network().architecture
    except NetworkError:
        return ARCHITECTURES[DEFAULT]


def known_rows() -> Architecture | None:
    """The running network's architecture where it is loaded; None where it would have to be."""
    try:
        name = network_key()
    except NetworkError:
        return None
    held = own_networks.own() if name == OWN else None
    running = held.network if held is not None else _networks.get(name)
    return None if running is None else running.architecture


def network_title() -> str:
    """Name of the running network on screen; where it cannot be loaded, its key."""
    try:
        return network().title
    except NetworkError:
        return network_key()


def network_choices() -> list[str]:
    """Networks that can run at once: the server's default and those on its disk."""
    default = _default_key()
    found = [default, "embedded"] + (["imagenet"] if imagenet_on_disk() is not None else [])
    found += [OWN] if own_networks.own() is not None else []
    return list(dict.fromkeys(found))


def _source(ref: ImageRef) -> Path | bytes:
    """The file of a picture (MissingImage if this session has none such)."""
    if ref.kind == "sample":
        if ref.id not in samples():
            raise MissingImage(f"There is no sample image “{ref.id[:40]}”: choose one of the gallery.")
        return samples()[ref.id].path
    data = session.upload(ref)
    if data is None and session.awaited(ref):
        raise AwaitedImage("The image is on its way from this browser's storage.")
    if data is None:
        raise MissingImage("This view shows an image that was uploaded in another visit and is not kept: "
                           "upload the same file again, or choose another image.")
    return data


def picture(ref: ImageRef) -> Image.Image:
    """The picture in RGB: a sample at its own size, an upload as it is kept (MissingImage if neither is at hand)."""
    source = _source(ref)
    kept = (ref.kind, ref.id) if ref.kind == "sample" else ("upload file", ref.id, ref.fit)
    return _pictures.get_or_make(kept, lambda: read_image(source))


def view(ref: ImageRef) -> Image.Image:
    """The pixels that the network sees (MissingImage, ImageError if there is no such picture)."""
    _source(ref)
    return _views.get_or_make((ref.kind, ref.id, ref.fit), lambda: network_view(picture(ref), ref.fit))


def view_png(ref: ImageRef) -> bytes:
    """`view` as a PNG file."""
    seen = view(ref)
    return _files.get_or_make(("view", ref), lambda: colours.png(seen))


def thumbnail(ref: ImageRef, size: int = 160) -> bytes:
    """The network's view as a small JPEG file, for galleries and lists."""
    seen = view(ref)

    def shrink() -> bytes:
        buffer = io.BytesIO()
        seen.resize((size, size), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    return _files.get_or_make(("thumbnail", ref, size), shrink)


# --- forward pass and propagation -----------------------------------------------------------------

def _let_newer_edit_in() -> None:
    # Any access to the session is a point where Streamlit ends a run that a newer interaction has made obsolete.
    if get_script_run_ctx(suppress_warning=True) is not None:
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
            watch(f"Propagating through {rows.name(layer)}, {rows.last - layer + 1} of {rows.last} layers",
                  (rows.last - layer + 1) / rows.last)
    return tell


def trace(ref: ImageRef, *, network_name: str | None = None, watch: Watch | None = None) -> Trace:
    """The forward pass of a picture."""
    view(ref)
    net = network(network_name)
    key = (net.digest, ref)
    kept = _traces.get(key)
    if kept is not None:
        return kept

    def run() -> Trace:
        passed = beforehand.known_trace(net, ref)
        if passed is None:
            counters.count("forward_passes")
            passed = forward(net, to_input(picture(ref), net, ref.fit))
            beforehand.keep_trace(net, ref, passed)
        _logits.put(key, passed.logits.clone())
        return passed

    # The slot first: who waits for it must not be waited for by one that has it.
    with GATE.slot(_waiting(watch)):
        return _traces.get_or_make(key, run, _let_newer_edit_in)


def logits(ref: ImageRef, *, network_name: str | None = None) -> Tensor:
    """The network's answer to a picture, (classes,); kept for long, unlike the forward pass itself."""
    view(ref)
    kept = _logits.get((network(network_name).digest, ref))
    return trace(ref, network_name=network_name).logits if kept is None else kept


def has_seen(ref: ImageRef) -> bool:
    """Whether the network has seen a picture, so that its classes are known at once."""
    return _logits.get((network().digest, ref)) is not None


def predictions(ref: ImageRef, count: int = 10, *, network_name: str | None = None) -> list[Prediction]:
    """The first classes of a picture."""
    return rank(logits(ref, network_name=network_name), network(network_name).classes, count)


def target_of(ref: ImageRef, target: int | None, *, network_name: str | None = None) -> int:
    """The class to explain: the one chosen, or the first of the prediction; one the network lacks counts as none."""
    if target is not None and 0 <= target < network(network_name).num_classes:
        return target
    return int(logits(ref, network_name=network_name).argmax())


def kept_maps(ref: ImageRef, key: str, target: int, make: Callable[[], Maps]) -> Maps:
    """Maps under the key of what makes them, computed where they are not at hand."""
    return _maps.get_or_make((network().digest, ref, key, target), make, _let_newer_edit_in)


def known_maps(ref: ImageRef, model: LRPModel | Baseline, target: int) -> Maps | None:
    """`maps` of a chosen class if they are at hand; nothing is computed."""
    return _maps.get((network().digest, ref, model.key, target))


def _propagate(net: Network, ref: ImageRef, model: LRPModel, target: int, layers: Layers, see: Callable[[], Trace],
               watch: Watch | None, clock: Stopwatch | None = None, patient: bool = False) -> Relevance:
    with GATE.slot(_waiting(watch), patient=patient):
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


def relevance(ref: ImageRef, model: LRPModel, target: int | None = None, *, layers: Layers = None,
              network_name: str | None = None, watch: Watch | None = None) -> Relevance:
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
    chosen, net = target_of(ref, target, network_name=network_name), network(network_name)

    def run(wanted: Layers) -> Relevance:
        return _propagate(net, ref, model, chosen, wanted, lambda: trace(ref, network_name=network_name), watch)

    if layers == "all":
        return run(layers)
    wanted = frozenset(default_layers(model) if layers is None else layers)
    return _relevances.get_or_make((net.digest, ref, model.key, chosen, wanted), lambda: run(wanted), _let_newer_edit_in)


def maps(ref: ImageRef, model: LRPModel, target: int | None = None, *, layers: Iterable[int] = (),
         network_name: str | None = None, watch: Watch | None = None) -> Maps:
    """Relevance as pages draw it: what each segment hands on, the pixels, and further layers if asked for.

    Relevance that is not finite is part of the answer (`Maps.error`), not an exception.
    """
    view(ref)
    chosen = target_of(ref, target, network_name=network_name)
    return maps_of(network(network_name), ref, lambda: trace(ref, network_name=network_name), model, chosen, layers, watch)


def maps_of(net: Network, ref: ImageRef, see: Callable[[], Trace], model: LRPModel, target: int,
            layers: Iterable[int] = (), watch: Watch | None = None, patient: bool = False) -> Maps:
    """`maps` for a thread that has no session; `see` answers the forward pass where the maps are not at hand."""
    wanted = frozenset({0, *default_layers(model), *layers})
    key = (net.digest, ref, model.key, target)
    clock = Stopwatch()

    def run() -> Maps:
        kept = beforehand.known_maps(net, ref, model, target)
        if kept is not None and wanted <= kept.maps.keys():
            return kept
        try:
            result = _propagate(net, ref, model, target, wanted, see, watch, clock, patient)
        except NonFiniteRelevance as error:
            return partial_maps(error, target, model)
        known = _maps.get(key)  # layers that were looked at before stay: going back to one computes nothing
        found = Maps({**(known.maps if known is not None else {}), **{k: layer_sum(result, k) for k in result.layers}},
                     result.positive, result.negative, target, model.key, seconds=clock.seconds)
        beforehand.keep_maps(net, ref, model, found)
        return found

    return _maps.get_or_make(key, run, _let_newer_edit_in,
                             accept=lambda kept: kept.error is not None or wanted <= kept.maps.keys())


# --- pictures of maps -----------------------------------------------------------------------------

def dark_maps(look: Look) -> bool:
    """Whether maps take the spectrum's dark twin."""
    return theme.is_dark() if look.paper == "theme" else look.paper == "dark"


def limit_of(values: Any, look: Look) -> float:
    """Value of the strongest colour of one map, or of a list of maps that share a range."""
    return colours.limit(values, look.range)


def heatmap_png(values: NDArray[Any], key: tuple[Any, ...], look: Look, *, limit: float, size: int | None = None,
                ref: ImageRef | None = None) -> bytes:
    """A coloured map as a PNG file, cached.

    Parameters
    ----------
    values : ndarray
        (H, W).
    key : tuple
        What the values are (network, image, model key, target, layer): two maps with the same key are the same.
    limit : float
        Value of the strongest colour.
    size : int, optional
        Longer side; as it is by default.
    ref : ImageRef, optional
        Picture below the map, where `look` asks for an overlay.
    """
    dark = dark_maps(look)
    below = view(ref) if ref is not None and look.overlay else None

    def draw() -> bytes:
        pixels = colours.colour(values, limit, look.spectrum, dark)
        if below is not None:
            pixels = colours.overlay(pixels, below, look.opacity)
        return colours.png(pixels, size)

    whole = (key, look.spectrum, dark, limit, size, (ref, look.opacity) if below is not None else None)
    return _files.get_or_make(whole, draw)
