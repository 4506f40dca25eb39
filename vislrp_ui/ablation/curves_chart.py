"""Ablation curves as a chart, a table of areas, and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

from vislrp_core.ablation import NeuronAblationCurve, area_between, mean_curve
from vislrp_ui import theme

ACTIVATION, RANDOM = "activation", "random order"
HEIGHT = 250
CAPTION = (
    "Area to random: area between the curve of the random orders and this one, over the neurons ablated; "
    "higher means that the order finds the neurons that matter. Change: neurons ablated when another class "
    "comes first."
)

Measured = Mapping[str, Sequence[NeuronAblationCurve]]
"""Curves by name of the model; by activation and at random under `ACTIVATION` and `RANDOM`."""


def curves_frame(measured: Measured) -> pd.DataFrame:
    """One row per curve and point: ranking, run, neurons ablated, logit, probability, number of the first class."""
    rows = [
        {"ranking": name, "run": run, "ablated": count, "logit": logit, "probability": probability, "first_class": first}
        for name, curves in measured.items()
        for run, curve in enumerate(curves)
        for count, logit, probability, first in zip(
            curve.counts.tolist(),
            curve.logits.tolist(),
            curve.probabilities.tolist(),
            curve.first_class.tolist(),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["ranking", "run", "ablated", "logit", "probability", "first_class"])


def areas_frame(measured: Measured) -> pd.DataFrame:
    """One row per ranking, the largest area between it and random first.

    Columns ``area`` (mean probability), ``area_to_random`` (NaN where no random order is measured), the same for logits
    with ``_logit``, and ``neurons_to_change`` (NaN where no other class comes first).
    """
    random = mean_curve(measured[RANDOM]) if measured.get(RANDOM) else None
    rows = []
    for name, curves in measured.items():
        one = mean_curve(curves)
        change = [curve.neurons_to_change for curve in curves]
        known = [count for count in change if count is not None]
        rows.append(
            {
                "ranking": name,
                "area": one.area,
                "area_to_random": np.nan if random is None else area_between(one, random),
                "area_logit": _logits(one).area,
                "area_to_random_logit": np.nan if random is None else area_between(_logits(one), _logits(random)),
                "neurons_to_change": float(np.mean(known)) if known else np.nan,
            }
        )
    frame = pd.DataFrame(
        rows, columns=["ranking", "area", "area_to_random", "area_logit", "area_to_random_logit", "neurons_to_change"]
    )
    return frame.sort_values("area_to_random", ascending=False, kind="stable", na_position="last", ignore_index=True)


def table_frame(areas: pd.DataFrame, scale: str) -> pd.DataFrame:
    """`areas_frame` as the page's table shows it: of probabilities in percent, or of logits."""
    suffix = "_logit" if scale == "logit" else ""
    percent = 1.0 if suffix else 100.0
    return pd.DataFrame(
        {
            "Order by": areas["ranking"],
            "Mean ↓": percent * areas[f"area{suffix}"],
            "Area to random ↑": percent * areas[f"area_to_random{suffix}"],
            "Change ↓": areas["neurons_to_change"],
        }
    )


def _logits(curve: NeuronAblationCurve) -> NeuronAblationCurve:
    """A curve whose areas are those of the logit."""
    return NeuronAblationCurve(curve.counts, curve.logits, curve.logits, curve.first_class)


def chart(measured: Measured, scale: str, target: str, active: str, dark: bool) -> alt.LayerChart:
    """The target's probability or logit over the number of neurons ablated.

    Parameters
    ----------
    scale : str
        "probability" or "logit".
    target, active : str
        Name of the class, and of the model whose line is the thick one.
    """
    frame = curves_frame(measured)
    frame["value"] = 100 * frame["probability"] if scale == "probability" else frame["logit"]
    models = [name for name in measured if name not in (ACTIVATION, RANDOM)]
    others = [name for name in (ACTIVATION, RANDOM) if name in measured]
    ink = "#E6EAEF" if dark else "#1B2430"
    palette = theme.curve_colours(len(models), dark)
    grey = theme.MUTED["dark" if dark else "light"]
    domain, colours = [*models, *others], [*palette, *({ACTIVATION: ink, RANDOM: grey}[name] for name in others)]
    dashes = [*([1, 0] for _ in models), *({ACTIVATION: [6, 4], RANDOM: [2, 3]}[name] for name in others)]
    title = f"probability of “{target}”, %" if scale == "probability" else f"logit of “{target}”"
    x = alt.X("ablated:Q", title="neurons ablated", axis=alt.Axis(grid=False, format="d"), scale=alt.Scale(nice=False))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=scale == "probability"))
    legend = alt.Legend(title=None, symbolType="stroke", labelLimit=170, symbolOpacity=1, symbolStrokeWidth=2.5)
    mean = frame.groupby(["ranking", "ablated"], as_index=False, sort=False)["value"].mean()
    mean["thick"] = mean["ranking"].eq(active)
    lines = alt.Chart(mean).encode(
        x=x,
        y=y,
        color=alt.Color("ranking:N", sort=domain, scale=alt.Scale(domain=domain, range=colours), legend=legend),
        tooltip=[
            alt.Tooltip("ranking", title="order by"),
            alt.Tooltip("ablated", title="neurons ablated", format="d"),
            alt.Tooltip("value", title=title, format=".2f"),
        ],
    )
    layers: list[alt.Chart] = []
    lots = frame[frame["ranking"].eq(RANDOM)].groupby("ablated", as_index=False)["value"].agg(["min", "max"])
    if len(lots):
        layers.append(
            alt.Chart(lots).mark_area(opacity=0.16, color=grey).encode(x=x, y=alt.Y("min:Q", title=title), y2="max:Q")
        )
    layers.append(
        lines.mark_line().encode(
            strokeDash=alt.StrokeDash("ranking:N", scale=alt.Scale(domain=domain, range=dashes), legend=None),
            strokeWidth=alt.condition(alt.datum.thick, alt.value(3), alt.value(1.7)),
        )
    )
    layers.append(lines.mark_circle(size=26, opacity=1))
    return alt.layer(*layers).properties(height=HEIGHT).configure(**theme.chart_theme(dark))
