"""Opening a guided case and taking one's own work back, as pages do it; and the line that says what was put aside."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_core.network import Network
from vislrp_ui import desk, rooms, running, session, state_network
from vislrp_ui.background import stop_all
from vislrp_ui.browser import TROUBLE
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit

_HIDDEN = "_aside_hidden"


def _clear_pages() -> None:
    stop_all(rooms.jobs())
    for room in rooms.ROOMS:
        for key in room.remembers:
            st.session_state.pop(key, None)
        if room.forget:
            rooms.call(room.forget)


def open_case(title: str, prepare: Callable[[Visit, Network], Visit]) -> None:
    """A guided case exactly as on its card: measurements end, own work is put aside."""
    _clear_pages()
    session.set_visit(desk.put_aside(session.get_visit()))  # which may let another network run
    network = running.network()
    rows = network.architecture
    empty = session.get_visit()
    if not state_network.fits(empty, rows):
        empty = state_network.adapted(empty, rows, {entry.id: entry.model for entry in session.examples()})
    session.set_visit(desk.lay(empty, title, lambda visit: prepare(visit, network)))
    st.session_state.pop(_HIDDEN, None)


def take_back(place: int = -1) -> None:
    """Callback: what was put aside is on the table again."""
    _clear_pages()
    session.update(desk.take_back, place)
    st.session_state.pop(_HIDDEN, None)


def _hide(count: int) -> None:
    st.session_state[_HIDDEN] = count


def line(visit: Visit) -> None:
    """One line on every page: what was put aside, with the button that takes it back; or why nothing is kept."""
    trouble = TROUBLE.get(session.exchange().trouble)
    if trouble is not None:
        st.caption(trouble)
    if not visit.aside or st.session_state.get(_HIDDEN) == len(visit.aside):
        return
    newest = visit.aside[-1].title
    words = f"Put aside: {newest}."
    if visit.opened is not None:
        words = f"The guided case “{visit.opened.title}” is open. {words}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="aside-line"):
        st.caption(escaped(words), width="content")
        st.button(
            "Take it back",
            icon=":material/undo:",
            key="take-back",
            on_click=take_back,
            help="What is on the pages now changes places with it, if you have worked on it",
        )
        st.button(
            "Hide this line",
            icon=":material/close:",
            type="tertiary",
            key="hide-aside",
            on_click=_hide,
            args=(len(visit.aside),),
            help="Hide this line; the work stays under “Kept in this browser”",
        )
