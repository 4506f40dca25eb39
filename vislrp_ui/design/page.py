"""The Design page: three columns, one view."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import service, session, theme, widgets
from vislrp_ui.design import centre, left, result, title
from vislrp_ui.design.progress import Progress


def design() -> None:
    """Draw the page: all controls first, so that they are usable while the maps are computed."""
    visit = session.boot()
    st.html(theme.design_css())
    widgets.require_image(visit)
    first, middle, last = st.columns([0.166, 0.578, 0.256], gap="medium")
    with first, st.container(gap="xsmall"):
        target = left.image_and_class(visit)
        left.models(visit)
    with middle, st.container(gap="xsmall"):
        title.title_row(visit, target)
        ruler_place = st.container(gap="xsmall", key="ruler-slot")
    with last, st.container(gap="xsmall"):
        downloads = result.head(visit, target)
        with st.container(key="map-place"):
            note_place = st.empty()
            map_place = st.container(gap="xsmall", key="final-slot")
        rule_place = st.container()
    progress = Progress(note_place)
    maps = service.maps(visit.image, visit.model, target, layers=(result.shown_layer(visit),), watch=progress)
    with map_place:
        result.map_and_facts(visit, maps)
    with ruler_place:
        centre.segments_and_maps(visit, maps)
    with rule_place:
        centre.rule(visit, maps)
    if downloads.open:
        with downloads:
            result.downloads(visit, target, maps)
    progress.done()
