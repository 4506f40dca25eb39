"""Curves and table of the measured flipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import altair as alt
import pandas as pd

from vislrp_core import flipping
from vislrp_core.flipping import PerturbationCurve
from vislrp_ui import theme

RANDOM = "random order"
HEIGHT = 250
CAPTION = (
    "AOPC: mean fall, most relevant first. ABPC: mean gap between least and most relevant first. SRG: area between "
    "these two curves. Higher is better. Change: share flipped when the first class changes."
)

Measured = Mapping[str, Mapping[str, Sequence[PerturbationCurve]]]
"""Curves by name of the model and by order; random orders are under `RANDOM`."""


def curves_frame(measured: Measured) -> pd.DataFrame:
    """One row per curve and step: model, order, seed, step, flipped share, logit, probability, number of the first class."""
    rows = [
        {
            "model": model,
            "order": curve.order,
            "seed": curve.seed,
            "step": step,
            "flipped_share": share,
            "logit": logit,
            "probability": probability,
            "first_class": first,
        }
        for model, orders in measured.items()
        for curves in orders.values()
        for curve in curves
        for step, (share, logit, probability, first) in enumerate(
            zip(
                curve.shares.tolist(),
                curve.logits.tolist(),
                curve.probabilities.tolist(),
                curve.first_class.tolist(),
                strict=True,
            )
        )
    ]
    return pd.DataFrame(
        rows, columns=["model", "order", "seed", "step", "flipped_share", "logit", "probability", "first_class"]
    )


def scores_frame(measured: Measured) -> pd.DataFrame:
    """One row per model, the largest SRG first; scores of orders that are not measured are missing."""
    rows = []
    for model, orders in measured.items():
        if model != RANDOM:
            first = {order: curves[0] for order, curves in orders.items() if curves}
            rows.append({"model": model, **asdict(flipping.scores(first.get("morf"), first.get("lerf")))})
    frame = pd.DataFrame(
        rows, columns=["model", "aopc", "abpc", "srg", "flips_to_change", "aopc_logit", "abpc_logit", "srg_logit"]
    )
    return frame.sort_values("srg", ascending=False, na_position="last", ignore_index=True)


def table_frame(scores: pd.DataFrame, scale: str) -> pd.DataFrame:
    """`scores_frame` as the page's table shows it, of probabilities or of logits; the change in percent."""
    suffix = "_logit" if scale == "logit" else ""
    return pd.DataFrame(
        {
            "Model": scores["model"],
            "AOPC ↑": scores[f"aopc{suffix}"],
            "ABPC ↑": scores[f"abpc{suffix}"],
            "SRG ↑": scores[f"srg{suffix}"],
            "Change ↓": 100 * scores["flips_to_change"].astype(float),
        }
    )


def chart(measured: Measured, scale: str, target: str, active: str, dark: bool, *, pick: bool = True) -> alt.LayerChart:
    """The target's probability or logit over the share of flipped squares.

    Parameters
    ----------
    scale : str
        "probability" or "logit".
    target, active : str
        Name of the class, and of the model whose curves are drawn stronger (the first where it is missing).
    pick : bool
        Whether a click on a point selects it.
    """
    frame = curves_frame(measured)
    frame["flipped"] = 100 * frame["flipped_share"]
    frame["value"] = 100 * frame["probability"] if scale == "probability" else frame["logit"]
    models = [model for model in measured if model != RANDOM]
    shown = active if active in models else (models[0] if models else "")
    words = pd.Series(flipping.ORDERS)
    frame["what"] = frame["order"].map(words)
    palette = theme.curve_colours(len(models), dark)
    colours = alt.Scale(domain=[*models, RANDOM], range=[*palette, theme.MUTED["dark" if dark else "light"]])
    x = alt.X(
        "flipped:Q", title="patches flipped, %", scale=alt.Scale(domain=[0, 100], nice=False), axis=alt.Axis(grid=False)
    )
    title = f"probability of “{target}”, %" if scale == "probability" else f"logit of “{target}”"
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=scale == "probability"))
    colour = alt.Color(
        "model:N",
        scale=colours,
        legend=alt.Legend(title=None, symbolType="stroke", labelLimit=150, symbolOpacity=1, symbolStrokeWidth=2.5),
    )
    lines = frame[frame["order"].isin(["morf", "lerf"])]
    lots = frame[frame["order"].eq("random")].groupby("flipped", as_index=False)["value"].agg(["mean", "min", "max"])
    lots["model"], lots["what"] = RANDOM, RANDOM
    tips = [
        alt.Tooltip("model", title="model"),
        alt.Tooltip("what", title="order"),
        alt.Tooltip("flipped", title="flipped, %", format=".1f"),
        alt.Tooltip("value", title=title, format=".2f"),
    ]
    base = alt.Chart(lines).encode(x=x, y=y, color=colour)
    drawn = base.mark_line().encode(
        strokeDash=alt.StrokeDash("order:N", scale=alt.Scale(domain=["morf", "lerf"], range=[[1, 0], [6, 4]]), legend=None),
        strokeWidth=alt.condition(alt.datum.model == shown, alt.value(3), alt.value(1.7)),
        detail="order:N",
    )
    layers: list[alt.Chart] = []
    if len(lots):
        band = alt.Chart(lots).encode(x=x, color=colour)
        layers += [
            band.mark_area(opacity=0.16, line=False).encode(y=alt.Y("min:Q", title=title), y2="max:Q"),
            band.mark_line(strokeDash=[2, 3], strokeWidth=1.7).encode(y=alt.Y("mean:Q", title=title)),
        ]
    points = base.mark_point(filled=True, size=46).encode(tooltip=tips)
    if pick:
        fields = ["model", "order", "step"]
        chosen = alt.selection_point(name="point", fields=fields, on="click", nearest=True, toggle=False, empty=False)
        near = alt.selection_point(
            name="near", fields=fields, on="pointerover", nearest=True, empty=False, clear="pointerout"
        )
        points = points.encode(
            opacity=alt.condition(near | chosen, alt.value(1), alt.value(0)),
            size=alt.condition(chosen, alt.value(90), alt.value(46)),
        ).add_params(chosen, near)
        layers += [drawn, points]
    else:
        layers.append(drawn)
    return alt.layer(*layers).properties(height=HEIGHT).configure(**theme.chart_theme(dark))


def figure(measured: Measured, scale: str, target: str, active: str, title: str, format: str) -> bytes:
    """The chart as a file for a paper, on a light ground: "png" (twice 96 dpi), "svg" or "pdf"."""
    import vl_convert

    drawn = chart(measured, scale, target, active, False, pick=False).properties(width=560, height=320, title=title)
    spec = drawn.configure(**{**theme.chart_theme(False), "background": "white"}).to_dict()
    if format == "svg":
        return vl_convert.vegalite_to_svg(spec).encode()
    if format == "pdf":
        return vl_convert.vegalite_to_pdf(spec)
    return vl_convert.vegalite_to_png(spec, scale=2)


def step_of(event: object) -> tuple[str, str, int] | None:
    """Model, order and step that a click on the chart selected."""
    selection = event["selection"] if isinstance(event, Mapping) and "selection" in event else {}
    points = selection.get("point") if isinstance(selection, Mapping) else None
    if not points:
        return None
    one = points[0]
    try:
        return str(one["model"]), str(one["order"]), int(one["step"])
    except (KeyError, TypeError, ValueError):
        return None
