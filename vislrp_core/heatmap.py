"""Relevance to pixels: sum over channels, range, colours, overlay, PNG.

A map is a 2-D array of relevance (or activation). Zero always takes the spectrum's neutral colour; the range
[-limit, limit] is symmetric around it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from .architecture import ARCHITECTURES, DEFAULT
from .errors import InputError
from .fonts import typeface
from .spectra import ACTIVATION, DEFAULT_SPECTRUM, LEVELS, SPECTRA, Spectrum, find_spectrum, rgb, table

__all__ = [
    "ACTIVATION",
    "DEFAULT_RANGE",
    "DEFAULT_SPECTRUM",
    "RANGES",
    "SPECTRA",
    "Spectrum",
    "as_grid",
    "channel_sum",
    "colorbar_png",
    "colour",
    "figure_png",
    "find_spectrum",
    "format_value",
    "limit",
    "overlay",
    "picture",
    "png",
]

RANGES: dict[str, str] = {
    "max": "largest absolute value",
    "p99.5": "99.5th percentile of absolute values",
    "p99": "99th percentile of absolute values",
    "tutorial": "10 (mean |R|³)^(1/3), as in the LRP tutorial",
}
DEFAULT_RANGE = "p99.5"
SMOOTH_FROM = ARCHITECTURES[DEFAULT].input_size  # smaller maps show their own pixels: 14 x 14 must look like 14 x 14
FIGURE_SIDE = 896


def _array(values: Any) -> NDArray[Any]:
    """numpy array of a tensor (any device) or array."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def channel_sum(relevance: Any) -> NDArray[Any]:
    """Sum over channels, as a map.

    Parameters
    ----------
    relevance : Tensor or array
        (C, H, W), (H, W) or (N,).

    Returns
    -------
    ndarray
        (H, W); of a fully connected layer its units in a grid, see `as_grid`.
    """
    values = _array(relevance)
    if values.ndim == 3:
        return values.sum(axis=0)
    if values.ndim in (1, 2):
        return as_grid(values)
    raise InputError(f"relevance: must have the shape (C, H, W), (H, W) or (N,), got {tuple(values.shape)}")


def as_grid(values: ArrayLike) -> NDArray[Any]:
    """Arrange the units of a fully connected layer in reading order as a nearly square grid.

    4096 become 64 x 64, 1000 become 25 x 40. Where no divisor comes near a square, the last row is filled
    with zeros. A map of more than one row stays as it is.
    """
    array = np.asarray(values)
    if array.ndim == 2 and 1 not in array.shape:
        return array
    units = array.reshape(-1)
    rows = next(d for d in range(max(math.isqrt(units.size), 1), 0, -1) if units.size % d == 0)
    columns = max(units.size, 1) // rows
    if columns > 4 * rows:
        columns = math.ceil(math.sqrt(units.size))
        rows = math.ceil(units.size / columns)
    grid = np.zeros(rows * columns, dtype=array.dtype)
    grid[: units.size] = units
    return grid.reshape(rows, columns)


def limit(maps: Any | Iterable[Any], range: str = DEFAULT_RANGE) -> float:
    """The value that takes the strongest colour.

    Parameters
    ----------
    maps : array or list of arrays
        One map, or several that share a range.
    range : str
        A key of `RANGES`. Where a percentile is zero though the map is not, the largest absolute value
        counts.

    Returns
    -------
    float
        Not negative; 0 for maps of zeros.

    Raises
    ------
    InputError
        Unknown range, or a value that is not finite.
    """
    if range not in RANGES:
        raise InputError(f'range: must be one of {", ".join(RANGES)}, got "{range}"')
    group = list(maps) if isinstance(maps, list | tuple) else [maps]
    sizes = np.concatenate([np.abs(_array(one).astype(np.float64)).reshape(-1) for one in group])
    largest = float(sizes.max(initial=0.0))
    if not math.isfinite(largest):
        raise InputError("The map holds values that are not finite: choose a larger epsilon or another rule.")
    if largest == 0:
        return 0.0
    if range == "tutorial":
        # Divided by the largest first: cubes of small or large relevance leave the range of floats.
        return float(10 * largest * np.mean((sizes / largest) ** 3) ** (1 / 3))
    if range == "max":
        return largest
    return float(np.percentile(sizes, float(range.removeprefix("p")))) or largest


def colour(map2d: Any, limit: float, spectrum: str | Spectrum = DEFAULT_SPECTRUM, dark: bool = False) -> NDArray[np.uint8]:
    """Colours of a map.

    Parameters
    ----------
    map2d : array or Tensor
        (H, W); a row of units (1, N) is arranged as a grid.
    limit : float
        Value of the strongest colour, see `limit`; 0 gives a neutral picture.
    spectrum : str or Spectrum
        Key of `SPECTRA`, "activation", or a spectrum.
    dark : bool
        The spectrum's dark twin.

    Returns
    -------
    ndarray
        (H, W, 3) uint8.
    """
    chosen = find_spectrum(spectrum)
    values = as_grid(_array(map2d)).astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("The map holds values that are not finite: choose a larger epsilon or another rule.")
    scaled = np.clip(values, -limit, limit) / limit if limit > 0 else np.zeros_like(values)
    if chosen.diverging:
        half = LEVELS // 2
        levels = np.rint(scaled * half).astype(np.intp) + half
    else:
        levels = np.rint(np.maximum(scaled, 0) * (LEVELS - 1)).astype(np.intp)
    return table(chosen, dark)[levels]


def picture(rgb: NDArray[np.uint8] | Image.Image, size: int | None = None, pixelated: bool | None = None) -> Image.Image:
    """A coloured map as a picture whose longer side has `size` pixels.

    Parameters
    ----------
    rgb : ndarray
        (H, W, 3) uint8.
    size : int, optional
        Longer side; as it is by default.
    pixelated : bool, optional
        Enlarge without smoothing; by default maps of fewer pixels than pictures have.
    """
    image = rgb if isinstance(rgb, Image.Image) else Image.fromarray(np.ascontiguousarray(rgb))
    longest = max(image.size)
    if size is None or size == longest:
        return image
    if pixelated is None:
        pixelated = longest < SMOOTH_FROM
    width, height = (max(1, round(side * size / longest)) for side in image.size)
    enlarged = size > longest
    method = Image.Resampling.NEAREST if pixelated and enlarged else Image.Resampling.BICUBIC
    return image.resize((width, height), method)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def png(rgb: NDArray[np.uint8] | Image.Image, size: int | None = None, pixelated: bool | None = None) -> bytes:
    """PNG file of a coloured map; parameters as in `picture`."""
    return _png(picture(rgb, size, pixelated))


def overlay(rgb: NDArray[np.uint8], image: Image.Image, opacity: float) -> NDArray[np.uint8]:
    """The coloured map over the photograph.

    The photograph loses its own colours as the map gains opacity, so that red and blue keep meaning
    relevance.

    Parameters
    ----------
    rgb : ndarray
        (H, W, 3) uint8, enlarged to the photograph's size where smaller.
    image : PIL.Image.Image
        The picture as the network sees it.
    opacity : float
        0 (photograph alone) to 1 (map alone).
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity: must be between 0 and 1, got {opacity}")
    photograph = image.convert("RGB")
    source = Image.fromarray(np.ascontiguousarray(rgb))
    method = Image.Resampling.NEAREST if max(source.size) < SMOOTH_FROM else Image.Resampling.BICUBIC
    covering = source if source.size == photograph.size else source.resize(photograph.size, method)
    grey = Image.blend(photograph, photograph.convert("L").convert("RGB"), opacity)
    return np.asarray(Image.blend(grey, covering, opacity))


def colorbar_png(
    spectrum: str | Spectrum = DEFAULT_SPECTRUM,
    dark: bool = False,
    *,
    width: int = 256,
    height: int = 12,
    vertical: bool = False,
) -> bytes:
    """The spectrum as a plain bar without numbers; a vertical bar has its largest value on top."""
    return _png(_bar(find_spectrum(spectrum), dark, width, height, vertical))


def _bar(spectrum: Spectrum, dark: bool, width: int, height: int, vertical: bool) -> Image.Image:
    length = height if vertical else width
    levels = np.rint(np.linspace(0, LEVELS - 1, length)).astype(np.intp)
    colours = table(spectrum, dark)[levels]
    bar = colours[::-1, None].repeat(width, axis=1) if vertical else colours[None].repeat(height, axis=0)
    return Image.fromarray(np.ascontiguousarray(bar))


def format_value(value: float) -> str:
    """A number for axes and captions: three digits, a real minus sign, powers of ten only where needed."""
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        digits = str(abs(int(exponent))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"{mantissa}·10{'⁻' if int(exponent) < 0 else ''}{digits}"
    return text.replace("-", "−")


def figure_png(
    map2d: Any,
    *,
    limit: float | None = None,
    range: str = DEFAULT_RANGE,
    spectrum: str | Spectrum = DEFAULT_SPECTRUM,
    dark: bool = False,
    size: int = FIGURE_SIDE,
    title: str = "",
    caption: str = "",
    image: Image.Image | None = None,
    opacity: float = 1.0,
) -> bytes:
    """A figure for papers and talks: the map with its colour bar and numbers.

    Parameters
    ----------
    map2d : array or Tensor
        (H, W), or (1, N) of a fully connected layer.
    limit : float, optional
        Value of the strongest colour; by default `limit(map2d, range)`.
    range : str
        A key of `RANGES`, used where `limit` is not given.
    spectrum, dark
        As in `colour`.
    size : int
        Longer side of the map in pixels, at least 896.
    title, caption : str
        A line above (class, model) and below (network, range); cut with "…" where too long.
    image : PIL.Image.Image, optional
        The picture below the map.
    opacity : float
        Of the map over the picture.

    Returns
    -------
    bytes
        PNG.
    """
    chosen = find_spectrum(spectrum)
    values = as_grid(_array(map2d))
    strongest = _limit(values, range) if limit is None else float(limit)
    coloured = colour(values, strongest, chosen, dark)
    if image is not None and opacity < 1:
        coloured = overlay(coloured, image, opacity)
    side = max(size, FIGURE_SIDE)
    return _png(_compose(picture(coloured, side), chosen, dark, strongest, title, caption))


_limit = limit  # the function, where a parameter has its name


def _compose(body: Image.Image, spectrum: Spectrum, dark: bool, strongest: float, title: str, caption: str) -> Image.Image:
    """Title, map, colour bar with five numbers, caption on one sheet."""
    unit = max(body.size) / FIGURE_SIDE
    margin, bar_width, font = round(28 * unit), round(26 * unit), typeface(round(22 * unit))
    ink, paper = (rgb("#E6EAEF"), rgb("#12161B")) if dark else (rgb("#1B2430"), rgb("#FFFFFF"))
    shares = (1.0, 0.5, 0.0, -0.5, -1.0) if spectrum.diverging else (1.0, 0.75, 0.5, 0.25, 0.0)
    # A map of zeros has no scale: the bar names zero alone.
    labels = [format_value(share * strongest) if strongest > 0 else ("0" if share == 0 else "") for share in shares]
    label_width = math.ceil(max(font.getlength(label) for label in labels))
    line = round(44 * unit)
    top = margin + (line if title else 0)
    width = margin + body.width + margin + bar_width + round(12 * unit) + label_width + margin
    sheet = Image.new("RGB", (width, top + body.height + (line if caption else 0) + margin), paper)
    draw = ImageDraw.Draw(sheet)
    room = width - 2 * margin
    if title:
        draw.text((margin, margin), _fitted(title, typeface(round(26 * unit)), room), ink, typeface(round(26 * unit)))
    sheet.paste(body, (margin, top))
    bar_left = 2 * margin + body.width
    sheet.paste(_bar(spectrum, dark, bar_width, body.height, vertical=True), (bar_left, top))
    frame = tuple(round(0.8 * p + 0.2 * i) for p, i in zip(paper, ink, strict=True))
    for left, span in ((margin, body.width), (bar_left, bar_width)):
        draw.rectangle((left - 1, top - 1, left + span, top + body.height), outline=frame)
    half_text = font.size / 2
    for index, label in enumerate(labels):
        at = top + index / (len(labels) - 1) * (body.height - 1)
        centre = min(max(at, top + half_text), top + body.height - half_text)
        draw.text((bar_left + bar_width + round(12 * unit), centre), label, ink, font, anchor="lm")
    if caption:
        small = typeface(round(19 * unit))
        draw.text((margin, top + body.height + round(14 * unit)), _fitted(caption, small, room), ink, small)
    return sheet


def _fitted(text: str, font: Any, room: float) -> str:
    """One line that is not wider than the room."""
    line = " ".join(text.split())
    if font.getlength(line) <= room:
        return line
    while line and font.getlength(line + "…") > room:
        line = line[:-1]
    return line.rstrip() + "…"
