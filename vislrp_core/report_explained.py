"""The report of one explained picture, from what `explain` has computed: the same file as Design's, without the program."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.errors import InputError
from vislrp_core.heatmap import DEFAULT_RANGE, DEFAULT_SPECTRUM
from vislrp_core.images import FITS, network_view
from vislrp_core.metrics import vanishes
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.propagation import default_layers
from vislrp_core.relevance import Relevance
from vislrp_core.report import (
    ReportModel,
    ReportPicture,
    ReportSums,
    ViewReport,
    look_settings,
    map_picture,
    origin_of,
    segment_maps,
)

SHOWN_CLASSES = 10


def kept_in_words(positive: NDArray[np.float64], negative: NDArray[np.float64], layer: int) -> str:
    """How much of the start arrives at a layer; empty where that is not finite.

    Parameters
    ----------
    positive, negative : ndarray
        Sums of positive and of negative relevance of all layers, the input's first.
    """
    start, arrived = float(positive[-1] + negative[-1]), float(positive[layer] + negative[layer])
    if not math.isfinite(arrived):
        return ""
    parts = f"+ {positive[layer]:.1f} − {-negative[layer]:.1f}"
    if vanishes(float(positive[-1]), float(negative[-1])):
        text = f"Σ {arrived:.1f}, {parts}; the start relevance sums to 0, so no share can be given"
    else:
        text = f"Σ {arrived:.1f} of {start:.1f} kept, {parts}"
    return text.replace("Σ -", "Σ −").replace("of -", "of −")


def explained_report(
    network: Network,
    image: Image.Image,
    trace: Trace,
    model: LRPModel,
    relevance: Relevance,
    *,
    name: str = "",
    fit: str = "crop",
    page: str = "Python",
) -> ViewReport:
    """What `report_html.html_of` writes down of one explanation.

    Parameters
    ----------
    image : PIL.Image.Image
        The picture as it was read.
    trace : Trace
        Of that picture.
    relevance : Relevance
        Of the same. It holds the pixels, and for their maps what the segments hand on (`propagation.default_layers`);
        nothing is computed here.
    name : str
        Of the picture, such as its file's.
    fit : {"crop", "squash"}
        How it was brought to the network's size.
    page : str
        Where the report was made.

    Returns
    -------
    ViewReport
        Without a link: there is no address that opens it.

    Raises
    ------
    InputError
        The relevance has no target, or no map of the pixels.
    """
    if relevance.target is None or 0 not in relevance.maps:
        raise InputError("A report needs the relevance of one class at the pixels: propagate with layers=None or with 0.")
    target = int(relevance.target)
    known = [layer for layer in sorted(default_layers(model)) if layer in relevance.maps]
    maps = {layer: relevance.map(layer) for layer in known}
    class_name = network.classes[target]
    title = f"Relevance for “{class_name}”"
    ranked = trace.predictions(network.num_classes)
    shown = [one for place, one in enumerate(ranked) if place < SHOWN_CLASSES or one.index == target]
    seen = network_view(image, fit, network.architecture.input_size)
    return ViewReport(
        page,
        f"{title} · {model.name}",
        ReportPicture(name, seen, f"The picture {name}".strip(), f"As the network sees it ({FITS[fit]})."),
        shown,
        target,
        map_picture(title, maps[0]),
        kept_in_words(relevance.positive, relevance.negative, 0),
        (ReportModel(model, segment_maps(model, maps)),),
        ReportSums(tuple(row.name for row in network.architecture.rows), relevance.positive, relevance.negative),
        settings=(
            ("Target class", f"{class_name} (class {target})"),
            *look_settings(DEFAULT_SPECTRUM, DEFAULT_RANGE, None, False),
        ),
        origin=origin_of(network),
    )
