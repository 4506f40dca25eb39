"""What the present step of an open lesson waits for, known also to parts of a page that are drawn without the rest."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_ui import session
from vislrp_ui.state import Visit

_WAITS = "_lesson_waits"


def watch(done: Callable[[Visit], bool] | None) -> None:
    """The head of the page shows whether this step is done."""
    st.session_state[_WAITS] = None if done is None else (done, done(session.get_visit()))


def look() -> None:
    """Within a fragment: draw the whole page again where the step has become done, or is no longer."""
    waits = st.session_state.get(_WAITS)
    visit = session.get_visit()
    if visit.lesson is not None and waits is not None and waits[0](visit) != waits[1]:
        st.rerun()
