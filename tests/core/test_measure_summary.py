"""Means, ranks, which models differ, the LaTeX table and the methods paragraph, with cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vislrp_core.measures.summary import (
    FEWEST,
    Setup,
    Summary,
    correlations,
    differs,
    farthest,
    latex,
    methods,
    summarize,
    tex,
)

PICTURES = [f"p{number}" for number in range(8)]


def column(*values: float) -> dict[str, float]:
    return dict(zip(PICTURES, values, strict=False))


def test_the_best_and_those_like_it_are_marked() -> None:
    steady = {"A": column(*[0.5, 0.7] * 4), "B": column(*[0.3, 0.5] * 4), "C": column(*[0.9, 0.2] * 4)}
    found = {one.model: one for one in summarize(steady, "srg")}
    assert found["A"].best and not found["B"].tied, "B is lower on every picture"
    assert found["C"].tied and not found["C"].best, "C is higher on half of them"
    assert [found[name].rank for name in "ABC"] == [1.5, 2.5, 2.0]
    assert found["A"].mean == pytest.approx(0.6) and found["A"].low <= 0.6 <= found["A"].high and found["A"].images == 8
    low = {one.model: one.best for one in summarize(steady, "class_cosine")}
    assert low == {"A": False, "B": True, "C": False}, "low is better"
    assert not any(one.best or one.tied for one in summarize(steady, "gini")), "Gini knows no better"


def test_few_pictures_and_missing_values_tell_nothing_apart() -> None:
    one, other = column(*[1.0] * (FEWEST - 1)), column(*[0.0] * (FEWEST - 1))
    assert not differs(one, other) and differs(column(*[1.0] * FEWEST), column(*[0.0] * FEWEST))
    found = summarize({"A": one, "B": other, "C": {}}, "srg")
    assert found[0].best and found[1].tied and found[2].images == 0 and math.isnan(found[2].mean)
    assert not summarize({"A": one}, "srg")[0].best, "alone it is not the best of several"


def test_where_two_models_differ_most() -> None:
    assert farthest(column(0.1, 0.9, 0.5), column(0.2, 0.1, 0.6)) == "p1"
    assert farthest({"x": 1.0}, {"y": 1.0}) is None


def test_the_latex_table_escapes_marks_and_shows_intervals() -> None:
    table = {
        "srg": [
            Summary("γ_0.5 & more", "srg", 8, 0.25, 0.2, 0.3, 1, best=True),
            Summary("50 %", "srg", 8, -0.1, -0.2, 0.3, 2, tied=True),
            Summary("none", "srg", 0, *[math.nan] * 4),
        ]
    }
    text = latex(table, "A & B")
    assert r"$\gamma$\_0.5 \& more & \textbf{0.25} \scriptsize[0.2, 0.3] \\" in text
    assert r"50 \% & -0.1$^{\dagger}$ \scriptsize[$-$0.2, 0.3] \\" in text and r"none & -- \\" in text
    assert r"\caption{A \& B}" in text and r"SRG $\uparrow$" in text and text.count("{") == text.count("}")
    assert tex("a\\b{c}") == r"a\textbackslash{}b\{c\}"


def test_the_paragraph_states_what_was_measured() -> None:
    setup = Setup(
        "Embedded VGG16 (weights abc)",
        ("A", "Gradient"),
        "14 photographs",
        "the first class",
        16,
        14,
        "mean",
        0,
        "VisLRP Designer 1",
    )
    text = methods(setup, ["srg", "gini"])
    for words in (
        "2 attribution methods (A, Gradient)",
        "14 photographs",
        "16 × 16 patches, 14 steps",
        "“mean”",
        "seed 0",
        "Blücher et al. 2024",
        "Higher is better",
        "2000 resamples",
        "VisLRP Designer 1",
    ):
        assert words in text
    assert "patches, 14 steps" not in methods(setup, ["gini"])


def test_measures_that_agree_correlate_whatever_their_direction() -> None:
    names, means = "ABCD", np.array([0.1, 0.2, 0.3, 0.4])

    def of(metric: str, values: np.ndarray) -> list[Summary]:
        return [Summary(name, metric, 8, float(value), 0, 0, 0) for name, value in zip(names, values, strict=True)]

    keys, matrix = correlations(
        {
            "srg": of("srg", means),
            "class_cosine": of("class_cosine", -means),
            "mosaic": of("mosaic", means[::-1]),
            "gini": of("gini", means),
        }
    )
    assert keys == ["srg", "class_cosine", "mosaic"]
    np.testing.assert_allclose(matrix, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])
