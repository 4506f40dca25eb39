"""Masks: from a canvas, from relevance, as text and as a file."""

from __future__ import annotations

import base64
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from vislrp_core import masks
from vislrp_core.masks import MaskError


def blob(seed: int = 0) -> masks.Mask:
    """A few discs, as a brush leaves them."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:224, :224]
    mask = masks.empty()
    for _ in range(12):
        y, x, radius = random.integers(0, 224), random.integers(0, 224), random.integers(4, 20)
        mask |= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return mask


def canvas(mask: masks.Mask, ratio: int) -> NDArray[np.uint8]:
    """What a canvas of `ratio` times 224 delivers for a mask: half-transparent yellow."""
    large = np.kron(mask, np.ones((ratio, ratio), dtype=np.uint8)).astype(np.uint8)
    return np.stack([large * 255, large * 209, large * 0, large * 150], axis=-1)


@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_a_drawing_gives_the_same_mask_at_every_pixel_ratio(ratio: int) -> None:
    assert np.array_equal(masks.from_alpha(canvas(blob(), ratio)), blob())


def test_a_pixel_is_marked_where_the_drawing_covers_half_of_it() -> None:
    rgba = np.zeros((448, 448, 4), dtype=np.uint8)
    rgba[0, 0:2, 3] = 150  # half of pixel (0, 0)
    rgba[10, 10, 3] = 150  # a quarter of pixel (5, 5)
    mask = masks.from_alpha(rgba)
    assert mask[0, 0] and mask.sum() == 1


def test_a_canvas_of_an_odd_size_covers_the_whole_picture() -> None:
    rgba = np.full((304, 304, 4), 255, dtype=np.uint8)
    assert masks.from_alpha(rgba).all()


@pytest.mark.parametrize("rgba", [None, np.zeros((224, 224, 3), np.uint8), np.zeros((0, 0, 4), np.uint8)])
def test_no_drawing_marks_nothing(rgba: NDArray[np.uint8] | None) -> None:
    assert not masks.from_alpha(rgba).any()


def test_selection_takes_the_asked_share_of_pixels_by_sign() -> None:
    values = np.random.default_rng(1).normal(size=(224, 224))
    count = round(0.07 * values.size)
    ranked = np.sort(values, axis=None)
    positive, negative = masks.select(values, 0.07, "positive"), masks.select(values, 0.07, "negative")
    least = masks.select(values, 0.07, "least")
    assert positive.sum() == negative.sum() == least.sum() == count
    assert values[positive].min() == ranked[-count] and values[negative].max() == ranked[count - 1]
    assert np.abs(values[least]).max() == np.sort(np.abs(values), axis=None)[count - 1]
    assert not (positive & negative).any()


def test_selection_of_patches_goes_by_the_sum_of_each_patch() -> None:
    values = np.zeros((224, 224))
    values[8:16, 16:24] = 0.1  # sum 6.4
    values[0, 0] = 5.0  # one strong pixel in a patch of sum 5
    values[200:208, 200:208] = -1
    assert np.array_equal(np.argwhere(masks.select(values, 1 / 784, "positive", 8))[0], [8, 16])
    chosen = masks.select(values, 2 / 784, "positive", 8)
    assert chosen.sum() == 128 and chosen[:8, :8].all()
    assert masks.select(values, 1 / 784, "negative", 8)[200:208, 200:208].all()
    assert not masks.select(values, 700 / 784, "least", 8)[8:16, 16:24].any()


def test_random_selection_has_the_size_asked_for_and_repeats() -> None:
    values = np.zeros((224, 224))
    one, again, other = (masks.select(values, 0.25, "random", 8, seed) for seed in (1, 1, 2))
    assert one.mean() == 0.25 and np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.mark.parametrize(("share", "sign"), [(-0.1, "positive"), (1.1, "positive"), (float("nan"), "least"), (0.5, "big")])
def test_wrong_selections_are_refused(share: float, sign: str) -> None:
    with pytest.raises(MaskError):
        masks.select(np.zeros((224, 224)), share, sign)


@pytest.mark.parametrize("patch", [1, 7, 8, 16, 9, 50])
def test_patch_sums_are_the_sums_of_the_squares_also_at_the_border(patch: int) -> None:
    values = np.random.default_rng(2).normal(size=(224, 224))
    sums = masks.patch_sums(values, patch)
    assert sums.shape == masks.grid_shape((224, 224), patch)
    for row, column in ((0, 0), (1, 2), (sums.shape[0] - 1, sums.shape[1] - 1)):
        square = values[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
        assert sums[row, column] == pytest.approx(square.sum())
    assert sums.sum() == pytest.approx(values.sum())


def test_what_a_mask_holds() -> None:
    values = np.zeros((224, 224))
    values[0, :4] = [3.0, 1.0, -2.0, -6.0]
    mask = masks.empty()
    mask[0, 1:3] = True
    found = masks.held(values, mask)
    assert (found.pixels, found.total, found.of_total) == (2, -1.0, -4.0)
    assert (found.positive, found.negative, found.share) == (0.25, 0.25, 2 / 224**2)
    nothing = masks.held(np.zeros((224, 224)), mask)
    assert (nothing.positive, nothing.negative, nothing.total) == (0.0, 0.0, 0.0)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_text_brings_every_mask_back(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((224, 224)) < share
    assert np.array_equal(masks.decode(masks.encode(mask)), mask)


def test_a_brushed_mask_fits_an_address() -> None:
    assert len(masks.encode(blob())) < 1000
    assert len(masks.encode(masks.empty())) < 40


def bomb(size: int) -> str:
    return base64.urlsafe_b64encode(zlib.compress(bytes(size), 9)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "ä",
        "!!!!",
        "eJw=",
        "AAAA" * 50,
        bomb(6271),
        bomb(6273),
        bomb(50_000_000),
        masks.encode(blob())[:-8],
        masks.encode(blob())[4:],
    ],
)
def test_hostile_text_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(MaskError, match="damaged"):
        masks.decode(text)


def test_a_png_file_brings_the_mask_back_at_any_square_size() -> None:
    data = masks.to_png(blob())
    assert np.array_equal(masks.from_png(data), blob())
    with Image.open(io.BytesIO(data)) as picture:
        buffer = io.BytesIO()
        picture.convert("L").resize((448, 448), Image.Resampling.NEAREST).save(buffer, "PNG")
    assert np.array_equal(masks.from_png(buffer.getvalue()), blob())


def test_files_that_are_no_masks_are_refused_in_one_sentence() -> None:
    buffer = io.BytesIO()
    Image.new("L", (300, 200)).save(buffer, "PNG")
    with pytest.raises(MaskError, match="300 x 200"):
        masks.from_png(buffer.getvalue())
    with pytest.raises(MaskError, match="cannot be used"):
        masks.from_png(b"no picture")


def picture_file(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def square(mark: object, ground: object, mode: str) -> Image.Image:
    """224 x 224 with 100 pixels of another value."""
    image = Image.new(mode, (224, 224), ground)  # type: ignore[arg-type]
    image.paste(mark, (20, 30, 30, 40))  # type: ignore[arg-type]
    return image


def palette(mark: tuple[int, ...], ground: tuple[int, ...], **options) -> bytes:
    image = square(1, 0, "P")
    image.putpalette([*ground, *mark])
    return picture_file(image, **options)


MARKED = masks.empty()
MARKED[30:40, 20:30] = True
DEEP = {name: MARKED.astype(name) for name in ("uint16", "int32", "float32")}


WHITE, BLACK, NOTHING = (255, 255, 255, 255), (0, 0, 0, 255), (0, 0, 0, 0)
FILES = {
    "white on transparency": picture_file(square(WHITE, NOTHING, "RGBA")),
    "white on transparent white": picture_file(square(WHITE, (255, 255, 255, 0), "RGBA")),
    "black on transparency": picture_file(square(BLACK, NOTHING, "RGBA")),
    "red on transparency, WebP": picture_file(square((255, 0, 0, 255), (9, 9, 9, 0), "RGBA"), "WEBP", lossless=True),
    "white on transparency, TIFF": picture_file(square(WHITE, NOTHING, "RGBA"), "TIFF"),
    "grey on transparency": picture_file(square((255, 255), (255, 0), "LA")),
    "grey with opacity": picture_file(square((255, 255), (0, 255), "LA")),
    "palette": palette((128, 0, 0), (0, 0, 0)),
    "palette of one colour": palette((0, 0, 0), (0, 0, 0)),
    "palette with a transparent colour": palette((255, 255, 255), (255, 255, 255), transparency=0),
    "0 and 1": picture_file(square(1, 0, "L")),
    "1 and 2": picture_file(square(2, 1, "L")),
    "254 and 255": picture_file(square(255, 254, "L")),
    "one bit": picture_file(square(1, 0, "1")),
    "grey JPEG": picture_file(square(200, 30, "L"), "JPEG", quality=90),
    "JPEG": picture_file(square((255, 255, 255), (0, 0, 0), "RGB"), "JPEG", quality=100, subsampling=0),
    "16 bits, 0 and 1": picture_file(Image.fromarray(DEEP["uint16"])),
    "16 bits, 7 and 307": picture_file(Image.fromarray(300 * DEEP["uint16"] + np.uint16(7))),
    "16 bits, 0 and 65535": picture_file(Image.fromarray(65535 * DEEP["uint16"])),
    "16 bits, LZW": picture_file(Image.fromarray(DEEP["uint16"]), "TIFF", compression="tiff_lzw"),
    **{f"{name} TIFF": picture_file(Image.fromarray(DEEP[name]), "TIFF") for name in ("uint16", "int32", "float32")},
    "int32 of 0 and 17": picture_file(Image.fromarray(17 * DEEP["int32"]), "TIFF"),
}


@pytest.mark.parametrize("kind", list(FILES))
def test_marks_of_every_kind_of_file(kind: str) -> None:
    assert np.array_equal(masks.from_png(FILES[kind]), MARKED)


def test_colours_of_several_strokes_on_transparency_go_by_their_brightness() -> None:
    image = square((255, 255, 255, 255), (0, 0, 0, 0), "RGBA")
    image.paste((0, 0, 0, 255), (100, 100, 120, 120))
    assert np.array_equal(masks.from_png(picture_file(image)), MARKED)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (224, 224)),
        Image.new("RGBA", (224, 224), (255, 255, 255, 0)),
        Image.new("P", (224, 224)),
        Image.new("I;16", (224, 224)),
        Image.fromarray(np.arange(224 * 224).reshape(224, 224).astype(np.uint8) % 100),
    ],
)
def test_a_mask_in_which_nothing_is_marked_says_so(image: Image.Image) -> None:
    with pytest.raises(MaskError, match="Nothing is marked in this mask"):
        masks.from_png(picture_file(image))


def test_marks_too_thin_for_the_networks_picture_say_so() -> None:
    image = Image.new("L", (2240, 2240))
    image.putpixel((5, 5), 255)
    with pytest.raises(MaskError, match="Nothing is marked"):
        masks.from_png(picture_file(image))


def test_a_wholly_white_mask_marks_everything() -> None:
    assert masks.from_png(picture_file(Image.new("L", (224, 224), 255))).all()
