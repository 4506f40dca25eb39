"""TIFF files: what Pillow reads right is left to it, planes apart and deep samples are read here, the rest is named.

Pillow reads 16-bit samples of separate planes as stripes, knows no float or 32-bit colours, and turns no 16-bit grey round
whose 0 is white.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.containers import upright
from vislrp_core.depth import to_levels
from vislrp_core.errors import ImageError

MAX_DECODED = 512 * 1024 * 1024
_PACKED: dict[int, str] = {1: "none", 8: "deflate", 32773: "PackBits", 32946: "deflate"}
"""Compressions that are unpacked here, all within bounds."""
_PILLOW = {(1, 1, 12), (1, 1, 16), (1, 2, 16), (1, 2, 32), (1, 3, 32), (3, 1, 16), (4, 1, 16)}
"""Samples, their format and bits of deep pictures that Pillow reads right, whatever the compression."""
_GREY_WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_NAMED = {
    4: "a transparency mask",
    9: "ICC Lab colours",
    10: "ITU Lab colours",
    32803: "raw values of a camera's sensor",
    32844: "LogL brightness",
    32845: "LogLuv colours",
    34892: "raw values of a camera",
    51177: "a depth map",
}
_MODES = {_GREY_WHITE_IS_ZERO: "L", _GREY: "L", _RGB: "RGB", _CMYK: "CMYK"}
_REDUCED, _DNG, _PROFILE, _ORIENTATION, _SUBSAMPLING = 254, 50706, 34675, 274, 530
_SAVE = "save it as PNG or JPEG and choose it again."


def read_tiff(data: bytes, max_pixels: int, *, stretch: bool = False) -> Image.Image | None:
    """The first picture of a TIFF file, in mode L, LA, RGB, RGBA or CMYK, or None where Pillow reads it right.

    Its orientation is applied, its colour profile is in ``info["icc_profile"]``. `stretch` as in `depth.to_levels`.

    Raises
    ------
    ImageError
        A kind of TIFF that nobody here reads, or one that is damaged; the text begins with a verb.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            assert isinstance(page, tifffile.TiffPage)
            return _read(page, data, max_pixels, stretch)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        # Damaged files raise any kind of exception.
        raise ImageError(f"is damaged or cut off: {_SAVE}") from error


def _read(page: Any, data: bytes, max_pixels: int, stretch: bool) -> Image.Image | None:
    _check(page, max_pixels)
    samples, bits = int(page.samplesperpixel), int(page.bitspersample)
    photometric, apart = int(page.photometric), samples > 1 and int(page.planarconfig) == 2
    plain = int(page.sampleformat) == 1 and not apart
    if photometric == _YCBCR and int(page.compression) == 1 and _tag(page, _SUBSAMPLING, (2, 2)) != (1, 1):
        raise ImageError(f"is a TIFF of YCbCr colours at different resolutions without compression: {_SAVE}")
    here = photometric in _MODES and bits in (8, 16, 32, 64) and int(page.compression) in _PACKED
    if not here and plain and bits <= 8 and photometric in (*_MODES, _PALETTE, _YCBCR, _LAB):
        return None
    if photometric not in _MODES:
        kind = {_PALETTE: "a palette", _YCBCR: "YCbCr colours", _LAB: "Lab colours"}.get(
            photometric, "colours of another kind"
        )
        raise ImageError(f"is a TIFF of {bits}-bit {kind}{' in separate planes' * apart}: {_SAVE}")
    if not here:
        if photometric in (_GREY, _RGB) and not apart and (samples, int(page.sampleformat), bits) in _PILLOW:
            return None
        raise ImageError(
            f"is a TIFF of {_format(page)} samples{' in separate planes' * apart} compressed as "
            f"{getattr(page.compression, 'name', page.compression)}: save it without compression, or as PNG."
        )
    return _picture(page, _unpacked(page, data), stretch)


def _check(page: Any, max_pixels: int) -> None:
    """Refuse what is not a picture, is too large, or is only the preview of a raw file."""
    if int(page.imagewidth) * int(page.imagelength) > max_pixels:
        raise ImageError(
            f"has {page.imagewidth} x {page.imagelength} pixels, more than {max_pixels // 10**6} megapixels: save it "
            "smaller and choose it again."
        )
    if _DNG in page.tags or _tag(page, _REDUCED, 0) & 1:
        raise ImageError(
            "is a raw file of a camera, whose first picture is a preview: develop it and save it as JPEG or PNG."
        )
    if int(page.photometric) in _NAMED:
        raise ImageError(f"is a TIFF of {_NAMED[int(page.photometric)]}: {_SAVE}")
    if int(page.imagedepth) != 1 or not 1 <= int(page.samplesperpixel) <= 8:
        raise ImageError(f"is a TIFF of {page.samplesperpixel} samples per pixel in {page.imagedepth} layers: {_SAVE}")


def _tag(page: Any, code: int, otherwise: Any) -> Any:
    return page.tags[code].value if code in page.tags else otherwise


def _format(page: Any) -> str:
    kind = {1: "", 2: "signed ", 3: "float "}.get(int(page.sampleformat), "unusual ")
    return f"{kind}{int(page.bitspersample)}-bit"


def _unpacked(page: Any, data: bytes) -> NDArray[Any]:
    """Samples as (height, width, samples)."""
    count = int(page.imagewidth) * int(page.imagelength) * int(page.samplesperpixel)
    if page.dtype is None or int(page.sampleformat) not in (1, 2, 3):
        raise ImageError(f"is a TIFF of {_format(page)} samples: {_SAVE}")
    if count * page.dtype.itemsize > MAX_DECODED:
        raise ImageError(f"needs more than {MAX_DECODED // 2**20} MB as {_format(page)} samples: save it with 8 bits.")
    if _PACKED[int(page.compression)] == "deflate":
        _check_deflate(page, data)
    values = page.asarray()
    if int(page.samplesperpixel) == 1:
        return np.asarray(values).reshape(int(page.imagelength), int(page.imagewidth), 1)
    return np.moveaxis(values, 0, -1) if int(page.planarconfig) == 2 else np.asarray(values)


def _check_deflate(page: Any, data: bytes) -> None:
    """Refuse strips and tiles that hold more than their pixels: they would be unpacked without bound."""
    most = int(np.prod(page.chunks)) * page.dtype.itemsize
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        inflater = zlib.decompressobj()
        if len(inflater.decompress(data[offset : offset + size], most + 1)) > most:
            raise ImageError(f"is damaged (more values than pixels): {_SAVE}")


def _picture(page: Any, values: NDArray[Any], stretch: bool) -> Image.Image:
    photometric = int(page.photometric)
    mode = _MODES[photometric]
    colours, extra = len(mode), [int(one) for one in page.extrasamples]
    if values.shape[2] < colours:
        raise ImageError(f"is a TIFF of {values.shape[2]} samples per pixel, {colours} are needed: {_SAVE}")
    alpha = values.shape[2] > colours and mode != "CMYK" and (not extra or extra[0] in (1, 2, 999))
    used = values[:, :, : colours + alpha]
    whole = int(page.sampleformat) == 1 and int(page.bitspersample) <= 16
    stretch &= values.dtype.itemsize > 1
    levels = to_levels(used, int(page.bitspersample) if whole else None, alpha=alpha, stretch=stretch)
    if photometric == _GREY_WHITE_IS_ZERO:
        levels[..., 0] = 255 - levels[..., 0]
    if alpha and extra[:1] == [1]:
        opacity = levels[..., -1:].astype(np.float32)
        # Samples were multiplied by their opacity, as light; a transparent pixel has no colour left.
        levels[..., :-1] = np.rint((levels[..., :-1] * np.float32(255) / np.maximum(opacity, 1)).clip(0, 255))
    bands = [Image.fromarray(np.ascontiguousarray(levels[..., place])) for place in range(levels.shape[2])]
    image = bands[0] if len(bands) == 1 else Image.merge(mode + "A" * alpha, bands)
    image = upright(image, _tag(page, _ORIENTATION, 1))
    profile = _tag(page, _PROFILE, None)
    if isinstance(profile, bytes):
        image.info["icc_profile"] = profile
    return image
