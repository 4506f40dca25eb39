"""A browser's tab without a browser: it speaks Streamlit's protocol with a running app, as the browser's part does.

It keeps the page's elements and the values of all widgets, sends all of these with every gesture, and takes over a value
that the server sets when it draws the widget, not before. What has arrived may be kept from being drawn (`hold`), so that
gestures can be made at any moment of a run.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.common import user_key_from_element_id
from websockets.sync.client import ClientConnection, connect

from tests.support.shown import initial, payload_of, plain

Path = tuple[int, ...]
EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"


@dataclass
class Node:
    """An element or a block of the page."""

    content: Any
    run: str
    fragment: str


def _status(content: Any) -> str:
    """What a note on how far the work is says; empty for all else on a page."""
    body = getattr(content, "body", "")
    if not isinstance(body, str) or 'role="status"' not in body:
        return ""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", body).split())


class NoAnswer(TimeoutError):
    """The app did not come to rest in time."""


class Tab:
    """One tab.

    Parameters
    ----------
    url : str
        Address of the app, http://127.0.0.1:port.
    page : str
        The page's name in the address, empty for Home.
    query : str
        What stands behind the question mark.
    """

    def __init__(self, url: str, page: str = "", query: str = "") -> None:
        self._socket_url = url.replace("http://", "ws://") + "/_stcore/stream"
        self._url, self._name = url, page
        self.query = query
        self.page = ""
        self.pages: dict[str, str] = {}
        self.session = ""
        self.nodes: dict[Path, Node] = {}
        self.states: dict[str, WidgetState] = {}
        self.errors: list[str] = []
        self.arrived: deque[ForwardMsg] = deque()
        self.hold = False
        self.deaf = False
        """Whether the server no longer hears this tab, which does not know it yet: the connection is about to break."""
        self._kept: dict[str, ForwardMsg] = {}
        self._run, self._fragments = "", tuple[str, ...]()
        self._seq: dict[str, int] = {}
        self._unconfirmed: dict[str, list[dict[str, Any]]] = {}
        self._sent = self._begun = 0
        self.runs = 0
        """Runs that this tab has begun to draw."""
        self.heard = time.monotonic()
        """When the last message came (`time.monotonic`)."""
        self.running = False
        self._open = ExitStack()
        self._socket: ClientConnection | None = None
        self.connect()

    # --- connection -----------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the connection, to the same session if there was one, and have the page drawn."""
        protocols = ["streamlit", "none", *([self.session] if self.session else [])]
        self._socket = self._open.enter_context(
            connect(
                self._socket_url,
                subprotocols=protocols,
                max_size=None,
                max_queue=None,
                compression=None,  # type: ignore
                open_timeout=60,
            )
        )
        self._sent = self._begun = 0
        self.send()

    def drop(self) -> None:
        """Lose the connection: what was under way to this tab is gone."""
        self._open.close()
        self._socket = None
        self.deaf = False
        self.arrived.clear()

    close = drop

    def send(self, *triggers: WidgetState, fragment: str = "", page: str | None = None) -> None:
        """Send all that the page's widgets hold, and triggers."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self.query if page is None else ""
        state.page_script_hash = page if page is not None else self.page
        state.page_name = "" if state.page_script_hash else self._name
        state.fragment_id = fragment
        state.widget_states.widgets.extend([*self.states.values(), *triggers])
        state.cached_message_hashes.extend(self._kept)
        state.context_info.url = f"{self._url}/{self._name}"
        state.context_info.color_scheme = "light"
        assert self._socket is not None
        self._sent += 1
        self.running = True
        if not self.deaf:
            self._socket.send(message.SerializeToString())

    def receive(self, seconds: float) -> bool:
        """Wait for one message and draw it, or keep it while `hold` is set; False if none came."""
        assert self._socket is not None
        try:
            data = self._socket.recv(timeout=max(seconds, 0.0))
        except TimeoutError:
            return False
        self.heard = time.monotonic()
        message = ForwardMsg()
        message.ParseFromString(data)  # type: ignore[arg-type]
        if message.WhichOneof("type") == "ref_hash":
            stored = ForwardMsg()
            stored.CopyFrom(self._kept[message.ref_hash])
            stored.metadata.CopyFrom(message.metadata)
            message = stored
        elif message.metadata.cacheable:
            self._kept[message.hash] = message
        if self.hold:
            self.arrived.append(message)
        else:
            self.draw(message)
        return True

    def release(self, count: int | None = None) -> int:
        """Draw what was kept, or its first messages; answers how many."""
        drawn = 0
        while self.arrived and (count is None or drawn < count):
            self.draw(self.arrived.popleft())
            drawn += 1
        return drawn

    @property
    def answering(self) -> bool:
        """Whether every message sent has had the beginning of its run."""
        return self._begun >= self._sent

    @property
    def idle(self) -> bool:
        """Whether every message sent has had its run and the last run is complete."""
        return not self.running and self.answering

    def plight(self, since: int = 0) -> str:
        """Why nobody has an answer yet, as far as a tab can tell.

        Parameters
        ----------
        since : int
            Number of runs (`runs`) when it was asked for.
        """
        state = "a run is under way" if self.running else "no run is under way"
        begun = f"{self.runs - since} runs begun"
        last = f"the last message {time.monotonic() - self.heard:.1f} s ago"
        said = next((text for node in reversed(self.nodes.values()) if (text := _status(node.content))), "")
        return ", ".join([begun, last, state] + ([f"the page says “{said}”"] if said else []))

    def begin_anew(self) -> None:
        """All that was sent has been answered: count from here."""
        self._sent = self._begun = 0

    def settle(self, seconds: float = 60.0, quiet: float = 1.0, rest: float = 0.0) -> None:
        """Draw all until the page is at rest (NoAnswer if it is not in time), and nothing comes for a while."""
        self.hold = False
        self.release()
        end, last = time.monotonic() + seconds, time.monotonic()
        while not self.idle or time.monotonic() - last < rest:
            now = time.monotonic()
            if now > end:
                raise NoAnswer(f"no answer within {seconds:g} s")
            if not self.running and now - last > quiet:  # a run that never drew anything is not told of
                break
            if self.receive(0.05):
                last = time.monotonic()
        self.begin_anew()

    def hold_answer(self, seconds: float = 60.0) -> None:
        """Let the whole answer to what was sent arrive, and draw nothing of it."""
        self.hold = True
        end = time.monotonic() + seconds
        while not any(
            one.WhichOneof("type") == "script_finished" and one.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            for one in self.arrived
        ):
            if time.monotonic() > end:
                raise NoAnswer(f"no answer within {seconds:g} s")
            self.receive(0.05)

    def wait(self, until: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Draw what comes until a condition holds; whether it does."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                return False
            self.receive(0.05)
        return True

    # --- drawing --------------------------------------------------------------------------------------------------------

    def draw(self, message: ForwardMsg) -> None:
        """What the browser does with a message."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            new = message.new_session
            self.session = new.initialize.session_id or self.session
            self._run, self._fragments = message.metadata.run.script_run_id, tuple(message.metadata.run.fragment_ids)
            self.running = True
            self._begun += 1
            self.runs += 1
            if not self._fragments:
                self.page = new.page_script_hash
        elif kind == "delta":
            self._delta(tuple(message.metadata.delta_path), message.delta)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            if message.navigation.page_script_hash:
                self.page = message.navigation.page_script_hash
        elif kind == "script_finished":
            self._finished(message.script_finished)
        elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
            self.errors.append(message.session_event.script_compilation_exception.message)

    def _delta(self, path: Path, delta: Delta) -> None:
        kind = delta.WhichOneof("type")
        if kind == "new_element":
            element = delta.new_element
            content = getattr(element, str(element.WhichOneof("type")))
            if element.WhichOneof("type") == "exception":
                self.errors.append(f"{content.type}: {content.message}")
            self._forget(path, below=True)
            self.nodes[path] = Node(content, self._run, delta.fragment_id)
            self._take(content)
        elif kind == "add_block":
            node = self.nodes.get(path)
            if node is not None and not isinstance(node.content, Block):
                self._forget(path, below=True)
            self.nodes[path] = Node(delta.add_block, self._run, delta.fragment_id)

    def _forget(self, path: Path, *, below: bool) -> None:
        for one in [one for one in self.nodes if one[: len(path)] == path and (not below or len(one) > len(path))]:
            del self.nodes[one]

    def _finished(self, status: int) -> None:
        early = status == ForwardMsg.FINISHED_EARLY_FOR_RERUN
        if not early:
            self.running = False
        if status not in (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY):
            return
        for path in [
            path
            for path, node in self.nodes.items()
            if node.run != self._run and (not self._fragments or node.fragment in self._fragments)
        ]:
            self.nodes.pop(path, None)
        here = {node.content.id for node in self.nodes.values() if hasattr(node.content, "id")}
        self.states = {id: state for id, state in self.states.items() if id in here}

    def _take(self, content: Any) -> None:
        """Give a widget its value where it is new, and where the server sets it."""
        value = initial(content)
        if value is not None and (content.id not in self.states or getattr(content, "set_value", False)):
            value.id = content.id
            self.states[content.id] = value
        data = payload_of(content)
        if data is not None and "seq" in data:
            key = str(user_key_from_element_id(content.id))
            self._seq[key] = max(self._seq.get(key, 0), data["seq"])
            self._unconfirmed[key] = [edit for edit in self._unconfirmed.get(key, []) if edit["seq"] > data["seq"]]

    # --- what is on the page --------------------------------------------------------------------------------------------

    @property
    def address(self) -> dict[str, str]:
        """Names and values behind the question mark."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def widgets(self) -> Iterator[tuple[str, Any]]:
        """Keys and elements of the page, in order."""
        for path in sorted(self.nodes):
            content = self.nodes[path].content
            content = content.popover if isinstance(content, Block) and content.WhichOneof("type") == "popover" else content
            id = getattr(content, "id", "")
            if id and (key := user_key_from_element_id(id)) is not None:
                yield key, content

    def find(self, key: str) -> Any:
        """The element of a key (KeyError)."""
        for found, content in self.widgets():
            if found == key:
                return content
        raise KeyError(key)

    def has(self, key: str) -> bool:
        """Whether there is such an element."""
        return any(found == key for found, _ in self.widgets())

    def payload(self, key: str) -> dict[str, Any]:
        """What a component was sent."""
        return payload_of(self.find(key)) or {}

    def shown(self) -> dict[str, object]:
        """What the page's widgets show, by key."""
        return {key: plain(self.states[content.id]) for key, content in self.widgets() if content.id in self.states}

    def _fragment(self, content: Any) -> str:
        for node in self.nodes.values():
            inner = node.content
            if inner is content or (isinstance(inner, Block) and inner.popover.id and inner.popover.id == content.id):
                return node.fragment
        return ""

    # --- gestures -------------------------------------------------------------------------------------------------------

    def click(self, key: str) -> None:
        """Press a button."""
        content = self.find(key)
        self.send(WidgetState(id=content.id, trigger_value=True), fragment=self._fragment(content))

    def give(self, key: str, **value: Any) -> None:
        """Give a widget a value, by the name of its field in `WidgetState`; lists for fields that hold several."""
        content = self.find(key)
        state = WidgetState(id=content.id)
        for name, one in value.items():
            if isinstance(one, list):
                getattr(state, name).data.extend(one)
                getattr(state, name).SetInParent()
            else:
                setattr(state, name, one)
        self.states[content.id] = state
        self.send(fragment=self._fragment(content))

    def give_json(self, key: str, value: object) -> None:
        """A component's state."""
        self.give(key, json_value=json.dumps(value))

    def open(self, key: str) -> None:
        """Open a menu."""
        self.give(key, bool_value=True)

    def pick(self, key: str, value: object) -> None:
        """Pick something from a list; an earlier pick that was not confirmed is not repeated."""
        self._unconfirmed.pop(key, None)
        self.edit(key, kind="pick", value=value)

    def say_hello(self) -> None:
        """As `store.js` does when the page is there: this browser keeps nothing."""
        content, message = self.find("store-main"), {"n": 1, "kind": "hello", "nav": "navigate"}
        value = {"sid": self.payload("store-main")["sid"], "messages": [message]}
        said = json.dumps([{"event": "say", "value": value}])
        self.send(WidgetState(id=EVENTS.format(content.id), json_trigger_value=said))

    def edit(self, key: str, /, **edit: Any) -> None:
        """A component's edit, numbered and repeated until it is confirmed."""
        content = self.find(key)
        self._seq[key] = self._seq.get(key, 0) + 1
        self._unconfirmed.setdefault(key, []).append({**edit, "seq": self._seq[key]})
        message = {"edit": {"sid": self.payload(key)["sid"], "edits": self._unconfirmed[key]}}
        self.states[content.id] = WidgetState(id=content.id, json_value=json.dumps(message))
        self.send(fragment=self._fragment(content))

    def go(self, page: str) -> None:
        """Follow a link of the navigation."""
        self.send(page=self.pages[page])
