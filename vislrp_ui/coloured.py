"""Maps as pictures: their range, their spectrum for the theme, and the files, which are kept."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from vislrp_core import heatmap as colours
from vislrp_ui import theme
from vislrp_ui.pictures import files, view
from vislrp_ui.state import ImageRef, Look


def dark_maps(look: Look) -> bool:
    """Whether maps take the spectrum's dark twin."""
    return theme.is_dark() if look.paper == "theme" else look.paper == "dark"


def limit_of(values: Any, look: Look) -> float:
    """Value of the strongest colour of one map, or of a list of maps that share a range."""
    return colours.limit(values, look.range)


def heatmap_png(
    values: NDArray[Any],
    key: tuple[Any, ...],
    look: Look,
    *,
    limit: float,
    size: int | None = None,
    ref: ImageRef | None = None,
) -> bytes:
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
    return files.get_or_make(whole, draw)
