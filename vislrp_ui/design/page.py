"""The Design page: three columns, one view."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import service, session, theme, widgets
from vislrp_ui.design import left, result, title, twin


def design() -> None:
    """Draw the page."""
    visit = session.boot()
    st.html(theme.design_css())
    widgets.require_image(visit)
    first, centre, last = st.columns([0.166, 0.578, 0.256], gap="medium")
    with first, st.container(gap="xsmall"):
        target = left.image_and_class(visit)
        left.models(visit)
    with centre, st.container(gap="xsmall"):
        title.title_row(visit, target)
        place = st.container(gap="xsmall")
    with last, st.container(gap="xsmall"):
        result.head(visit, target)
        map_place = st.container(gap="xsmall")
        with st.container(horizontal=True):
            twin.twin(visit)
    maps = service.maps(visit.image, visit.model, target, layers=(result.shown_layer(visit),))
    with map_place:
        result.map_and_facts(visit, maps)
    with place:
        st.write("ruler")
