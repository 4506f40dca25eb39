"""What the large view shows of maps and pictures: their colours, range and numbers, made when they are opened."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vislrp_core import heatmap
from vislrp_core.heatmap import RANGES, SMOOTH_FROM
from vislrp_core.images import SIDE
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.spectra import find_spectrum
from vislrp_ui import service
from vislrp_ui.answers import Maps
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.largeview import View
from vislrp_ui.state import ImageRef, Look, Visit


def values_view(
    title: str,
    values: NDArray[Any],
    look: Look,
    *,
    limit: float | None = None,
    below: ImageRef | None = None,
    spectrum: str = "",
    note: str = "",
) -> View:
    """A map as it is coloured on the page.

    Parameters
    ----------
    values : ndarray
        (H, W).
    limit : float, optional
        Value of the strongest colour where maps share a range; the map's own by default.
    below : ImageRef, optional
        Picture under the map, where `look` asks for an overlay.
    spectrum : str
        Another spectrum than the look's; that of activations runs from 0.
    """
    numbers = np.asarray(values, dtype=np.float32)
    strongest = service.limit_of(numbers, look) if limit is None else limit
    dark, kind = service.dark_maps(look), spectrum or look.spectrum
    pixels = heatmap.colour(numbers, strongest, kind, dark)
    if below is not None and look.overlay:
        pixels = heatmap.overlay(pixels, service.view(below), look.opacity)
    colours = find_spectrum(kind)
    shared = "" if limit is None else "; maps shown together share it"
    told = note or f"Range: {RANGES[look.range]}{shared}"
    return View(
        title,
        data_url(heatmap.png(pixels)),
        numbers,
        float(strongest),
        colours.stops(dark),
        colours.diverging,
        told,
        numbers.shape[0] >= SMOOTH_FROM,
    )


def map_key(network: Network, visit: Visit, result: Maps, layer: int) -> tuple[Any, ...]:
    """What a map shows, for the cache of its pictures."""
    return (network.digest, visit.image, result.model_key, result.target, layer)


def map_view(
    network: Network, ref: ImageRef, model: LRPModel, target: int, layer: int, look: Look, *, limit: float | None = None
) -> View | None:
    """The map of a layer under a model; None where relevance is not finite there."""
    maps = service.maps(network, ref, model, target, layers=(layer,))
    if layer not in maps.maps:
        return None
    where = "pixels" if layer == 0 else model.plan.name(layer)
    title = (
        f"Relevance of “{network.classes[target]}” at the {where}"
        if layer == 0
        else (f"Relevance of “{network.classes[target]}” at {where}")
    )
    return values_view(f"{title}, {model.name}", maps.maps[layer], look, limit=limit, below=ref if layer == 0 else None)


def photo_view(ref: ImageRef, title: str) -> View:
    """The picture as the network sees it."""
    return View(title, data_url(service.view_png(ref)), note=f"As the network sees it, {SIDE} × {SIDE} pixels")


def picture_view(title: str, file: bytes, note: str = "", *, kind: str = "png") -> View:
    """Any picture file of a kind that `data_url` knows."""
    return View(title, data_url(file, kind), note=note)
