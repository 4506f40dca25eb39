"""Messages of the browser, each heard separately, in the order in which they left it, and without their echoes.

How Streamlit folds and drops messages, and the queue that replaces its own, are in `streamlit_inside`. A browser sends the
values of all widgets with every message: which of them are edits, and which merely echo what it was told, is decided here.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_ui import streamlit_inside
from vislrp_ui.echoes import Ledger
from vislrp_ui.streamlit_inside import (
    MessageQueue,
    WidgetState,
    WidgetStates,
    fragment_id,
    held_value,
    raw_state,
    said_value,
    user_key_from_element_id,
)

MAX_STAMPS = 4
_LEDGER, _NAME, _BOX, _STAMPED = "_ledger", "_ledger_name", "_stamp_box", "_stamped"
_CONNECTION = "_connection"
STAMP = "stamp-"
"""Keys of the hidden fields begin so."""


class Inbox(MessageQueue):
    """The messages of one session."""

    def values_set(self) -> int:
        """How many values the session has told its browser so far."""
        told = _ledger_of_run()
        return told.count if told is not None else 0

    def news(self, states: WidgetStates, drawn: int | None) -> WidgetStates:
        """A message without the values that merely echo what the browser was told."""
        return _without_echoes(states, drawn)


def install() -> None:
    """Let all sessions have such a queue. Called by every run; does something in the first one only."""
    streamlit_inside.install(Inbox)


# --- echoes -------------------------------------------------------------------------------------------------------------


def _ledger_of_run() -> Ledger | None:
    state = raw_state()
    return state[_LEDGER] if state is not None and _LEDGER in state else None


def _without_echoes(states: WidgetStates, complete: int | None) -> WidgetStates:
    ledger, state = _ledger_of_run(), raw_state()
    if ledger is None:
        return states
    drawn = _drawn(states, state[_NAME])
    if drawn is None:
        # A browser that sends no such field (yet): what was complete when the message came counts as drawn.
        drawn = ledger.count if complete is None else complete
    ledger.begin()
    kept = WidgetStates()
    here = {one.id for one in states.widgets}
    for one in states.widgets:
        key = user_key_from_element_id(one.id)
        if key is not None and ledger.knows(key) and (now := state.get_widget_id_from_key(key)) not in (None, one.id):
            # Limits of number fields are part of their id: this one was drawn anew with others since.
            if now in here:
                continue
            one = WidgetState.FromString(one.SerializeToString())
            one.id = now
        value = said_value(state, one) if key is not None and ledger.knows(key) else None
        if value is None or not ledger.is_echo(str(key), value[0], drawn, one.SerializeToString()):
            kept.widgets.append(one)
        elif (own := held_value(state, str(key), one.id)) is not None:
            kept.widgets.append(own)  # left out, it would pass for a widget that is gone
    return kept


def _drawn(states: WidgetStates, name: str) -> int | None:
    """The highest number that the browser has drawn; -1 for one that still shows another session; None without a field."""
    found = None
    for one in states.widgets:
        key = user_key_from_element_id(one.id)
        if key is not None and key.startswith(STAMP) and one.string_value:
            session, _, number = one.string_value.partition(".")
            here = int(number) if session == name and number.isascii() and number.isdigit() else -1
            found = here if found is None else max(found, here)
    return found


# --- what pages call ------------------------------------------------------------------------------------------------------


def ledger() -> Ledger:
    """What this session's browser was told."""
    if _LEDGER not in st.session_state:
        st.session_state[_LEDGER], st.session_state[_NAME] = Ledger(), uuid.uuid4().hex[:12]
    return st.session_state[_LEDGER]


def mirror(key: str, value: Any, *limits: Any) -> str:
    """Let a widget show a value; returns the key. Call it right before the widget.

    A widget that shows it already is left alone: setting it anew would undo what is done in the browser at this moment.

    Parameters
    ----------
    *limits : objects
        The limits of a number field or slider, where they change: with others it is another widget to Streamlit. The label
        of a choice, where the same value may be called otherwise: the browser knows a choice by its label.
    """
    told = ledger()
    same = told.same(key, limits)
    if not (same and told.shows(key, value) and key in st.session_state and st.session_state[key] == value):
        st.session_state[key] = value
        told.show(key, value)
    return key


@contextmanager
def stamped(name: str) -> Iterator[None]:
    """Draw a page, or a fragment, with the hidden fields that tell how much of it the browser has drawn."""
    box = st.container(key=f"{STAMP}{name}")
    connection = st.context.headers.get("Sec-WebSocket-Key")
    told = ledger()
    if st.session_state.setdefault(_CONNECTION, connection) != connection:
        told.distrust()
        st.session_state[_CONNECTION] = connection
    before = st.session_state.get(_BOX)
    st.session_state[_BOX], st.session_state[_STAMPED] = (box, name, 0, fragment_id()), -1
    try:
        yield
        stamp()
    finally:
        raw_state()[_BOX] = before


def stamp() -> None:
    """Have the browser say when it has drawn the widgets set so far; before long work, and at the end of a page."""
    place: tuple[DeltaGenerator, str, int, str | None] | None = st.session_state.get(_BOX)
    told = ledger()
    if place is None or place[2] >= MAX_STAMPS or st.session_state.get(_STAMPED) == told.count:
        return
    box, name, number, fragment = place
    if fragment != fragment_id():  # a fragment must not draw a widget outside of itself
        return
    st.session_state[_BOX], st.session_state[_STAMPED] = (box, name, number + 1, fragment), told.count
    key = f"{STAMP}{name}-{number}"
    st.session_state[key] = f"{st.session_state[_NAME]}.{told.count}"
    box.text_input("Drawn", key=key, label_visibility="collapsed")
