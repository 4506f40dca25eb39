"""Facts about heatmaps: hand-worked values, the libraries whose definitions they are, and maps where nothing is defined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vislrp_core import metrics

HAND = np.array([[1.0, -1.0], [2.0, 0.0]])


def random_maps(seed: int = 0, side: int = 40) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    first = generator.normal(size=(side, side)) ** 3
    return first, 0.4 * first + generator.normal(size=(side, side))


def test_hand_worked_values():
    other = np.array([[2.0, 1.0], [1.0, 1.0]])
    assert metrics.cosine(HAND, other) == pytest.approx(3 / math.sqrt(6 * 7))
    # without their means 0.5 and 1.25: products sum to 0.5, squares to 5 and 0.75
    assert metrics.pearson(HAND, other) == pytest.approx(0.5 / math.sqrt(5 * 0.75))
    # ranks 3, 1, 4, 2 and 4, 2, 2, 2, without their mean 2.5: products sum to 1, squares to 5 and 3
    assert metrics.spearman(HAND, other) == pytest.approx(1 / math.sqrt(5 * 3))
    # |R| ascending 0, 1, 1, 2, weights -3, -1, 1, 3: 6 / (4 * 4)
    assert metrics.gini(HAND) == pytest.approx(6 / 16)
    assert metrics.positive_share(HAND) == pytest.approx(3 / 4)
    assert metrics.entropy(HAND) == pytest.approx(0.5 * math.log(4) + 0.5 * math.log(2))
    assert metrics.conservation(1.5, 6.0) == 0.25
    assert metrics.ranks([3.0, 1.0, 3.0, 2.0]).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_extremes():
    assert metrics.gini(np.full((8, 8), -2.0)) == pytest.approx(0.0)
    alone = np.zeros(100)
    alone[7] = 3
    assert metrics.gini(alone) == pytest.approx(0.99)
    assert metrics.entropy(alone) == pytest.approx(0.0)
    assert metrics.entropy(np.ones(100)) == pytest.approx(math.log(100))
    assert metrics.cosine(HAND, -3 * HAND) == pytest.approx(-1)
    assert metrics.ssim(*(random_maps()[0],) * 2) == pytest.approx(1)


def test_what_is_not_defined_is_nan():
    zero = np.zeros((9, 9))
    some = np.arange(81.0).reshape(9, 9)
    for value in (
        metrics.cosine(zero, some),
        metrics.pearson(zero + 2, some),
        metrics.spearman(some, zero),
        metrics.gini(zero),
        metrics.entropy(zero),
        metrics.positive_share(zero),
        metrics.conservation(1, 0),
    ):
        assert math.isnan(value)


def test_scales_of_real_relevance_change_nothing():
    first, second = random_maps(3)
    for scale in (1e-200, 1e-30, 1e30, 1e200):
        assert metrics.cosine(scale * first, second) == pytest.approx(metrics.cosine(first, second))
        assert metrics.pearson(scale * first, second) == pytest.approx(metrics.pearson(first, second))
        assert metrics.gini(scale * first) == pytest.approx(metrics.gini(first))
        assert metrics.ssim(scale * first, second) == pytest.approx(metrics.ssim(first, second))


def test_maps_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="differ"):
        metrics.cosine(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="at least 7 x 7"):
        metrics.ssim(np.ones((6, 9)), np.ones((6, 9)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_scipy_agrees(seed):
    stats = pytest.importorskip("scipy.stats")
    spatial = pytest.importorskip("scipy.spatial.distance")
    first, second = random_maps(seed)
    rounded = np.round(first), np.round(second)  # many equal values
    assert metrics.cosine(first, second) == pytest.approx(1 - spatial.cosine(first.ravel(), second.ravel()))
    for one, other in ((first, second), rounded):
        assert metrics.pearson(one, other) == pytest.approx(stats.pearsonr(one.ravel(), other.ravel())[0])
        assert metrics.spearman(one, other) == pytest.approx(stats.spearmanr(one.ravel(), other.ravel())[0])
    share = np.abs(first).ravel()
    assert metrics.entropy(first) == pytest.approx(stats.entropy(share))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_scikit_image_agrees(seed):
    library = pytest.importorskip("skimage.metrics")
    first, second = random_maps(seed)
    scaled = [values / np.abs(values).max() for values in (first, second)]
    assert metrics.ssim(first, second) == pytest.approx(library.structural_similarity(*scaled, data_range=2.0), abs=1e-9)


def test_quantus_agrees():
    quantus = pytest.importorskip("quantus")
    values, _ = random_maps(5)
    flat = np.abs(values / np.abs(values).max()).ravel()
    x = np.ones_like(flat)
    sparseness = quantus.Sparseness(disable_warnings=True).evaluate_batch(x[None], flat[None])[0]
    complexity = quantus.Complexity(disable_warnings=True).evaluate_batch(x[None], flat[None])[0]
    assert metrics.gini(values) == pytest.approx(sparseness, abs=1e-4)
    assert metrics.entropy(values) == pytest.approx(complexity, abs=1e-4)  # Quantus adds 1e-7 to every share


@given(arrays(np.float64, (9, 9), elements=st.floats(-1e6, 1e6, allow_subnormal=False)))
def test_bounds(values):
    for value, low, high in (
        (metrics.gini(values), 0, 1),
        (metrics.positive_share(values), 0, 1),
        (metrics.entropy(values), 0, math.log(81)),
        (metrics.cosine(values, values), 1, 1),
    ):
        assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9


def test_every_fact_explains_itself():
    for fact in metrics.FACTS.values():
        assert fact.title and fact.symbol and fact.definition.endswith(".")
