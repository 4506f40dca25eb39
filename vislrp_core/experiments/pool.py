"""Workers that are processes of their own, each with the network loaded once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import torch

from vislrp_core.errors import VisLRPError
from vislrp_core.experiments.run import Group, answers
from vislrp_core.experiments.workspace import Workspace
from vislrp_core.network import Network
from vislrp_core.networks import load_network

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


_workspace: Workspace | None = None


def _begin(source: NetworkSource, threads: int, batch: int) -> None:
    """Start of a worker: an interruption is the parent's business, cores are shared."""
    global _workspace
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    _workspace = Workspace(source.load(), batch=batch)


def _work(group: Group) -> list[Any]:
    if _workspace is None:
        raise PoolError("The worker has no network: start the run again.")
    return answers(_workspace.network, group, _workspace)


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
    """

    source: NetworkSource
    workers: int
    batch: int = 4

    def map(self, groups: Iterable[Group]) -> Iterator[tuple[Group, list[Any]]]:
        """Groups with their packed results, as they are finished; a worker that is lost is replaced, its group done again.

        Raises
        ------
        PoolError
            Workers were lost more than `RESTARTS` times.
        """
        left = list(groups)
        for restart in range(RESTARTS + 1):
            finished: set[int] = set()
            try:
                for place, found in self._once(left):
                    finished.add(place)
                    yield left[place], found
                return
            except BrokenProcessPool as error:
                if restart == RESTARTS:
                    raise PoolError(f"Worker processes ended {RESTARTS + 1} times (is there enough memory?): "
                                    "choose fewer workers; what is measured is kept.") from error
            left = [group for place, group in enumerate(left) if place not in finished]

    def _once(self, groups: Sequence[Group]) -> Iterator[tuple[int, list[Any]]]:
        threads = max(1, (os.cpu_count() or 1) // self.workers)
        # Forked processes and torch's threads do not go together.
        executor = ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"), _begin,
                                       (self.source, threads, self.batch))
        waiting: dict[Future[list[Any]], int] = {}
        queue = list(enumerate(groups))[::-1]
        done = False
        try:
            while queue or waiting:
                # A few at a time: what waits in the pipe cannot be taken back.
                while queue and len(waiting) < 2 * self.workers:
                    place, group = queue.pop()
                    waiting[executor.submit(_work, group)] = place
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), future.result()
            done = True
        finally:
            if not done:
                # An interruption does not wait for what the workers are at.
                for process in list((executor._processes or {}).values()):
                    process.terminate()
            executor.shutdown(wait=done, cancel_futures=True)
