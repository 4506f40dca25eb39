"""What callbacks of the page have in common."""

from __future__ import annotations

from collections.abc import Callable

from vislrp_ui import session, state_search
from vislrp_ui.background import session_job
from vislrp_ui.search.job import SearchJob
from vislrp_ui.shared import toolbars
from vislrp_ui.state_search import SearchState

JOB = "_search_job"


def job() -> SearchJob:
    """The session's search; it ends with the session."""
    return session_job(JOB, SearchJob)


def change(reducer: Callable[..., SearchState], *arguments: object) -> None:
    """Callback: change the page's state by a pure function of it; what it refuses becomes one sentence."""
    session.update(lambda visit: state_search.changed(visit, reducer, *arguments))


def changing(key: str, reducer: Callable[..., SearchState], *arguments: object) -> Callable[[], None]:
    """Callback of a widget: the page's state changed by its value."""
    return toolbars.changing(change, key, reducer, *arguments)
