"""Results on disk: what every class looks at (samples, example models) outlives the server and its memory.

A file holds tensors in the safetensors format. It is written under another name and renamed, so that neither another
process nor a full disk leaves half a file there; it is read into memory, not mapped, so that whatever happens to it later
does not end the process; and it holds the sum of its words, so that a damaged one is left out and computed anew. The folder
has a bound; large files that were not used for the longest time go first.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

import platformdirs
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

import vislrp_core

DEFAULT_MEGABYTES = 3000
MAX_HEADER = 1 << 20
LARGE_BYTES = 1 << 20
"""Files from this size on go first: a map takes as long to compute as a forward pass, and a hundredth of its room."""
SUM = "sum"
_DTYPES = {"F32": torch.float32, "F64": torch.float64}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Parcel:
    """Tensors by name, and words about them."""

    tensors: Mapping[str, Tensor]
    words: Mapping[str, str]


class Shelf:
    """A folder of results.

    Parameters
    ----------
    folder : Path
        Made when something is put there; where that cannot be, nothing is kept.
    max_bytes : int
        Bytes of all files together.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._silent = False

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return self._path(name).is_file()

    def get(self, name: str) -> Parcel | None:
        """What was put under a name; None where there is nothing, or nothing that can be used."""
        path = self._path(name)
        try:
            parcel = read(path)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            _log.warning("A kept result is left out and computed anew (%s: %s)", path.name, error)
            self._remove(path)
            return None
        return parcel

    def put(self, name: str, tensors: Mapping[str, Tensor], **words: str) -> bool:
        """Keep tensors; whether that could be done."""
        size = sum(tensor.nbytes for tensor in tensors.values())
        if size > self.max_bytes:
            return False
        path = self._path(name)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._make_room(size)
            save_file(
                {key: tensor.contiguous() for key, tensor in tensors.items()},
                part,
                {**words, SUM: str(_sum(tensors.values()))},
            )
            part.replace(path)
        except (OSError, SafetensorError) as error:
            self._remove(part)
            if not self._silent:  # a disk that is full or read-only stays so
                self._silent = True
                _log.warning("Results are not kept on disk (%s: %s)", self.folder, error)
            return False
        return True

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    def _make_room(self, size: int) -> None:
        found = []
        for path in self.folder.iterdir():
            try:
                about = path.stat()
            except OSError:  # another process has removed it
                continue
            found.append((about.st_size < LARGE_BYTES, about.st_mtime, about.st_size, path))
        total = size + sum(taken for *_, taken, _ in found)
        for *_, taken, path in sorted(found):
            if total <= self.max_bytes:
                return
            self._remove(path)
            total -= taken

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.debug("%s stays: %s", path, error)


def read(path: Path) -> Parcel:
    """A file's content, in memory of its own.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError, RuntimeError
        It cannot be read, or is not what was written.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if length > min(MAX_HEADER, size):
            raise ValueError("no header")
        header = json.loads(file.read(length))
        body = torch.empty(size - 8 - length, dtype=torch.uint8)
        if file.readinto(body.numpy().data) != len(body):
            raise ValueError("it ends too early")
    words = header.pop("__metadata__")
    tensors = {}
    for key, about in header.items():
        begin, end = about["data_offsets"]
        tensors[key] = body[begin:end].view(_DTYPES[about["dtype"]]).reshape(about["shape"])
    if words.pop(SUM) != str(_sum(tensors.values())):
        raise ValueError("it was changed")
    return Parcel(tensors, words)


def _sum(tensors: object) -> int:
    """Sum of all words of 64 bits: quicker than any digest, and other for anything but the same words elsewhere."""
    total = 0
    for tensor in tensors:  # type: ignore[attr-defined]
        words = tensor.contiguous().reshape(-1).view(torch.uint8)
        even = len(words) // 8 * 8
        total += int(words[:even].view(torch.int64).sum()) + int(words[even:].sum())
    return total


# --- the app's -----------------------------------------------------------------------------------------------------------


def megabytes() -> int:
    """Bound of the shelf: VISLRP_STORE_MB; 0 keeps nothing on disk."""
    named = os.environ.get("VISLRP_STORE_MB", "")
    return int(named) if named.isascii() and named.isdigit() else DEFAULT_MEGABYTES


@cache
def app_shelf() -> Shelf | None:
    """The shelf in VISLRP_STORE, or in the user's folder for caches; None where there is to be none."""
    if not megabytes():
        return None
    named = os.environ.get("VISLRP_STORE", "")
    folder = Path(named) if named else platformdirs.user_cache_path("vislrp") / "results"
    return Shelf(folder, megabytes() * 1_000_000)


@cache
def code_version() -> str:
    """Digest of the library's code and of torch's version: results of other code are other results."""
    digest = blake2b(torch.__version__.encode(), digest_size=8)
    for path in sorted(Path(vislrp_core.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def name_of(*parts: object) -> str:
    """Name of a result by all that it depends on; the code counts, too."""
    return digest_of(code_version(), *parts)


def digest_of(*parts: object) -> str:
    """A name that stands for values."""
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
