"""Background jobs: progress, stop, errors as one sentence, one thread at a time, nothing kept after the end."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import pytest

from vislrp_core.downloads import DownloadCancelled, DownloadError
from vislrp_ui import background, streamlit_inside
from vislrp_ui.background import BackgroundJob, Failed, JobProgress
from vislrp_ui.download_job import DownloadJob

WAIT = 30


class Steps:
    """Work of five steps that takes one for every permit."""

    def __init__(self, job: BackgroundJob) -> None:
        self.job = job
        self.permits, self.told = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self) -> str:
        for step in range(1, 6):
            assert self.permits.acquire(timeout=WAIT)
            self.job.tell(step)
            self.told.release()
        return ""

    def let(self, steps: int) -> None:
        """Let it take some steps, and wait until it has told of them."""
        for _ in range(steps):
            self.permits.release()
            assert self.told.acquire(timeout=WAIT)


def raising(error: Exception) -> Callable[..., str]:
    def work(**_: object) -> str:
        raise error

    return work


def ended(job: BackgroundJob) -> JobProgress:
    job.join(WAIT)
    assert not job.progress.running
    return job.progress


def test_progress_is_seen_while_it_runs_and_at_its_end() -> None:
    job = BackgroundJob()
    assert job.progress == JobProgress("idle") and job.progress.share == 0
    steps = Steps(job)
    job.begin(steps, total=5)
    assert job.progress == JobProgress("running", 0, 5)
    steps.let(2)
    assert job.progress == JobProgress("running", 2, 5) and job.progress.share == 0.4
    steps.let(3)
    assert ended(job) == JobProgress("done", 5, 5) and job.progress.share == 1


def test_the_total_may_become_known_later() -> None:
    job = BackgroundJob()

    def work() -> str:
        job.note(3)
        assert job.progress.share == 0
        job.note(3, 12)
        return "One picture was left out."

    job.begin(work)
    assert ended(job) == JobProgress("done", 3, 12, "One picture was left out.") and job.progress.share == 0.25


def test_a_stop_ends_it_at_its_next_step_and_it_can_start_again() -> None:
    job = BackgroundJob()
    steps = Steps(job)
    job.begin(steps, total=5)
    steps.let(1)
    job.stop()
    assert job.stopping and job.progress.running
    steps.permits.release()
    assert ended(job) == JobProgress("stopped", 1, 5, "Stopped.")
    again = Steps(job)
    job.begin(again, total=5)
    again.let(5)
    assert ended(job) == JobProgress("done", 5, 5)


def test_it_ends_when_whoever_asked_has_left() -> None:
    here = threading.Event()
    here.set()
    job = BackgroundJob(alive=here.is_set)
    steps = Steps(job)
    job.begin(steps, total=5)
    steps.let(1)
    here.clear()
    steps.permits.release()
    assert ended(job).state == "stopped" and job.progress.done == 1


def test_an_unforeseen_error_becomes_one_sentence_and_reaches_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda details: logged.append(details.exc_type))
    job = BackgroundJob()
    job.begin(raising(KeyError("a line\nof another")), total=2)
    assert ended(job) == JobProgress("failed", 0, 2, "The work failed (KeyError): try again.") and logged == [KeyError]


def test_a_foreseen_error_speaks_for_itself() -> None:
    job = BackgroundJob()
    job.begin(raising(Failed("The disk is full: free some space.")))
    assert ended(job) == JobProgress("failed", message="The disk is full: free some space.")


def test_a_second_start_while_it_runs_changes_nothing() -> None:
    job = BackgroundJob()
    steps = Steps(job)
    job.begin(steps, total=5)
    steps.let(2)
    for _ in range(20):
        job.begin(raising(AssertionError("a second piece of work ran")), total=7)
    assert job.progress == JobProgress("running", 2, 5)
    assert sum(thread.name == job.name for thread in threading.enumerate()) == 1
    steps.let(3)
    assert ended(job) == JobProgress("done", 5, 5)


def test_nothing_of_the_work_is_kept_after_its_end() -> None:
    job = BackgroundJob()
    past: list[weakref.ref[Steps]] = []
    for _ in range(3):
        steps = Steps(job)
        past.append(weakref.ref(steps))
        job.begin(steps, total=5)
        steps.let(5)
        ended(job)
        del steps
    gc.collect()
    assert [ref() for ref in past] == [None, None, None]
    assert not any(thread.name == job.name for thread in threading.enumerate())


class Server:
    """A runtime that knows which sessions are there."""

    def __init__(self) -> None:
        self.active: set[str] = set()

    def is_active_session(self, session_id: str) -> bool:
        return session_id in self.active


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    here = Server()
    monkeypatch.setattr(streamlit_inside.runtime, "exists", lambda: True)
    monkeypatch.setattr(streamlit_inside.runtime, "get_instance", lambda: here)
    return here


def test_work_goes_on_for_a_moment_when_its_owner_leaves(server: Server) -> None:
    now = [0.0]
    owner = background.Owner("a", lambda: now[0])
    server.active = {"a"}
    assert owner()
    server.active = set()
    assert owner()
    now[0] = background.RETURN_SECONDS - 1
    assert owner()
    server.active = {"a"}
    assert owner()
    server.active = set()
    assert owner()
    now[0] += background.RETURN_SECONDS + 1
    assert not owner()


def test_a_reload_claims_its_running_work_by_its_token_and_nobody_else_can(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: dict[str, object] = {}
    second: dict[str, object] = {}
    monkeypatch.setattr(background.st, "session_state", first)
    job = background.session_job("_job", BackgroundJob)
    steps = Steps(job)
    job.begin(steps, total=5)
    steps.let(2)
    tokens = background.running_tokens(["_job", "_other"])
    assert list(tokens) == ["_job"] and len(tokens["_job"]) >= 32
    monkeypatch.setattr(background.st, "session_state", second)
    assert not background.claim("_job", "guessed") and not background.claim("_other", tokens["_job"]) and not second
    assert background.claim("_job", tokens["_job"]) and background.session_job("_job", BackgroundJob) is job
    steps.let(3)
    assert ended(job) == JobProgress("done", 5, 5)
    assert background.running_tokens(["_job"]) == {}


def test_an_empty_table_stops_the_work_and_forgets_its_words(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[str, object] = {}
    monkeypatch.setattr(background.st, "session_state", held)
    job = background.session_job("_job", BackgroundJob)
    steps = Steps(job)
    job.begin(steps, total=5)
    steps.let(1)
    background.stop_all(["_job", "_none"])
    steps.permits.release()
    assert ended(job).state == "stopped" and not held


def test_a_download_tells_its_bytes_and_is_told_to_stop() -> None:
    begun, asked = threading.Event(), threading.Event()

    def fetch(progress: Callable[[int, int], None], cancel: Callable[[], bool]) -> None:
        progress(4, 8)
        assert not cancel()
        begun.set()
        assert asked.wait(WAIT)
        progress(6, 8)
        if cancel():
            raise DownloadCancelled("Cancelled: what has arrived is kept.")

    job = DownloadJob(fetch)
    job.start()
    assert begun.wait(WAIT) and job.progress == JobProgress("running", 4, 8)
    job.stop()
    asked.set()
    assert ended(job) == JobProgress("stopped", 6, 8, "Cancelled: what has arrived is kept.")
    job.start()
    assert ended(job) == JobProgress("done", 6, 8)


def test_a_failed_download_says_why() -> None:
    job = DownloadJob(raising(DownloadError("The server does not answer: try again later.")))
    job.start()
    assert ended(job) == JobProgress("failed", message="The server does not answer: try again later.")
