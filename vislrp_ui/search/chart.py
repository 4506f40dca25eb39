"""What was tried, as charts: values by trial, or a front of two objectives; what matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from vislrp_core.measures import MEASURES
from vislrp_core.search.trials import front
from vislrp_ui import theme
from vislrp_ui.search.found import KeptSearch

HEIGHT, HISTORY = 300, 130
KINDS = ("found", "ready-made", "baseline")
SHAPES = ("circle", "square", "cross")
BETTER = {"high": "higher is better", "low": "lower is better"}


def lower(kept: KeptSearch) -> tuple[bool, ...]:
    """For each objective, whether low values are better."""
    return tuple(MEASURES[key].better == "low" for key in kept.objectives)


def points(kept: KeptSearch) -> pd.DataFrame:
    """One row for each complete trial and each baseline; baselines have no number."""
    ahead = {one.number for one in front(kept.trials, lower(kept))}
    rows: list[dict[str, Any]] = [
        {
            "trial": one.number,
            "model": one.model.name,
            "kind": "ready-made" if one.ready else "found",
            "place": "front" if one.number in ahead else "behind",
            **dict(zip(kept.objectives, one.values, strict=True)),
        }
        for one in kept.trials
        if one.state == "complete"
    ]
    rows += [
        {
            "trial": None,
            "model": name,
            "kind": "baseline",
            "place": "behind",
            **dict(zip(kept.objectives, values, strict=True)),
        }
        for name, values in (kept.references or {}).items()
    ]
    return pd.DataFrame(rows, columns=["trial", "model", "kind", "place", *kept.objectives])


def history(kept: KeptSearch) -> pd.DataFrame:
    """The best value of the first objective after each trial."""
    low, best, rows = lower(kept)[0], None, []
    for one in kept.trials:
        if one.state == "complete":
            value = one.values[0]
            best = value if best is None else (min if low else max)(best, value)
        if best is not None:
            rows.append({"trial": one.number, "best": best})
    return pd.DataFrame(rows, columns=["trial", "best"])


def _title(metric: str) -> str:
    one = MEASURES[metric]
    return f"{one.title} ({BETTER[one.better]})"


def _axis(metric: str) -> alt.X:
    return alt.X(f"{metric}:Q", title=_title(metric), scale=alt.Scale(zero=False, nice=True))


def chart(kept: KeptSearch, selected: int | None, dark: bool) -> alt.LayerChart:
    """Values by trial for one objective; the first two against each other for more. A click selects a trial.

    Parameters
    ----------
    selected : int or None
        The trial whose map is shown.
    """
    frame = points(kept)
    mode = "dark" if dark else "light"
    accent, muted = theme.ACCENT[mode], theme.MUTED[mode]
    base = "#E2A33B" if dark else "#9A6A00"
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=list(KINDS), range=[accent, muted, base]),
        legend=alt.Legend(orient="bottom", symbolOpacity=1),
    )
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=list(KINDS), range=list(SHAPES)))
    tips = [
        alt.Tooltip("model", title="model"),
        alt.Tooltip("trial", title="trial"),
        alt.Tooltip("kind", title="kind"),
        *(alt.Tooltip(key, title=MEASURES[key].title, format=".4g") for key in kept.objectives),
    ]
    first = kept.objectives[0]
    tried, beside = frame[frame["kind"] != "baseline"], frame[frame["kind"] == "baseline"]
    layers: list[alt.Chart] = []
    if len(kept.objectives) == 1:
        x = alt.X("trial:Q", title="trial", scale=alt.Scale(domain=[-1, kept.wanted], nice=False))
        y = alt.Y(f"{first}:Q", title=_title(first), scale=alt.Scale(zero=False, nice=True))
        layers += [
            alt.Chart(history(kept))
            .mark_line(interpolate="step-after", strokeWidth=1.5, color=accent)
            .encode(x=x, y=alt.Y("best:Q", title=_title(first), scale=alt.Scale(zero=False, nice=True))),
            alt.Chart(beside).mark_rule(strokeDash=[4, 4], strokeWidth=1.5).encode(y=y, color=colour, tooltip=tips),
        ]
    else:
        second = kept.objectives[1]
        x, y = _axis(first), alt.Y(f"{second}:Q", title=_title(second), scale=alt.Scale(zero=False, nice=True))
        layers += [
            alt.Chart(tried[tried["place"] == "front"])
            .mark_line(strokeWidth=1.5, color=accent, opacity=0.6)
            .encode(x=x, y=y, order=alt.Order(f"{first}:Q")),
            alt.Chart(beside)
            .mark_point(size=90, strokeWidth=2, filled=False)
            .encode(x=x, y=y, color=colour, shape=shape, tooltip=tips),
        ]
    chosen = alt.selection_point(name="trial", fields=["trial"], on="click", toggle=False, empty=False)
    size = alt.condition(f"datum.trial === {-1 if selected is None else selected}", alt.value(260), alt.value(80))
    opacity = alt.condition("datum.place === 'front'", alt.value(1.0), alt.value(0.55))
    layers.append(
        alt.Chart(tried)
        .mark_point(filled=True, stroke="transparent")
        .encode(x=x, y=y, color=colour, shape=shape, size=size, opacity=opacity, tooltip=tips)
        .add_params(chosen)
    )
    return alt.layer(*layers).properties(height=HEIGHT).configure(**theme.chart_theme(dark))


def history_chart(kept: KeptSearch, dark: bool) -> alt.Chart:
    """The best value of the first objective, trial by trial."""
    first = kept.objectives[0]
    x = alt.X("trial:Q", title="trial", scale=alt.Scale(domain=[-1, kept.wanted], nice=False))
    y = alt.Y("best:Q", title=f"best {MEASURES[first].title}", scale=alt.Scale(zero=False, nice=True))
    line = alt.Chart(history(kept)).mark_line(
        interpolate="step-after", strokeWidth=2, color=theme.ACCENT["dark" if dark else "light"]
    )
    return line.encode(x=x, y=y).properties(height=HISTORY).configure(**theme.chart_theme(dark))


def importance_chart(importance: Mapping[str, float], dark: bool) -> alt.Chart:
    """How much each choice matters."""
    frame = pd.DataFrame(
        {"choice": [name.replace("_", " ") for name in importance], "share": [100 * value for value in importance.values()]}
    )
    bars = alt.Chart(frame).mark_bar(height=12, color=theme.ACCENT["dark" if dark else "light"])
    return (
        bars.encode(
            x=alt.X("share:Q", title="share, %"),
            y=alt.Y("choice:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, domain=False, ticks=False)),
            tooltip=[alt.Tooltip("choice"), alt.Tooltip("share", format=".0f")],
        )
        .properties(height=22 * len(frame) + 10)
        .configure(**theme.chart_theme(dark))
    )


def words(kept: KeptSearch) -> str:
    """The chart in words."""
    done = [one for one in kept.trials if one.state == "complete"]
    values = history(kept)["best"]
    best = f"; the best {MEASURES[kept.objectives[0]].title} is {values.iloc[-1]:.4f}" if len(values) else ""
    return f"{len(done)} models measured in full, of {len(kept.trials)} tried{best}."


def trial_of(event: object) -> int | None:
    """The trial that a click selected."""
    selection = event["selection"] if isinstance(event, dict) or hasattr(event, "__getitem__") else {}
    found = selection.get("trial") if hasattr(selection, "get") else None
    number = found[0].get("trial") if found else None
    return int(number) if isinstance(number, int | float) and not isinstance(number, bool) else None
