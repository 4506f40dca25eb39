"""What a report says: the view of a page, or a result of the command line, as a value; `report_html` writes it down.

A report is one HTML file with everything in it, for reading without the program and for printing.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import vislrp_core
from vislrp_core import heatmap
from vislrp_core.heatmap import DEFAULT_RANGE, DEFAULT_SPECTRUM, RANGES
from vislrp_core.model import BIASES, PIXEL_RULES, POOLING_EPSILONS, POOLINGS, STARTS, Choice, LRPModel
from vislrp_core.network import Network, Prediction
from vislrp_core.spectra import find_spectrum

CITATION = (
    f"VisLRP Designer developers: VisLRP Designer: designing and measuring Layer-wise Relevance Propagation models, version "
    f"{vislrp_core.__version__} (software).",
    "X. Huang, S. Jamonnak, Y. Zhao, T. H. Wu, W. Xu: A Visual Designer of Layer-wise Relevance Propagation Models. "
    "Computer Graphics Forum 40(3), 2021, doi:10.1111/cgf.14302.",
    "S. Bach, A. Binder, G. Montavon, F. Klauschen, K.-R. Müller, W. Samek: On Pixel-Wise Explanations for Non-Linear "
    "Classifier Decisions by Layer-Wise Relevance Propagation. PLoS ONE 10(7), 2015, doi:10.1371/journal.pone.0130140.",
)
"""What to cite, as in CITATION.cff: the program, the program that it re-creates, the method."""
CONVENTIONS: dict[str, tuple[str, dict[str, Choice]]] = {
    "pixel_rule": ("Pixel rule", PIXEL_RULES),
    "pooling": ("Pooling", POOLINGS),
    "pooling_epsilon": ("ε at pooling", POOLING_EPSILONS),
    "bias": ("Bias", BIASES),
    "start": ("Start relevance", STARTS),
}


@dataclass(frozen=True, eq=False)
class ReportPicture:
    """A picture of a report.

    Attributes
    ----------
    title : str
        Below the picture.
    image : PIL.Image.Image or None
        In RGB; None where there is none, with the reason in `note`.
    alt : str
        What it shows, for those who cannot see it.
    note : str
        A line below the title.
    limit : float or None
        Value of the strongest colour of a map; None for other pictures.
    spectrum, dark : str, bool
        Of the map's colour bar.
    svg : str
        A drawing, in place of `image`.
    """

    title: str
    image: Image.Image | None
    alt: str
    note: str = ""
    limit: float | None = None
    spectrum: str = DEFAULT_SPECTRUM
    dark: bool = False
    svg: str = ""


Cell = str | ReportPicture


@dataclass(frozen=True, eq=False)
class ReportTable:
    """A table; numbers stand to the right in columns of `numeric`, rows of `marked` stand out (and say why in words)."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, eq=False)
class ReportPart:
    """A section of its own: sentences, pictures (large where `wide`), tables."""

    title: str
    sentences: tuple[str, ...] = ()
    pictures: tuple[ReportPicture, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    wide: bool = False


@dataclass(frozen=True, eq=False)
class ReportModel:
    """An LRP model with the maps that its segments hand on, by layer (`segment.first - 1`), and the segments' colours."""

    model: LRPModel
    maps: Mapping[int, ReportPicture] = field(default_factory=dict)
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ReportSums:
    """Sums of positive and of negative relevance of all layers, the input's first; NaN where they are not known."""

    names: tuple[str, ...]
    positive: NDArray[np.float64]
    negative: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Sums of relevance."""
        return self.positive + self.negative

    @property
    def absorbed(self) -> NDArray[np.float64]:
        """What each layer keeps: layer k turns R[k] into R[k - 1]; 0 for the input."""
        return np.concatenate([[0.0], np.diff(self.total)])


@dataclass(frozen=True, eq=False)
class ViewReport:
    """All that a report says.

    Attributes
    ----------
    page : str
        Where it was made: the page's title, or the command.
    title : str
        What the view is about.
    picture : ReportPicture or None
        The picture as the network sees it, with its credit in `note`.
    predictions, target : sequence of Prediction, int or None
        The most probable classes, and the class that is explained.
    map, facts : ReportPicture or None, str
        The map that the view shows large, and the line below it.
    models, sums : tuple of ReportModel, ReportSums or None
        The view's LRP models, and relevance per layer of the first.
    parts : tuple of ReportPart
        What the page adds.
    settings : tuple of (str, str)
        What is in force: colours, range, measurements.
    origin : tuple of (str, str)
        Network, arithmetic, versions, see `origin_of`.
    link, link_notes : str, tuple of str
        Address that opens the view, and what it does not carry.
    link_code : str
        The address as a QR code, an SVG; empty where there is none.
    warnings : tuple of str
        What is missing, and why; what had to be computed for the report.
    made : datetime
        With its time zone.
    """

    page: str
    title: str
    picture: ReportPicture | None = None
    predictions: Sequence[Prediction] = ()
    target: int | None = None
    map: ReportPicture | None = None
    facts: str = ""
    models: tuple[ReportModel, ...] = ()
    sums: ReportSums | None = None
    parts: tuple[ReportPart, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    origin: tuple[tuple[str, str], ...] = ()
    link: str = ""
    link_notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    link_code: str = ""


def origin_of(network: Network, **versions: str) -> tuple[tuple[str, str], ...]:
    """Network, arithmetic and versions, as a report states them.

    Parameters
    ----------
    **versions : str
        Of further packages, by name.
    """
    rows = network.architecture
    precision = {torch.float32: "single precision", torch.float64: "double precision"}.get(network.dtype, "")
    doubled = "; sums that nearly cancel in double precision" if network.dtype != torch.float64 else ""
    packages = {
        "VisLRP Designer": vislrp_core.__version__,
        "torch": torch.__version__,
        **versions,
        "Python": platform.python_version(),
    }
    return (
        ("Network", f"{network.title or network.name} ({rows.title}, {network.num_classes} classes)"),
        ("Digest of its weights", network.digest or "none"),
        ("Arithmetic", f"{precision} ({str(network.dtype).removeprefix('torch.')}) on {network.device}{doubled}"),
        ("Versions", ", ".join(f"{name} {number}" for name, number in packages.items())),
    )


def map_picture(
    title: str,
    values: NDArray[Any],
    *,
    range: str = DEFAULT_RANGE,
    limit: float | None = None,
    spectrum: str = DEFAULT_SPECTRUM,
    dark: bool = False,
    below: Image.Image | None = None,
    opacity: float = 1.0,
    note: str = "",
) -> ReportPicture:
    """A map in colours.

    Parameters
    ----------
    values : ndarray
        (H, W).
    range : str
        A key of `RANGES`, where `limit` is not given.
    limit : float, optional
        Value of the strongest colour.
    spectrum, dark
        As in `heatmap.colour`.
    below, opacity
        The picture under the map, and how much of the map covers it.
    """
    strongest = heatmap.limit(values, range) if limit is None else limit
    pixels = heatmap.colour(values, strongest, spectrum, dark)
    if below is not None:
        pixels = heatmap.overlay(pixels, below, opacity)
    total = heatmap.format_value(float(np.asarray(values).sum(dtype=np.float64)))
    height, width = pixels.shape[:2]
    signed = find_spectrum(spectrum).diverging
    ends = f"{'from −' if signed else 'up to '}{heatmap.format_value(strongest)}"
    ends += f" to {heatmap.format_value(strongest)}" if signed else ""
    alt = f"Heatmap: {title}, {height} × {width}, colours {ends}, sum {total}"
    return ReportPicture(title, Image.fromarray(pixels), alt, note, strongest, spectrum, dark)


def segment_maps(
    model: LRPModel, maps: Mapping[int, NDArray[Any]], *, range: str = DEFAULT_RANGE, **look: Any
) -> dict[int, ReportPicture]:
    """What each segment of a model hands on, each map with its own range; layers that are not known are left out.

    Parameters
    ----------
    maps : mapping
        Channel sums by layer, (H, W).
    range : str
        A key of `RANGES`.
    **look : object
        As in `map_picture`.
    """
    found = {}
    for segment in model.segments:
        layer = segment.first - 1
        if layer in maps:
            where = "pixels" if layer == 0 else model.plan.name(layer)
            found[layer] = map_picture(f"At the {where}" if layer == 0 else f"At {where}", maps[layer], range=range, **look)
    return found


def look_settings(spectrum: str, range: str, overlay: float | None, dark: bool) -> tuple[tuple[str, str], ...]:
    """How maps are coloured.

    Parameters
    ----------
    overlay : float or None
        Opacity of the map over the picture, where it is drawn over it.
    """
    return (
        ("Colour map", f"{find_spectrum(spectrum).title}; zero is the neutral colour"),
        ("Normalization", f"range: {RANGES[range]}"),
        ("Over the image", "no" if overlay is None else f"yes, opacity {overlay:g}"),
        ("Background of the maps", "dark" if dark else "light"),
    )
