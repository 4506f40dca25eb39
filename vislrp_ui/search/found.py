"""What a search has found so far, on the server's disk: it outlives the visit and the server, by a name nobody guesses.

The folder of a search holds its settings, trials and report (``search.json``), and every measured value. It holds no
picture: samples are named, of a visitor's own there is the hash alone. So who has the name sees models and numbers, and
pictures only of the samples and those that their own visit holds.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from vislrp_core import compact
from vislrp_core.errors import VisLRPError
from vislrp_core.experiments import MemoryRecord, Record, Recorder
from vislrp_core.search.space import Space
from vislrp_core.search.trials import Origin, Trial
from vislrp_core.search.trials import State as TrialState
from vislrp_ui.shelf import app_shelf, code_version
from vislrp_ui.state_search import ID

VERSION = 1
MAX_FOLDERS = 200
"""Searches on the disk; those that were not touched for the longest time go first."""
MAX_BYTES = 4_000_000
"""Of one file; none of ours comes near it."""
RECENT, RECORDS = 24, 12
"""Searches, and measured values of searches, in memory."""
State = Literal["running", "stopped", "done", "failed"]
_log = logging.getLogger(__name__)
_recent: OrderedDict[str, KeptSearch] = OrderedDict()
_records: OrderedDict[str, MemoryRecord] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class KeptReport:
    """The held-out result.

    Attributes
    ----------
    rows : tuple
        As `search.report.Report.rows`.
    sentences : tuple of str
        The conclusion for each objective.
    importance : mapping
        How much each choice matters for the first objective.
    trials : int
        How many trials there were then.
    """

    rows: tuple[tuple[Any, ...], ...]
    sentences: tuple[str, ...]
    importance: Mapping[str, float]
    trials: int


@dataclass(frozen=True, eq=False)
class KeptSearch:
    """A search as it stands.

    Attributes
    ----------
    network, title : str
        Digest and name of the network that is searched with.
    images : tuple of str
        As in `state_search.SearchState`.
    wanted : int
        Trials that are asked for.
    minutes : float
        What the trials may take, all runs together.
    used : float
        Seconds that they took so far.
    ready : int or None
        Ready-made models that come first, where that is more or fewer than the number of trials says.
    message : str
        What is said about the end of the last run.
    references : mapping
        Objectives of baselines on the search pictures.
    """

    id: str
    network: str
    title: str
    images: tuple[str, ...]
    objectives: tuple[str, ...]
    space: Space
    wanted: int
    seed: int
    minutes: float
    used: float = 0.0
    state: State = "running"
    message: str = ""
    trials: tuple[Trial, ...] = ()
    references: Mapping[str, tuple[float, ...]] | None = None
    report: KeptReport | None = None
    ready: int | None = None

    def trial(self, number: int | None) -> Trial | None:
        """A trial by its number."""
        return next((one for one in self.trials if one.number == number), None)


def write(kept: KeptSearch) -> str:
    """A search as text."""
    plain = {key: value for key, value in vars(kept).items() if key not in ("space", "trials", "report")}
    trials = [
        [one.number, one.state, one.kind, list(one.values), one.seconds, one.reason, compact.encode(one.model)]
        for one in kept.trials
    ]
    report = None if kept.report is None else vars(kept.report)
    return json.dumps({"v": VERSION, **plain, "space": kept.space.to_data(), "trials": trials, "report": report})


def read_text(text: str | bytes) -> KeptSearch:
    """The search of a text.

    Raises
    ------
    ValueError, KeyError, TypeError, VisLRPError
        It is none.
    """
    data = json.loads(text)
    if data.pop("v") != VERSION:
        raise ValueError("of another version")
    trials = tuple(
        Trial(
            number,
            cast(TrialState, state),
            compact.decode(model),
            cast(Origin, kind),
            tuple(float(value) for value in values),
            float(seconds),
            str(reason),
        )
        for number, state, kind, values, seconds, reason, model in data.pop("trials")
    )
    report, references, space = data.pop("report"), data.pop("references"), Space.from_data(data.pop("space"))
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return KeptSearch(
        **plain,
        space=space,
        trials=trials,
        references=None if references is None else {name: tuple(values) for name, values in references.items()},
        report=None
        if report is None
        else KeptReport(
            tuple(tuple(row) for row in report["rows"]),
            tuple(report["sentences"]),
            dict(report["importance"]),
            int(report["trials"]),
        ),
    )


# --- where they lie -----------------------------------------------------------------------------------------------------


def _place() -> Path | None:
    shelf = app_shelf()
    return None if shelf is None else shelf.folder.parent / f"{shelf.folder.name}-searches"


def keep(kept: KeptSearch) -> None:
    """Keep it; on disk where that can be."""
    with _lock:
        _recent[kept.id] = kept
        _recent.move_to_end(kept.id)
        while len(_recent) > RECENT:
            _recent.popitem(last=False)
    place = _place()
    if place is None:
        return
    folder = place / kept.id
    try:
        if not folder.exists():
            _make_room(place)
            folder.mkdir(parents=True)
        part = folder / f"search.json.{threading.get_ident()}.part"
        part.write_text(write(kept), encoding="utf-8")
        os.replace(part, folder / "search.json")
    except OSError as error:  # a disk that is full or read-only: the memory has it
        _log.warning("A search is kept in memory alone (%s: %s)", folder, error)


def read(id: str) -> KeptSearch | None:
    """A search by its name; None where there is none, or none that can be read."""
    if not ID.fullmatch(id):
        return None
    with _lock:
        if id in _recent:
            return _recent[id]
    place = _place()
    if place is None:
        return None
    try:
        with (place / id / "search.json").open("rb") as file:
            kept = read_text(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, VisLRPError) as error:
        _log.warning("A kept search cannot be read (%s: %s)", id, error)
        return None
    if kept.state == "running":  # the server that ran it has ended
        kept = replace(kept, state="stopped", message="The server was started anew: “Go on” continues where it was.")
    with _lock:
        return _recent.setdefault(id, kept)


def forget() -> None:
    """Forget what is in memory (tests: as after a restart)."""
    with _lock:
        _recent.clear()
        _records.clear()


class SearchRecord(Record):
    """Measured values; where the disk is full, they stay in memory."""

    def put(self, key: str, packed: Any) -> None:
        """Keep a packed result."""
        try:
            super().put(key, packed)
        except OSError as error:
            _log.warning("A measured value is kept in memory alone (%s)", error)


@contextmanager
def recording(id: str) -> Iterator[Recorder]:
    """Where the values of a search are measured into: its folder, or memory where none is kept. Other code measures anew."""
    place = _place()
    try:
        record = None if place is None else SearchRecord(place / id / f"measures-{code_version()}.jsonl")
    except OSError:
        record = None
    if record is not None:
        with record:
            yield record
        return
    with _lock:
        held = _records.setdefault(id, MemoryRecord())
        _records.move_to_end(id)
        while len(_records) > RECORDS:
            _records.popitem(last=False)
    yield held


def _make_room(place: Path) -> None:
    if not place.is_dir():
        return
    folders = sorted((one for one in place.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime)
    for one in folders[: max(0, len(folders) - MAX_FOLDERS + 1)]:
        shutil.rmtree(one, ignore_errors=True)
