"""Messages wait in a queue: each is heard separately, in order, before the session stops."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.app_session import AppSession, ScriptRunnerEvent
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.script_data import ScriptData
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.scriptrunner_utils.run_descriptor import RunDescriptor
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType

from vislrp_ui import inbox
from vislrp_ui.inbox import Inbox
from vislrp_ui.streamlit_inside import MAX_WAITING


def message(id: str = "button", *, fragment: str | None = None, timer: bool = False) -> RerunData:
    return RerunData(
        widget_states=WidgetStates(widgets=[WidgetState(id=id, trigger_value=True)]),
        fragment_id=fragment,
        page_script_hash="page",
        is_auto_rerun=timer,
    )


def heard(box: Inbox) -> list[str]:
    """Ids of the messages that runs get, until there is none."""
    found = []
    while (request := box.on_scriptrunner_ready()).type == ScriptRequestType.RERUN:
        states = request.rerun_data.widget_states
        found.append(",".join(one.id for one in states.widgets) if states is not None else "")
    return found


def test_two_clicks_are_two_and_keep_their_order() -> None:
    box = Inbox()
    for id in ("undo", "undo", "add"):
        assert box.request_rerun(message(id))
    assert heard(box) == ["undo", "undo", "add"]
    assert not box.request_rerun(message()), "the thread has ended: Streamlit starts another"


def test_what_has_arrived_is_heard_before_the_session_stops() -> None:
    box = Inbox()
    box.request_rerun(message("one"))
    box.request_rerun(message("two"))
    box.request_stop()
    assert heard(box) == ["one", "two"]


def test_a_request_of_the_page_itself_adds_no_run_to_a_message() -> None:
    box = Inbox()
    box.request_rerun(RerunData(page_script_hash="page"))
    box.request_rerun(message("one"))
    box.request_rerun(RerunData(page_script_hash="page"))
    assert heard(box) == ["one"]
    box = Inbox()
    box.request_rerun(RerunData(page_script_hash="another page"))
    box.request_rerun(message("one"))
    assert heard(box) == ["", "one"], "a change of the page is not lost"


def test_a_part_does_not_end_the_run_of_a_page_and_a_page_does() -> None:
    box = Inbox()
    box.request_rerun(message("stroke", fragment="row"))
    assert box.on_scriptrunner_yield() is None
    box.request_rerun(message("model"))
    request = box.on_scriptrunner_yield()
    assert request is not None and request.rerun_data.fragment_id_queue == ["row"], "in order"


def test_a_widgets_own_functions_may_ask_the_session_while_a_message_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of layers ask which network runs: under the lock, that stopped the whole server for good."""
    box = Inbox()
    asked: list[object] = []

    def read(states: WidgetStates, drawn: int | None) -> WidgetStates:
        box.request_rerun(message("three"))  # as the server's own thread does meanwhile
        asked.append(box.on_scriptrunner_yield())
        return states

    monkeypatch.setattr(inbox, "_without_echoes", read)
    box.request_rerun(message("one"))
    box.request_rerun(message("two"))
    request = []
    thread = threading.Thread(target=lambda: request.append(box.on_scriptrunner_yield()), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive() and asked == [None], "nothing else is heard before this one is"
    assert request[0].rerun_data.widget_states.widgets[0].id == "one" and len(box._waiting) == 2


def test_a_timer_waits_once() -> None:
    box = Inbox()
    for _ in range(5):
        box.request_rerun(message("tick", fragment="part", timer=True))
    assert heard(box) == ["tick"]


def test_a_flood_is_folded() -> None:
    box = Inbox()
    for number in range(3 * MAX_WAITING):
        box.request_rerun(message(f"{number}"))
    assert len(box._waiting) == MAX_WAITING
    assert heard(box)[:3] == ["0", "1", "2"]


@pytest.mark.parametrize("pending", [True, False])
def test_takes_the_place_of_streamlits_own(pending: bool) -> None:
    requests = ScriptRequests()
    if pending:
        requests.request_rerun(message("one"))
    Inbox.take_over(requests)
    assert isinstance(requests, Inbox)
    requests.request_rerun(message("two"))
    assert heard(requests) == ["one", "two"][not pending :]


@pytest.mark.parametrize("parts", [(), ("part",)], ids=["page", "part"])
def test_a_run_that_begins_takes_no_answer_away(parts: tuple[str, ...]) -> None:
    """Where a chosen file goes, and what to download: the browser asks once and waits without end."""
    inbox.install()

    async def sent() -> list[tuple[str | None, str]]:
        session = AppSession(
            ScriptData("Home.py", is_hello=False), MemoryUploadedFileManager("/upload"), ScriptCache(), lambda: None, {}
        )
        asked = BackMsg()
        asked.file_urls_request.request_id = "weights"
        asked.file_urls_request.file_names.append("net.safetensors")
        session.handle_backmsg(asked)
        asked.Clear()
        asked.backend_operation_request.request_id = "mask"
        session.handle_backmsg(asked)
        while len(session._browser_queue) < 2:
            await asyncio.sleep(0)
        run = RunDescriptor.create(parts)
        session._handle_scriptrunner_event_on_event_loop(
            None,
            ScriptRunnerEvent.SCRIPT_STARTED,
            page_script_hash="page",
            fragment_ids_this_run=list(parts) or None,
            run_descriptor=run,
        )
        answers = session.flush_browser_queue()
        session.shutdown()
        return [
            (one.WhichOneof("type"), one.file_urls_response.response_id or one.backend_operation_response.request_id)
            for one in answers
        ]

    with ThreadPoolExecutor(1) as pool:  # in a thread of its own: a browser's loop may run in this one
        told = pool.submit(asyncio.run, sent()).result(60)
    assert [one for one in told if one[1]] == [("file_urls_response", "weights"), ("backend_operation_response", "mask")]
    assert "new_session" in [kind for kind, _ in told]
