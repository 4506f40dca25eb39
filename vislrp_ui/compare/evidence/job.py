"""Measuring in the background: one run per session; each forward pass and each map takes its turn at the compute gate."""

from __future__ import annotations

import time
from collections.abc import Mapping

from vislrp_core.experiments import run_all
from vislrp_core.measures import MeasureTask
from vislrp_ui.background import BackgroundJob, Stopped
from vislrp_ui.compare.evidence.plan import EvidenceSubject, Key, Plan, cost, values
from vislrp_ui.shared.turns import Maps, MeasuringWorkspace

SCALE = 100
"""Progress is reported in hundredths of a map."""


class EvidenceJob(BackgroundJob):
    """The measures of one session.

    Attributes
    ----------
    subjects : tuple of EvidenceSubject
        Subjects of the last measurement; through them uploaded pictures survive a reload. The network is not kept: a
        visitor's own network must be freed when they switch to another one.
    """

    name = "vislrp-evidence"
    stopped = "Stopped. Values measured so far are kept."
    failed = "The measurement failed ({error}): measure again."
    subjects: tuple[EvidenceSubject, ...] = ()
    _begin: tuple[float, int] = (0.0, 0)

    def start(self, plan: Plan, tasks: Mapping[Key, MeasureTask], maps: Maps) -> None:
        """Start these measurements, unless some are already running."""
        if not tasks or self.progress.running:
            return
        self.subjects = plan.subjects
        weights = [round(SCALE * one) for one in cost(tasks).values()]
        self._begin = time.monotonic(), 0
        self.begin(lambda: self._work(plan, list(tasks.values()), weights, maps), sum(weights))

    def left(self) -> float | None:
        """Estimated seconds left, from the time taken so far; None at the beginning."""
        begin, progress = self._begin[0], self.progress
        if not progress.running or progress.share < 0.02:
            return None
        return (time.monotonic() - begin) * (1 / progress.share - 1)

    def _work(self, plan: Plan, tasks: list[MeasureTask], weights: list[int], maps: Maps) -> str:
        def look(done: int, total: int) -> None:
            if self.stopping:
                raise Stopped

        done, errors = 0, []
        space = MeasuringWorkspace(plan.network, maps)
        for outcome, weight in zip(
            run_all(plan.network, tasks, workspace=space, record=values, progress=look), weights, strict=True
        ):
            done += weight
            self.note(done)
            if outcome.error is not None:
                errors.append(str(outcome.error))
        return "" if not errors else f"{len(errors)} values could not be measured: {errors[0]}"
