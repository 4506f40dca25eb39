"""Altair's charts on a page.

Altair compares every chart with the whole of Vega-Lite's schema, and every part of it once more when it is made: 40 ms for
three small charts, at each run of the page. What a chart of ours looks like depends on its code alone, so the tests do that
once (tests/ui/test_charts.py).
"""

from __future__ import annotations

from functools import partial

import altair as alt
import streamlit as st
from altair.utils import schemapi

from vislrp_ui import theme
from vislrp_ui.streamlit_inside import WidgetCallback

schemapi.disable_debug_mode()


def svg_of(chart: alt.Chart | alt.LayerChart) -> str:
    """A chart as a drawing for a report, in light colours on white."""
    import vl_convert

    return vl_convert.vegalite_to_svg(
        chart.configure(**{**theme.chart_theme(False), "background": "white"}).to_dict(validate=False)
    )


def draw(
    chart: alt.Chart | alt.LayerChart, key: str, *, on_select: WidgetCallback | None = None, words: str | None = None
) -> None:
    """Draw a chart in its own colours, as wide as its place.

    Parameters
    ----------
    key : str
        Of the element; what was selected is kept under it.
    on_select : callable, optional
        Called when something in the chart was selected.
    words : str, optional
        The chart in words, for those who do not see it.
    """
    # Not an attribute of the specification, as the plain assignment would make it.
    object.__setattr__(chart, "to_dict", partial(chart.to_dict, validate=False))
    st.altair_chart(chart, theme=None, width="stretch", key=key, on_select=on_select or "ignore", alt=words)
