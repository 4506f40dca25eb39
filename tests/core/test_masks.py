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
        mask |= (rows - y) ** 2 + (columns - x) ** 2 <= radius ** 2
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
    values[8:16, 16:24] = 0.1      # sum 6.4
    values[0, 0] = 5.0             # one strong pixel in a patch of sum 5
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
        square = values[row * patch:(row + 1) * patch, column * patch:(column + 1) * patch]
        assert sums[row, column] == pytest.approx(square.sum())
    assert sums.sum() == pytest.approx(values.sum())


def test_what_a_mask_holds() -> None:
    values = np.zeros((224, 224))
    values[0, :4] = [3.0, 1.0, -2.0, -6.0]
    mask = masks.empty()
    mask[0, 1:3] = True
    found = masks.held(values, mask)
    assert (found.pixels, found.total, found.of_total) == (2, -1.0, -4.0)
    assert (found.positive, found.negative, found.share) == (0.25, 0.25, 2 / 224 ** 2)
    nothing = masks.held(np.zeros((224, 224)), mask)
    assert (nothing.positive, nothing.negative, nothing.total) == (0.0, 0.0, 0.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10 ** 6), share=st.floats(0, 1))
def test_text_brings_every_mask_back(seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((224, 224)) < share
    assert np.array_equal(masks.decode(masks.encode(mask)), mask)


def test_a_brushed_mask_fits_an_address() -> None:
    assert len(masks.encode(blob())) < 1000
    assert len(masks.encode(masks.empty())) < 40


def bomb(size: int) -> str:
    return base64.urlsafe_b64encode(zlib.compress(bytes(size), 9)).decode()


@pytest.mark.parametrize("text", ["", "a", "ä", "!!!!", "eJw=", "AAAA" * 50, bomb(6271), bomb(6273), bomb(50_000_000),
                                  masks.encode(blob())[:-8], masks.encode(blob())[4:]])
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
