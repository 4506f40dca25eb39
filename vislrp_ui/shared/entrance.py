"""How every page begins: style, address, the browser's storage, notices, and the line about work that was put aside."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import rooms, session, theme
from vislrp_ui.caches import settle
from vislrp_ui.components.pagetools import page_tools
from vislrp_ui.shared import embedded, kept_panel, large, literal, sharing, table, terms
from vislrp_ui.shared.fitting import fit
from vislrp_ui.state import Visit
from vislrp_ui.streamlit_inside import leave_pages_folder

_ROUTED = "_routed"


def boot() -> Visit:
    """Begin a page: style, address, notices. Every page calls it first."""
    settle()
    _enter_through_home()
    st.html(theme.css())
    embedded.begin()
    visit = fit()
    session.save(session.MAIN)
    large.mount()
    with st.container(key="page-tools", horizontal=True, vertical_alignment="center", gap=None, width="content"):
        terms.button(rooms.drawn())
        page_tools("tools", theme.mode(), session.say_again, sharing.ask)
    # A place of their own: an element that comes and goes would move all others, and components would be built anew.
    with st.container(key="notices"):
        _show(session.take_notices())
    with st.container(key="aside-place"):
        table.line(visit)
    with st.container(key="lesson-place"):
        if visit.lesson is not None:
            rooms.call(rooms.STRIP)
    kept_panel.show()
    sharing.show()
    return visit


def finish() -> None:
    """End a page: what the open lesson tells of its numbers. `rooms.draw` calls it after every page."""
    if session.get_visit().lesson is not None:
        rooms.call(rooms.STRIP_WORDS)
    embedded.foot()


def _show(sentences: list[str]) -> None:
    """The first sentence, the others folded away, and a button that closes them: the run it starts has no notices."""
    if not sentences:
        return
    first, *others = sentences
    with st.container(horizontal=True, vertical_alignment="top", gap="xsmall"):
        with st.container(width="stretch", gap="xsmall"):
            literal.warning(first, icon=":material/error:")
            if others:
                with st.expander(f"{len(others)} more"):
                    for sentence in others:
                        literal.warning(sentence, icon=":material/error:")
        st.button("Close", icon=":material/close:", type="tertiary", key="close-notices", help="Close these messages")


def mark_routed() -> None:
    """Called by `Home.py`: this session's pages are under its navigation."""
    st.session_state[_ROUTED] = True


def _enter_through_home() -> None:
    # The first visitor of a fresh server who opens a page's own address gets that page without Home.py around it: Streamlit
    # takes the folder `pages` for its own navigation, until a script has another one. Nothing but a new run is needed.
    if _ROUTED not in st.session_state and leave_pages_folder():
        st.rerun()
