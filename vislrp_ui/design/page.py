"""The Design page: three columns, one view."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import service, session, widgets


def design() -> None:
    """Draw the page."""
    visit = session.boot()
    widgets.require_image(visit)
    left, centre, right = st.columns([0.166, 0.578, 0.256], gap="medium")
    with left:
        widgets.image_picker(visit)
        st.image(service.view_png(visit.image), width="stretch", alt="The image as the network sees it")
        target = widgets.target_select(visit)
    with centre:
        widgets.network_menu(visit)
    with right:
        widgets.look_popover(visit)
        result = service.maps(visit.image, visit.model, target)
        if 0 in result.maps:
            limit = service.limit_of(result.maps[0], visit.look)
            st.image(service.heatmap_png(result.maps[0], (visit.image, result.model_key, target, 0), visit.look,
                                         limit=limit), width="stretch", alt="Relevance of the pixels")
