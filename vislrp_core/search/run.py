"""A search: ready models first, then generations of suggested ones, each measured only as far as it is worth it.

What a search does follows from its plan and from the values it measures; these are kept in a record. One that was killed is
therefore run again from its beginning: it suggests the same models, finds their values in the record, and goes on where the
record ends. No trial is lost, none is counted twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vislrp_core.experiments import MemoryRecord, Recorder, Workspace, run_all
from vislrp_core.experiments.run import Pool
from vislrp_core.measures import Measured
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.search import screen
from vislrp_core.search.ready import ReadyModel, ready_models
from vislrp_core.search.study import Study
from vislrp_core.search.trials import Origin, SearchPlan, State, Trial, from_the_top, task
from vislrp_core.store import RelevanceStore

READY_AT_ONCE = 4
"""Ready-made models that are measured together: who watches sees the first of them early."""
GENERATION = 6
"""Trials that are suggested at once, whatever the number of workers: what is suggested follows from it."""
COMPARED = 8
"""Complete trials below which none is pruned."""
RUNGS = ((1 / 3, 0.5), (2 / 3, 0.75))
"""After which share of the pictures a trial must reach which quantile of the complete ones, on the same pictures."""
SCREEN_PICTURES = 1
"""Search pictures of the first stage."""
STORE_BYTES = 256 * 2**20
"""Of relevance at segment borders, see `vislrp_core.store`."""


def first_models(plan: SearchPlan) -> tuple[ReadyModel, ...]:
    """Ready-made models that are the first trials: half of all trials at most, or as many as the plan says."""
    return ready_models(plan.space.architecture)[: plan.trials // 2 if plan.ready is None else min(plan.ready, plan.trials)]


class Search:
    """One search.

    Parameters
    ----------
    network : Network
    plan : SearchPlan
    workspace : Workspace, optional
        What is shared in this process; one that keeps relevance at segment borders by default.
    record : Recorder, optional
        Of measured values: with it a search goes on where it was.
    pool : Pool, optional
        Workers, see `experiments.ProcessPool.standing`.
    lanes : int
        Workers of the pool, so that each has its share of few pictures.
    progress : callable, optional
        Called with the finished trials and all trials; may raise to stop.

    Attributes
    ----------
    study : Study
        What suggests models.
    trials : list of Trial
        Finished so far, in their order.
    """

    def __init__(
        self,
        network: Network,
        plan: SearchPlan,
        *,
        workspace: Workspace | None = None,
        record: Recorder | None = None,
        pool: Pool | None = None,
        lanes: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        plan.space.require(network.architecture)
        self.network, self.plan, self.pool, self.lanes = network, plan, pool, lanes
        self.record = MemoryRecord() if record is None else record
        self.workspace = workspace or Workspace(network, store=RelevanceStore(STORE_BYTES))
        self.study = Study(plan.space, plan.lower, plan.seed)
        self.trials: list[Trial] = []
        self._progress = progress
        self._models: dict[int, LRPModel] = {}
        self._values: dict[tuple[int, str], dict[int, float]] = {}
        self._seconds: dict[int, float] = {}
        self._errors: dict[int, str] = {}
        self._cheap: dict[int, tuple[float, ...]] = {}
        costly = set(plan.objectives) - set(screen.CHEAP)
        self._screens = (
            tuple(key for key in screen.CHEAP if key != "mosaic" or len(plan.search) >= 4)
            if (plan.screens and costly)
            else ()
        )

    def run(self) -> Iterator[Trial]:
        """Run it.

        Yields
        ------
        Trial
            In their order, as they are finished.

        Raises
        ------
        VisLRPError
            Workers were lost; what is measured stays in the record.
        """
        ready = first_models(self.plan)
        self._models.update(enumerate(one.model for one in ready))
        for first in range(0, len(ready), READY_AT_ONCE):
            numbers = range(first, min(first + READY_AT_ONCE, len(ready)))
            self._screen(numbers)
            self._measure(numbers, self.plan.objectives, range(len(self.plan.search)))
            for number in numbers:
                trial = self._finished(number, "complete", ready[number].kind)
                self.study.add(number, trial.model, trial.values or None)
                yield self._told(trial)
        for first in range(len(ready), self.plan.trials, GENERATION):
            yield from self._generation(range(first, min(first + GENERATION, self.plan.trials)))

    def _generation(self, numbers: Sequence[int]) -> Iterator[Trial]:
        """Suggest some models and measure them in stages."""
        self._models.update((number, self.study.ask(number)) for number in numbers)
        states: dict[int, State] = dict.fromkeys(numbers, "complete")
        self._screen(numbers)
        for number in self._hopeless(numbers):
            states[number] = "screened"
        pictures, done = len(self.plan.search), 0
        for share, quantile in (*RUNGS, (1.0, 0.0)):
            upto = min(max(math.ceil(share * pictures - 1e-9), done), pictures)
            going = [number for number in numbers if states[number] == "complete" and number not in self._errors]
            self._measure(going, self.plan.objectives, range(done, upto))
            if self.plan.prunes and upto < pictures:
                bars = self._bars(upto, quantile)
                for number in going:
                    if bars is not None and number not in self._errors and (self._gains(number, upto) < bars).all():
                        states[number] = "pruned"
            done = upto
        for number in numbers:
            trial = self._finished(number, states[number], "found")
            shown = self._measured(number)
            told = "pruned" if trial.state == "screened" else trial.state
            values = trial.values or (self._means(number, shown) if trial.state == "pruned" else None)
            self.study.tell(number, told, values, shown)
            yield self._told(trial)

    def _told(self, trial: Trial) -> Trial:
        self.trials.append(trial)
        self._tell()
        return trial

    def _tell(self, *_: int) -> None:
        if self._progress is not None:
            self._progress(len(self.trials), self.plan.trials)

    def _measure(self, numbers: Sequence[int], metrics: Sequence[str], places: Sequence[int]) -> None:
        """Measure trials on some of the search pictures; what cannot be measured is an error of the trial."""
        order = sorted(numbers, key=lambda number: (from_the_top(self._models[number]), number))
        # Tasks of one picture share a worker, and what is kept there; more workers than pictures share the trials.
        parts = max(1, min(-(-self.lanes // max(len(places), 1)), len(order) or 1))
        size = max(1, -(-len(order) // parts))
        tasks, owners = [], []
        for begin in range(0, len(order), size):
            for place in places:
                for number in order[begin : begin + size]:
                    tasks += [
                        task(self.plan.search, place, self._models[number], metric, self.plan.settings) for metric in metrics
                    ]
                    owners += [(number, metric, place) for metric in metrics]
        owner = {id(one): whose for one, whose in zip(tasks, owners, strict=True)}
        for outcome in run_all(
            self.network, tasks, workspace=self.workspace, record=self.record, pool=self.pool, progress=self._tell
        ):
            number, metric, place = owner[id(outcome.task)]
            found: Measured | None = outcome.result
            if found is None:
                self._errors.setdefault(number, " ".join(str(outcome.error).split()))
                continue
            known = self._values.setdefault((number, metric), {})
            if place not in known:
                self._seconds[number] = self._seconds.get(number, 0.0) + found.seconds
            known[place] = found.value
            if metric in self.plan.objectives and not math.isfinite(found.value):
                self._errors.setdefault(number, f"{metric} is not defined for its map of picture {place + 1}")

    def _screen(self, numbers: Sequence[int]) -> None:
        """The first stage."""
        if not self._screens:
            return
        places = range(min(SCREEN_PICTURES, len(self.plan.search)))
        self._measure(numbers, self._screens, places)
        for number in numbers:
            values = [self._values.get((number, key), {}) for key in self._screens]
            self._cheap[number] = tuple(float(np.mean([own.get(place, math.nan) for place in places])) for own in values)

    def _hopeless(self, numbers: Sequence[int]) -> set[int]:
        if not self._screens:
            return set()
        objectives = self.plan.objectives
        finished = {one.number: dict(zip(objectives, one.values, strict=True)) for one in self.trials if one.values}
        return screen.hopeless(
            self._cheap,
            finished,
            [one for one in numbers if one not in self._errors],
            dict(zip(objectives, self.plan.lower, strict=True)),
            {key: place for place, key in enumerate(self._screens) if key in objectives},
        )

    def _means(self, number: int, pictures: int) -> tuple[float, ...]:
        """Objectives over the first pictures."""
        return tuple(
            float(np.mean([self._values[number, key][place] for place in range(pictures)])) for key in self.plan.objectives
        )

    def _gains(self, number: int, pictures: int) -> np.ndarray:
        """The same, turned so that more is better."""
        return np.array(self._means(number, pictures)) * np.where(self.plan.lower, -1.0, 1.0)

    def _bars(self, pictures: int, quantile: float) -> np.ndarray | None:
        """What complete trials reached over the first pictures; None where there are too few."""
        done = [one.number for one in self.trials if one.state == "complete"]
        if len(done) < COMPARED:
            return None
        return np.quantile([self._gains(number, pictures) for number in done], quantile, axis=0)

    def _measured(self, number: int) -> int:
        """Pictures on which all objectives of a trial are known."""
        return min(len(self._values.get((number, key), {})) for key in self.plan.objectives)

    def _finished(self, number: int, state: State, kind: Origin) -> Trial:
        reason = self._errors.get(number, "")
        values = self._means(number, len(self.plan.search)) if state == "complete" and not reason else ()
        return Trial(
            number, "failed" if reason else state, self._models[number], kind, values, self._seconds.get(number, 0.0), reason
        )
