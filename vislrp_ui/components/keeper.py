"""Keeps the visit's models in the browser tab, so that a reload brings them back. Nothing of it stays on the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vislrp_ui.components.assets import register

_keeper = register("keeper", '<div class="keeper" hidden></div>')


def keeper(key: str, *, sid: str, restored: bool, content: Any, on_restore: Callable[[], None]) -> None:
    """Write `content` to the tab's storage, or hand back what an earlier session of this tab left there.

    Parameters
    ----------
    sid : str
        Name of this session.
    restored : bool
        Whether this session has already taken what the tab held.
    content : JSON value
        What to keep.
    on_restore : callable
        `st.session_state[key]["restore"]` holds `{"sid", "content"}`, unchecked.
    """
    _keeper(key=key, on_restore_change=on_restore, data={"sid": sid, "restored": restored, "content": content})
