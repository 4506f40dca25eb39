"""What the app takes from inside Streamlit, which may move between versions: nothing else imports it, as a test checks.

Streamlit's queue of messages is replaced here; `inbox` says what of a message is new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from streamlit import config, runtime
from streamlit.elements.lib.mutable_popover_container import PopoverContainer as PopoverContainer
from streamlit.proto.WidgetStates_pb2 import WidgetState as WidgetState
from streamlit.proto.WidgetStates_pb2 import WidgetStates as WidgetStates
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import RerunException as RerunException
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner import script_runner as script_runner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequest, ScriptRequests, ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, ThreadState
from streamlit.runtime.state import WidgetCallback as WidgetCallback
from streamlit.runtime.state.common import unpack_widget_state_value
from streamlit.runtime.state.common import user_key_from_element_id as user_key_from_element_id
from streamlit.runtime.state.session_state import WStates
from streamlit.runtime.uploaded_file_manager import UploadedFile
from streamlit.watcher import local_sources_watcher

MAX_WAITING = 100
"""Messages of one session that wait; more than that are folded as Streamlit does."""
_TRIGGERS = ("trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value")
_ANSWERS = ("file_urls_response", "backend_operation_response")
"""What a browser asks for beside runs of the page and waits for without end: where a file goes, what to download."""


def run_context() -> ScriptRunContext | None:
    """The run of a page that this thread belongs to; None in a thread that has none."""
    return get_script_run_ctx(suppress_warning=True)


def session_id() -> str:
    """Streamlit's name of this session; empty where there is none."""
    context = run_context()
    return context.session_id if context is not None else ""


def forget_upload(file: UploadedFile) -> None:
    """Take an uploaded file out of the server's memory, where it would stay until its session ends."""
    context = run_context()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def page_hash() -> str:
    """Streamlit's name of the page that runs; empty where none does."""
    context = run_context()
    return context.page_script_hash if context is not None else ""


def leave_pages_folder() -> bool:
    """Have Streamlit no longer take the folder `pages` for its own navigation; whether it did until now."""
    taken = bool(PagesManager.uses_pages_directory)
    if taken:
        PagesManager.uses_pages_directory = False
    return taken


def has_server() -> bool:
    """Whether a server runs in this process."""
    return runtime.exists()


def is_connected(session: str) -> bool:
    """Whether a browser is at the other end of a session; with `streamlit.testing` there is none that could answer."""
    return runtime.exists() and runtime.get_instance().is_active_session(session) is True


# --- values of widgets --------------------------------------------------------------------------------------------------


def raw_state() -> Any:
    """The session's state without its points of interruption; None in a thread that has none."""
    context = run_context()
    return context.session_state._state if context is not None else None


def fragment_id() -> str | None:
    """Streamlit's name of the part of a page that is being drawn; None for the page itself."""
    return ThreadState.get().fragment_id


def held_value(state: Any, key: str, id: str) -> WidgetState | None:
    """What the server holds of a widget, as a message would say it; None for one that is not on the page."""
    if key not in state:
        return None
    states = WStates(widget_metadata={id: state.get_widget_metadata(id)})
    try:
        states.set_from_value(id, state[key])
        return states.get_serialized(id)
    except (ValueError, TypeError, KeyError, IndexError):  # its options were those of another view: it is to be drawn again
        return None


def said_value(state: Any, one: WidgetState) -> tuple[Any] | None:
    """What a message says of a widget, in a tuple; None where it cannot be read: Streamlit has not drawn it yet."""
    metadata = state.get_widget_metadata(one.id)
    if metadata is None:
        return None
    try:
        return (metadata.deserializer(unpack_widget_state_value(one)),)
    except (ValueError, TypeError, KeyError, IndexError):
        return None


# --- messages in their order --------------------------------------------------------------------------------------------


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


class MessageQueue(ScriptRequests):
    """The requests of one session: a queue, where Streamlit's own holds one.

    Streamlit takes a new message as a reason to give up the run that is under way, wherever that is: one that had not called
    its callbacks yet loses them, and several messages that wait are folded into one. Here every message has its callbacks
    called, whole, before the next one is looked at; only the drawing of the page is given up for a newer one.
    """

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

    def values_set(self) -> int:
        """How many values the session has told its browser so far."""
        raise NotImplementedError

    def news(self, states: WidgetStates, drawn: int | None) -> WidgetStates:
        """What a message says that is new.

        Parameters
        ----------
        drawn : int or None
            `values_set` when the message came; None where no run was under way.
        """
        raise NotImplementedError

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
            self._waiting = deque(
                one
                for one in self._waiting
                if not (one.data.is_auto_rerun and one.data.fragment_id_queue == new_data.fragment_id_queue)
            )
        last = self._waiting[-1].data if self._waiting else None
        whole = not new_data.fragment_id_queue
        if whole and last is not None and _says_nothing(last) and last.page_script_hash in ("", new_data.page_script_hash):
            self._waiting.pop()
        elif (
            last is not None
            and _says_nothing(new_data)
            and not last.fragment_id_queue
            and (new_data.page_script_hash == last.page_script_hash)
        ):
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
        told = self.values_set()
        with self._lock:
            self._runs += 1
            self._drawn = told
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
                data = replace(data, widget_states=self.news(data.widget_states, one.drawn))
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
        return any(
            one.WhichOneof("value") in _TRIGGERS
            or self._last.get(one.id, one.SerializeToString()) != one.SerializeToString()
            for one in states
        )


def connection_lost() -> bool:
    """Whether this thread's run ends because nobody is at the other end any more."""
    context = run_context()
    requests = context.script_requests if context is not None else None
    return isinstance(requests, MessageQueue) and requests._stopping


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


def _clear_all_but_answers(session: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
    """In place of `AppSession._clear_queue`: as a run begins, what has not been sent yet of the one before is dropped.

    Streamlit drops answers, too. A file that was chosen right then had no place to go to, and nothing ever said so.
    """
    queue = session._browser_queue
    answers = [one for one in queue._queue if one.WhichOneof("type") in _ANSWERS]
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragment_ids_this_run)
    kept = {id(one) for one in queue._queue}
    for one in answers:
        if id(one) not in kept:
            queue.enqueue(one)


def _nothing(watcher: local_sources_watcher.LocalSourcesWatcher) -> None:
    """In place of `LocalSourcesWatcher.update_watched_modules`."""


def _says_nothing(data: RerunData) -> bool:
    """Whether a request comes from the script itself and merely wants the page drawn anew."""
    return data.widget_states is None and data.replay_trigger_states is None and not data.fragment_id_queue


def install(queue: type[MessageQueue]) -> None:
    """Let all sessions have such a queue. Called by every run; does something in the first one only."""
    if script_runner.ScriptRequests is not queue:
        script_runner.ScriptRequests = queue  # type: ignore[misc]
        app_session.AppSession.has_fragment = _any_part  # type: ignore[assignment]
        app_session.AppSession._clear_queue = _clear_all_but_answers  # type: ignore[assignment, method-assign]
        if config.get_option("server.fileWatcherType") == "none":
            # Without a watcher, too, Streamlit looks up the files of thousands of modules for each session, while no
            # other session is answered.
            local_sources_watcher.LocalSourcesWatcher.update_watched_modules = _nothing  # type: ignore
    if config.get_option("runner.fastReruns"):  # with it, a run that has not begun is thrown away together with its message
        config.set_option("runner.fastReruns", False)
    context = run_context()
    if context is not None and context.script_requests is not None:
        queue.take_over(context.script_requests)
