"""The Pixel Flipping page: rows of flippings, and the measured curves below."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import service, session, state_flipping, widgets
from vislrp_ui.design.progress import Progress
from vislrp_ui.flipping import measured, row, style, toolbar


def flipping() -> None:
    """Draw the page."""
    visit = session.boot()
    st.html(style.css())
    widgets.require_image(visit)
    target = toolbar.toolbar(visit)
    with st.container(key="flip-note"):
        progress = Progress(st.empty())
    maps = service.maps(visit.image, visit.model, target, watch=progress)
    progress.done()
    state = state_flipping.of(visit)
    with st.container(key="flip-rows"):  # whatever their number, what follows keeps its place
        for one in state.rows:
            if one.id == state.active:
                row.active_row(one.id, maps, row.outline(state))
                widgets.plain_hint(visit)
            else:
                row.small_row(visit, one, maps)
    with st.container(horizontal=True, vertical_alignment="center", key="flip-rows-foot"):
        st.button("Add row", icon=":material/add:", key="flip-add", on_click=toolbar.change, args=(state_flipping.add_row,),
                  disabled=len(state.rows) >= state_flipping.MAX_ROWS)
        st.space("stretch")
        widgets.network_menu(visit)
    measured.section(maps)
