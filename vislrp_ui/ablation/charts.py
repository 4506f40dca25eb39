"""Three linked charts: the layer's neurons sorted by positive relevance, negative relevance and activation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from vislrp_core.architecture import Architecture
from vislrp_core.neurons import SCORES, NeuronScores
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_ui import running, session, state_ablation, theme
from vislrp_ui.ablation import brushes, work
from vislrp_ui.ablation.toolbar import change
from vislrp_ui.shared.charts import draw
from vislrp_ui.state_ablation import AblationState

CHARTS = ("positive_relevance", "negative_relevance", "activation_sum")
HEIGHT = 150
EDGE = 0.035
"""Room beside the first and the last neuron, as a share of all: a brush must be able to begin outside them."""
GREY = {"light": "#C4CBD3", "dark": "#475260"}


def frame(scores: NeuronScores, by: str, chosen: Iterable[int]) -> pd.DataFrame:
    """One row per neuron in the chart's order: rank, neuron, value, chosen; chosen ones last, so that they are on top."""
    order = scores.strongest(by)
    marks = np.zeros(len(scores), dtype=bool)
    marks[list(chosen)] = True
    table = pd.DataFrame(
        {
            "rank": np.arange(len(order)),
            "neuron": order,
            "value": scores.column(by)[order].astype(np.float32),
            "chosen": marks[order],
        }
    )
    return table.sort_values("chosen", kind="stable", ignore_index=True)


def chart(scores: NeuronScores, by: str, chosen: Iterable[int], gesture: str, dark: bool) -> alt.Chart:
    """One score of all neurons, sorted; regions are brushed along the ranks."""
    mode = "dark" if dark else "light"
    domain = [False, True]
    ranks = [-EDGE * len(scores) - 0.5, (1 + EDGE) * len(scores) - 0.5]
    drawn = (
        alt.Chart(frame(scores, by, chosen), title=SCORES[by].title)
        .mark_circle(opacity=1)
        .encode(
            x=alt.X(
                "rank:Q",
                title="neurons, sorted",
                scale=alt.Scale(domain=ranks, nice=False),
                axis=alt.Axis(grid=False, tickCount=5, format="d"),
            ),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=4, format=_format(scores.column(by)))),
            color=alt.Color("chosen:N", legend=None, scale=alt.Scale(domain=domain, range=[GREY[mode], theme.ACCENT[mode]])),
            size=alt.Size("chosen:N", legend=None, scale=alt.Scale(domain=domain, range=[16, 46])),
            tooltip=[
                alt.Tooltip("neuron:Q", title="neuron", format="d"),
                alt.Tooltip("rank:Q", format="d"),
                alt.Tooltip("value:Q", title=SCORES[by].title, format=".4~g"),
            ],
        )
    )
    if gesture == "region":
        mark = alt.BrushConfig(fill=theme.ACCENT[mode], fillOpacity=0.13, stroke=theme.ACCENT[mode])
        drawn = drawn.add_params(alt.selection_interval(name="brush", encodings=["x"], mark=mark))
    else:
        drawn = drawn.add_params(
            alt.selection_point(name="pick", fields=["neuron"], toggle="true", nearest=True, clear=False)
        )
    return drawn.properties(height=HEIGHT).configure(**theme.chart_theme(dark))


def _format(values: NDArray[Any]) -> str:
    largest = float(np.abs(values).max(initial=0.0))
    return "~s" if largest >= 10_000 else ".4~g" if largest < 0.001 else ".3~g"


def charts(rows: Architecture, held: AblationState, scores: NeuronScores) -> None:
    """Draw the three; a gesture in one changes the chosen neurons, and so all of them."""
    place = held.gesture
    for column, by in zip(st.columns(len(CHARTS), gap="small"), CHARTS, strict=True):
        key = brushes.key(by, place)
        with column:
            draw(
                chart(scores, by, held.neurons, held.gesture, theme.is_dark()),
                key,
                on_select=partial(_take, key, by),
                words=f"{rows.name(held.layer)}: {len(scores)} neurons sorted by {SCORES[by].title}, "
                f"{len(held.neurons)} of them selected; without the mouse: top n and typed numbers above, cells below",
            )


def _take(key: str, by: str) -> None:
    event = st.session_state[key]
    selection = event["selection"] if isinstance(event, Mapping) and "selection" in event else {}
    if "pick" in selection:
        brushes.forget()
        change(state_ablation.toggle, brushes.newly_picked(key, selection["pick"]))
        return
    visit = session.get_visit()
    try:  # of the layer that the visit is at, which this browser may not have drawn yet
        scores = work.scores_at(work.asked_by(running.network(), visit), state_ablation.of(visit).layer)
    except NonFiniteRelevance:
        return
    brushes.hold(by)
    change(state_ablation.choose, brushed(selection, scores.strongest(by)))


def brushed(selection: Mapping[str, Any], order: NDArray[np.intp]) -> list[int]:
    """Neurons whose ranks are within a brush; none where the brush is cleared."""
    span = selection.get("brush", {}).get("rank")
    if not span:
        return []
    low, high = min(span), max(span)
    return [int(neuron) for neuron in order[max(int(np.ceil(low)), 0) : max(int(np.floor(high)) + 1, 0)]]
