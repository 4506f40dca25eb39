"""Work in the background: a thread that says where it stands, can be stopped, and ends in one sentence if it fails."""

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
    """The work was stopped; its text, if any, is what the page says."""


class Failed(Exception):
    """The work failed for a reason that is known; its text is what the page says."""


@dataclass(frozen=True)
class JobProgress:
    """Where the work stands."""

    state: State = "idle"
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        return self.state == "running"

    @property
    def share(self) -> float:
        """Share done, 0 to 1; 0 where the total is not known yet."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


class BackgroundJob:
    """A piece of work that pages start, watch and stop: at most one thread at a time, which is let go at its end.

    Subclasses name the thread and the sentences, and start the work by `begin`. Results are not kept here: the work puts
    them where all can find them.

    Parameters
    ----------
    alive : callable
        Says whether whoever asked is still there; the work ends with them.
    """

    name: ClassVar[str] = "vislrp-job"
    stopped: ClassVar[str] = "Stopped."
    failed: ClassVar[str] = "The work failed ({error}): try again."
    """Sentence about an error nobody foresaw; `{error}` is its type."""

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
        """Where it stands now."""
        with self._lock:
            return self._progress

    def owned_by(self, alive: Callable[[], bool]) -> None:
        """Somebody else is asked from now on whether the work is still wanted."""
        self._alive = alive

    @property
    def stopping(self) -> bool:
        """Whether the work is to end: it was stopped, or whoever asked has left."""
        return self._stop.is_set() or not self._alive()

    def begin(self, work: Callable[[], str], total: int = 0) -> None:
        """Run the work in a thread, unless one is running.

        Parameters
        ----------
        work : callable
            Calls `tell` or `note` as it goes on; returns what the page is to say at the end, empty if all is well.
        total : int
            Number of steps, if it is known.
        """
        with self._lock:
            if self._progress.running:
                return
            self._progress = JobProgress("running", 0, total)
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, args=(work,), name=self.name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask it to stop; what is complete stays."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for the end (tests)."""
        if self._thread is not None:
            self._thread.join(seconds)

    def tell(self, done: int) -> None:
        """The work says how many steps are done (Stopped if it is to end)."""
        if self.stopping:
            raise Stopped
        self.note(done)

    def note(self, done: int, total: int | None = None) -> None:
        """The work says how far it is, and how long it will be where that is known only now; it goes on in any case."""
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
    """The session's job, held under a key of the session's state; it ends with the session."""
    if key not in st.session_state:
        made = kind(Owner(session_id()))
        made.key = key
        st.session_state[key] = made
    job: Kind = st.session_state[key]
    return job


def running_tokens(keys: Iterable[str]) -> dict[str, str]:
    """Tokens of the session's running jobs by their keys; who has one can claim the job after a reload."""
    found = {}
    for key in keys:
        job = st.session_state.get(key)
        if isinstance(job, BackgroundJob) and job.progress.running:
            _jobs[job.token] = job
            found[key] = job.token
    return found


def claim(key: str, token: str) -> bool:
    """Go on with a job that an earlier session of the same tab left running; whether it was still there."""
    job = _jobs.get(token)
    if job is None or job.key != key or job.progress.state not in ("running", "done"):
        return False
    job.owned_by(Owner(session_id()))
    st.session_state[key] = job
    return True


def stop_all(keys: Iterable[str]) -> None:
    """Stop the session's jobs and forget what they said: another piece of work begins on an empty table."""
    for key in keys:
        job = st.session_state.pop(key, None)
        if isinstance(job, BackgroundJob):
            job.stop()
