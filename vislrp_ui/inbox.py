"""Messages of the browser, each heard by itself, in the order in which they left it, and without their echoes.

Streamlit takes a new message as a reason to give up the run that is under way, wherever that is: one that had not called
its callbacks yet loses them, and several messages that wait are folded into one, in which two clicks on a button count
once and a later gesture may come before an earlier one. With this queue in place of Streamlit's, every message has its
callbacks called, whole, before the next one is looked at; only the drawing of the page is given up for a newer one.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import streamlit as st
from streamlit import config
from streamlit.delta_generator import DeltaGenerator

from vislrp_ui.echoes import Ledger
from vislrp_ui.streamlit_inside import (
    AppSession,
    RerunData,
    ScriptRequest,
    ScriptRequests,
    ScriptRequestType,
    ThreadState,
    WidgetState,
    WidgetStates,
    WStates,
    app_session,
    local_sources_watcher,
    page_hash,
    run_context,
    script_runner,
    unpack_widget_state_value,
    user_key_from_element_id,
)

MAX_WAITING = 100
"""Messages of one session that wait; more than that are folded as Streamlit does."""
MAX_STAMPS = 4
_TRIGGERS = ("trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value")
_LEDGER, _NAME, _BOX, _STAMPED = "_ledger", "_ledger_name", "_stamp_box", "_stamped"
_CONNECTION = "_connection"
STAMP = "stamp-"
"""Keys of the hidden fields begin so."""


# --- order --------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Waiting:
    """A message.

    Attributes
    ----------
    runs : int
        Complete runs of the page when it came.
    drawn : int or None
        Number of values set by then; None where no run was under way.
    """

    data: RerunData
    runs: int
    drawn: int | None


@dataclass(frozen=True)
class Turn:
    """A change of the page: from, to, and the complete runs when it began."""

    left: str
    entered: str
    runs: int


class Inbox(ScriptRequests):
    """The requests of one session: a queue, where Streamlit's own holds one."""

    _waiting: deque[Waiting]
    _runs = 0
    _stopping = _ended = _reading = False
    _drawn: int | None = None
    _turn: Turn | None = None
    _last: Mapping[str, bytes] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self._waiting = deque()

    @classmethod
    def take_over(cls, requests: ScriptRequests) -> None:
        """Turn Streamlit's own object into one of these: that of the run which imports this module."""
        if type(requests) is not ScriptRequests:
            return
        with requests._lock:
            requests.__class__ = cls
            assert isinstance(requests, cls)
            requests._waiting = deque()
            if requests._state == ScriptRequestType.RERUN:
                requests._waiting.append(Waiting(requests._rerun_data, 0, 0))

    def request_stop(self) -> None:
        """As Streamlit's (the connection was lost, the session ends), but what has arrived is heard before."""
        with self._lock:
            self._stopping = True
            if not self._waiting:
                self._state = ScriptRequestType.STOP

    def _request_rerun_locked(self, new_data: RerunData) -> bool:
        if self._ended:
            return False
        self._stopping = False
        self._state = ScriptRequestType.RERUN
        if new_data.fragment_id:
            new_data = replace(new_data, fragment_id=None, fragment_id_queue=[new_data.fragment_id])
        if new_data.is_auto_rerun:  # an earlier call of the same timer has nothing to add
            self._waiting = deque(one for one in self._waiting if not (
                one.data.is_auto_rerun and one.data.fragment_id_queue == new_data.fragment_id_queue))
        last = self._waiting[-1].data if self._waiting else None
        whole = not new_data.fragment_id_queue
        if whole and last is not None and _says_nothing(last) and last.page_script_hash in ("", new_data.page_script_hash):
            self._waiting.pop()
        elif last is not None and _says_nothing(new_data) and not last.fragment_id_queue and (
                new_data.page_script_hash == last.page_script_hash):
            return True
        if len(self._waiting) >= MAX_WAITING:
            folding = ScriptRequests()
            folding.request_rerun(self._waiting.pop().data)
            folding.request_rerun(new_data)
            new_data = folding._rerun_data
        self._waiting.append(Waiting(new_data, self._runs, self._drawn))
        return True

    def on_scriptrunner_yield(self) -> ScriptRequest | None:
        """As Streamlit's, but never before or in callbacks: the message that is being heard would be lost."""
        if self._state == ScriptRequestType.CONTINUE or self._reading:
            return None
        context = run_context()
        if context is not None and not context.has_script_started:
            return None
        with self._lock:
            if self._state == ScriptRequestType.STOP:
                return ScriptRequest(ScriptRequestType.STOP)
            # A run of a part does not end that of a page, unless the whole page is wanted anew after it.
            if all(one.data.fragment_id_queue and not one.data.is_fragment_scoped_rerun for one in self._waiting):
                return None
            one = self._next()
        return self._read(one)

    def on_scriptrunner_ready(self) -> ScriptRequest:
        """As Streamlit's."""
        told = _ledger_of_run()
        with self._lock:
            self._runs += 1
            self._drawn = told.count if told is not None else 0
            if self._state != ScriptRequestType.RERUN or not self._waiting:
                self._state, self._ended = ScriptRequestType.STOP, True
                return ScriptRequest(ScriptRequestType.STOP)
            one = self._next()
        return self._read(one)

    def _next(self) -> Waiting:
        one = self._waiting.popleft()
        after = ScriptRequestType.STOP if self._stopping else ScriptRequestType.CONTINUE
        self._state = ScriptRequestType.RERUN if self._waiting else after
        return one

    def _read(self, one: Waiting) -> ScriptRequest:
        """A message as the script hears it.

        Not under the lock, which the server itself waits for: a widget's own functions are asked for values, and they may
        ask the session, which is a point where the script looks for newer messages. It must not hear another one here.
        """
        self._reading = True
        try:
            data = _in_its_part(self._on_its_page(one))
            if data.widget_states is not None:
                self._last = {state.id: state.SerializeToString() for state in data.widget_states.widgets}
                data = replace(data, widget_states=_without_echoes(data.widget_states, one.drawn))
            return ScriptRequest(ScriptRequestType.RERUN, data)
        finally:
            self._reading = False

    def _on_its_page(self, one: Waiting) -> RerunData:
        """A gesture made on a page that was being left counts, but does not lead back there."""
        data, turn = one.data, self._turn
        now = page_hash()
        if turn is not None and one.runs <= turn.runs and data.page_script_hash == turn.left and self._is_gesture(data):
            return replace(data, page_script_hash=turn.entered, page_name="")
        if now and data.page_script_hash and data.page_script_hash != now:
            self._turn = Turn(now, data.page_script_hash, self._runs)
        return data

    def _is_gesture(self, data: RerunData) -> bool:
        states = data.widget_states.widgets if data.widget_states is not None else ()
        return any(one.WhichOneof("value") in _TRIGGERS or self._last.get(one.id, one.SerializeToString())
                   != one.SerializeToString() for one in states)


def _in_its_part(data: RerunData) -> RerunData:
    """A gesture in a part of the page that was drawn anew in another place meanwhile counts: the whole page is drawn."""
    context = run_context()
    if context is None or not data.fragment_id_queue or data.is_fragment_scoped_rerun:
        return data
    there = [part for part in data.fragment_id_queue if context.fragment_storage.contains(part)]
    return data if there == data.fragment_id_queue else replace(data, fragment_id_queue=[])


def _any_part(session: AppSession, part: str) -> bool:
    """In place of `AppSession.has_fragment`, which makes Streamlit drop gestures of parts that were drawn anew."""
    return True


def _nothing(watcher: local_sources_watcher.LocalSourcesWatcher) -> None:
    """In place of `LocalSourcesWatcher.update_watched_modules`."""


def _says_nothing(data: RerunData) -> bool:
    """Whether a request comes from the script itself and merely wants the page drawn anew."""
    return data.widget_states is None and data.replay_trigger_states is None and not data.fragment_id_queue


def install() -> None:
    """Let all sessions have such a queue. Called by every run; does something in the first one only."""
    if script_runner.ScriptRequests is not Inbox:
        script_runner.ScriptRequests = Inbox  # type: ignore[misc]
        app_session.AppSession.has_fragment = _any_part  # type: ignore[assignment]
        if config.get_option("server.fileWatcherType") == "none":
            # Without a watcher, too, Streamlit looks up the files of thousands of modules for each session, while no
            # other session is answered.
            local_sources_watcher.LocalSourcesWatcher.update_watched_modules = _nothing  # type: ignore
    if config.get_option("runner.fastReruns"):  # with it, a run that has not begun is thrown away together with its message
        config.set_option("runner.fastReruns", False)
    context = run_context()
    if context is not None and context.script_requests is not None:
        Inbox.take_over(context.script_requests)


# --- echoes -------------------------------------------------------------------------------------------------------------

def _raw_state() -> Any:
    """The session's state without its points of interruption."""
    context = run_context()
    return context.session_state._state if context is not None else None


def _ledger_of_run() -> Ledger | None:
    state = _raw_state()
    return state[_LEDGER] if state is not None and _LEDGER in state else None


def _without_echoes(states: WidgetStates, complete: int | None) -> WidgetStates:
    ledger, state = _ledger_of_run(), _raw_state()
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
        value = _value(state, one) if key is not None and ledger.knows(key) else None
        if value is None or not ledger.is_echo(str(key), value[0], drawn, one.SerializeToString()):
            kept.widgets.append(one)
        elif (own := _own_value(state, str(key), one.id)) is not None:
            kept.widgets.append(own)  # left out, it would pass for a widget that is gone
    return kept


def _own_value(state: Any, key: str, id: str) -> WidgetState | None:
    """What the server holds of a widget, as a message would say it; None for one that is not on the page."""
    if key not in state:
        return None
    states = WStates(widget_metadata={id: state.get_widget_metadata(id)})
    try:
        states.set_from_value(id, state[key])
        return states.get_serialized(id)
    except (ValueError, TypeError, KeyError, IndexError):  # its options were those of another view: it is to be drawn anew
        return None


def _value(state: Any, one: WidgetState) -> tuple[Any] | None:
    """What a widget says, in a tuple; None where it cannot be read: Streamlit has not drawn it yet."""
    metadata = state.get_widget_metadata(one.id)
    if metadata is None:
        return None
    try:
        return (metadata.deserializer(unpack_widget_state_value(one)),)
    except (ValueError, TypeError, KeyError, IndexError):
        return None


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
    st.session_state[_BOX], st.session_state[_STAMPED] = (box, name, 0, ThreadState.get().fragment_id), -1
    try:
        yield
        stamp()
    finally:
        _raw_state()[_BOX] = before


def stamp() -> None:
    """Have the browser say when it has drawn the widgets set so far; before long work, and at the end of a page."""
    place: tuple[DeltaGenerator, str, int, str | None] | None = st.session_state.get(_BOX)
    told = ledger()
    if place is None or place[2] >= MAX_STAMPS or st.session_state.get(_STAMPED) == told.count:
        return
    box, name, number, fragment = place
    if fragment != ThreadState.get().fragment_id:  # a fragment must not draw a widget outside of itself
        return
    st.session_state[_BOX], st.session_state[_STAMPED] = (box, name, number + 1, fragment), told.count
    key = f"{STAMP}{name}-{number}"
    st.session_state[key] = f"{st.session_state[_NAME]}.{told.count}"
    box.text_input("Drawn", key=key, label_visibility="collapsed")
