"""The dialog that shares a view: its link, the link as a QR code, a frame for a course page, a step of a lesson."""

from __future__ import annotations

from html import escape

import streamlit as st

from vislrp_ui import rooms, session
from vislrp_ui.components.addresses import data_url
from vislrp_ui.lessons import drafts
from vislrp_ui.lessons.files import MAX_TEXT
from vislrp_ui.shared import codes, embedded, sharing
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import StateError, Visit

_SENTENCE, _TOLD = "share-sentence", "_share_told"
_LONG, _HEIGHT = 600, 150
"""From so many characters on an address scrolls in a box of so many pixels."""


@st.dialog("Share this view", width="large", on_dismiss=sharing.close)
def dialog() -> None:
    """Draw it."""
    if drafts.take_change() or not sharing.is_open(rooms.SHARING):
        st.rerun()  # the page below writes the browser's copy; another dialog takes the place of this one
    visit = session.get_visit()
    link = sharing.link(visit, sharing.page())
    words, picture = st.columns([0.66, 0.34], gap="medium")
    with words:
        st.html('<h2 class="v-head">Link</h2>')
        written(link)
        for sentence in sharing.warnings(visit):
            st.caption(escaped(sentence))
        st.html('<h2 class="v-head">On a slide or a course page</h2>')
        st.caption("The view without menus, for a frame. A link to the whole program stands below it.")
        written(embedded.snippet(link))
    with picture:
        code(link, "qr-view")
    st.html('<h2 class="v-head">In a lesson</h2>')
    _lesson(visit)


def written(text: str) -> None:
    """An address, or HTML with one, to be copied: all of it is there to be read, however long it is."""
    with st.container(height=_HEIGHT if len(text) > _LONG else "content", border=False):
        st.code(text, language=None, wrap_lines=True)


def code(link: str, key: str) -> None:
    """A link as a QR code that can be downloaded, or why there is none."""
    drawing = codes.svg(link)
    if drawing is None:
        st.caption(codes.too_long(link))
        return
    shown = data_url(drawing, "svg+xml")
    name = escape(f"QR code of the link {link if len(link) <= 120 else link[:117] + '…'}")
    st.html(f'<img class="v-code" src="{shown}" alt="{name}" style="width:100%;max-width:260px;border-radius:6px">')
    st.download_button(
        "QR code (SVG)", drawing, "link.svg", "image/svg+xml", key=key, icon=":material/qr_code_2:", on_click="ignore"
    )


def _lesson(visit: Visit) -> None:
    draft = drafts.of(visit)
    count = 0 if draft is None else len(draft.steps)
    st.caption(
        "A lesson is a list of views with a sentence each; a class steps through it from one link."
        if draft is None
        else f"“{escaped(draft.title)}” has {count} step{'s' if count > 1 else ''} so far."
    )
    st.text_area(
        "What should one look at in this view?",
        key=_SENTENCE,
        max_chars=MAX_TEXT,
        height=80,
        placeholder="One or two sentences",
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Add this view to a lesson", icon=":material/playlist_add:", key="share-add", on_click=_add)
        st.button(
            "Open the lesson",
            icon=":material/school:",
            type="tertiary",
            key="share-compose",
            on_click=sharing.to,
            args=(rooms.COMPOSING,),
        )
    told = st.session_state.pop(_TOLD, "")
    if told:
        st.caption(escaped(told))


def _add() -> None:
    sentence = st.session_state.get(_SENTENCE) or ""
    try:
        drafts.add(sharing.page(), sentence)
    except StateError as error:
        st.session_state[_TOLD] = str(error)
        return
    st.session_state[_SENTENCE] = ""
    st.session_state[_TOLD] = "Added. Set up the next view, and press Share there."
