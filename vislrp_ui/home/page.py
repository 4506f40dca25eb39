"""The welcome page."""

from __future__ import annotations

import streamlit as st

from vislrp_ui import session


def home() -> None:
    """Draw the welcome page."""
    session.boot()
    st.title("Design how relevance flows through VGG16")
