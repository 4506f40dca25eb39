"""Which of the dialogs about sharing is open, and the addresses of a view as others open it."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from vislrp_ui import desk, permalink, rooms
from vislrp_ui.state import Visit
from vislrp_ui.streamlit_inside import page_hash

_OPEN, _PAGE = "_sharing", "_sharing_page"
_HERE = ("localhost", "127.0.0.1", "::1")


def ask() -> None:
    """Callback: the dialog about this view."""
    to(rooms.SHARING)


def to(dialog: str) -> None:
    """Callback: open one of the dialogs, which stays over runs of its page."""
    st.session_state[_OPEN] = (page_hash(), dialog)


def is_open(dialog: str) -> bool:
    """Whether this one is the open one."""
    return bool(st.session_state.get(_OPEN, ("", ""))[1] == dialog)


def close() -> None:
    """Callback: none is open."""
    st.session_state.pop(_OPEN, None)


def show() -> None:
    """Draw the dialog that is open on this page."""
    held = st.session_state.get(_OPEN)
    if held is not None and held[0] != page_hash():
        close()
    elif held is not None:
        st.session_state[_PAGE] = rooms.drawn()
        rooms.call(held[1])


def page() -> str:
    """Key of the page below the dialog; known to callbacks, and to runs of the dialog alone."""
    return str(st.session_state[_PAGE])


def base() -> str:
    """The program's own address as the browser knows it, without a page; ends with a slash."""
    parts = urlsplit(st.context.url or "http://localhost:8501/")
    path = parts.path.rstrip("/")
    last = path.rpartition("/")[2]
    if last and last in {rooms.path(room) for room in rooms.ROOMS}:
        path = path.removesuffix(last).rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}/"


def link(visit: Visit, page: str) -> str:
    """The address of a view, as the browser's address bar has it."""
    return f"{base()}{rooms.path(rooms.find(page))}?{urlencode(permalink.to_params(visit), quote_via=quote, safe='~:,')}"


def warnings(visit: Visit) -> list[str]:
    """What others would not see, a sentence each."""
    told = []
    if (urlsplit(base()).hostname or "") in _HERE:
        told.append("This address works on this computer only: open the page under the computer's network name first.")
    if desk.uploads_of(visit):
        told.append("An uploaded picture does not travel with the link.")
    if visit.network == "own":
        told.append("An uploaded network does not travel with the link.")
    return told
