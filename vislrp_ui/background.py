"""Background work: a thread that reports its progress, can be stopped, and ends with one sentence if it fails."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeVar

import streamlit as st
from cachetools import TTLCache

from vislrp_ui.presence import RETURN_SECONDS as RETURN_SECONDS
from vislrp_ui.presence import Owner as Owner
from vislrp_ui.streamlit_inside import session_id

State = Literal["idle", "running", "done", "failed", "stopped"]
Kind = TypeVar("Kind", bound="BackgroundJob")
_jobs: TTLCache[str, BackgroundJob] = TTLCache(64, 3600.0)


class Stopped(Exception):
    """The work was stopped; its text, if any, is shown on the page."""


class Failed(Exception):
    """The work failed for a known reason; its text is shown on the page."""


@dataclass(frozen=True)
class JobProgress:
    """Progress of the work."""

    state: State = "idle"
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def running(self) -> bool:
        """Whether the work is still running."""
        return self.state == "running"

    @property
    def share(self) -> float:
        """Share done, 0 to 1; 0 while the total is unknown."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


class BackgroundJob:
    """A piece of work that pages start, watch and stop, in at most one thread at a time.

    Subclasses name the thread and the sentences, and start the work with `begin`. Results are not kept here: the work
    stores them where everyone can find them.

    Parameters
    ----------
    alive : callable
        Returns whether the visitor who started the work is still there; if not, the work ends.
    """

    name: ClassVar[str] = "vislrp-job"
    stopped: ClassVar[str] = "Stopped."
    failed: ClassVar[str] = "The work failed ({error}): try again."
    """Sentence for an unforeseen error; `{error}` is its type."""

    def __init__(self, alive: Callable[[], bool] = lambda: True) -> None:
        self.key = ""
        self.token = secrets.token_urlsafe(24)
        self._alive = alive
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = JobProgress()

    @property
    def progress(self) -> JobProgress:
        """The current progress."""
        with self._lock:
            return self._progress

    def owned_by(self, alive: Callable[[], bool]) -> None:
        """From now on, ask someone else whether the work is still wanted."""
        self._alive = alive

    @property
    def stopping(self) -> bool:
        """Whether the work should end: it was stopped, or the visitor has left."""
        return self._stop.is_set() or not self._alive()

    def begin(self, work: Callable[[], str], total: int = 0) -> None:
        """Run the work in a thread, unless it is already running.

        Parameters
        ----------
        work : callable
            Calls `tell` or `note` as it proceeds; returns the sentence for the page at the end, empty if all went well.
        total : int
            Number of steps, if known.
        """
        with self._lock:
            if self._progress.running:
                return
            self._progress = JobProgress("running", 0, total)
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, args=(work,), name=self.name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask the work to stop; complete results are kept."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for the work to end (for tests)."""
        if self._thread is not None:
            self._thread.join(seconds)

    def tell(self, done: int) -> None:
        """Report how many steps are done (raises Stopped if the work should end)."""
        if self.stopping:
            raise Stopped
        self.note(done)

    def note(self, done: int, total: int | None = None) -> None:
        """Report how many steps are done, and the total where it becomes known only now; never stops the work."""
        with self._lock:
            total = self._progress.total if total is None else total
            self._progress = replace(self._progress, done=done, total=total)

    def _run(self, work: Callable[[], str]) -> None:
        state: State = "failed"
        message = ""
        try:
            message = work()
            state = "done"
        except Stopped as stopped:
            state, message = "stopped", str(stopped) or self.stopped
        except Failed as failed:
            message = str(failed)
        except Exception as error:
            message = self.failed.format(error=type(error).__name__)
            raise
        finally:
            with self._lock:
                self._progress = replace(self._progress, state=state, message=message)


def session_job(key: str, kind: type[Kind]) -> Kind:
    """The session's job, kept under a key of the session's state; it ends with the session."""
    if key not in st.session_state:
        made = kind(Owner(session_id()))
        made.key = key
        st.session_state[key] = made
    job: Kind = st.session_state[key]
    return job


def running_tokens(keys: Iterable[str]) -> dict[str, str]:
    """Tokens of the session's running jobs by key; a token lets its holder claim the job after a reload."""
    found = {}
    for key in keys:
        job = st.session_state.get(key)
        if isinstance(job, BackgroundJob) and job.progress.running:
            _jobs[job.token] = job
            found[key] = job.token
    return found


def claim(key: str, token: str) -> bool:
    """Take over a job that an earlier session of the same tab left running; returns whether it still existed."""
    job = _jobs.get(token)
    if job is None or job.key != key or job.progress.state not in ("running", "done"):
        return False
    job.owned_by(Owner(session_id()))
    st.session_state[key] = job
    return True


def stop_all(keys: Iterable[str]) -> None:
    """Stop the session's jobs and forget their messages, so that new work starts from a clean slate."""
    for key in keys:
        job = st.session_state.pop(key, None)
        if isinstance(job, BackgroundJob):
            job.stop()
