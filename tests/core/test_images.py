"""Hostile and unusual pictures, and preprocessing against torchvision's own."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import VGG16_Weights
from torchvision.transforms._presets import ImageClassification

from tests.support.networks import VGG16
from vislrp_core import images
from vislrp_core.images import ImageError, digest, network_view, read_image, to_input, to_pil
from vislrp_core.network import IMAGENET_MEAN, IMAGENET_STD

SAMPLES = Path(__file__).resolve().parents[2] / "sample_images"


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8))


def network(mean=IMAGENET_MEAN, std=IMAGENET_STD, dtype=torch.float32, architecture=VGG16):
    return SimpleNamespace(mean=mean, std=std, device=torch.device("cpu"), dtype=dtype, architecture=architecture)


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds nearly nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_keep_every_pixel(format):
    assert np.array_equal(read_image(encoded(gradient(), format)), gradient())


@pytest.mark.parametrize(("format", "tolerance"), [("JPEG", 12), ("WEBP", 25), ("GIF", 60)])
def test_lossy_formats_come_near(format, tolerance):
    picture = read_image(encoded(gradient(), format))
    assert picture.mode == "RGB" and picture.size == (60, 40)
    assert np.abs(np.asarray(picture, int) - np.asarray(gradient(), int)).max() <= tolerance


def test_path_bytes_bytearray_and_memoryview_are_the_same(tmp_path):
    data = encoded(gradient())
    file = tmp_path / "picture.png"
    file.write_bytes(data)
    for source in (data, bytearray(data), memoryview(data), file, str(file)):
        assert np.array_equal(read_image(source), gradient())


def test_every_sample_photograph_can_be_read():
    for file in SAMPLES.glob("*.jpg"):
        assert min(read_image(file).size) >= 224


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is text", "not a readable JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
        (b"\x89PNG\r\n\x1a\n", "not a readable JPEG"),
        (encoded(gradient(), "PPM"), "is a portable pixmap"),
        (encoded(gradient(), "PDF"), "is a PDF document"),
        (encoded(gradient(), "ICO"), "is an icon"),
        (encoded(gradient())[:-40], "damaged or cut off"),
        (encoded(gradient(300, 200), "JPEG")[:-400], "is cut off: about 15 % of the picture is missing"),
        (encoded(gradient(300, 200), "TIFF")[:1000], "not a readable|damaged or cut off"),
        (encoded(gradient(), "WEBP")[:200], "not a readable|damaged or cut off"),
        (encoded(gradient(), "GIF")[:900], "damaged or cut off"),
        (png_header(50, 50), "damaged or cut off"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_picture_is_refused_in_one_sentence(data, words):
    with pytest.raises(ImageError, match=words) as caught:
        read_image(data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(("width", "height"), [(8000, 6000), (100_000, 100_000), (1, 50_000_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(width, height):
    with pytest.raises(ImageError, match="40 megapixels"):
        read_image(png_header(width, height))


def test_a_real_picture_above_the_limit_is_refused():
    with pytest.raises(ImageError, match="7000 x 6000 pixels, more than 40 megapixels"):
        read_image(encoded(Image.new("1", (7000, 6000))))


def test_forty_megapixels_are_allowed():
    assert read_image(encoded(Image.new("1", (8000, 5000)))).size == (8000, 5000)


def test_files_above_ten_megabytes_are_refused_without_reading_on(tmp_path):
    file = tmp_path / "large.png"
    with file.open("wb") as stream:
        stream.truncate(3_000_000_000)  # sparse: takes no room
    with pytest.raises(ImageError, match=r'"large\.png" is larger than 10 MB'):
        read_image(file)
    with pytest.raises(ImageError, match="larger than 10 MB"):
        read_image(bytes(images.MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere.png", "was not found"),
        (".", "is not a file"),
        ("nul\0byte.png", "could not be read|was not found"),
        ("x" * 5000, "could not be read|was not found"),
    ],
)
def test_paths_that_lead_nowhere(path, words):
    with pytest.raises(ImageError, match=words):
        read_image(path)


def test_an_unreadable_file_is_named_with_the_reason(tmp_path, monkeypatch):
    file = tmp_path / "locked.png"
    file.write_bytes(encoded(gradient()))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match=r"locked\.png.*Permission denied"):
        read_image(file)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(format):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=50)
    red, green, blue = read_image(data).getpixel((10, 10))
    assert red > 200 and green < 60 and blue < 60


def test_cmyk_becomes_rgb():
    cyan = read_image(encoded(Image.new("CMYK", (10, 10), (255, 0, 0, 0)), "JPEG", quality=95)).getpixel((5, 5))
    assert cyan[0] < 20 and cyan[1] > 230 and cyan[2] > 230


def test_sixteen_bit_grey_keeps_its_scale():
    values = np.linspace(0, 65535, 100).astype(np.uint16).reshape(10, 10)
    grey = np.asarray(read_image(encoded(Image.fromarray(values))), int)
    assert np.array_equal(grey[..., 0], grey[..., 1]) and np.array_equal(grey[..., 0], grey[..., 2])
    assert np.abs(grey[..., 0] - values / 257).max() <= 0.51


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_float_grey_of_the_usual_ranges(white):
    values = np.linspace(0, white, 64, dtype=np.float32).reshape(8, 8)
    grey = np.asarray(read_image(encoded(Image.fromarray(values), "TIFF")), int)[..., 0]
    assert np.abs(grey - np.linspace(0, 255, 64).reshape(8, 8)).max() <= 0.51


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1.0, "values from -1 to -1, and nothing in the file says which of them is white"),
        (20.0, "says which of them is white"),
        (1e9, "says which of them is white"),
        (np.nan, "infinite or not numbers"),
        (np.inf, "infinite or not numbers"),
    ],
)
def test_grey_values_out_of_every_range_are_refused(value, words):
    values = np.full((8, 8), value, dtype=np.float32)
    with pytest.raises(ImageError, match=words):
        read_image(encoded(Image.fromarray(values), "TIFF"))


def test_one_bit_and_greyscale():
    assert read_image(encoded(Image.new("1", (5, 5), 1))).getpixel((0, 0)) == (255, 255, 255)
    assert read_image(encoded(Image.new("L", (5, 5), 77))).getpixel((0, 0)) == (77, 77, 77)


def test_transparency_lies_on_white():
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    half.putpixel((0, 0), (0, 255, 0, 0))
    picture = read_image(encoded(half))
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    assert np.allclose(picture.getpixel((2, 2)), (255, 127, 127), atol=1)


def test_a_palette_with_a_transparent_entry_lies_on_white():
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((0, 0), 0)
    picture = read_image(encoded(palette, transparency=0))
    assert picture.getpixel((0, 0)) == (255, 255, 255) and picture.getpixel((3, 3)) == (10, 20, 30)


def test_grey_with_alpha_lies_on_white():
    assert read_image(encoded(Image.new("LA", (4, 4), (0, 0)))).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    """The same upright picture, stored in each of the eight ways a camera may hold it."""
    stored_as = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = gradient() if stored_as is None else gradient().transpose(stored_as)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_image(encoded(stored, exif=exif)), gradient())


@pytest.mark.parametrize("orientation", [0, 9, 60000])
def test_an_orientation_that_does_not_exist_changes_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_image(encoded(gradient(), exif=exif)), gradient())


def test_damaged_exif_leaves_the_picture_as_it_is_stored(monkeypatch):
    def broken(_self):
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr(Image.Image, "getexif", broken)
    assert np.array_equal(read_image(encoded(gradient())), gradient())


@pytest.mark.parametrize(
    "size",
    [
        (640, 480),
        (480, 640),
        (224, 224),
        (256, 256),
        (257, 300),
        (100, 37),
        (333, 1000),
        (3001, 2000),
        (1, 1),
        (300, 19),
        (225, 4000),
    ],
)
def test_preprocessing_equals_torchvision_to_the_bit(size):
    noise = np.random.default_rng(sum(size)).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    assert torch.equal(to_input(picture, network())[0], VGG16_Weights.IMAGENET1K_V1.transforms()(picture))


@pytest.mark.parametrize("file", ["castle_on_lake.jpg", "kitten.jpg"])
def test_photographs_with_another_mean_and_std_equal_torchvision_to_the_bit(file):
    mean, std = (127 / 255, 0.4, 0.3), (128 / 255, 1 / 255, 0.9)
    picture = read_image(SAMPLES / file)
    expected = ImageClassification(crop_size=224, resize_size=256, mean=mean, std=std)(picture)
    assert torch.equal(to_input(picture, network(mean, std))[0], expected)


@pytest.mark.parametrize("size", [(640, 480), (97, 300)])
def test_a_network_of_another_size_gets_the_same_cut_at_its_size(size):
    small = replace(VGG16, input_size=112)
    expected = ImageClassification(crop_size=112, resize_size=128, mean=IMAGENET_MEAN, std=IMAGENET_STD)(gradient(*size))
    assert torch.equal(to_input(gradient(*size), network(architecture=small))[0], expected)
    assert to_input(gradient(*size), network(architecture=small), "squash").shape == (1, 3, 112, 112)


def test_float64_is_the_float32_result_converted():
    x = to_input(gradient(), network(dtype=torch.float64))
    assert x.dtype == torch.float64 and torch.equal(x.float(), to_input(gradient(), network()))


@pytest.mark.parametrize("size", [(224, 224 * 40), (224 * 40, 224), (30, 900)])
def test_a_narrow_strip_shows_its_centre_as_torchvision_would(size):
    """Only the crop's part is resampled; at its edges the filter sees a little less, inside a level of rounding."""
    picture = gradient(*size)
    ours = np.asarray(network_view(picture), int)
    whole = ImageClassification(crop_size=224, resize_size=256, mean=(0, 0, 0), std=(1, 1, 1))(picture)
    theirs = (whole * 255).round().int().permute(1, 2, 0).numpy()
    assert ours.shape == (224, 224, 3) and np.abs(ours - theirs).max() <= 2


def test_an_extreme_strip_takes_no_extreme_memory():
    assert network_view(Image.new("RGB", (1, 20_000), "red")).getpixel((100, 100)) == (255, 0, 0)


def test_squash_shows_the_whole_picture():
    view = np.asarray(network_view(gradient(600, 300), "squash"), int)
    assert view.shape == (224, 224, 3)
    assert view[0, 0].tolist() == pytest.approx([0, 0, 255], abs=2)
    assert view[-1, -1].tolist() == pytest.approx([255, 255, 0], abs=2)


def test_an_unknown_fit_is_named():
    with pytest.raises(ValueError, match='fit: must be "crop" or "squash", got "stretch"'):
        network_view(gradient(), "stretch")


@pytest.mark.parametrize("fit", list(images.FITS))
def test_to_pil_undoes_the_preprocessing(fit):
    picture = gradient(400, 300)
    x = to_input(picture, network(), fit)
    assert np.array_equal(to_pil(x, network()), network_view(picture, fit))
    assert np.array_equal(to_pil(x[0], network()), network_view(picture, fit))


def test_to_pil_clips_what_is_darker_than_black_or_lighter_than_white():
    assert to_pil(torch.full((3, 2, 2), 50.0), network()).getpixel((0, 0)) == (255, 255, 255)
    assert to_pil(torch.full((3, 2, 2), -50.0), network()).getpixel((0, 0)) == (0, 0, 0)


def test_digest_is_sha256():
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("_plain", MemoryError(), "needs more memory than there is: save it smaller and choose it again"),
        ("_on_white", ValueError("tile cannot extend outside image"), "damaged"),
    ],
)
def test_what_fails_while_a_picture_is_decoded_is_one_sentence(monkeypatch, place, error, words):
    def fail(*_):
        raise error

    monkeypatch.setattr(images, "_READERS", {})
    monkeypatch.setattr(images, place, fail)
    with pytest.raises(ImageError, match=words) as caught:
        read_image(encoded(gradient()))
    assert "\n" not in str(caught.value)
