"""What measured values say of models: means with intervals, ranks, which differ, and how to state it in a paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vislrp_core import flipping
from vislrp_core.measures.catalogue import MEASURES

FEWEST = 6
"""Pictures below which nothing is called better: with five, even the same sign everywhere happens by chance (1 in 16)."""
Values = Mapping[str, Mapping[str, float]]
"""Values of one measure by model and picture; those that are not defined are left out."""


@dataclass(frozen=True)
class Summary:
    """One measure of one model over pictures.

    Attributes
    ----------
    images : int
        Pictures with a value.
    mean, low, high : float
        Mean and its 95 % interval (percentile bootstrap over pictures); NaN without values.
    rank : float
        Mean rank among the models of each picture, 1 the best.
    best : bool
        Whether the mean is the best of all models.
    tied : bool
        Whether the model cannot be told from the best one: the 95 % interval of their difference, picture by picture,
        holds 0, or there are fewer than `FEWEST` pictures that both have.
    """

    model: str
    metric: str
    images: int
    mean: float
    low: float
    high: float
    rank: float
    best: bool = False
    tied: bool = False


def rising(metric: str) -> bool:
    """Whether small values come first: of measures that know no better, only of seconds."""
    return MEASURES[metric].better == "low" or metric == "seconds"


def rank_in(values: Mapping[str, float], model: str, small_first: bool) -> float:
    """Rank of a model among those with a value for a picture; equals share the mean of their ranks."""
    own = values[model]
    before = sum((other < own) if small_first else (other > own) for other in values.values())
    return before + (1 + sum(other == own for other in values.values())) / 2


def differs(one: Mapping[str, float], other: Mapping[str, float], seed: int = 0) -> bool:
    """Whether two models can be distinguished: paired bootstrap over the pictures that both have.

    Parameters
    ----------
    one, other : mapping
        Values by picture.
    """
    gaps = [one[picture] - other[picture] for picture in one if picture in other]
    if len(gaps) < FEWEST:
        return False
    low, high = flipping.bootstrap(gaps, seed=seed)
    return low > 0 or high < 0


def summarize(values: Values, metric: str, seed: int = 0) -> list[Summary]:
    """One line per model, in their order.

    Notes
    -----
    The best is marked only of measures that know what is better.
    """
    pictures: dict[str, dict[str, float]] = {}
    for model, own in values.items():
        for picture, value in own.items():
            pictures.setdefault(picture, {})[model] = value
    means = {model: float(np.mean(list(own.values()))) for model, own in values.items() if own}
    best = ""
    if MEASURES[metric].better and len(means) > 1:
        best = (min if rising(metric) else max)(means, key=means.__getitem__)
    found = []
    for model, own in values.items():
        if not own:
            found.append(Summary(model, metric, 0, math.nan, math.nan, math.nan, math.nan))
            continue
        low, high = flipping.bootstrap(list(own.values()), seed=seed)
        ranks = [rank_in(pictures[picture], model, rising(metric)) for picture in own]
        tied = bool(best) and model != best and not differs(own, values[best], seed)
        found.append(Summary(model, metric, len(own), means[model], low, high, float(np.mean(ranks)), model == best, tied))
    return found


def farthest(one: Mapping[str, float], other: Mapping[str, float]) -> str | None:
    """The picture on which two models differ most; None where they share none."""
    shared = [picture for picture in one if picture in other]
    return max(shared, key=lambda picture: abs(one[picture] - other[picture]), default=None)


# --- for a paper ------------------------------------------------------------------------------------------------------

_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "ε": r"$\varepsilon$",
    "γ": r"$\gamma$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "⁺": r"$^{+}$",
    "⁻": r"$^{-}$",
    "²": r"$^{2}$",
    "−": "$-$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}


def tex(text: str) -> str:
    """A text as LaTeX shows it."""
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def latex(table: Mapping[str, Sequence[Summary]], caption: str) -> str:
    """A table models x measures (needs `booktabs`): mean and interval; best in bold, those not unlike it with a dagger."""
    arrows = {"high": r" $\uparrow$", "low": r" $\downarrow$", "": ""}
    head = " & ".join(["model", *(tex(MEASURES[metric].title) + arrows[MEASURES[metric].better] for metric in table)])
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{tex(caption)}}}",
        rf"\begin{{tabular}}{{l{'c' * len(table)}}}",
        r"\toprule",
        head + r" \\",
        r"\midrule",
    ]
    by_model: dict[str, list[str]] = {}
    for found in table.values():
        for one in found:
            by_model.setdefault(one.model, []).append(_cell(one))
    lines += [" & ".join([tex(model), *cells]) + r" \\" for model, cells in by_model.items()]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _cell(one: Summary) -> str:
    if not one.images:
        return "--"
    number = f"{one.mean:.3g}"
    shown = rf"\textbf{{{number}}}" if one.best else number + (r"$^{\dagger}$" if one.tied else "")
    return rf"{shown} \scriptsize[{one.low:.3g}, {one.high:.3g}]".replace("[-", "[$-$").replace(", -", ", $-$")


@dataclass(frozen=True)
class Setup:
    """What was measured, for `methods`.

    Attributes
    ----------
    network : str
        Title and the first signs of its digest.
    models : tuple of str
        Names of models and baselines.
    images : str
        Such as "14 sample photographs".
    target : str
        Such as "the class with the highest logit".
    patch, steps, fill, seed
        Settings of the measures.
    versions : str
        Such as "VisLRP Designer 0.3, torch 2.9".
    """

    network: str
    models: tuple[str, ...]
    images: str
    target: str
    patch: int
    steps: int
    fill: str
    seed: int
    versions: str


def methods(setup: Setup, metrics: Sequence[str]) -> str:
    """A paragraph that states exactly what was measured."""
    named = ", ".join(setup.models)
    parts = [
        f"We compared {len(setup.models)} attribution methods ({named}) on {setup.network} with {setup.images}, "
        f"explaining {setup.target}. Maps are the relevance of the input summed over its three channels."
    ]
    for metric in metrics:
        one = MEASURES[metric]
        better = {"high": " Higher is better.", "low": " Lower is better.", "": ""}[one.better]
        source = f" ({one.source})" if one.source else ""
        parts.append(f"{one.title}{source}: {one.formula}{better}")
    if {"srg", "aopc", "abpc", "faithfulness"} & set(metrics):
        parts.append(
            f"Flipping used {setup.patch} × {setup.patch} patches, {setup.steps} steps and the fill “{setup.fill}”."
        )
    parts.append(
        "We report means over pictures with 95 % percentile bootstrap intervals (2000 resamples); two methods are "
        "called different where the interval of their paired difference over the same pictures excludes 0 (no "
        f"correction for several comparisons; at least {FEWEST} pictures). Random numbers come from seed "
        f"{setup.seed}. Software: {setup.versions}."
    )
    return " ".join(parts)


def correlations(tables: Mapping[str, Sequence[Summary]]) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Which measures agree: Spearman correlation of the models' means, each turned so that more is better.

    Returns
    -------
    list of str
        Measures that know what is better.
    ndarray
        (measures, measures); NaN where fewer than three models have both.
    """
    from vislrp_core.metrics import spearman

    keys = [metric for metric in tables if MEASURES[metric].better]
    means = {
        metric: {one.model: one.mean * (-1 if rising(metric) else 1) for one in tables[metric] if one.images}
        for metric in keys
    }
    matrix = np.full((len(keys), len(keys)), math.nan)
    for row, one in enumerate(keys):
        for column, other in enumerate(keys):
            shared = [model for model in means[one] if model in means[other]]
            if len(shared) > 2:
                matrix[row, column] = spearman(
                    np.array([means[one][model] for model in shared]), np.array([means[other][model] for model in shared])
                )
    return keys, matrix
