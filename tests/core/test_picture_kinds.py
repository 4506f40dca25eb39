"""Pictures as phones and programs write them: ends cut off, orientation, endings, and what is refused by its name."""

from __future__ import annotations

import io
import struct
import threading
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from tests.core.test_picture_colours import encoded, middles, patches
from tests.support.orientations import stored_with
from vislrp_core import containers
from vislrp_core.images import ImageError, read_image

ROOT = Path(__file__).resolve().parents[2]


# --- JPEG ---------------------------------------------------------------------------------------------------------------

PHOTOGRAPH = (ROOT / "sample_images" / "castle_on_lake.jpg").read_bytes()


def photograph(**options) -> bytes:
    with Image.open(io.BytesIO(PHOTOGRAPH)) as picture:
        return encoded(picture.resize((400, 300)), "JPEG", quality=90, **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}, {"progressive": True, "subsampling": 0}],
    ids=str,
)
@pytest.mark.parametrize("cut", [1, 2, 3, 10])
def test_a_jpeg_without_its_last_bytes_is_opened(options, cut):
    data = photograph(**options)
    found, whole = np.asarray(read_image(data[:-cut]), int), np.asarray(read_image(data), int)
    assert (found == whole).all(axis=2).mean() > 0.98


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}], ids=str)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_a_jpeg_of_which_a_visible_part_is_missing_is_refused_with_the_reason(options, share):
    data = photograph(**options)
    with pytest.raises(ImageError, match=r"cut off: (about \d+ % of the picture is missing|only its coarse first steps)"):
        read_image(data[: int(len(data) * share)])


def test_the_share_that_is_missing_is_told():
    data = photograph()
    with pytest.raises(ImageError) as caught:
        read_image(data[: len(data) // 2])
    assert 30 <= int(str(caught.value).split("about ")[1].split(" %")[0]) <= 70


def test_other_damage_of_a_jpeg_is_refused():
    with pytest.raises(ImageError, match=r"damaged or cut off|not a readable"):
        read_image(b"\xff\xd8\xff\xe0" + photograph()[4:300])


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_ink_jpegs_without_their_last_bytes(mode):
    with Image.open(io.BytesIO(PHOTOGRAPH)) as picture:
        data = encoded(picture.convert(mode), "JPEG")
    assert np.array_equal(read_image(data[:-2]), read_image(data))


# --- phones and cameras ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
def test_avif_and_heic_are_read(format):
    picture = read_image(encoded(patches(), format, quality=95))
    assert picture.size == patches().size and np.abs(middles(picture) - middles(patches())).max() <= 6


@pytest.mark.parametrize("format", ["AVIF", "HEIF", "WEBP"])
def test_transparency_of_the_newer_formats_lies_on_white(format):
    image = patches().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 32))
    assert min(read_image(encoded(image, format, quality=95)).getpixel((16, 16))) > 245


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["AVIF", "HEIF", "WEBP", "JPEG"])
def test_the_orientation_of_every_format_is_applied(format, orientation):
    held = stored_with(patches(), orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_image(encoded(held, format, exif=exif, quality=95))
    assert picture.size == patches().size and np.abs(middles(picture) - middles(patches())).max() <= 8


def test_a_heic_that_turns_itself_is_turned_once():
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    pillow_heif.from_pillow(patches().transpose(Image.Transpose.ROTATE_90)).save(buffer, quality=95, exif=exif.tobytes())
    assert b"irot" in buffer.getvalue()
    assert np.abs(middles(read_image(buffer.getvalue())) - middles(patches())).max() <= 8


def test_several_pictures_in_a_jpeg_show_the_first():
    data = encoded(patches(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 64), "red")], quality=95)
    assert np.abs(middles(read_image(data)) - middles(patches())).max() <= 8


def test_heic_pictures_are_read_by_several_threads():
    data, found = encoded(patches(), "HEIF", quality=95), []
    threads = [threading.Thread(target=lambda: found.append(np.asarray(read_image(data)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(np.array_equal(one, found[0]) for one in found)


@pytest.mark.parametrize("ending", containers.ENDINGS)
def test_whatever_the_ending_the_content_counts(tmp_path, ending):
    file = tmp_path / f"picture.{ending}"
    file.write_bytes(encoded(patches(), "JPEG", quality=95))
    assert np.abs(middles(read_image(file)) - middles(patches())).max() <= 8


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="4">', "is an SVG drawing, which has no pixels"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"%!PS-Adobe", "is a PostScript file"),
        (b"8BPS\0\1", "is a Photoshop file"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\0\0\0\x0cjP  \r\n", "is a JPEG 2000 file"),
        (b"\xff\x0a\x12", "is a JPEG XL file"),
        (b"II*\0\x10\0\0\0CR\2\0", "is a raw file of a camera"),
        (b"FUJIFILMCCD-RAW 0201", "is a raw file of a camera"),
        (box(b"ftyp", b"crx \0\0\0\1crx isom"), "is a raw file of a camera"),
        (box(b"ftyp", b"isom\0\0\0\1isommp42"), "is a film"),
        (b"PK\x03\x04", "is a ZIP archive"),
        (b"gimp xcf file", "is a GIMP file"),
        (bytes(128) + b"DICM", "is a DICOM file"),
        (b"P6 4 4 255\n", "is a portable pixmap"),
        (b"\x93NUMPY", "is a NumPy array"),
        (b"v/1\x01", "is an OpenEXR file"),
        (box(b"ftyp", b"heic\0\0\0\0mif1heic"), "is not a readable"),
        (box(b"ftyp", b"avif\0\0\0\0mif1"), "is not a readable"),
        (encoded(patches(), "HEIF")[:-100], "is not a readable|damaged"),
        (encoded(patches(), "AVIF")[:-100], "is not a readable|damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_for_here_is_called_by_its_name(data, words):
    with pytest.raises(ImageError, match=words) as caught:
        read_image(data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
def test_a_large_picture_of_the_newer_formats_is_refused_before_it_is_decoded(format, monkeypatch):
    monkeypatch.setattr("vislrp_core.images.MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="128 x 96 pixels, more than"):
        read_image(encoded(patches(), format))
