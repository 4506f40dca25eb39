"""What the app takes from inside Streamlit, which may move between versions: nothing else imports it, as a test checks.

`inbox` builds its queue of messages from the classes named here; everything else asks the functions.
"""

from __future__ import annotations

from streamlit import runtime
from streamlit.elements.lib.mutable_popover_container import PopoverContainer as PopoverContainer
from streamlit.proto.WidgetStates_pb2 import WidgetState as WidgetState
from streamlit.proto.WidgetStates_pb2 import WidgetStates as WidgetStates
from streamlit.runtime import app_session as app_session
from streamlit.runtime.app_session import AppSession as AppSession
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner import script_runner as script_runner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData as RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequest as ScriptRequest
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests as ScriptRequests
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType as ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState as ThreadState
from streamlit.runtime.state import WidgetCallback as WidgetCallback
from streamlit.runtime.state.common import unpack_widget_state_value as unpack_widget_state_value
from streamlit.runtime.state.common import user_key_from_element_id as user_key_from_element_id
from streamlit.runtime.state.session_state import WStates as WStates
from streamlit.runtime.uploaded_file_manager import UploadedFile
from streamlit.watcher import local_sources_watcher as local_sources_watcher


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
