"""One chart per measure: the mean of every model as a dot, its interval as a line."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from vislrp_core.measures import MEASURES
from vislrp_core.measures.summary import Summary
from vislrp_ui import theme

ROW, AROUND = 22, 74
"""Height of one model, and of title and axis, in pixels."""
BETTER = {"high": "higher is better", "low": "lower is better", "": ""}


def frame_of(found: Sequence[Summary]) -> pd.DataFrame:
    """Rows of models that have a value."""
    said = {True: "best", False: ""}
    rows = [
        {
            "model": one.model,
            "mean": one.mean,
            "low": one.low,
            "high": one.high,
            "rank": one.rank,
            "images": one.images,
            "mark": said[one.best] or ("not distinguishable from the best" if one.tied else "other"),
        }
        for one in found
        if one.images
    ]
    return pd.DataFrame(rows, columns=["model", "mean", "low", "high", "rank", "images", "mark"])


def chart(metric: str, found: Sequence[Summary], dark: bool, *, pick: bool = True) -> alt.LayerChart:
    """The chart of one measure.

    Parameters
    ----------
    pick : bool
        Whether a click on a dot selects its model.
    """
    frame = frame_of(found)
    mode = "dark" if dark else "light"
    accent, muted = theme.ACCENT[mode], theme.MUTED[mode]
    order = [one.model for one in found]
    y = alt.Y("model:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, domain=False, ticks=False, grid=True))
    better = BETTER[MEASURES[metric].better]
    x = alt.X("mean:Q", title=better or None, scale=alt.Scale(zero=False, nice=True))
    colour = alt.Color(
        "mark:N",
        legend=None,
        scale=alt.Scale(domain=["best", "not distinguishable from the best", "other"], range=[accent, accent, muted]),
    )
    tips = [
        alt.Tooltip("model", title="model"),
        alt.Tooltip("mean", format=".4g"),
        alt.Tooltip("low", format=".4g"),
        alt.Tooltip("high", format=".4g"),
        alt.Tooltip("rank", title="mean rank", format=".2f"),
        alt.Tooltip("images", title="pictures"),
        alt.Tooltip("mark", title=""),
    ]
    base = alt.Chart(frame).encode(y=y, color=colour, tooltip=tips)
    lines = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=better or None), x2="high:Q")
    dots = base.mark_point(size=90, strokeWidth=2, opacity=1).encode(
        x=x,
        fill=alt.Color(
            "mark:N",
            legend=None,
            scale=alt.Scale(
                domain=["best", "not distinguishable from the best", "other"], range=[accent, "transparent", muted]
            ),
        ),
    )
    if pick:
        chosen = alt.selection_point(name="model", fields=["model"], on="click", toggle=False, empty=False)
        dots = dots.encode(size=alt.condition(chosen, alt.value(220), alt.value(90))).add_params(chosen)
    title = MEASURES[metric].title
    return (
        alt.layer(lines, dots)
        .properties(height=ROW * len(frame) + AROUND, title=title)
        .configure(**{**theme.chart_theme(dark), "axisY": {"minExtent": 34}})
    )


def figure(tables: dict[str, list[Summary]], format: str) -> bytes:
    """All charts below each other as a file for a paper, on a light ground: "png" (twice 96 dpi), "svg" or "pdf"."""
    import vl_convert

    drawn = [chart(metric, found, False, pick=False).properties(width=360) for metric, found in tables.items()]
    specs = [one.to_dict() for one in drawn]
    config = {**theme.chart_theme(False), "background": "white"}
    whole = {"$schema": specs[0]["$schema"], "config": config, "datasets": {}, "vconcat": []}
    for spec in specs:
        whole["datasets"] |= spec.pop("datasets", {})
        whole["vconcat"].append({key: value for key, value in spec.items() if key not in ("config", "$schema")})
    if format == "svg":
        return vl_convert.vegalite_to_svg(whole).encode()
    if format == "pdf":
        return vl_convert.vegalite_to_pdf(whole)
    return vl_convert.vegalite_to_png(whole, scale=2)


def model_of(event: object) -> str | None:
    """The model that a click on a dot selected."""
    selection = event["selection"] if isinstance(event, dict) or hasattr(event, "__getitem__") else {}
    points = selection.get("model") if hasattr(selection, "get") else None
    name = points[0].get("model") if points else None
    return name if isinstance(name, str) else None
