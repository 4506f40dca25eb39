"""Which pictures of a page have a large view, and the view itself: what it shows is made when somebody opens it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import segno
import streamlit as st

from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.largeview import View, ViewRequest, large_view, position_of, wanted_of

_OFFERED, _WANTED, KEY = "_large_offered", "_large_wanted", "large-view"
_TRACED, _ASKED = "_large_traced", "_large_asked"
LINK = "link"
"""Id of the page's own address, shown as a QR code."""
QR_BYTES = 2953
"""What the largest QR code holds with the weakest correction (ISO/IEC 18004)."""
QR_PIXELS = 720
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
    id, number, address = wanted
    if id == LINK:
        return {
            "number": number,
            "view": link_view(address).payload(),
            "previous": None,
            "next": None,
            "place": 1,
            "count": 1,
        }
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


def link_view(address: str) -> View:
    """The page's address as a QR code, for those who sit before the screen; says why where there can be none."""
    title = "The link to this view"
    if len(address.encode()) > QR_BYTES:
        return View(
            title,
            "",
            note=f"This link has {len(address)} characters, a QR code holds {QR_BYTES}: copy the link "
            "and send it in another way.",
        )
    code = segno.make(address, error="l", boost_error=True, micro=False)
    file = io.BytesIO()
    code.save(file, kind="png", scale=max(2, QR_PIXELS // code.symbol_size()[0]), border=4)
    notes = [address if len(address) <= 120 else f"{address[:117]}…"]
    if (urlsplit(address).hostname or "") in ("localhost", "127.0.0.1", "::1"):
        notes.append("This address works on this computer only: open the page under the computer's network name first.")
    if "image=upload-" in address:
        notes.append("An uploaded picture does not travel with the link.")
    return View(title, data_url(file.getvalue()), note=" ".join(notes), smooth=False)
