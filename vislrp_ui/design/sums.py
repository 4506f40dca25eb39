"""Relevance per layer as a larger chart, and as a table."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from vislrp_core.architecture import Architecture
from vislrp_core.network import Network
from vislrp_ui import service, session, theme
from vislrp_ui.service import Maps
from vislrp_ui.shared import literal
from vislrp_ui.shared.charts import draw
from vislrp_ui.shared.frames import table_of


@st.dialog("Relevance per layer", width="large")
def sums_dialog(network: Network) -> None:
    """Positive, negative and total relevance of all layers, as a chart and as a table."""
    visit = session.get_visit()
    result = service.maps(network, visit.image, visit.model, visit.target)
    if result.error is not None:
        literal.warning(str(result.error), icon=":material/error:")
    frame = sums_frame(result, network.architecture)
    draw(sums_chart(frame, theme.is_dark()), "sums-chart")
    st.download_button(
        "Table (CSV)",
        table_of(frame),
        "relevance_sums.csv",
        "text/csv",
        key="download-sums",
        icon=":material/table:",
        on_click="ignore",
    )


def sums_frame(result: Maps, architecture: Architecture) -> pd.DataFrame:
    """One row per layer: sums, and what the layer absorbed (start minus arrival, from the layer above)."""
    total, rows = result.total, architecture.rows
    absorbed = np.append(total[1:] - total[:-1], np.nan)
    return pd.DataFrame(
        {
            "layer": [layer.index for layer in rows],
            "name": [layer.name for layer in rows],
            "positive": result.positive,
            "negative": result.negative,
            "total": total,
            # Layer k turns R[k] into R[k - 1]: what is missing below belongs to it.
            "absorbed": np.insert(absorbed[:-1], 0, 0.0),
        }
    )


def sums_chart(frame: pd.DataFrame, dark: bool) -> alt.LayerChart:
    """Bars of positive and negative relevance and a line of the total, from the input to the logits."""
    red, blue = ("#A5483B", "#33689F") if dark else ("#EF9C81", "#8DBEDD")
    ink = "#E6EAEF" if dark else "#1B2430"
    tips = [
        alt.Tooltip("name", title="layer"),
        *(alt.Tooltip(key, format=".3f") for key in ("positive", "negative", "total", "absorbed")),
    ]
    base = alt.Chart(frame).encode(
        x=alt.X("name:N", sort=None, title=None, axis=alt.Axis(labelAngle=-60, grid=False)), tooltip=tips
    )
    scale = alt.Scale(type="symlog", constant=1)
    axis = alt.Y("positive:Q", title="relevance", scale=scale, axis=alt.Axis(format=".1f"))
    chart = alt.layer(
        base.mark_bar(color=red).encode(y=axis),
        base.mark_bar(color=blue).encode(y=alt.Y("negative:Q", scale=scale)),
        base.mark_line(color=ink, interpolate="step", strokeWidth=1.7).encode(y=alt.Y("total:Q", scale=scale)),
    )
    return chart.properties(height=320).configure(**theme.chart_theme(dark))
