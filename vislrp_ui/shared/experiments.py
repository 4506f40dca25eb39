"""Experiments that pages start: the app's caches as their workspace, turns at the compute gate, one job per session."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vislrp_core.baselines import Baseline
from vislrp_core.experiments import Explainer, Picture, Recorder, Task, Wish, Workspace, run_all
from vislrp_core.network import Network, Trace
from vislrp_ui import service
from vislrp_ui.background import BackgroundJob
from vislrp_ui.caches import ByteCache
from vislrp_ui.gate import GATE
from vislrp_ui.state import ImageRef

T = TypeVar("T")
BATCH = 2
"""Pictures per turn at the gate: another visitor, or a brush stroke, waits for one turn at most."""


def picture_of(ref: ImageRef) -> Picture:
    """A picture of the app as a task names it."""
    return Picture(ref.id, f"{ref.kind}:{ref.id}", ref.fit)


class PageWorkspace(Workspace):
    """The app's caches and its compute gate.

    Parameters
    ----------
    seen : mapping
        Forward passes and references of the pictures that the tasks are about, so that a thread needs no session.
    caches : mapping
        Caches of the app by kind of value; other values are kept for the job alone.
    """

    def __init__(
        self, network: Network, seen: Mapping[Picture, tuple[ImageRef, Trace]], caches: Mapping[str, ByteCache[Any]]
    ) -> None:
        super().__init__(network, batch=BATCH)
        self.seen, self._caches = seen, caches

    @contextmanager
    def turn(self, passes: int) -> Iterator[None]:
        """A slot of the gate, behind all that somebody looks at."""
        with GATE.slot(patient=True):
            service.counters.count("forward_passes", passes)
            yield

    def remember(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """A value of the app's caches, where they have one of its kind."""
        cache: ByteCache[T] | None = self._caches.get(kind)
        return super().remember(kind, key, make) if cache is None else cache.get_or_make((self.network.digest, key), make)

    def prepare(self, wishes: Sequence[Wish]) -> None:
        """Nothing: maps come from the app's caches, and another visitor waits for one of them at most."""

    def trace(self, picture: Picture) -> Trace:
        """The forward pass that the job was given."""
        return self.seen[picture][1]

    def values(self, picture: Picture, model: Explainer, target: int) -> NDArray[Any]:
        """The pixels' map, from the app's maps."""
        if isinstance(model, Baseline):
            with GATE.slot(patient=True):
                return super().values(picture, model, target)
        ref, trace = self.seen[picture]
        maps = service.maps_of(self.network, ref, lambda: trace, model, target, patient=True)
        if maps.error is not None:
            raise maps.error
        return np.asarray(maps.maps[0])


def measure(job: BackgroundJob, network: Network, tasks: Sequence[Task[Any]], workspace: Workspace, record: Recorder) -> str:
    """Run tasks in a job's thread.

    Returns
    -------
    str
        Why the last task without a result has none; empty if all have one.
    """
    message = ""
    for outcome in run_all(network, tasks, workspace=workspace, record=record, progress=lambda done, total: job.tell(done)):
        if outcome.error is not None:
            message = str(outcome.error)
    return message
