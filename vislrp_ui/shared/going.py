"""From one page to another."""

from __future__ import annotations

from typing import Any

import streamlit as st

from vislrp_ui.rooms import Room

_HOME = "_home_page"


def mark_home(home: Any) -> None:
    """Called by the entry of the app: the welcome page, which has no file, as the navigation has it."""
    st.session_state[_HOME] = home


def to(room: Room) -> None:
    """Open a page; ends the run."""
    st.switch_page(room.file or st.session_state[_HOME])
