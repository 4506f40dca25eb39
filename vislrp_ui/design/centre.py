"""Centre of Design: the ruler with its cards, fed with the maps that the segments hand on."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import service, session, theme
from vislrp_ui.components.protocol import Edit
from vislrp_ui.components.ruler import apply_edit, data_url, ruler, ruler_data
from vislrp_ui.design.result import map_key
from vislrp_ui.service import Maps
from vislrp_ui.state import Visit


def segments_and_maps(visit: Visit, result: Maps) -> None:
    """Draw the ruler for a finished result."""
    with st.container(key="ruler-place"):
        ruler("ruler", ruler_data(
            visit.model, result, selected=visit.selected_segment, layer=visit.selected_layer,
            pictures=pictures(visit, result), error=result.error, mode=theme.mode()), take_edit)


def take_edit(edit: Edit) -> None:
    """One gesture on the ruler."""
    session.update(apply_edit, edit)


def pictures(visit: Visit, result: Maps) -> dict[int, str]:
    """Addresses of the maps that the segments hand on; each has its own range."""
    found = {}
    for segment in visit.model.segments:
        layer = segment.first - 1
        if layer in result.maps:
            values = result.maps[layer]
            found[layer] = data_url(service.heatmap_png(
                values, map_key(visit, result, layer), visit.look, limit=service.limit_of(values, visit.look)))
    return found
