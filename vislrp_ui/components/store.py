"""The browser's own storage (IndexedDB): models, pictures and each tab's table. Nothing of it stays on the server.

Messages of the browser are numbered and repeated until the server has heard them; `store.js` says what they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vislrp_ui.components.assets import register

_store = register("store", '<div class="store" hidden></div>', parts=("reconnected",))


def store(key: str, payload: dict[str, Any], on_say: Callable[[], None]) -> None:
    """Let the browser write what the payload holds, and hear what it keeps.

    Parameters
    ----------
    payload : dict
        `sid`, the session's name; see `browser.Exchange` for the rest.
    on_say : callable
        `st.session_state[key]["say"]` holds `{"sid", "messages": [{"n", "kind", ...}, ...]}`, unchecked.
    """
    _store(key=key, on_say_change=on_say, data=payload)
