"""The download of the full VGG16 in the background: one for the whole server, whoever asked for it."""

from __future__ import annotations

from collections.abc import Callable

from vislrp_core.downloads import DownloadCancelled, DownloadError, download_imagenet
from vislrp_ui.background import BackgroundJob, Failed, Stopped


class DownloadJob(BackgroundJob):
    """A download that pages start, watch and stop; what has arrived is kept for the next time.

    Parameters
    ----------
    fetch : callable
        Does the work; takes `progress` and `cancel` as `download_imagenet` does.
    """

    name = "vislrp-download"
    failed = "The download failed ({error}): try again later."

    def __init__(self, fetch: Callable[..., object] = download_imagenet) -> None:
        super().__init__()
        self._fetch = fetch

    def start(self) -> None:
        """Begin, unless it is running already."""
        self.begin(self._work)

    def _work(self) -> str:
        try:
            self._fetch(progress=self.note, cancel=lambda: self.stopping)
        except DownloadCancelled as error:
            raise Stopped(str(error)) from error
        except DownloadError as error:
            raise Failed(str(error)) from error
        return ""


JOB = DownloadJob()
