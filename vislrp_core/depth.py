"""Grey and colour values of more than 8 bits, or of no fixed range, as the 8-bit values that pictures are shown with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.errors import ImageError

WHITES = (255, 1023, 4095, 16383, 32767, 65535, 2**31 - 1, 2**32 - 1)
"""What usually is white where a file does not say it: the largest values of 8, 10, 12, 14, 15, 16, 31 and 32 bits."""
OVERSHOOT = 0.05
"""Share of white by which sharpening and rounding may leave the range: cut, as a screen would."""
_DIM = 4
"""A picture whose largest value is below white by more than this factor may as well have another white."""


def to_levels(
    values: NDArray[Any], bits: int | None = None, *, alpha: bool = False, stretch: bool = False
) -> NDArray[np.uint8]:
    """Values as 8-bit levels, from black at 0 to white.

    Parameters
    ----------
    values : ndarray
        Any shape, integers or floats; the last axis holds samples where `alpha`.
    bits : int, optional
        Of unsigned integers whose largest value is white. Without it, white is the smallest usual value that holds all
        samples: 1 (floats, and integers of 0 and 1 alone), or one of `WHITES` (of floats, up to 65535).
    alpha : bool
        The last sample is opacity: it is not a brightness, and does not count in looking for white.
    stretch : bool
        The largest brightness is white, whatever it is: for pictures that mark pixels.

    Raises
    ------
    ImageError
        Not finite, or of a range that no usual white explains.
    """
    if stretch:
        return _stretched(values, alpha)
    if bits is not None:
        return np.rint(values * np.float32(255 / (2**bits - 1))).clip(0, 255).astype(np.uint8)
    brightness = values[..., :-1] if alpha else values
    if not np.isfinite(values).all():
        raise ImageError("holds values that are infinite or not numbers: save it again without them.")
    low, high = float(brightness.min()), float(brightness.max())
    white = _white(high, values.dtype.kind == "f")
    if white is None or low < -OVERSHOOT * white:
        raise ImageError(
            f"holds values from {low:g} to {high:g}, and nothing in the file says which of them is white: save it "
            "with values from 0 to 1, 0 to 255 or 0 to 65535."
        )
    return np.rint((values.astype(np.float64) * (255 / white)).clip(0, 255)).astype(np.uint8)


def _stretched(values: NDArray[Any], alpha: bool) -> NDArray[np.uint8]:
    if not np.isfinite(values).all():
        raise ImageError("holds values that are infinite or not numbers: save it again without them.")
    found = values.astype(np.float64)
    parts = (found[..., :-1], found[..., -1:]) if alpha else (found,)
    for part in parts:
        part *= 255 / max(part.max(initial=0), np.finfo(np.float64).tiny * 255)
    return np.rint(found.clip(0, 255)).astype(np.uint8)


def _white(high: float, floating: bool) -> float | None:
    """The usual white nearest above the largest value; None where it is far from every one."""
    if high <= 1 or (floating and high <= 1 + OVERSHOOT):
        return 1.0
    for white in WHITES:
        if high <= white * (1 + OVERSHOOT):
            return float(white) if high >= white / _DIM and not (floating and white > 65535) else None
    return None


def grey(image: Image.Image, bits: int = 16, transparent: int | None = None, *, stretch: bool = False) -> Image.Image:
    """Mode L or LA from Pillow's modes I;16, I and F.

    Parameters
    ----------
    bits : int
        Of values in mode I;16.
    transparent : int, optional
        The value that is not painted.
    stretch : bool
        See `to_levels`.
    """
    values = np.asarray(image)
    levels = to_levels(values, bits if image.mode.startswith("I;16") else None, stretch=stretch)
    found = Image.fromarray(levels)
    if transparent is not None:
        found.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return found
