"""Colours of pictures as cameras and programs store them: profiles, transparency, the ways of PNG."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from vislrp_core.images import ImageError, read_image
from vislrp_core.profiles import ADOBE_RGB, DISPLAY_P3, REC_2020, SRGB, SRGB_CURVE, matrix_profile

P3 = matrix_profile(DISPLAY_P3, 2.2)
pillow_heif.register_heif_opener()


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def patches() -> Image.Image:
    """Flat squares of twelve colours, which every format keeps in their middle."""
    colours = np.array(
        [
            (200, 100, 50),
            (40, 160, 90),
            (60, 70, 190),
            (128, 128, 128),
            (250, 250, 250),
            (15, 15, 15),
            (180, 60, 120),
            (90, 180, 180),
            (220, 200, 80),
            (120, 40, 40),
            (40, 90, 40),
            (230, 160, 150),
        ],
        np.uint8,
    )
    return Image.fromarray(np.kron(colours.reshape(3, 4, 3), np.ones((32, 32, 1), np.uint8)))


def middles(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"), int)[16::32, 16::32]


def linear_srgb(values: np.ndarray, rows, decode) -> np.ndarray:
    """sRGB levels of colours in another space: by its own matrix, and sRGB's curve written out again."""
    linear = decode(np.asarray(values) / 255)
    found = np.clip(linear @ np.array(rows).T @ np.linalg.inv(np.array(SRGB)).T, 0, 1)
    return 255 * np.where(found <= 0.0031308, 12.92 * found, 1.055 * found ** (1 / 2.4) - 0.055)


def srgb_curve(x):
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


SPACES = {
    "Display P3": (DISPLAY_P3, 2.2),
    "P3 with sRGB's curve": (DISPLAY_P3, SRGB_CURVE),
    "Adobe RGB": (ADOBE_RGB, 563 / 256),
    "ProPhoto": (((0.79767, 0.13519, 0.03134), (0.28804, 0.71187, 0.00009), (0, 0, 0.82491)), 1.8),
    "Rec. 2020": (REC_2020, SRGB_CURVE),
    "linear": (SRGB, 1.0),
}


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("space", list(SPACES))
def test_colours_of_a_profile_become_srgb(space, format):
    rows, curve = SPACES[space]
    options = {"PNG": {}, "TIFF": {}, "JPEG": {"quality": 95, "subsampling": 0}}.get(format, {"quality": 95})
    data = encoded(patches(), format, icc_profile=matrix_profile(rows, curve), **options)
    decode = srgb_curve if curve == SRGB_CURVE else lambda x: x**curve
    with Image.open(io.BytesIO(data)) as stored:
        raw = middles(stored)
    expected = linear_srgb(raw, rows, decode)
    assert np.abs(middles(read_image(data)) - expected).max() <= 3
    assert np.abs(expected - raw).max() > 15


def test_a_profile_of_srgb_under_any_name_keeps_every_value():
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (own, matrix_profile(SRGB, SRGB_CURVE)):
        assert np.array_equal(read_image(encoded(patches(), icc_profile=profile)), patches())


def profile_of(**changed: bytes) -> bytes:
    """The profile of P3 with parts of its head overwritten."""
    places = {"space": (16, 4), "kind": (12, 4), "mark": (36, 4), "size": (0, 4)}
    data = bytearray(P3)
    for part, content in changed.items():
        start, length = places[part]
        data[start : start + length] = content
    return bytes(data)


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        P3[:100],
        P3[:200],
        P3[:-60],
        profile_of(mark=b"none"),
        profile_of(space=b"CMYK"),
        profile_of(space=b"GRAY"),
        profile_of(kind=b"link"),
        bytes(5000),
        P3[:128] + b"\xff" * 400,
    ],
    ids=lambda value: f"{len(value)} bytes",
)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF"])
def test_a_broken_profile_or_one_of_another_mode_leaves_colours_as_they_are(profile, format):
    plain, profiled = (read_image(encoded(patches(), format, **options)) for options in ({}, {"icc_profile": profile}))
    assert np.array_equal(plain, profiled)


def test_a_grey_profile_of_a_grey_picture_counts_and_of_a_colour_picture_does_not():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    linear = grey_profile(1.0)
    found = np.asarray(read_image(encoded(ramp, icc_profile=linear)), int)[..., 0].reshape(-1)
    expected = linear_srgb(np.repeat(np.arange(256)[:, None], 3, 1), SRGB, lambda x: x)[:, 0]
    assert np.abs(found - expected).max() <= 3 and abs(found[55] - 55) > 60
    assert np.array_equal(read_image(encoded(patches(), icc_profile=linear)), patches())


def grey_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(x * 65536)) for x in (0.9642, 1, 0.8249))
    start = 128 + 4 + 24
    table = (
        struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", start, 20) + b"kTRC" + struct.pack(">II", start + 20, len(curve))
    )
    body = table + white + curve
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white[8:]
    return head.ljust(128, b"\0") + body


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
def test_a_profile_counts_below_transparency_and_for_palettes(mode):
    image = patches().convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    profile = grey_profile(1.0) if mode == "LA" else P3
    converted = image.convert("RGB").quantize(32) if mode == "P" else image.convert(mode)
    with_profile, without = (read_image(encoded(converted, **options)) for options in ({"icc_profile": profile}, {}))
    assert np.abs(middles(with_profile) - middles(without)).max() > 10
    if mode != "P":
        assert with_profile.getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_of_inks_with_the_profile_of_a_screen_is_read_as_inks():
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    red, green, blue = read_image(encoded(cyan, "JPEG", quality=95, icc_profile=P3)).getpixel((8, 8))
    assert red < 20 and green > 230 and blue > 230


def test_a_camera_that_says_adobe_rgb_without_a_profile_is_believed():
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    options = {"quality": 95, "subsampling": 0}
    data = encoded(patches(), "JPEG", exif=exif, **options)
    with_profile = encoded(patches(), "JPEG", icc_profile=matrix_profile(ADOBE_RGB, 563 / 256), **options)
    assert np.array_equal(read_image(data), read_image(with_profile))
    assert not np.array_equal(read_image(data), read_image(encoded(patches(), "JPEG", **options)))


# --- PNG ----------------------------------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
        + b"".join(extra)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_grey_of_a_png_is_white_and_no_other(bits):
    """One row: black, the transparent grey, white; the chunk counts in the file's own bits."""
    white = 2**bits - 1
    key = white // 3 if bits > 1 else 0
    levels = [0, key, white]
    row = "".join(f"{level:0{bits}b}" for level in levels)
    packed = int(row.ljust(-(-len(row) // 8) * 8, "0"), 2).to_bytes(-(-len(row) // 8))
    data = png(3, 1, bits, 0, b"\0" + packed, chunk(b"tRNS", struct.pack(">H", key)))
    found = np.asarray(read_image(data), int)[0, :, 0].tolist()
    assert found == ([255, 255, 255] if bits == 1 else [0, 255, 255])


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_colour_of_a_png_is_white(bits):
    pack = "B" if bits == 8 else ">H"
    top = 2**bits - 1
    row = b"".join(struct.pack(pack, value) for value in (top, 0, 0, 0, top, 0))
    data = png(2, 1, bits, 2, b"\0" + row, chunk(b"tRNS", struct.pack(">3H", top, 0, 0)))
    assert np.asarray(read_image(data))[0].tolist() == [[255, 255, 255], [0, 255, 0]]


def test_grey_with_alpha_of_sixteen_bits():
    data = png(2, 1, 16, 4, b"\0" + struct.pack(">4H", 0, 0, 0, 65535))
    assert np.asarray(read_image(data))[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize(
    "make",
    [
        lambda info: info.add_text("Comment", "a" * 3_000_000, zip=True),
        lambda info: info.add_itxt("Comment", "ä" * 2_000_000, zip=True),
        lambda info: info.add_text("Comment", "b" * 2_000_000),
        lambda info: [info.add_text(f"c{n}", "x" * 1_000_000, zip=True) for n in range(80)],
        lambda info: info.add_itxt("Comment", "c" * 1_500_000),
    ],
    ids=["zTXt", "iTXt packed", "tEXt", "many", "iTXt"],
)
def test_long_texts_of_a_png_do_not_stand_in_the_way(make):
    info = PngInfo()
    make(info)
    assert np.array_equal(read_image(encoded(patches(), pnginfo=info)), patches())


def test_a_long_profile_of_a_png_counts():
    padded = struct.pack(">I", len(P3) + 3_000_000) + P3[4:] + bytes(3_000_000)
    assert np.array_equal(read_image(encoded(patches(), icc_profile=padded)), read_image(encoded(patches(), icc_profile=P3)))


def test_a_profile_that_unpacks_without_end_is_left_aside():
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000)))
    data = encoded(patches())
    assert np.array_equal(read_image(data[:33] + bomb + data[33:]), patches())


def test_the_orientation_in_a_text_of_a_png_is_kept():
    info = PngInfo()
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="3"/></rdf:RDF></x:xmpmeta>'
    )
    info.add_itxt("XML:com.adobe.xmp", xmp)
    info.add_itxt("Comment", "ä" * 2_000_000, zip=True)
    turned = read_image(encoded(patches().transpose(Image.Transpose.ROTATE_180), pnginfo=info))
    assert np.array_equal(turned, patches())


@pytest.mark.parametrize(
    ("extra", "curve", "rows"),
    [
        ((chunk(b"gAMA", struct.pack(">I", 100_000)),), lambda x: x, SRGB),
        (
            (
                chunk(b"gAMA", struct.pack(">I", 45455)),
                chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
            ),
            srgb_curve,
            DISPLAY_P3,
        ),
        ((chunk(b"cICP", bytes([12, 13, 0, 1])),), srgb_curve, DISPLAY_P3),
        ((chunk(b"cICP", bytes([9, 13, 0, 1])),), srgb_curve, REC_2020),
    ],
    ids=["linear gAMA", "cHRM of P3", "cICP P3", "cICP Rec. 2020"],
)
def test_a_png_that_names_its_colours_without_a_profile(extra, curve, rows):
    data = encoded(patches())
    found = middles(read_image(data[:33] + b"".join(extra) + data[33:]))
    assert np.abs(found - linear_srgb(middles(patches()), rows, curve)).max() <= 3


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"gAMA", struct.pack(">I", 0)),
        chunk(b"cICP", bytes([1, 13, 0, 1])),
        chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100_000)),
        chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", bytes(32)),
    ],
    ids=lambda e: e[4:8].decode(),
)
def test_a_png_that_names_srgb_or_nonsense_keeps_every_value(extra):
    data = encoded(patches())
    assert np.array_equal(read_image(data[:33] + extra + data[33:]), patches())


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_named(transfer):
    data = encoded(patches())
    with pytest.raises(ImageError, match=r"high dynamic range .(PQ|HLG).: save it in standard range"):
        read_image(data[:33] + chunk(b"cICP", bytes([9, transfer, 0, 1])) + data[33:])
