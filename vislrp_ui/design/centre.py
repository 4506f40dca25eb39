"""The two components that edit a model: the ruler with its cards, and the rule of the selected segment."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vislrp_core.network import Network
from vislrp_ui import service, session, theme
from vislrp_ui.components import rule_panel
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.protocol import Edit
from vislrp_ui.components.ruler import apply_edit, ruler, ruler_data
from vislrp_ui.design import origins
from vislrp_ui.service import Maps
from vislrp_ui.shared import asking, large, views
from vislrp_ui.state import Visit


def segments_and_maps(network: Network, visit: Visit, result: Maps) -> None:
    """Draw the ruler for a finished result."""
    with st.container(key="ruler-place"):
        ruler(
            "ruler",
            ruler_data(
                visit.model,
                result,
                selected=visit.selected_segment,
                layer=visit.selected_layer,
                pictures=pictures(network, visit, result),
                error=result.error,
                mode=theme.mode(),
            ),
            take_edit,
        )


def take_edit(edit: Edit) -> None:
    """One gesture on the ruler."""
    session.update(apply_edit, edit)


def rule(network: Network, visit: Visit, result: Maps) -> None:
    """Draw presets and sliders of the selected segment."""
    segment = visit.model.segments[visit.selected_segment]
    error = result.error
    here = error is not None and segment.first <= error.layer <= segment.last
    data = rule_panel.rule_panel_data(
        visit.model, visit.selected_segment, warnings=(f"{error}.",) if here else (), mode=theme.mode()
    )
    rule_panel.rule_panel("rule-panel", data, take_rule_edit)
    asking.asked(lambda: network)


def take_rule_edit(edit: Edit) -> None:
    """One gesture on the rule panel."""
    if not asking.heard(edit):
        session.update(rule_panel.apply_edit, edit)


def pictures(network: Network, visit: Visit, result: Maps) -> dict[int, str]:
    """Addresses of the maps that the segments hand on; each has its own range."""
    found = {}
    for segment in visit.model.segments:
        layer = segment.first - 1
        if layer in result.maps:
            values = result.maps[layer]
            large.offer(
                f"map-{layer}",
                partial(views.map_view, network, visit.image, visit.model, result.target, layer, visit.look),
                origins.asker(network, layer),
            )
            key = views.map_key(network, visit, result, layer)
            found[layer] = data_url(service.heatmap_png(values, key, visit.look, limit=service.limit_of(values, visit.look)))
    return found
