"""Results that are there already: one JSON line each, on the disk before the next task ends."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of writing name the file: that of a full disk does not by itself."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


class Recorder(Protocol):
    """Where `run_all` looks for results and puts them, by a key of all that they depend on."""

    def get(self, key: str) -> Any | None:
        """A packed result, or None."""

    def put(self, key: str, packed: Any) -> None:
        """Keep a packed result."""


def key_of(parts: Sequence[Any]) -> str:
    """Name of a result by everything that it depends on."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class MemoryRecord:
    """Results for this process alone."""

    def __init__(self) -> None:
        self._results: dict[str, Any] = {}

    def get(self, key: str) -> Any | None:
        """A packed result, or None."""
        return self._results.get(key)

    def put(self, key: str, packed: Any) -> None:
        """Keep a packed result."""
        self._results[key] = packed


class Record:
    """Results in a file that only grows: killed at any moment, it loses what was not finished and nothing else.

    Parameters
    ----------
    path : Path
        The file; made where it is missing.
    field : str
        What a line calls its result.
    """

    def __init__(self, path: Path, field: str = "result") -> None:
        self._field = field
        self._results: dict[str, Any] = {}
        content = path.read_bytes() if path.exists() else b""
        for line in content.splitlines():
            try:
                entry = json.loads(line)
                self._results[entry["key"]] = entry[field]
            except (ValueError, KeyError, TypeError):
                continue  # a line that an interruption cut off is measured again
        self._path = path
        self._file = path.open("ab")
        if content and not content.endswith(b"\n"):
            self._file.write(b"\n")

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: str) -> Any | None:
        """A packed result, or None."""
        return self._results.get(key)

    def put(self, key: str, packed: Any) -> None:
        """Keep a packed result, on the disk before this returns (OSError, which names the file: the disk is full)."""
        self._results[key] = packed
        # A result may hold NaN; Python writes and reads it.
        line = json.dumps({"key": key, self._field: packed}).encode() + b"\n"
        with naming(self._path):
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """End (OSError as for `put`)."""
        with naming(self._path):
            self._file.close()

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
