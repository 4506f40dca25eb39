"""Workers that are processes of their own, each with the network loaded once."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import BaseContext
from typing import Any

import torch

from vislrp_core.cores import usable_cores
from vislrp_core.errors import VisLRPError
from vislrp_core.experiments.run import Group, answers
from vislrp_core.experiments.workspace import Workspace
from vislrp_core.network import Network
from vislrp_core.networks import load_network
from vislrp_core.store import RelevanceStore

RESTARTS = 3
"""How often lost workers are replaced before the run ends."""


class PoolError(VisLRPError, RuntimeError):
    """Workers end again and again; the text is one sentence."""


@dataclass(frozen=True)
class NetworkSource:
    """Where a worker finds the network: the arguments of `networks.load_network`."""

    name: str
    device: str = "auto"
    dtype: str = "float32"

    def load(self) -> Network:
        """The network."""
        return load_network(self.name, device=self.device, dtype=self.dtype)


AT_ONCE = 2000
"""Bytes of a result up to which it is sent as soon as it is there: a pipe takes it whole or not at all."""
LOOK = 0.2
"""Seconds between two looks at what workers have sent."""

_workspace: Workspace | None = None
_sent: Any = None


def _begin(source: NetworkSource, threads: int, batch: int, store_bytes: int, sent: Any) -> None:
    """Start of a worker: an interruption is the parent's business, cores are shared."""
    global _workspace, _sent
    _sent = sent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    _workspace = Workspace(source.load(), batch=batch, store=RelevanceStore(store_bytes) if store_bytes else None)


def _work(run: int, place: int, group: Group) -> list[tuple[int, Any]]:
    """Send the results of a group as they are finished; those that are too large for that are returned."""
    if _workspace is None:
        raise PoolError("The worker has no network: start the run again.")
    left = []
    for number, answer in enumerate(answers(_workspace.network, group, _workspace)):
        if len(pickle.dumps(answer)) <= AT_ONCE:
            _sent.put((run, place, number, answer))
        else:
            left.append((number, answer))
    return left


def _processes() -> BaseContext:
    """How workers begin: never as a copy of this process, whose threads of torch would be missing there.

    On Linux they are copies of a fresh process that has imported torch and computed nothing: the import takes seconds, and
    its memory is shared by all workers.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@dataclass(frozen=True)
class ProcessPool:
    """Worker processes on this machine.

    Attributes
    ----------
    source : NetworkSource
    workers : int
        Number of processes; cores are shared among them.
    batch : int
        Pictures that run through the network at once, per worker.
    store_bytes : int
        Of relevance at segment borders that a worker keeps for models that share upper segments.
    """

    source: NetworkSource
    workers: int
    batch: int = 4
    store_bytes: int = 0

    def map(self, groups: Iterable[Group]) -> Iterator[tuple[Group, list[Any]]]:
        """Run groups; a worker that is lost is replaced, what was missing of its group is done again.

        Yields
        ------
        tuple
            A group or a part of one and its packed results, as they are finished.

        Raises
        ------
        PoolError
            Workers were lost more than `RESTARTS` times.
        """
        with self.standing() as workers:
            yield from workers.map(groups)

    @contextmanager
    def standing(self) -> Iterator[StandingPool]:
        """Workers that stay for several runs, with what they keep, until the block ends."""
        workers = StandingPool(self)
        try:
            yield workers
        finally:
            workers.end()


class StandingPool:
    """The workers of a `ProcessPool` while it stands."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool
        self._executor: ProcessPoolExecutor | None = None
        self._sent: Any = None
        self._run = 0
        self._busy = False

    def map(self, groups: Iterable[Group]) -> Iterator[tuple[Group, list[Any]]]:
        """See `ProcessPool.map`."""
        left = list(groups)
        for restart in range(RESTARTS + 1):
            finished: list[set[int]] = [set() for _ in left]
            try:
                for place, number, found in self._once(left):
                    finished[place].add(number)
                    yield replace(left[place], tasks=(left[place].tasks[number],)), [found]
                return
            except BrokenProcessPool as error:
                self.end()
                if restart == RESTARTS:
                    raise PoolError(
                        f"Worker processes ended {RESTARTS + 1} times (is there enough memory?): "
                        "choose fewer workers; values measured so far are kept."
                    ) from error
            missing = [
                replace(group, tasks=tuple(task for number, task in enumerate(group.tasks) if number not in done))
                for group, done in zip(left, finished, strict=True)
            ]
            left = [group for group in missing if group.tasks]

    def end(self) -> None:
        """Let the workers go; an interruption does not wait for what they are at."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        if self._busy:
            for process in list((executor._processes or {}).values()):
                process.terminate()
        executor.shutdown(wait=not self._busy, cancel_futures=True)
        self._busy = False

    def _workers(self) -> ProcessPoolExecutor:
        if self._executor is None:
            pool = self._pool
            threads = max(1, usable_cores() // pool.workers)
            processes = _processes()
            self._sent = processes.SimpleQueue()
            self._executor = ProcessPoolExecutor(
                pool.workers, processes, _begin, (pool.source, threads, pool.batch, pool.store_bytes, self._sent)
            )
        return self._executor

    def _once(self, groups: Sequence[Group]) -> Iterator[tuple[int, int, Any]]:
        """Numbers of a group and of a task in it, and what the worker says of it."""
        waiting: dict[Future[list[tuple[int, Any]]], int] = {}
        queue = list(enumerate(groups))[::-1]
        self._busy = True
        self._run += 1  # what is left of a run that its caller gave up is not taken for this one's
        while queue or waiting:
            # A few at a time: what waits in the pipe cannot be taken back.
            while queue and len(waiting) < 2 * self._pool.workers:
                place, group = queue.pop()
                waiting[self._workers().submit(_work, self._run, place, group)] = place
            ended = wait(waiting, LOOK, return_when=FIRST_COMPLETED).done
            while not self._sent.empty():
                run, *found = self._sent.get()
                if run == self._run:
                    yield found[0], found[1], found[2]
            for future in ended:
                place = waiting.pop(future)
                yield from ((place, number, answer) for number, answer in future.result())
        self._busy = False
