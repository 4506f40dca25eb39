"""The Pixel Flipping page: rows of flippings, and the measured curves below."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import service, state_flipping
from vislrp_ui.flipping import measured, report, row, style, toolbar
from vislrp_ui.shared import network_panel, reporting, widgets
from vislrp_ui.shared.asking import question_mark
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.progress import ProgressNote
from vislrp_ui.shared.required import require_image


def flipping() -> None:
    """Draw the page."""
    visit = boot()
    st.html(style.css())
    network = require_image(visit)
    target = toolbar.toolbar(network, visit)
    with st.container(key="flip-note"):
        progress = ProgressNote(st.empty())
    maps = service.maps(network, visit.image, visit.model, target, watch=progress)
    progress.done()
    state, shown = state_flipping.of(visit), report.FlippingShown(visit)
    with st.container(key="flip-rows"):  # whatever their number, what follows keeps its place
        for one in state.rows:
            if one.id == state.active:
                row.active_row(network, one.id, maps, row.outline(state), shown)
                widgets.plain_hint(visit)
            else:
                row.small_row(network, visit, one, maps, shown)
    with st.container(horizontal=True, vertical_alignment="center", key="flip-rows-foot"):
        st.button(
            "Add row",
            icon=":material/add:",
            key="flip-add",
            on_click=toolbar.change,
            args=(state_flipping.add_row,),
            disabled=len(state.rows) >= state_flipping.MAX_ROWS,
        )
        question_mark(network, "flipping", "flipping")
        st.space("stretch")
        files = reporting.menu()
        network_panel.menu(visit)
    if files.open:
        with files:
            report.offer(network, shown, maps)
    measured.section(network, maps, shown)
