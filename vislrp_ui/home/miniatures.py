"""The small maps beside the table of rules, computed while nobody asks for anything, kept small for all visits."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import urlencode

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from vislrp_core import compact, heatmap
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_ui import rule_maps, service, shelved, spare_time
from vislrp_ui.answers import Maps
from vislrp_ui.background import BackgroundJob
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.own_networks import OWN
from vislrp_ui.rule_maps import PICTURE
from vislrp_ui.state import Look
from vislrp_ui.streamlit_inside import has_server

SIDE = 112
"""Pixels of a small map's side."""
AGAIN_SECONDS = 60.0
"""What is missing after all were tried, because the memory is full, is not tried again for so long."""


@dataclass(frozen=True)
class SmallMap:
    """One map at a part of its size.

    Attributes
    ----------
    values : ndarray or None
        (H, W): relevance summed over small squares of pixels, over its largest absolute value; None where it is not finite.
    kept : float
        Relevance of the pixels divided by that at the start.
    """

    values: NDArray[np.float16] | None
    kept: float

    @property
    def nbytes(self) -> int:
        """Size in memory."""
        return 64 if self.values is None else self.values.nbytes


_small: ByteCache[SmallMap] = ByteCache(allotted("rule maps") * 3 // 4, lambda one: one.nbytes)
_pictures: ByteCache[str] = ByteCache(allotted("rule maps") // 4, len)
_jobs: LRUCache[str, BackgroundJob] = LRUCache(64)
_ended: LRUCache[str, float] = LRUCache(64)
_lock = threading.Lock()


@lru_cache(256)
def _key(model: LRPModel) -> str:
    return model.key


@lru_cache(256)
def _text(model: LRPModel) -> str:
    return compact.encode(model)


def known(network: Network, model: LRPModel) -> SmallMap | None:
    """A small map that is in memory or on disk; nothing is computed."""
    key = (network.digest, _key(model))
    held = _small.get(key)
    if held is None and (target := _known_target(network)) is not None:
        maps = service.known_maps(network, PICTURE, model, target) or shelved.known_maps(network, PICTURE, model, target)
        if maps is not None:
            held = small_of(maps)
            _small.put(key, held)
    return held


def _known_target(network: Network) -> int | None:
    """The class that is explained, once the network has seen the picture."""
    return service.target_of(network, PICTURE, None) if service.has_seen(network, PICTURE) else None


def small_of(maps: Maps) -> SmallMap:
    """The map of the pixels at a part of its size."""
    if maps.error is not None or 0 not in maps.maps:
        return SmallMap(None, float("nan"))
    values = np.asarray(maps.maps[0], dtype=np.float32)
    step = max(1, values.shape[0] // SIDE)
    high, wide = (side // step for side in values.shape)
    parts = values[: high * step, : wide * step].reshape(high, step, wide, step).sum(axis=(1, 3))
    largest, start = float(np.abs(parts).max()), float(maps.total[-1])
    if largest > 0:
        parts = parts / largest
    return SmallMap(parts.astype(np.float16), float(maps.total[0]) / start if start else float("nan"))


def compute(network: Network, model: LRPModel, watch: Callable[[str, float], None] | None = None) -> None:
    """Make one small map, through the gate, behind all that somebody looks at."""
    if known(network, model) is not None:
        return
    target = service.target_of(network, PICTURE, None)
    maps = service.maps_of(
        network, PICTURE, lambda: service.trace(network, PICTURE), model, target, watch=watch, patient=True
    )
    _small.put((network.digest, _key(model)), small_of(maps))


def job(network: Network) -> BackgroundJob:
    """The work on a network's small maps, one for all visits."""
    with _lock:
        return _jobs.setdefault(network.digest, BackgroundJob())


def begin(network: Network) -> None:
    """Have what is missing computed in the background; in a server alone."""
    with _lock:
        recent = time.monotonic() - _ended.get(network.digest, float("-inf")) < AGAIN_SECONDS
    if recent or not has_server():
        return

    def work() -> str:
        try:
            models = rule_maps.models(network.architecture.key)
            spare_time.work_through(partial(compute, network, model, spare_time.watch) for model in models)
        finally:
            with _lock:
                _ended[network.digest] = time.monotonic()
        return ""

    job(network).begin(work)


def picture(network: Network, model: LRPModel, shown: SmallMap, look: Look) -> str:
    """The address of a small map as WebP, in its own range, in the colours of the visit; empty where there is none."""
    if shown.values is None:
        return ""
    values, dark = shown.values.astype(np.float32), service.dark_maps(look)

    def draw() -> str:
        pixels = heatmap.colour(values, service.limit_of(values, look), look.spectrum, dark)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "WEBP", quality=82, method=2)
        return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

    return _pictures.get_or_make((network.digest, _key(model), look.spectrum, look.range, dark), draw)


def address(network: Network, model: LRPModel, chosen: str | None) -> str:
    """The address of a model on Design, with the picture of the table; empty where no other tab has the network.

    Parameters
    ----------
    chosen : str or None
        Key of the visit's network, None for the server's own.
    """
    target = _known_target(network)
    if chosen == OWN or target is None:
        return ""
    params = {"image": PICTURE.id, "target": str(target), "model": _text(model)}
    return "Design?" + urlencode(params | ({} if chosen is None else {"network": chosen}))
