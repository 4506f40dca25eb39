"""How a camera stores a picture for each value of EXIF's orientation."""

from __future__ import annotations

from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_with(upright: Image.Image, orientation: int) -> Image.Image:
    """The pixels as they lie in the file of an upright picture."""
    return upright.transpose(_TURNS[orientation]) if orientation in _TURNS else upright
