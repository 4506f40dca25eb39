"""Searching in the background: one search per session, every pass and every map a turn at the compute gate."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace

from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.errors import VisLRPError
from vislrp_core.experiments import Recorder, run_all
from vislrp_core.network import Network
from vislrp_core.search.report import report
from vislrp_core.search.run import Search, first_models
from vislrp_core.search.trials import SearchPlan, task
from vislrp_ui.background import BackgroundJob, Failed, Stopped
from vislrp_ui.search import found
from vislrp_ui.search.found import KeptReport, KeptSearch, State
from vislrp_ui.shared.turns import MeasuringWorkspace

REFERENCES = ("gradient_x_input", "edges")
"""Baselines that the chart shows beside the models."""
_running: dict[str, SearchJob] = {}
_lock = threading.Lock()


class _TimeIsUp(Exception):
    """The budget is spent."""


class SearchJob(BackgroundJob):
    """The search of one session.

    Attributes
    ----------
    kept : KeptSearch or None
        The search that was started last, as it stands.
    comparing : bool
        Whether the held-out pictures are measured.
    """

    name = "vislrp-search"
    stopped = "Stopped: what was tried is kept, “Go on” continues."
    failed = "The search ended with an error ({error}): “Go on” continues where it was."
    kept: KeptSearch | None = None
    comparing = False
    _begin = 0.0
    _before: tuple[float, int] = (0.0, 0)

    def start(self, kept: KeptSearch, network: Network, plan: SearchPlan, *, trials: bool = True) -> bool:
        """Search, or go on with a search; whether that could be begun.

        Parameters
        ----------
        trials : bool
            False: no further trials, the held-out pictures alone.
        """
        with _lock:
            if self.progress.running or kept.id in _running:
                return False
            _running[kept.id] = self
        self.kept = replace(kept, state="running", message="")
        self._begin, self._before = time.monotonic(), (kept.used, len(kept.trials))
        self.comparing = False
        found.keep(self.kept)
        self.begin(lambda: self._work(network, plan, trials), plan.trials)
        return True

    @property
    def seconds(self) -> float:
        """What the trials took, all runs together."""
        return self._before[0] + time.monotonic() - self._begin

    def rate(self) -> float | None:
        """Trials per minute in this run; None while there is none."""
        assert self.kept is not None
        new = len(self.kept.trials) - self._before[1]
        taken = time.monotonic() - self._begin
        return 60 * new / taken if new > 0 and taken > 1 else None

    def left(self) -> float:
        """Seconds until the trials end: by their number or by the budget, whichever comes first."""
        assert self.kept is not None
        budget, rate = max(0.0, 60 * self.kept.minutes - self.seconds), self.rate()
        return budget if rate is None else min(budget, 60 * (self.kept.wanted - len(self.kept.trials)) / rate)

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _keep(self, **changes: object) -> None:
        assert self.kept is not None
        self.kept = replace(self.kept, **changes)  # type: ignore[arg-type]
        found.keep(self.kept)

    def _work(self, network: Network, plan: SearchPlan, trials: bool) -> str:
        assert self.kept is not None
        state: State = "failed"
        message = self.failed.format(error="unforeseen")
        try:
            with found.recording(self.kept.id) as record:
                message = self._search(network, plan, record, trials)
            state = "done"
        except (Stopped, Failed) as ended:
            state, message = "stopped", str(ended) or self.stopped
            raise
        except VisLRPError as error:
            message = str(error)
            raise Failed(message) from error
        finally:
            with _lock:
                _running.pop(self.kept.id, None)
            used = self.kept.used if self.comparing or not trials else self.seconds
            self._keep(state=state, message=message, used=used)
        return message

    def _search(self, network: Network, plan: SearchPlan, record: Recorder, trials: bool) -> str:
        assert self.kept is not None
        space = MeasuringWorkspace(network)
        search = Search(network, plan, workspace=space, record=record, progress=self._look if trials else self._look_along)
        ready = len(first_models(plan))
        try:
            for _ in search.run():
                if not trials and len(search.trials) >= len(self.kept.trials):
                    break
                if len(search.trials) > len(self.kept.trials):
                    self._keep(trials=tuple(search.trials), used=self.seconds)
                if len(search.trials) == ready and self.kept.references is None:
                    self._keep(references=self._references(network, plan, space, record))
        except _TimeIsUp:
            pass
        self._keep(used=self.seconds if trials else self.kept.used)
        if len(self.kept.trials) <= ready:
            raise Failed(
                "The time ended before the ready-made models were measured: give it more minutes, or fewer pictures."
                if len(self.kept.trials) < ready
                else "The time ended before a model was suggested: give it more minutes."
            )
        self.comparing = True
        self.note(0, 100)
        result = report(
            network, plan, self.kept.trials, workspace=space, record=record, progress=lambda n, of: self._share(n, of)
        )
        rows = tuple(tuple(row) for row in result.rows(plan.objectives, plan.settings.seed))
        sentences = tuple(one.sentence for one in result.conclusions)
        self._keep(report=KeptReport(rows, sentences, dict(search.study.importance()), len(self.kept.trials)))
        return ""

    def _look(self, done: int, total: int) -> None:
        assert self.kept is not None
        self._look_along(done, total)
        if self.seconds > 60 * self.kept.minutes:
            raise _TimeIsUp

    def _look_along(self, done: int, total: int) -> None:
        self.tell(max(done, len(self.kept.trials) if self.kept is not None else 0))

    def _share(self, done: int, total: int) -> None:
        self.tell(round(100 * done / total) if total else 0)

    def _references(
        self, network: Network, plan: SearchPlan, space: MeasuringWorkspace, record: Recorder
    ) -> dict[str, tuple[float, ...]]:
        """Means of baselines over the search pictures; one that has no value for some picture is left out."""
        means: dict[str, tuple[float, ...]] = {}
        for method in REFERENCES:
            tasks = [
                task(plan.search, place, Baseline(method), objective, plan.settings)
                for place in range(len(plan.search))
                for objective in plan.objectives
            ]
            values: dict[str, list[float]] = {}
            for one in run_all(network, tasks, workspace=space, record=record, progress=lambda *_: self._look(0, 0)):
                if one.result is not None and math.isfinite(one.result.value):
                    values.setdefault(one.task.metric, []).append(one.result.value)  # type: ignore[attr-defined]
            if all(len(values.get(key, ())) == len(plan.search) for key in plan.objectives):
                means[METHODS[method].title] = tuple(sum(values[key]) / len(values[key]) for key in plan.objectives)
        return means


def elsewhere(id: str, own: SearchJob) -> bool:
    """Whether another session runs this search now."""
    with _lock:
        return id in _running and _running[id] is not own
