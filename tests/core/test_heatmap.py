"""Colours of relevance: symmetric around a neutral zero, ranges, grids, figures."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from vislrp_core import heatmap
from vislrp_core.fonts import typeface
from vislrp_core.heatmap import (
    RANGES,
    as_grid,
    channel_sum,
    colorbar_png,
    colour,
    figure_png,
    format_value,
    limit,
    overlay,
    picture,
    png,
)
from vislrp_core.spectra import SPECTRA, rgb

MAPS = arrays(np.float64, (5, 7), elements=st.floats(-1e6, 1e6, allow_nan=False))


def opened(data: bytes) -> Image.Image:
    assert data.startswith(b"\x89PNG")
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def some_map(side: int = 224) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(side, side))


def test_channel_sum_of_tensors_and_arrays():
    relevance = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
    assert np.array_equal(channel_sum(relevance), np.arange(12).reshape(3, 4) * 2 + 12)
    assert np.array_equal(channel_sum(relevance.numpy()), channel_sum(relevance))
    assert np.array_equal(channel_sum(relevance[0]), relevance[0])


@pytest.mark.parametrize("shape", [(), (1, 2, 3, 4)])
def test_channel_sum_names_a_wrong_shape(shape):
    with pytest.raises(ValueError, match="must have the shape"):
        channel_sum(np.zeros(shape))


@pytest.mark.parametrize(
    ("units", "shape"),
    [
        (4096, (64, 64)),
        (1000, (25, 40)),
        (1280, (32, 40)),
        (1, (1, 1)),
        (7, (3, 3)),
        (997, (32, 32)),
        (10, (2, 5)),
        (25088, (128, 196)),
    ],
)
def test_units_of_a_fully_connected_layer_lie_in_reading_order(units, shape):
    values = np.arange(1, units + 1)
    for given_as in (values, values[None]):
        grid = as_grid(given_as)
        assert grid.shape == shape
        assert np.array_equal(grid.reshape(-1)[:units], values)
        assert not grid.reshape(-1)[units:].any()


def test_a_map_stays_as_it_is():
    values = some_map(14)
    assert as_grid(values) is values


@settings(max_examples=40)
@given(values=MAPS, spectrum=st.sampled_from(list(SPECTRA)), dark=st.booleans())
def test_opposite_relevance_takes_mirrored_colours(spectrum, dark, values):
    """Colour of -R under the spectrum is that of R under the reversed spectrum: neither sign is favoured."""
    stops = heatmap.Spectrum("reversed", SPECTRA[spectrum].light[::-1], SPECTRA[spectrum].dark[::-1], True)
    strongest = limit(values, "max")
    assert np.array_equal(colour(-values, strongest, spectrum, dark), colour(values, strongest, stops, dark))


@settings(max_examples=40)
@given(
    values=MAPS, name=st.sampled_from(list(RANGES)), spectrum=st.sampled_from([*SPECTRA, "activation"]), dark=st.booleans()
)
def test_zero_is_neutral_whatever_the_range(spectrum, dark, values, name):
    values[2, 3] = 0.0
    chosen = heatmap.find_spectrum(spectrum)
    pixel = colour(values, limit(values, name), spectrum, dark)[2, 3]
    assert tuple(pixel) == rgb(chosen.neutral(dark))


@pytest.mark.parametrize("spectrum", list(SPECTRA))
@pytest.mark.parametrize("dark", [False, True])
def test_the_strongest_values_take_the_outer_stops_and_stronger_ones_too(spectrum, dark):
    stops = SPECTRA[spectrum].stops(dark)
    colours = colour([[-2.0, -1.0, 1.0, 2.0], [0, 0, 0, 0]], 1.0, spectrum, dark)[0]
    assert [tuple(one) for one in colours] == [rgb(stops[0]), rgb(stops[0]), rgb(stops[-1]), rgb(stops[-1])]


def test_blue_is_negative_and_red_is_positive():
    (red, _, blue), (red2, _, blue2) = colour([[0.7], [-0.7]], 1.0).astype(int).reshape(2, 3)
    assert red > blue + 50 and blue2 > red2 + 50


def test_an_activation_starts_at_zero():
    pixels = colour([[-1.0, 0.0, 0.5, 1.0]] * 2, 1.0, "activation")[0]
    assert pixels[0].tolist() == pixels[1].tolist() == [255, 255, 255]
    assert pixels[1].sum() > pixels[2].sum() > pixels[3].sum()


@pytest.mark.parametrize("spectrum", [*SPECTRA, "activation"])
def test_a_map_of_zeros_is_one_neutral_surface(spectrum):
    zeros = np.zeros((14, 14))
    assert limit(zeros, "max") == limit(zeros, "p99") == limit(zeros, "tutorial") == 0
    pixels = colour(zeros, 0.0, spectrum)
    assert (pixels == rgb(heatmap.find_spectrum(spectrum).neutral())).all()


def test_ranges_against_their_definitions():
    values = some_map(40)
    sizes = np.abs(values)
    assert limit(values, "max") == sizes.max()
    assert limit(values, "p99") == np.percentile(sizes, 99)
    assert limit(values, "p99.5") == np.percentile(sizes, 99.5)
    assert limit(values, "tutorial") == pytest.approx(10 * np.mean(sizes**3) ** (1 / 3), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_the_tutorials_cubes_neither_vanish_nor_overflow(scale):
    values = some_map(20)
    assert limit(values * scale, "tutorial") == pytest.approx(limit(values, "tutorial") * scale, rel=1e-12)


def test_several_maps_share_one_range():
    small, large = torch.ones(3, 3), np.full((5, 5), -4.0)
    assert limit([small, large], "max") == 4.0
    assert limit((small,), "max") == 1.0


def test_a_percentile_of_zero_falls_back_to_the_largest_value():
    values = np.zeros((100, 100))
    values[0, 0] = -3.0
    assert limit(values, "p99") == 3.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_never_drawn(value):
    values = np.ones((4, 4))
    values[1, 1] = value
    for draw in (lambda: limit(values), lambda: colour(values, 1.0), lambda: figure_png(values)):
        with pytest.raises(ValueError, match="not finite"):
            draw()


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r'range: must be one of max, p99.5, p99, tutorial, got "p50"'):
        limit(np.ones((2, 2)), "p50")
    with pytest.raises(ValueError, match=r'spectrum: must be one of blue-white-red.*activation, got "jet"'):
        colour(np.ones((2, 2)), 1.0, "jet")
    with pytest.raises(ValueError, match=r"opacity: must be between 0 and 1, got 1\.5"):
        overlay(np.zeros((2, 2, 3), np.uint8), Image.new("RGB", (2, 2)), 1.5)


@pytest.mark.parametrize("spectrum", list(SPECTRA.values()), ids=list(SPECTRA))
@pytest.mark.parametrize("dark", [False, True])
def test_each_side_of_a_spectrum_changes_lightness_steadily(spectrum, dark):
    """Stronger relevance is always further from the neutral colour: no false edges."""
    linear = np.array([rgb(stop) for stop in spectrum.stops(dark)]) @ (0.2126, 0.7152, 0.0722)
    steps = np.diff(linear)
    half = len(steps) // 2
    assert (np.sign(steps[:half]) == np.sign(steps[0])).all()
    assert (np.sign(steps[half:]) == np.sign(steps[-1])).all()
    assert np.sign(steps[0]) == -np.sign(steps[-1])


def test_the_table_of_colours_cannot_be_changed():
    with pytest.raises(ValueError):
        heatmap.table(SPECTRA["blue-white-red"])[0] = 0


def test_png_holds_the_pixels():
    rgb_map = colour(some_map(30), 1.0)
    assert np.array_equal(opened(png(rgb_map)), rgb_map)
    assert np.array_equal(opened(png(Image.fromarray(rgb_map), 30)), rgb_map)


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((14, 14), 896, (896, 896)),
        ((7, 14), 140, (140, 70)),
        ((25, 40), 400, (400, 250)),
        ((224, 224), 64, (64, 64)),
        ((1, 900), 300, (300, 1)),
    ],
)
def test_png_sizes(shape, size, expected):
    assert opened(png(np.zeros((*shape, 3), np.uint8), size)).size == expected


def test_small_maps_show_their_own_pixels_and_large_ones_are_smooth():
    small = colour(some_map(14), 2.0)
    assert np.array_equal(np.asarray(opened(png(small, 140)))[5::10, 5::10], small)
    assert len(np.unique(np.asarray(picture(small, 140, pixelated=False)).reshape(-1, 3), axis=0)) > 14 * 14
    large = np.zeros((224, 224, 3), np.uint8)
    large[:, 112:] = 255
    assert len(np.unique(np.asarray(picture(large, 896)))) > 2
    assert len(np.unique(np.asarray(picture(large, 896, pixelated=True)))) == 2


def test_overlay_goes_from_the_photograph_to_the_map():
    photograph = Image.new("RGB", (224, 224), (200, 50, 50))
    coloured = colour(some_map(14), 1.0)
    assert (overlay(coloured, photograph, 0.0) == (200, 50, 50)).all()
    assert np.array_equal(overlay(coloured, photograph, 1.0)[8::16, 8::16], coloured)
    half = overlay(np.full((224, 224, 3), 255, np.uint8), photograph, 0.5).astype(int)
    assert half.shape == (224, 224, 3)
    # Halfway the photograph keeps half its own colour: red stays above green, by less than before.
    assert 0 < half[0, 0, 0] - half[0, 0, 1] < 60


@pytest.mark.parametrize("vertical", [False, True])
def test_the_colour_bar_runs_from_low_to_high(vertical):
    size = {"width": 9, "height": 101} if vertical else {"width": 101, "height": 9}
    bar = np.asarray(opened(colorbar_png(vertical=vertical, **size)))
    line = bar[::-1, 4] if vertical else bar[4]
    stops = SPECTRA["blue-white-red"].light
    assert bar.shape[:2] == (size["height"], size["width"])
    assert [tuple(line[place]) for place in (0, 50, 100)] == [rgb(stops[0]), rgb(stops[5]), rgb(stops[10])]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (0.12345, "0.123"),
        (-2.5, "−2.5"),
        (123, "123"),
        (1234567, "1.23·10⁶"),
        (-3.21e-12, "−3.21·10⁻¹²"),
        (0.0001, "0.0001"),
    ],
)
def test_numbers_are_short_and_have_a_real_minus(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "values",
    [some_map(), some_map(14), np.zeros((224, 224)), np.arange(-500, 500.0)[None], torch.linspace(-1, 1, 4096)],
    ids=["pixels", "14x14", "zeros", "fc8", "fc6"],
)
def test_a_figure_is_large_whatever_the_map(values, dark):
    sheet = opened(figure_png(values, dark=dark, title="castle", caption="sum 3.2"))
    assert sheet.mode == "RGB" and sheet.width > 896
    paper = (18, 22, 27) if dark else (255, 255, 255)
    assert sheet.getpixel((0, 0)) == sheet.getpixel((sheet.width - 1, sheet.height - 1)) == paper


def test_a_figure_holds_the_map_and_its_numbers():
    values = np.zeros((224, 224))
    values[:112], values[112:] = 2.0, -2.0
    pixels = np.asarray(opened(figure_png(values, range="max")))
    stops = SPECTRA["blue-white-red"].light
    assert tuple(pixels[28 + 200, 28 + 400]) == rgb(stops[-1])
    assert tuple(pixels[28 + 700, 28 + 400]) == rgb(stops[0])
    bar_left = 2 * 28 + 896
    assert tuple(pixels[28, bar_left + 10]) == rgb(stops[-1])
    assert tuple(pixels[28 + 895, bar_left + 10]) == rgb(stops[0])
    # Right of the bar stand numbers: at its top, middle and bottom there is ink, between them paper.
    labels = pixels[:, bar_left + 26 + 12 : -28].min(axis=(1, 2))
    assert labels[28:60].min() < 100 and labels[28 + 430 : 28 + 466].min() < 100 and labels[28 + 80 : 28 + 180].min() == 255


def test_size_limit_title_and_caption_of_a_figure():
    plain = opened(figure_png(some_map(14)))
    assert opened(figure_png(some_map(14), size=200)).size == plain.size
    large = opened(figure_png(some_map(14), size=1000))
    assert abs(large.width / plain.width - 1000 / 896) < 0.02
    titled = opened(figure_png(some_map(14), title="t", caption="c"))
    assert titled.width == plain.width and titled.height > plain.height + 60
    endless = opened(figure_png(some_map(14), title="wide " * 500, caption="wide " * 500))
    assert endless.size == titled.size
    assert opened(figure_png(some_map(14), limit=5.0)).tobytes() != plain.tobytes()


def test_a_figure_over_the_photograph():
    photograph = Image.new("RGB", (224, 224), (0, 160, 0))
    covered = np.asarray(opened(figure_png(np.zeros((224, 224)), image=photograph, opacity=0.25)))
    red, green, blue = covered[400, 400].astype(int)
    assert green > red + 40 and green > blue + 40
    alone = np.asarray(opened(figure_png(np.zeros((224, 224)), image=photograph)))
    assert alone[400, 400].tolist() == [255, 255, 255]


def test_a_caption_without_room_becomes_an_ellipsis():
    assert heatmap._fitted("abc", typeface(20), 1) == "…"
    assert heatmap._fitted("a\nb", typeface(20), 500) == "a b"


def test_the_typeface_has_the_fields_letters():
    font = typeface(22)
    missing = font.getmask("\U0010ffff").getbbox()
    assert all(font.getmask(letter).getbbox() != missing for letter in "αβγεθζ⁺⁻²³−·…")
