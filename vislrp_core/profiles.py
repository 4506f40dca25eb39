"""Colours of a picture file as sRGB, in which networks saw theirs: embedded profiles, and colours named by numbers.

A profile that cannot be read, or belongs to pictures of another kind, is left aside, as most programs do.
"""

from __future__ import annotations

import io
import math
import struct
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from vislrp_core.errors import ImageError

MAX_PROFILE = 16 * 1024 * 1024
SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
_SAME = 2
"""Levels by which a profile may differ from sRGB before colours are converted: rounding, nothing that one sees."""

# Red, green and blue of a profile in the D50 space of profiles; from the primaries by Bradford's adaptation.
DISPLAY_P3 = ((0.51512, 0.29198, 0.15710), (0.24120, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407))
ADOBE_RGB = ((0.60974, 0.20528, 0.14919), (0.31111, 0.62567, 0.06322), (0.01947, 0.06087, 0.74457))
REC_2020 = ((0.67348, 0.16566, 0.12505), (0.27904, 0.67535, 0.04561), (-0.00193, 0.02998, 0.79686))
SRGB = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in RGB, its colours brought to sRGB.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode L, RGB, CMYK or LAB; others come back as they are, but in RGB.
    profile : bytes or None
        ICC profile of the values; without a readable one of this mode they count as sRGB, grey as sRGB's grey, CMYK as
        ideal inks.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.
    """
    source: Any = _opened(profile, image.mode)
    if source is None:
        if image.mode != "LAB":
            return image.convert("RGB")
        source = ImageCms.createProfile("LAB")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if image.mode == "L":  # 256 values are looked up: they can be exact
        flags |= ImageCms.Flags.NOOPTIMIZE
    try:
        transform = ImageCms.buildTransform(source, _srgb(), image.mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)
    except ImageCms.PyCMSError:
        return image.convert("RGB")
    if image.mode in ("L", "RGB") and _changes_nothing(transform, image.mode):
        return image.convert("RGB")
    if image.mode == "L":
        ramp = ImageCms.applyTransform(Image.fromarray(np.arange(256, dtype=np.uint8)[None]), transform)
        bands = ramp.split() if ramp is not None else (image,) * 3
        return Image.merge("RGB", [image.point(list(band.tobytes())) for band in bands])
    converted = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if converted is None else converted


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _opened(profile: bytes | None, mode: str) -> ImageCms.ImageCmsProfile | None:
    """The profile, if it can be read and describes pictures of this mode."""
    if not profile or len(profile) > MAX_PROFILE or mode not in SPACES:
        return None
    # Damaged profiles raise any kind of exception.
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        kind = opened.profile.device_class
    except Exception:
        return None
    return opened if space == SPACES[mode] and kind in ("mntr", "scnr", "prtr", "spac") else None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a profile is sRGB under whatever name: its pictures keep every value."""
    levels = np.linspace(0, 255, 18).astype(np.uint8)
    values: NDArray[np.uint8] = (
        levels[None] if mode == "L" else np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(18, -1, 3)
    )
    patch = Image.fromarray(values)
    found = ImageCms.applyTransform(patch, transform)
    return found is not None and bool(
        np.abs(np.asarray(found, dtype=int) - np.asarray(patch.convert("RGB"), dtype=int)).max() <= _SAME
    )


# --- profiles made here -------------------------------------------------------------------------------------------------


def matrix_profile(rows: tuple[tuple[float, ...], ...], curve: float | tuple[float, ...]) -> bytes:
    """An ICC profile of version 4 for RGB.

    Parameters
    ----------
    rows : 3 x 3 numbers
        X, Y and Z (D50) of red, green and blue.
    curve : float or five floats
        Exponent from stored to linear values, or g, a, b, c, d of (a x + b)^g from d on and c x below.
    """

    def fixed(*numbers: float) -> bytes:
        return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

    def text(words: str) -> bytes:
        encoded = words.encode("utf-16-be")
        return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded

    numbers = (curve,) if isinstance(curve, int | float) else curve
    tone = b"para" + bytes(4) + struct.pack(">HH", 0 if len(numbers) == 1 else 3, 0) + fixed(*numbers)
    tags = {b"desc": text("made here"), b"cprt": text("none"), b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)}
    for place, name in enumerate((b"r", b"g", b"b")):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*(row[place] for row in rows))
        tags[name + b"TRC"] = tone
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = (
        struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04200000, b"mntr", b"RGB ", b"XYZ ")
        + struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
        + fixed(0.9642, 1.0, 0.8249)
    )
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def of_primaries(points: tuple[float, ...], curve: float | tuple[float, ...]) -> bytes | None:
    """Profile from the chromaticities of white, red, green and blue (x, y each, as in PNG's cHRM); None if impossible."""
    xy = np.asarray(points, dtype=float).reshape(4, 2)
    if not np.isfinite(xy).all() or (xy[:, 1] <= 0).any():
        return None
    xyz = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])
    try:
        primaries = xyz[:, 1:] * np.linalg.solve(xyz[:, 1:], xyz[:, 0])
    except np.linalg.LinAlgError:
        return None
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (bradford @ [0.9642, 1.0, 0.8249]) / (bradford @ xyz[:, 0])
    rows = np.linalg.solve(bradford, scale[:, None] * (bradford @ primaries))
    return matrix_profile(tuple(tuple(row) for row in rows.tolist()), curve) if np.abs(rows).max() < 100 else None


SRGB_POINTS = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)


def of_png(gamma: float | None, points: tuple[float, ...] | None) -> bytes | None:
    """Profile from a PNG's gAMA and cHRM; None where they say what sRGB says, or nothing that makes sense."""
    if gamma is None or not math.isfinite(gamma) or not 0.1 <= gamma <= 5:
        return None
    usual = abs(gamma - 1 / 2.2) < 0.02
    same = points is None or max(abs(a - b) for a, b in zip(points, SRGB_POINTS, strict=True)) < 0.005
    return None if usual and same else of_primaries(points or SRGB_POINTS, SRGB_CURVE if usual else 1 / gamma)


_CODED = {1: SRGB, 9: REC_2020, 11: DISPLAY_P3, 12: DISPLAY_P3}
_CODED_CURVES: dict[int, float | tuple[float, ...]] = {4: 2.2, 8: 1.0}


def of_code(primaries: int, transfer: int) -> bytes | None:
    """Profile from the numbers of ITU-T H.273 (cICP of PNG, nclx of AVIF and HEIC); None where they mean sRGB, or nothing.

    Raises
    ------
    ImageError
        For high dynamic range (PQ, HLG), which needs a judgement of what is white; the text begins with a verb.
    """
    if transfer in (16, 18):
        kind = "PQ" if transfer == 16 else "HLG"
        raise ImageError(f"holds colours of high dynamic range ({kind}): save it in standard range, best as JPEG or PNG.")
    rows = _CODED.get(primaries)
    curve = _CODED_CURVES.get(transfer, SRGB_CURVE)
    return None if rows is None or (rows is SRGB and curve is SRGB_CURVE) else matrix_profile(rows, curve)
