"""The one download there is: torchvision's VGG16 weights, kept where torch keeps them.

A transfer that broke resumes where it stopped; what arrives is believed after its hash was checked; files
appear under their final name only when complete.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from vislrp_core.network import NetworkError

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all (0 where the server does not say)."""
Cancel = Callable[[], bool]

IMAGENET_URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
"""Address of torchvision's VGG16 weights, IMAGENET1K_V1; written out, because importing torchvision takes seconds."""
CHUNK = 1 << 20
MAX_BYTES = 4 << 30
ATTEMPTS = 3
WAIT = 0.5  # seconds between two looks at whether the caller has cancelled, while another transfer continues
_HASH = re.compile(r"-([0-9a-f]{8,64})\.[^.]*$")


class DownloadError(NetworkError):
    """A download failed; the message says in one sentence why and what to do."""


class DownloadCancelled(DownloadError):
    """The caller cancelled; what arrived so far is kept for the next attempt."""


class _Broken(Exception):
    """The connection ended early."""


def weights_folder() -> Path:
    """Where torch keeps downloaded weights (TORCH_HOME is respected)."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def download_allowed() -> bool:
    """False where the environment variable VISLRP_ALLOW_DOWNLOAD is 0."""
    return os.environ.get("VISLRP_ALLOW_DOWNLOAD", "1").strip() != "0"


def file_name(url: str) -> str:
    """The file name in an address."""
    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name
    if not name:
        raise DownloadError(f"The address {url} names no file: give the address of a weights file.")
    return name


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc


def expected_hash(name: str) -> str:
    """The first digits of the SHA-256 that a file name such as vgg16-397923af.pth carries, or ""."""
    found = _HASH.search(name)
    return found[1] if found else ""


def check_hash(path: Path, digits: str) -> bool:
    """Whether a file's SHA-256 starts with these digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(digits)


def download_imagenet(*, progress: Progress | None = None, cancel: Cancel | None = None, url: str | None = None) -> Path:
    """Bring torchvision's VGG16 weights to torch's cache.

    Parameters
    ----------
    progress : callable, optional
        Called with bytes done and in all.
    cancel : callable, optional
        Asked after every piece; True ends the transfer with `DownloadCancelled`.
    url : str, optional
        Another address of the same file.

    Returns
    -------
    Path
        The file. One that is there already is not transferred again.

    Raises
    ------
    DownloadError
        Downloads are forbidden, the server cannot be reached, the transfer broke, or the hash differs.
    """
    if not download_allowed():
        raise DownloadError(
            "Downloads are switched off here (VISLRP_ALLOW_DOWNLOAD=0): use the embedded network, or put "
            f"{file_name(url or IMAGENET_URL)} into {weights_folder()}."
        )
    return download(url or IMAGENET_URL, weights_folder(), progress=progress, cancel=cancel)


def download(
    url: str, folder: Path, *, progress: Progress | None = None, cancel: Cancel | None = None, timeout: float = 30.0
) -> Path:
    """Transfer a file whose name carries its hash into a folder.

    Parameters
    ----------
    url : str
        http or https. Digits behind the last dash of the file name are the start of its SHA-256, as torch
        does it.
    folder : Path
        Created where missing. What has arrived so far is kept there as ``NAME.part``.
    progress, cancel
        As in `download_imagenet`.
    timeout : float
        Seconds without an answer after which the connection counts as broken.

    Raises
    ------
    DownloadError
        One sentence with the reason and what to do.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise DownloadError(f"The address {url} is neither http nor https: give another one.")
    target = folder / file_name(url)
    if target.is_file():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Two visits or programs that ask at once share one transfer: the second finds the file ready.
        with _sole(target, cancel):
            if not target.is_file():
                _transfer(url, target, progress, cancel, timeout)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DownloadError(
            f"{target.name} could not be written to {folder} ({reason}): make room there, "
            "or choose another folder with TORCH_HOME."
        ) from error
    return target


@contextmanager
def _sole(target: Path, cancel: Cancel | None) -> Iterator[None]:
    """The only transfer of a file; waits while another thread or program has it."""
    lock = FileLock(target.with_name(target.name + ".lock"))
    while True:
        try:
            lock.acquire(timeout=WAIT)
            break
        except Timeout:
            if cancel is not None and cancel():
                raise DownloadCancelled("The download was cancelled; another download of the same file continues.") from None
    try:
        yield
    finally:
        lock.release()


def _transfer(url: str, target: Path, progress: Progress | None, cancel: Cancel | None, timeout: float) -> None:
    part = target.with_name(target.name + ".part")
    digits = expected_hash(target.name)
    if not digits:
        part.unlink(missing_ok=True)  # without a hash, old and new bytes could be mixed unnoticed
    for attempt in range(1, ATTEMPTS + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch(url, part, progress, cancel, timeout)
        except _Broken as error:
            arrived = part.stat().st_size if part.exists() else 0
            if attempt == ATTEMPTS or arrived <= before:
                raise DownloadError(
                    f"The download of {target.name} broke off after {arrived / 1e6:.0f} MB ({error}): "
                    "start it again; it continues from there."
                ) from error
            continue
        if not digits or check_hash(part, digits):
            part.replace(target)
            return
        part.unlink()
        if not before:
            raise DownloadError(
                f"What {_host(url)} sent as {target.name} is not that file (its SHA-256 differs): try again later."
            )
        # A resumed file may have been continued with bytes of another one: once more from the start.
    raise DownloadError(f"{target.name} did not arrive complete: try again later.")


def _fetch(url: str, part: Path, progress: Progress | None, cancel: Cancel | None, timeout: float) -> None:
    """Append to the part file what is missing, or write it again where the server cannot resume."""
    start = part.stat().st_size if part.exists() else 0
    with _open(url, start, timeout) as response:
        if start and not (response.status == 206 and _continues_at(response, start)):
            start = 0
            if response.status == 206:
                raise _Broken("the server sent a different part than was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else 0
        if total > MAX_BYTES:
            raise DownloadError(f"The file at {url} has {total / 1e9:.0f} GB, more than any VGG16: check the address.")
        if total and shutil.disk_usage(part.parent).free < total - start:
            raise DownloadError(f"{part.parent} has no room for {total / 1e6:.0f} MB: free some or set TORCH_HOME.")
        with part.open("ab" if start else "wb") as file:
            _copy(response, file, start, total, progress, cancel)


def _copy(response: Any, file: Any, done: int, total: int, progress: Progress | None, cancel: Cancel | None) -> None:
    while True:
        if progress is not None:
            progress(done, total)
        if cancel is not None and cancel():
            raise DownloadCancelled("The download was cancelled; what has arrived is kept for the next time.")
        try:
            piece = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(str(error) or type(error).__name__) from error
        if not piece:
            break
        file.write(piece)
        done += len(piece)
        if done > (total or MAX_BYTES):
            raise DownloadError("The server sent more than it announced: try again later.")
    if done < total:
        raise _Broken(f"{total / 1e6:.0f} MB were announced")


def _continues_at(response: Any, start: int) -> bool:
    return str(response.headers.get("Content-Range", "")).replace("bytes ", "").startswith(f"{start}-")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow a server to another address, but never from an encrypted connection to an open one."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise DownloadError(
                f"{_host(req.full_url)} redirects to {newurl[:200]}, which is not encrypted: "
                "try again later, or use the embedded network."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str, start: int, timeout: float) -> Any:
    headers = {"User-Agent": "vislrp-designer", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    opener = urllib.request.build_opener(_Redirects)
    try:
        return opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:  # nothing is missing behind what arrived, or it is another file
            return _open(url, 0, timeout)
        raise DownloadError(
            f"{_host(url)} answered {error.code} for {file_name(url)}: try again later, or use the embedded network."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{_host(url)} cannot be reached ({reason}): check the connection, or use the embedded network."
        ) from error
