"""The Search page: what is asked for; then what is tried, as it is tried, and what the held-out pictures say."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vislrp_core.network import Network
from vislrp_ui import session, state_search, theme
from vislrp_ui.search import form, found, result, running_search, style
from vislrp_ui.search.edits import job
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.search.job import elsewhere
from vislrp_ui.shared import measuring, network_panel, toolbars, widgets
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.literal import escaped
from vislrp_ui.shared.required import require_network

SECONDS = 1.5
"""Between two looks at a running search."""


def search() -> None:
    """Draw the page."""
    visit = boot()
    if st.session_state.pop(result.OPEN, False):
        st.switch_page("pages/1_Design.py")
    st.html(style.css(theme.is_dark()))
    network = require_network(visit)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="search-toolbar"):
        st.html('<h1 class="v-search-page">Search</h1>', width="content")
        with st.container(width=190):
            toolbars.model_select(
                visit, "search-model", "The active model: spaces are made around it, maps are compared with its"
            )
        widgets.look_popover(visit)
        st.space("stretch")
        network_panel.menu(visit)
    measuring.section("search", job, partial(_draw, network), SECONDS, also=_elsewhere)


def _elsewhere() -> bool:
    """Whether the search that is shown runs in another tab or window."""
    return elsewhere(state_search.of(session.get_visit()).id, job())


def shown() -> KeptSearch | None:
    """The search that the visit names, as it stands."""
    id = state_search.of(session.get_visit()).id
    own = job().kept
    return own if own is not None and own.id == id else found.read(id) if id else None


def _draw(network: Network) -> None:
    if st.session_state.get(result.OPEN):
        st.rerun()
    asked = state_search.of(session.get_visit())
    kept = shown()
    if kept is None:
        if asked.id:
            st.warning("This search is no longer kept on this server: begin another one.", icon=":material/search_off:")
        running_search.other()
        form.draw(network)
        return
    running_search.head(network, kept)
    fits = kept.space.architecture == network.architecture.key
    if kept.network != network.digest:
        shown_here = f"the maps here are those of {escaped(network.title)}, which runs now"
        st.caption(
            f"It searches with {escaped(kept.title)}: "
            + (f"{shown_here}." if fits else "let a network of that architecture run to see maps.")
        )
    with st.container(key="search-columns"):
        left, right = st.columns([0.5, 0.5], gap="medium")
    with left:
        running_search.charts(kept)
    with right:
        if fits:
            result.panel(network, kept)
    running_search.report(kept)
