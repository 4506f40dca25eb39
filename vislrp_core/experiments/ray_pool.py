"""Workers on Ray: the same tasks and the same records on one machine or on a cluster.

The weights are put once into the object store, from which the workers of a node read the same memory. A task that a lost
worker had is given to another one. Results come back to the one process that writes them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from vislrp_core.cores import usable_cores
from vislrp_core.errors import InputError
from vislrp_core.experiments.pool import PoolError
from vislrp_core.experiments.run import answers
from vislrp_core.experiments.workspace import Workspace
from vislrp_core.network import Network

LOCAL = "local"
"""Address of a Ray that is started for the run alone."""
RETRIES = 3
"""How often a task whose worker was lost is given to another one."""
AHEAD = 2
"""Tasks per core that wait at the workers: more would not go faster."""

_spaces: dict[tuple[str, str, int], Workspace] = {}
"""Workspace of a worker process, by network and batch: the last one alone."""


def _require() -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError('--ray needs Ray: pip install "vislrp-designer[scale]", or use --workers') from error
    return ray


def _packed(network: Network) -> Network:
    """The network with its weights as arrays, which workers read in place."""

    def arrays(parts: Mapping[int, Any]) -> dict[int, Any]:
        return {row: one.detach().cpu().numpy() for row, one in parts.items()}

    return replace(network, weights=arrays(network.weights), biases=arrays(network.biases))


def _unpacked(packed: Network) -> Network:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the arrays cannot be written to: nobody does
        weights, biases = (
            {row: torch.from_numpy(one) for row, one in parts.items()} for parts in (packed.weights, packed.biases)
        )
    return replace(packed, weights=weights, biases=biases)


def work(packed: Network, group: Any, batch: int) -> list[Any]:
    """What a worker does: one group of tasks, on one thread."""
    key = packed.digest, str(next(iter(packed.weights.values())).dtype), batch
    if key not in _spaces:
        torch.set_num_threads(1)
        _spaces.clear()
        _spaces[key] = Workspace(_unpacked(packed), batch=batch)
    space = _spaces[key]
    return list(answers(space.network, group, space))


@dataclass(frozen=True)
class RayPool:
    """Workers of a Ray cluster, one core each.

    Attributes
    ----------
    network : Network
        Weights that the workers run; they compute on CPUs.
    address : str
        Of a running cluster (``auto``, ``host:6379``, ``ray://host:10001``), or `LOCAL`.
    workers : int or None
        Number of workers of a local Ray; as many as there are cores where it is None.
    batch : int
        Pictures that run through the network at once, per worker.
    """

    network: Network
    address: str = LOCAL
    workers: int | None = None
    batch: int = 4

    def map(self, groups: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
        """Groups with their packed results, as they are finished; a group whose worker was lost is done again.

        Raises
        ------
        InputError
            Ray is not installed, or there is no cluster at the address.
        PoolError
            A task's workers were lost more than `RETRIES` times.
        """
        left = list(groups)
        if not left:
            return
        with self.standing() as workers:
            yield from workers.map(left)

    @contextmanager
    def standing(self) -> Iterator[StandingRay]:
        """Workers that stay for several runs until the block ends (Raises InputError, see `map`)."""
        ray = _require()
        self._connect(ray)
        try:
            yield StandingRay(ray, ray.put(_packed(self.network)), self.batch)
        finally:
            ray.shutdown()

    def _connect(self, ray: Any) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "ignore_reinit_error": True}
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            if self.address == LOCAL:
                ray.init(address="local", num_cpus=self.workers or usable_cores(), include_dashboard=False, **quiet)
            else:
                ray.init(address=self.address, **quiet)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"--ray {self.address}: no Ray cluster answers there ({reason}); start one with "
                "`ray start --head`, or leave the address out"
            ) from error


@dataclass(frozen=True)
class StandingRay:
    """The workers of a `RayPool` while it is connected."""

    ray: Any
    packed: Any
    batch: int

    def map(self, groups: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
        """See `RayPool.map`."""
        ray = self.ray
        try:
            yield from self._run(list(groups))
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError) as error:
            raise PoolError(
                f"A task's workers were lost {RETRIES + 1} times (is there enough memory?): use fewer workers; "
                "values measured so far are kept."
            ) from error

    @property
    def cores(self) -> int:
        """Cores of the cluster, a worker on each."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    def _run(self, groups: Sequence[Any]) -> Iterator[tuple[Any, list[Any]]]:
        cores = self.cores
        remote = self.ray.remote(num_cpus=1, max_retries=RETRIES)(work)
        waiting: dict[Any, Any] = {}
        queue = list(groups)[::-1]
        while queue or waiting:
            while queue and len(waiting) < AHEAD * cores:
                group = queue.pop()
                waiting[remote.remote(self.packed, group, self.batch)] = group
            for ready in self.ray.wait(list(waiting), num_returns=1)[0]:
                yield waiting.pop(ready), self.ray.get(ready)
