"""Drawing of the Notes page."""

from __future__ import annotations

import streamlit as st

from tests.support.notes import state_notes
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.shared import widgets
from vislrp_ui.shared.entrance import boot

_lengths: ByteCache[int] = ByteCache(allotted("note lengths"), lambda length: 8)


def notes() -> None:
    visit = boot()
    held = state_notes.of(visit)
    key = widgets.mirror("note", held.text)
    st.text_input("Note", key=key, on_change=widgets.on_change(key, state_notes.write))
    st.caption(f"{_lengths.get_or_make(held.text, lambda: len(held.text))} characters at size {held.size}")
