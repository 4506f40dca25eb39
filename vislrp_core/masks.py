"""Masks of marked pixels: from a brush, from relevance, as text for an address, as a PNG file."""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.errors import VisLRPError
from vislrp_core.images import SIDE, ImageError, read_marks

Mask = NDArray[np.bool_]
"""(SIDE, SIDE); True is marked."""

SIGNS: dict[str, str] = {
    "positive": "the largest relevance first: what speaks for the class",
    "negative": "the smallest relevance first: what speaks against the class",
    "least": "the smallest absolute relevance first: what the class does not depend on",
    "random": "the same number at random: the control",
}
_BYTES = SIDE * SIDE // 8


class MaskError(VisLRPError, ValueError):
    """A mask that cannot be used; the text is one sentence."""


def empty() -> Mask:
    """Nothing marked."""
    return np.zeros((SIDE, SIDE), dtype=np.bool_)


# --- patches --------------------------------------------------------------------------------------------------------


def grid_shape(shape: tuple[int, int], patch: int) -> tuple[int, int]:
    """Rows and columns of the squares; where the side is not a multiple, the last ones are cut at the border."""
    return -(-shape[0] // patch), -(-shape[1] // patch)


def patch_sums(values: NDArray[Any], patch: int) -> NDArray[np.float64]:
    """Sums over non-overlapping squares.

    Parameters
    ----------
    values : ndarray
        (H, W).
    patch : int
        Side of a square in pixels.

    Returns
    -------
    ndarray
        (rows, columns), see `grid_shape`.
    """
    down = np.add.reduceat(np.asarray(values, dtype=np.float64), np.arange(0, values.shape[0], patch), axis=0)
    return np.add.reduceat(down, np.arange(0, values.shape[1], patch), axis=1)


def spread(grid: NDArray[Any], patch: int, shape: tuple[int, int] = (SIDE, SIDE)) -> NDArray[Any]:
    """One value per square to one value per pixel, (H, W)."""
    return np.repeat(np.repeat(grid, patch, axis=0), patch, axis=1)[: shape[0], : shape[1]]


def ranks_of(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Place of every square in an order (its inverse permutation)."""
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return ranks


# --- selection by relevance -------------------------------------------------------------------------------------------


def select(values: NDArray[Any], share: float, sign: str = "positive", patch: int = 1, seed: int = 0) -> Mask:
    """Mark a share of the pixels, or of the squares, by their relevance.

    Parameters
    ----------
    values : ndarray
        Relevance summed over channels, (H, W).
    share : float
        0 to 1, of pixels or squares; rounded to whole ones.
    sign : str
        A key of `SIGNS`. "least" looks at the absolute value of each pixel's or square's sum.
    patch : int
        Side of the squares; 1 selects pixels.
    seed : int
        Of the random selection.

    Returns
    -------
    Mask

    Raises
    ------
    MaskError
        Unknown sign, or a share outside 0..1.
    """
    if not 0 <= share <= 1:
        raise MaskError(f"share: must be between 0 and 1, got {share}")
    grid = patch_sums(values, patch)
    flat = grid.reshape(-1)
    if sign == "random":
        order = np.random.default_rng(seed).permutation(len(flat))
    elif sign in SIGNS:
        keys = {"positive": -flat, "negative": flat, "least": np.abs(flat)}[sign]
        order = np.argsort(keys, kind="stable")
    else:
        raise MaskError(f'sign: must be one of {", ".join(SIGNS)}, got "{sign}"')
    chosen = ranks_of(order) < round(share * len(flat))
    return spread(chosen.reshape(grid.shape), patch, values.shape)


@dataclass(frozen=True)
class Held:
    """What a mask holds of a map.

    Attributes
    ----------
    pixels, share : int, float
        Marked pixels, and their share of all pixels.
    total, of_total : float
        Relevance under the mask, and of the whole map.
    positive, negative : float
        Share (0 to 1) of all positive, and of all negative, relevance under the mask; 0 where the map has none.
    """

    pixels: int
    share: float
    total: float
    of_total: float
    positive: float
    negative: float


def held(values: NDArray[Any], mask: Mask) -> Held:
    """What is under the mask; `values` is the channel sum of relevance, (side, side)."""
    relevance = np.asarray(values, dtype=np.float64)
    under = relevance[mask]
    plus, minus = relevance.clip(min=0).sum(), relevance.clip(max=0).sum()
    return Held(
        int(mask.sum()),
        float(mask.mean()),
        float(under.sum()),
        float(relevance.sum()),
        float(under.clip(min=0).sum() / plus) if plus else 0.0,
        float(under.clip(max=0).sum() / minus) if minus else 0.0,
    )


# --- a brush ----------------------------------------------------------------------------------------------------------


def from_alpha(rgba: NDArray[np.uint8] | None, side: int = SIDE) -> Mask:
    """Pixels that a drawing covers.

    Parameters
    ----------
    rgba : ndarray or None
        Drawing on a transparent square, (S, S, 4), at any size: a canvas may be larger than the network's picture, and a
        screen with two device pixels per point may deliver it twice as large.
    side : int
        Side of the mask.

    Returns
    -------
    Mask
        A pixel counts as marked where the drawing covers at least half of it.
    """
    if rgba is None or rgba.ndim != 3 or rgba.shape[2] != 4 or min(rgba.shape[:2]) < 1:
        return np.zeros((side, side), dtype=np.bool_)
    drawn = rgba[..., 3] > 0
    if drawn.shape == (side, side):
        return drawn
    covered = Image.fromarray(drawn.astype(np.uint8) * 255).resize((side, side), Image.Resampling.BOX)
    return np.asarray(covered) >= 128


# --- text and file ------------------------------------------------------------------------------------------------------


def encode(mask: Mask) -> str:
    """The mask as short URL-safe text: its bits, compressed."""
    # Differences between neighbouring rows are mostly zero, which the compression likes.
    rows = np.packbits(mask, axis=1)
    rows[1:] ^= rows[:-1].copy()
    return base64.urlsafe_b64encode(zlib.compress(rows.tobytes(), 9)).decode("ascii").rstrip("=")


def decode(text: str) -> Mask:
    """The mask of `encode`'s text; the text is hostile until checked.

    Raises
    ------
    MaskError
        Damaged or of another size.
    """
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inflater = zlib.decompressobj()
        raw = inflater.decompress(data, _BYTES + 1)
    except (UnicodeEncodeError, binascii.Error, zlib.error) as error:
        raise MaskError("The brushed area in the address is damaged.") from error
    if len(raw) != _BYTES or not inflater.eof:
        raise MaskError("The brushed area in the address is damaged.")
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(SIDE, SIDE // 8)
    return np.unpackbits(np.bitwise_xor.accumulate(rows, axis=0), axis=1).astype(np.bool_)


def to_png(mask: Mask) -> bytes:
    """PNG file: marked pixels white, others black."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def from_png(data: bytes) -> Mask:
    """Mask of a picture file: what is marked is lighter.

    What is transparent is not marked. Where all that is painted has one value on a transparent ground, it is marked; of
    two values the larger one; of more, what is lighter than middle grey.

    Parameters
    ----------
    data : bytes
        A picture of any kind that `read_image` takes; palettes, 0 and 1, and 16 bits included.

    Raises
    ------
    MaskError
        No readable picture, not square, or nothing in it is marked.
    """
    try:
        brightness, opacity = read_marks(data)
    except ImageError as error:
        raise MaskError(f"The mask cannot be used: {error}") from error
    height, width = brightness.shape
    if width != height:
        raise MaskError(
            f"The mask has {width} x {height} pixels: use a square picture, "
            f"best {SIDE} x {SIDE}, white where pixels are to be flipped."
        )
    marked = _lighter(brightness, opacity >= 128)
    if width != SIDE:
        shares = Image.fromarray(marked.astype(np.uint8) * 255).resize((SIDE, SIDE), Image.Resampling.BOX)
        marked = np.asarray(shares) >= 128
    if not marked.any():
        raise MaskError(
            "Nothing is marked in this mask: use a picture that is white where pixels are to be flipped, and "
            "black or transparent elsewhere."
        )
    return marked


def _lighter(brightness: NDArray[np.uint8], painted: Mask) -> Mask:
    values = np.unique(brightness[painted])
    if len(values) == 1 and not painted.all():
        return painted
    threshold = values[1] if len(values) == 2 else 128
    return painted & (brightness >= threshold)
