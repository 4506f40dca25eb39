"""Finished searches as the command wrote them; no value is measured here."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vislrp_core import compact
from vislrp_core.cli.measured_runs import RECORD
from vislrp_core.cli.measuring import SETTINGS
from vislrp_core.errors import InputError
from vislrp_core.experiments import MemoryRecord, Picture
from vislrp_core.flipping import RESAMPLES
from vislrp_core.measures import MEASURES, Settings
from vislrp_core.network import Network
from vislrp_core.search.ready import ready_models
from vislrp_core.search.report import Gain, Report, files_of, report
from vislrp_core.search.space import Space
from vislrp_core.search.trials import SearchPicture, SearchPlan, Trial
from vislrp_core.tables import ENCODING

SAME = ("target", "patch", "steps", "fill", "fit", "objectives", "holdout", "ready", "space", "network")
"""Settings that the searches of one study share; seed and pictures differ."""


@dataclass(frozen=True, eq=False)
class Run:
    """One finished search.

    Attributes
    ----------
    stated : dict
        The content of its run.json.
    seconds : float
        That all measurements took together, those on the held-out pictures included.
    """

    folder: Path
    stated: dict[str, Any]
    plan: SearchPlan
    trials: tuple[Trial, ...]
    result: Report
    seconds: float

    @property
    def found(self) -> Trial:
        """The best found model of the first objective on the search pictures."""
        return self._conclusion("found")

    @property
    def ready(self) -> Trial:
        """The best ready-made one."""
        return self._conclusion("ready")

    @property
    def gain(self) -> Gain:
        """Of the one over the other, on the held-out pictures."""
        gain = self.result.conclusions[0].gain
        if gain is None or not gain.images:
            raise InputError(f"{self.folder}: the two models share no held-out picture with a value")
        return gain

    @property
    def front_file(self) -> str:
        """Where the search wrote the found model, such as ``front/01.json``."""
        return files_of(self.trials, self.plan)[self.found.number]

    def held_out(self, trial: Trial) -> dict[str, float]:
        """Values of the first objective by held-out picture."""
        return dict(self.result.values[trial.model.key, self.plan.objectives[0]])

    def gaps(self) -> dict[str, float]:
        """By how much the found model is better, by the SHA-256 of the held-out picture."""
        sign = -1.0 if self.plan.lower[0] else 1.0
        found, ready = self.held_out(self.found), self.held_out(self.ready)
        digests = {one.picture.path: one.picture.digest for one in self.plan.held_out}
        return {digests[path]: sign * (found[path] - ready[path]) for path in found if path in ready}

    def ahead(self) -> float:
        """By how much it is better on the pictures that were searched on."""
        return (self.found.values[0] - self.ready.values[0]) * (-1.0 if self.plan.lower[0] else 1.0)

    def spread(self) -> float:
        """Standard deviation over held-out pictures of by how much it is better; NaN for a single one."""
        gaps = [*self.gaps().values()]
        return float(np.std(gaps, ddof=1)) if len(gaps) > 1 else math.nan

    def tried(self) -> int:
        """Suggested models with a value on all search pictures; equal values count once."""
        return len({trial.values for trial in self.trials if trial.state == "complete" and trial.kind == "found"})

    def _conclusion(self, name: str) -> Trial:
        trial = getattr(self.result.conclusions[0], name)
        if trial is None:
            raise InputError(f"{self.folder}: {self.result.conclusions[0].sentence}")
        return trial


def read(folder: Path, network: Network) -> Run:
    """A finished search.

    Raises
    ------
    InputError
        The folder holds none, or one of another network, or one whose ready-made models are not those of this version.
    """
    stated = _stated(folder)
    settings = stated["settings"]
    if settings["network"]["digest"] != network.digest:
        raise InputError(
            f"{folder}: was searched with other weights ({settings['network']['name']}): name them by --network"
        )
    halves = [
        tuple(SearchPicture(Picture(path, digest, settings["fit"])) for path, digest in settings[half])
        for half in ("search", "held_out")
    ]
    measured = Settings(*(settings[key] for key in ("target", "seed", "patch", "steps", "fill")))
    space = Space.from_data(settings["space"])
    plan = SearchPlan(*halves, tuple(settings["objectives"]), space, stated["trials"], settings["seed"], measured)
    trials = _trials(folder, plan, settings["ready"])
    record, seconds = _record(folder)
    return Run(folder, stated, plan, trials, report(network, plan, trials, record=_Measured(record)), seconds)


def _stated(folder: Path) -> dict[str, Any]:
    try:
        stated: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: holds no search ({SETTINGS} cannot be read)") from error
    if "conclusion" not in stated:
        raise InputError(f"{folder}: the search has not ended; the same command goes on with it")
    return stated


def _trials(folder: Path, plan: SearchPlan, ready: int) -> tuple[Trial, ...]:
    known = ready_models(plan.space.architecture)[:ready]
    found = []
    with (folder / "trials.csv").open(encoding=ENCODING, newline="") as file:
        for row in csv.DictReader(file):
            number, model = int(row["trial"]), compact.decode(row["model"])
            if number < ready and (number >= len(known) or known[number].model.key != model.key):
                raise InputError(f"{folder}: its ready-made models are not those of this version ({model.name} is not)")
            values = tuple(float(row[key]) for key in plan.objectives) if row["state"] == "complete" else ()
            kind = known[number].kind if number < ready else "found"
            found.append(Trial(number, row["state"], model, kind, values, float(row["seconds"])))  # type: ignore[arg-type]
    return tuple(found)


def _record(folder: Path) -> tuple[MemoryRecord, float]:
    """The measured values, without touching the file, and how long measuring them took."""
    record, seconds = MemoryRecord(), 0.0
    for line in (folder / RECORD).read_bytes().splitlines():
        try:
            entry = json.loads(line)
            if record.get(entry["key"]) is None:
                seconds += entry["result"]["seconds"]
            record.put(entry["key"], entry["result"])
        except (ValueError, KeyError, TypeError):
            continue  # a line that an interruption cut off
    return record, seconds


class _Measured:
    """A record in which everything was tried: what has no value there has none, and nothing is measured."""

    def __init__(self, record: MemoryRecord) -> None:
        self._record = record

    def get(self, key: str) -> Any:
        """A packed result; NaN where the map was not finite, of which a search keeps nothing."""
        return self._record.get(key) or {"target": 0, "value": math.nan, "seconds": 0.0}

    def put(self, key: str, packed: Any) -> None:
        """Never called."""
        raise AssertionError(key)


def together(runs: Sequence[Run]) -> None:
    """See that searches make one study (Raises InputError: settings differ, or two have the same seed)."""
    first = runs[0].stated["settings"]
    for run in runs[1:]:
        for key in SAME:
            if run.stated["settings"][key] != first[key]:
                raise InputError(
                    f"{run.folder} and {runs[0].folder}: searches of one study share their settings ({key} differs)"
                )
    if len({run.plan.seed for run in runs}) < len(runs):
        raise InputError("two of the searches have the same seed: a study needs different ones")


def gain_of(gaps: Sequence[dict[str, float]], seed: int = 0) -> Gain:
    """Mean gain over several searches, and its 95 % interval.

    Parameters
    ----------
    gaps : sequence of dict
        For each search, gains by picture. A picture may be held out in several searches: pictures are drawn again as
        wholes (percentile bootstrap over clusters), not the single values.
    """
    pictures = sorted({picture for one in gaps for picture in one})
    sums = np.array([sum(one.get(picture, 0.0) for one in gaps) for picture in pictures])
    counts = np.array([sum(picture in one for one in gaps) for picture in pictures])
    drawn = np.random.default_rng(seed).integers(0, len(pictures), size=(RESAMPLES, len(pictures)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return Gain(len(pictures), float(sums.sum() / counts.sum()), float(low), float(high))


def title(run: Run) -> str:
    """Name of the first objective."""
    return MEASURES[run.plan.objectives[0]].title
