"""How an editing component and the server stay in step: numbered edits, each applied once, none undone by a late run.

The browser numbers its edits and keeps those that the server has not confirmed; every message carries all of them, because
Streamlit may merge messages that follow each other quickly. The server applies the edits it has not seen and sends back the
highest number. The browser ignores data older than its own last edit (`outbox.js`), so a slow run never moves a border back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

Edit = dict[str, Any]
OnEdit = Callable[[Edit], None]
MAX_EDITS = 200
_SID = "_sid"


def sid() -> str:
    """A name of this session, for components that must tell a new session from an old one."""
    return st.session_state.setdefault(_SID, uuid.uuid4().hex)


def new_edits(message: object, sid: str, seen: int) -> list[Edit]:
    """Edits of a message that were not applied yet, in order.

    Parameters
    ----------
    message : object
        What the browser sent: `{"sid": str, "edits": [{"seq": int, "kind": str, ...}, ...]}`; anything else holds no edits.
    sid : str
        Name of the present session; edits made for another one (before a server restart) do not count: the browser says
        again, for this one, what was done while there was no server.
    seen : int
        Highest number applied so far.
    """
    if not isinstance(message, dict) or message.get("sid") != sid or not isinstance(message.get("edits"), list):
        return []
    edits = [
        edit
        for edit in message["edits"][-MAX_EDITS:]
        if isinstance(edit, dict) and is_whole(edit.get("seq")) and isinstance(edit.get("kind"), str)
    ]
    return sorted((edit for edit in edits if edit["seq"] > seen), key=lambda edit: edit["seq"])


def is_whole(value: object) -> bool:
    """A whole number, not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def mount(component: Any, key: str, payload: dict[str, Any], on_edit: OnEdit) -> None:
    """Draw an editing component; `on_edit` gets each new edit once, in order, before the script runs again.

    The raw message is `st.session_state[key]["edit"]`.
    """
    component(
        key=key,
        on_edit_change=partial(_deliver, key, on_edit),
        data={**payload, "sid": sid(), "seq": st.session_state.get(_seen(key), 0)},
    )


def mount_choice(component: Any, key: str, payload: dict[str, Any], on_pick: Callable[[Any], None]) -> None:
    """Draw a component whose only gesture is to pick something (`picks.js`); `on_pick` gets what was picked, unchecked."""

    def take(edit: Edit) -> None:
        if edit["kind"] == "pick":
            on_pick(edit.get("value"))

    mount(component, key, payload, take)


def _deliver(key: str, on_edit: OnEdit) -> None:
    message = (st.session_state[key] or {}).get("edit")
    for edit in new_edits(message, sid(), st.session_state.get(_seen(key), 0)):
        st.session_state[_seen(key)] = edit["seq"]
        on_edit(edit)


def _seen(key: str) -> str:
    return f"_seen_{key}"
