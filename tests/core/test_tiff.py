"""TIFF in its many kinds: depth, sign, byte order, planes, compression, meaning of values, opacity, orientation, profile."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.support.orientations import stored_with
from vislrp_core.images import ImageError, read_image
from vislrp_core.profiles import DISPLAY_P3, SRGB_CURVE, matrix_profile, to_srgb

RAMP = np.linspace(0, 1, 48 * 32).reshape(32, 48)
COLOURS = np.stack([RAMP, RAMP[::-1], np.full_like(RAMP, 0.25)], axis=-1)
LEVELS = np.rint(255 * COLOURS)
WHOLE = {
    "uint8": 255,
    "uint16": 65535,
    "int16": 32767,
    "uint32": 2**32 - 1,
    "int32": 2**31 - 1,
    "float16": 1,
    "float32": 1,
    "float64": 1,
}


def stored(values: np.ndarray, dtype: str) -> np.ndarray:
    white = WHOLE[dtype]
    return values.astype(dtype) if dtype.startswith("float") else np.rint(values * white).astype(dtype)


def written(values: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, metadata=None, **options)
    return buffer.getvalue()


def shown(data: bytes) -> np.ndarray:
    picture = read_image(data)
    assert picture.mode == "RGB"
    return np.asarray(picture, dtype=int)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"tile": (16, 16)},
        {"bigtiff": True},
        {"compression": "zlib"},
        {"compression": "zlib", "tile": (16, 16)},
        {"rowsperstrip": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("dtype", list(WHOLE))
def test_colours_of_every_depth_order_and_layout(dtype, planes, layout, order):
    values = stored(COLOURS, dtype)
    values = values if planes == "contig" else np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = written(values, photometric="rgb", planarconfig=planes, byteorder=order, **layout)
    assert np.abs(shown(data) - LEVELS).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("dtype", list(WHOLE))
def test_grey_of_every_depth_and_of_both_meanings_of_zero(dtype, photometric, order):
    values = stored(RAMP if photometric == "minisblack" else 1 - RAMP, dtype)
    data = written(values, photometric=photometric, byteorder=order)
    assert np.abs(shown(data) - np.rint(255 * RAMP)[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("compression", "mode"),
    [
        (compression, mode)
        for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "lzma", "zstd")
        for mode in ("L", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "LA", "1", "P")
    ],
)
def test_what_pillow_writes_compressed_is_read(compression, mode):
    if mode == "F":
        image = Image.fromarray(RAMP.astype(np.float32))
    elif mode.startswith("I"):
        image = Image.fromarray(stored(RAMP, "uint16").astype({"I": np.int32, "I;16": np.uint16}[mode]))
    else:
        image = Image.fromarray(LEVELS.astype(np.uint8)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", compression=compression)
    expected = (
        np.rint(255 * RAMP)[..., None]
        if mode[0] in "IF"
        else np.asarray(image.convert("RGB") if mode != "LA" else image.convert("L").convert("RGB"), dtype=int)
    )
    assert np.abs(shown(buffer.getvalue()) - expected).max() <= 1


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1.0001), (0, 1.04), (-0.01, 1), (0, 255.4), (-3, 260), (0, 65535.7), (0, 1023), (0, 4095), (0, 16383)],
)
def test_a_little_outside_a_usual_range_is_cut_and_usual_ranges_are_stretched(low, high):
    grey = shown(written((low + (high - low) * RAMP).astype(np.float32), photometric="minisblack"))[..., 0]
    assert grey[0, 0] <= 1 and grey[-1, -1] >= 250 and (np.diff(grey.reshape(-1)) >= 0).all()


@pytest.mark.parametrize("values", [np.arange(64).reshape(8, 8) * 4, np.arange(64).reshape(8, 8) * 64, np.eye(8)], ids=str)
@pytest.mark.parametrize("dtype", ["int32", "uint32", "int16"])
def test_integers_without_a_fixed_white_fill_their_usual_range(values, dtype):
    grey = shown(written(values.astype(dtype), photometric="minisblack"))[..., 0]
    assert grey.min() == 0 and grey.max() >= 250


@pytest.mark.parametrize(
    "values",
    [
        np.full((8, 8), -40, np.int16),
        np.full((8, 8), 12.5, np.float32),
        np.full((8, 8), 20, np.int32),
        np.full((8, 8), 1e20),
        np.full((8, 8, 3), 9e5, np.float32),
    ],
    ids=lambda v: f"{v.flat[0]:g}",
)
def test_where_nothing_says_what_is_white_it_is_said(values):
    photometric = "rgb" if values.ndim == 3 else "minisblack"
    with pytest.raises(ImageError, match="nothing in the file says which of them is white: save it with values from 0 to 1"):
        read_image(written(values, photometric=photometric))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "uint32"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_opacity_lies_on_white_and_other_samples_are_left_aside(dtype, kind, planes):
    opacity = np.repeat([[1.0, 0.5, 0.0, 1.0]], 4, axis=0)
    colour = np.array([1.0, 0.2, 0.0])
    seen = opacity[..., None] * colour + (1 - opacity[..., None])
    values = np.concatenate(
        [np.broadcast_to(colour, (4, 4, 3)) * (opacity[..., None] if kind == "assocalpha" else 1), opacity[..., None]],
        axis=-1,
    )
    if kind == "unspecified":
        seen = np.broadcast_to(colour, (4, 4, 3))
    values = stored(values, dtype)
    values = values if planes == "contig" else np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = written(values, photometric="rgb", planarconfig=planes, extrasamples=[kind])
    assert np.abs(shown(data) - 255 * seen).max() <= 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_grey_with_opacity_lies_on_white(dtype, kind):
    values = stored(np.stack([np.zeros((4, 4)), np.tile([0, 0.5, 1, 1], (4, 1))], axis=-1), dtype)
    data = written(values, photometric="minisblack", planarconfig="contig", extrasamples=[kind])
    assert np.abs(shown(data)[0, :, 0] - [255, 127.5, 0, 0]).max() <= 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_inks_become_colours(dtype, planes):
    inks = stored(np.tile([1.0, 0.0, 0.0, 0.0], (4, 4, 1)), dtype)
    values = inks if planes == "contig" else np.ascontiguousarray(np.moveaxis(inks, -1, 0))
    red, green, blue = shown(written(values, photometric="separated", planarconfig=planes))[0, 0]
    assert red < 20 and green > 230 and blue > 230


def test_lab_colours_become_srgb():
    patches = {(255, 0, 0): (255, 255, 255), (0, 0, 0): (0, 0, 0), (136, 0, 0): (128, 127, 127), (138, 81, 70): (255, 0, 0)}
    for lab, expected in patches.items():
        values = np.tile(np.array(lab, np.uint8), (4, 4, 1))
        assert np.abs(shown(written(values, photometric="cielab"))[0, 0] - expected).max() <= 6, lab


def test_a_signed_lab_value_is_the_opposite_colour():
    values = np.tile(np.array([138, 256 - 60, 0], np.uint8), (4, 4, 1))
    red, green, _ = shown(written(values, photometric="cielab"))[0, 0]
    assert green > red + 60


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_few_bits(bits, photometric):
    """A hand-made file: a row from the smallest value to the largest, packed."""
    count = 2**bits
    row = "".join(f"{value:0{bits}b}" for value in range(count))
    packed = int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8))
    data = tiff(
        {256: count, 257: 1, 258: bits, 259: 1, 262: 0 if photometric == "miniswhite" else 1, 277: 1, 278: 1}, packed
    )
    expected = np.rint(np.arange(count) * 255 / (count - 1))
    assert np.abs(shown(data)[0, :, 0] - (expected if photometric == "minisblack" else 255 - expected)).max() <= 1


def tiff(tags: dict[int, int], pixels: bytes) -> bytes:
    """A little-endian TIFF of one strip."""
    tags = dict(sorted({**tags, 273: 8 + 2 + 12 * (len(tags) + 2) + 4, 279: len(pixels)}.items()))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + pixels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_a_tiff_is_applied(orientation, dtype):
    held = np.asarray(stored_with(Image.fromarray(LEVELS.astype(np.uint8)), orientation)) / 255
    data = written(stored(held, dtype), photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    assert np.abs(shown(data) - LEVELS).max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_profile_of_a_tiff_is_applied_at_every_depth(dtype):
    profile = matrix_profile(DISPLAY_P3, SRGB_CURVE)
    data = written(stored(COLOURS, dtype), photometric="rgb", iccprofile=profile)
    expected = np.asarray(to_srgb(Image.fromarray(LEVELS.astype(np.uint8)), profile), int)
    assert np.abs(shown(data) - expected).max() <= 2 and np.abs(expected - LEVELS).max() > 20


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: tiff({256: 4, 257: 4, 258: 16, 259: 1, 262: 32803, 277: 1, 278: 4}, bytes(32)),
            "raw values of a camera's sensor",
        ),
        (
            lambda: written(np.zeros((4, 4), np.uint8), photometric="minisblack", subfiletype=1),
            "whose first picture is a preview",
        ),
        (
            lambda: written(np.zeros((4, 4, 3), np.uint8), photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)]),
            "raw file of a camera",
        ),
        (lambda: written(np.zeros((4, 4, 3), np.uint16), photometric="cielab"), "16-bit Lab colours"),
        (lambda: written(np.zeros((4, 4), np.complex64), photometric="minisblack"), "TIFF of unusual 64-bit samples"),
        (
            lambda: tiff({256: 4, 257: 4, 258: 16, 259: 5, 262: 1, 277: 1, 278: 4, 339: 3}, bytes(32)),
            "float 16-bit samples compressed as LZW",
        ),
        (
            lambda: tiff({256: 4, 257: 4, 258: 32, 259: 8, 262: 1, 277: 1, 278: 4, 339: 3}, zlib.compress(bytes(10**7))),
            "more values than pixels",
        ),
        (
            lambda: tiff({256: 100_000, 257: 100_000, 258: 16, 259: 1, 262: 1, 277: 1, 278: 4}, bytes(32)),
            "more than 40 megapixels",
        ),
        (
            lambda: tiff({256: 8000, 257: 5000, 258: 64, 259: 1, 262: 2, 277: 3, 278: 4, 339: 3}, bytes(32)),
            "save it with 8 bits",
        ),
        (lambda: tiff({256: 64, 257: 64, 258: 16, 259: 1, 262: 1, 277: 1, 278: 64}, bytes(32)), "damaged or cut off"),
        (lambda: tiff({256: 4, 257: 4, 258: 16, 259: 1, 262: 1, 277: 100, 278: 4}, bytes(32)), "100 samples per pixel"),
    ],
)
def test_what_cannot_be_shown_right_is_named(make, words):
    with pytest.raises(ImageError, match=words) as caught:
        read_image(make())
    assert "\n" not in str(caught.value) and str(caught.value).startswith("The picture ")
