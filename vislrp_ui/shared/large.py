"""Which pictures of a page have a large view, and the view itself: what it shows is made when somebody opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vislrp_ui.components.largeview import View, ViewRequest, large_view, position_of, wanted_of

_OFFERED, _WANTED, KEY = "_large_offered", "_large_wanted", "large-view"
_TRACED, _ASKED = "_large_traced", "_large_asked"
Make = Callable[[], View | None]
Ask = Callable[[int, int], None]


def offer(id: str, make: Make, ask: Ask | None = None) -> str:
    """Let a picture of this page be opened; returns its id.

    Parameters
    ----------
    id : str
        Name on its page; pictures are stepped through in the order in which they were first offered.
    make : callable
        Makes the view when it is asked for; None where the picture is gone. It holds what the picture shows, not its pixels.
    ask : callable, optional
        Called with row and column when somebody asks where the value of a position comes from; the page runs then.
    """
    offered: dict[str, Make] = st.session_state.setdefault(_OFFERED, {})
    traced: dict[str, Ask] = st.session_state.setdefault(_TRACED, {})
    offered[id] = make
    traced.pop(id, None)
    if ask is not None:
        traced[id] = ask
    return id


def mount() -> None:
    """Place the view on a page, and forget the pictures of the page before it."""
    # A question that arrives together with another change is answered in a run of the whole page: from what was offered
    # when it was asked.
    with st.container(key="large-view-place"):
        _fragment()
    # Emptied, not replaced: Streamlit keeps a replaced value until the next run, and with it the network that it names.
    st.session_state.setdefault(_OFFERED, {}).clear()
    st.session_state.setdefault(_TRACED, {}).clear()


@st.fragment
def _fragment() -> None:
    """Runs alone when somebody opens a picture: the page below does not run again."""
    if st.session_state.pop(_ASKED, False):
        st.rerun()
    large_view(KEY, answer(st.session_state.pop(_WANTED, None)), _take, _ask)


def _ask() -> None:
    """Hand on the question where the value of a position comes from."""
    asked = position_of(st.session_state[KEY])
    traced: dict[str, Ask] = st.session_state.get(_TRACED, {})
    if asked is not None and asked.id in traced:
        traced[asked.id](asked.row, asked.column)
        st.session_state[_ASKED] = True


def _take() -> None:
    st.session_state[_WANTED] = wanted_of(st.session_state[KEY])


def answer(wanted: ViewRequest | None) -> dict[str, Any] | None:
    """What the browser gets for a question, see `large_view`."""
    if wanted is None:
        return None
    id, number = wanted
    offered: dict[str, Make] = st.session_state.get(_OFFERED, {})
    ids = list(offered)
    if id not in offered:
        return {"number": number, "view": None, "previous": None, "next": None, "place": 0, "count": 0}
    place, view = ids.index(id), offered[id]()
    traced: dict[str, Ask] = st.session_state.get(_TRACED, {})
    return {
        "number": number,
        "view": None if view is None else {**view.payload(), "traced": id in traced},
        "place": place + 1,
        "count": len(ids),
        "previous": ids[place - 1] if place else None,
        "next": ids[place + 1] if place + 1 < len(ids) else None,
    }
