"""The download of the full VGG16 in the background: one for the whole server, whoever asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from vislrp_core.downloads import DownloadCancelled, DownloadError, download_imagenet

State = Literal["idle", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Progress:
    """Where the download stands."""

    state: State = "idle"
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def share(self) -> float:
        """Share done, 0 to 1; 0 where the size is not known yet."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


class DownloadJob:
    """A download that pages start, watch and cancel.

    Parameters
    ----------
    fetch : callable
        Does the work; takes `progress` and `cancel` as `download_imagenet` does.
    """

    def __init__(self, fetch: Callable[..., object] = download_imagenet) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._progress = Progress()
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def progress(self) -> Progress:
        """Where it stands now."""
        with self._lock:
            return self._progress

    def start(self) -> None:
        """Begin, unless it is running already."""
        with self._lock:
            if self._progress.state == "running":
                return
            self._progress = Progress("running")
            self._cancel.clear()
            self._thread = threading.Thread(target=self._run, name="vislrp-download", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Ask it to stop; what has arrived is kept for the next time."""
        self._cancel.set()

    def join(self, seconds: float) -> None:
        """Wait for the end (tests)."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _set(self, **changes: object) -> None:
        with self._lock:
            self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]

    def _run(self) -> None:
        try:
            self._fetch(progress=lambda done, total: self._set(done=done, total=total), cancel=self._cancel.is_set)
        except DownloadCancelled as error:
            self._set(state="cancelled", message=str(error))
        except DownloadError as error:
            self._set(state="failed", message=str(error))
        except Exception as error:
            self._set(state="failed", message=f"The download failed ({type(error).__name__}): try again later.")
            raise
        else:
            self._set(state="done")


JOB = DownloadJob()
