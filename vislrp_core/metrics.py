"""Measured facts about heatmaps: similarity of two maps, concentration, signs, conservation (docs/metrics.md).

Maps are arrays of relevance of any shape; all pixels count alike. A fact that is not defined for a map (a constant map has
no correlation) is NaN, never a made-up number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vislrp_core.errors import InputError

SSIM_WINDOW = 7
NOT_DEFINED = float("nan")


@dataclass(frozen=True)
class Fact:
    """What a number under a map means.

    Attributes
    ----------
    title, symbol : str
        Its name, and the short form where there is little room.
    definition : str
        One or two sentences: how it is computed and how to read it.
    reference : str
        Where it was first used for heatmaps, or the library with the same definition.
    """

    title: str
    symbol: str
    definition: str
    reference: str = ""


FACTS: dict[str, Fact] = {
    "sum": Fact("Sum of relevance", "Σ", "Sum of the relevance of all pixels, R[0]."),
    "conservation": Fact(
        "Conservation",
        "kept",
        "Sum of the relevance of the pixels divided by the sum at the logits, R[0] / R[last]: 100 % where nothing is "
        "absorbed or added on the way. Not defined where relevance starts with a sum of 0 (start: contrast).",
        "Bach et al. 2015, Eq. 2",
    ),
    "gini": Fact(
        "Concentration (Gini)",
        "Gini",
        "Gini coefficient of |R| over the pixels: 0 where all pixels carry the same amount, near 1 where a few carry "
        "everything.",
        "Chalasani et al. 2020; Quantus, Sparseness",
    ),
    "positive_share": Fact(
        "Share of positive relevance", "+", "Sum of positive relevance divided by the sum of |R| over the pixels."
    ),
    "entropy": Fact(
        "Complexity (entropy)",
        "H",
        "Entropy, in nats, of |R| / Σ|R|: low where few pixels carry the map, at most the logarithm of their number.",
        "Bhatt et al. 2020; Quantus, Complexity",
    ),
    "pearson": Fact(
        "Pearson, to the first column",
        "r",
        "Linear correlation of this map with the first column's, pixel by pixel: 1 same pattern, 0 unrelated, −1 opposite.",
        "Adebayo et al. 2018; scipy.stats.pearsonr",
    ),
    "spearman": Fact(
        "Spearman, to the first column",
        "ρ",
        "Correlation of the pixels' ranks in this map with those in the first column's: 1 where both order them alike.",
        "Adebayo et al. 2018; scipy.stats.spearmanr",
    ),
    "ssim": Fact(
        "SSIM, to the first column",
        "SSIM",
        "Structural similarity to the first column's map, each divided by its largest absolute value; mean over windows of "
        "7 × 7 pixels.",
        "Wang et al. 2004; skimage.metrics.structural_similarity",
    ),
    "cosine": Fact(
        "Class sensitivity (cosine)",
        "cosine",
        "Cosine between this model's maps for two classes of the same image: near 1, the model draws the same map whichever "
        "class is asked for; lower, it tells the classes apart.",
        "Sixt, Granz, Landgraf 2020",
    ),
    "srg": Fact(
        "Flipping score (SRG)",
        "SRG",
        "Area between the target's probability when the least relevant patches are flipped first and when the most "
        "relevant are, over the flipped share: higher means that the map orders pixels as the network does.",
        "Blücher, Vielhaben, Strodthoff 2024",
    ),
    "seconds": Fact(
        "Seconds",
        "s",
        "Time of this propagation on the server when it was computed; upper layers that an earlier map shares are not "
        "computed again.",
    ),
    "range": Fact("Range", "±", "Relevance that takes the strongest colour."),
}


def _flat(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape:
        raise InputError(f"Two maps are compared pixel by pixel: shapes {one.shape} and {other.shape} differ.")
    return _flat(one), _flat(other)


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divided by the largest absolute value, so that squares neither vanish nor overflow."""
    largest = np.abs(values).max(initial=0.0)
    return values / largest if largest > 0 else values


def cosine(first: ArrayLike, second: ArrayLike) -> float:
    """Cosine of the angle between two maps, as used by Sixt, Granz and Landgraf (2020).

    Parameters
    ----------
    first, second : array
        Same shape.

    Returns
    -------
    float
        -1 to 1; NaN if either map is zero everywhere.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    one, other = map(_unit, _pair(first, second))
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.clip(one @ other / length, -1, 1)) if length > 0 else NOT_DEFINED


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's linear correlation over pixels; NaN if either map is constant (InputError if the shapes differ)."""
    one, other = map(_unit, _pair(first, second))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return NOT_DEFINED
    return cosine(one - one.mean(), other - other.mean())


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Rank of every pixel, from 1; equal pixels share the mean of their ranks."""
    _, place, count = np.unique(_flat(values), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation over pixels; NaN if either map is constant (InputError if the shapes differ)."""
    one, other = _pair(first, second)
    return pearson(ranks(one), ranks(other))


def ssim(first: ArrayLike, second: ArrayLike) -> float:
    """Mean structural similarity (Wang et al. 2004) of two maps, each divided by its largest absolute value.

    Windows of 7 x 7 pixels with equal weights, sample covariance, K1 = 0.01, K2 = 0.03 and a data range of 2 (from -1 to 1):
    the defaults of ``skimage.metrics.structural_similarity``; windows that leave the map do not count.

    Parameters
    ----------
    first, second : array
        (H, W), at least 7 x 7.

    Returns
    -------
    float
        At most 1, for equal maps.

    Raises
    ------
    InputError
        If the shapes differ or a side is shorter than the window.
    """
    shape = np.shape(first)
    if len(shape) != 2 or min(shape) < SSIM_WINDOW:
        raise InputError(f"SSIM compares maps of at least {SSIM_WINDOW} x {SSIM_WINDOW} pixels, got {shape}.")
    x, y = (_unit(values).reshape(shape) for values in _pair(first, second))
    count = SSIM_WINDOW**2
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    unbiased = count / (count - 1)
    variance_x = unbiased * (_window_mean(x * x) - mean_x**2)
    variance_y = unbiased * (_window_mean(y * y) - mean_y**2)
    covariance = unbiased * (_window_mean(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    similarity = (
        (2 * mean_x * mean_y + c1) * (2 * covariance + c2) / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))
    )
    return float(similarity.mean())


def _window_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over all windows inside the array, from sums along one axis after the other."""
    for axis in (0, 1):
        sums = np.cumsum(np.insert(values, 0, 0.0, axis=axis), axis=axis)
        upper = np.take(sums, range(SSIM_WINDOW, sums.shape[axis]), axis=axis)
        lower = np.take(sums, range(sums.shape[axis] - SSIM_WINDOW), axis=axis)
        values = upper - lower
    return values / SSIM_WINDOW**2


def gini(values: ArrayLike) -> float:
    """Gini coefficient of absolute relevance, sum_i (2 i - n - 1) |R|_(i) / (n sum |R|) with |R| in ascending order.

    The definition of Quantus' Sparseness (Chalasani et al. 2020). 0 to below 1; NaN if the map is zero everywhere.
    """
    sizes = np.sort(np.abs(_unit(_flat(values))))
    total, n = sizes.sum(), sizes.size
    if total == 0:
        return NOT_DEFINED
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float(weights @ sizes / (n * total))


def entropy(values: ArrayLike) -> float:
    """Entropy in nats of |R| / sum |R|: Quantus' Complexity (Bhatt et al. 2020). NaN if the map is zero everywhere."""
    sizes = np.abs(_unit(_flat(values)))
    if sizes.sum() == 0:
        return NOT_DEFINED
    share = sizes[sizes > 0] / sizes.sum()
    return float(-(share * np.log(share)).sum())


def positive_share(values: ArrayLike) -> float:
    """Sum of positive relevance divided by the sum of absolute relevance, 0 to 1; NaN if the map is zero everywhere."""
    flat = _unit(_flat(values))
    total = np.abs(flat).sum()
    return float(flat[flat > 0].sum() / total) if total > 0 else NOT_DEFINED


VANISHING = 1e-3
"""A sum below this share of the amounts it is made of is 0 but for rounding: nothing can be a share of it."""


def vanishes(positive: float, negative: float) -> bool:
    """Whether positive and negative relevance cancel, as those of the start ``contrast`` do."""
    return abs(positive + negative) <= VANISHING * (abs(positive) + abs(negative))


def conservation(arrived: float, started: float, amount: float = 0.0) -> float:
    """Relevance that arrives divided by relevance that started; NaN if none started.

    Parameters
    ----------
    arrived, started : float
        Sums of relevance.
    amount : float
        Sum of absolute relevance at the start: where it cancels (see `vanishes`), a share has no meaning and is NaN.
    """
    return float(arrived / started) if started != 0 and abs(started) > VANISHING * amount else NOT_DEFINED
