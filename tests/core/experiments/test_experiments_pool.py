"""Experiments in a pool of processes: the same results, killed workers replaced, an end without leftovers."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.curves import same
from vislrp_core import flipping
from vislrp_core.errors import VisLRPError
from vislrp_core.experiments import FlipCurve, NetworkSource, Outcome, Picture, ProcessPool, Record, Task, Workspace, run_all
from vislrp_core.experiments.pool import PoolError
from vislrp_core.network import Network


@dataclass(frozen=True)
class Lost(FlipCurve):
    """A curve whose worker is killed in the middle, as often as its file says."""

    flag: str = ""

    def run(self, network: Network, workspace: Workspace | None = None) -> flipping.PerturbationCurve:
        times = int(Path(self.flag).read_text())
        if times:
            Path(self.flag).write_text(str(times - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(network, workspace)


def in_pool(
    network: Network, source: NetworkSource, tasks: list[Task[Any]], **options: Any
) -> dict[tuple[Any, ...], Outcome[Any]]:
    return {repr(one.task.key): one for one in run_all(network, tasks, pool=ProcessPool(source, 2), **options)}


def test_a_pool_gives_what_one_process_gives(
    network: Network, source: NetworkSource, tasks: list[Task[Any]], folder: Path, tmp_path: Path
) -> None:
    broken = FlipCurve(Picture(str(folder / "gone.png"), "digest"), 0, "random", None, 0, 56)
    alone = {repr(one.task.key): one for one in run_all(network, [*tasks, broken])}
    told: list[tuple[int, int]] = []
    with Record(tmp_path / "results.jsonl") as record:
        pooled = in_pool(network, source, [*tasks, broken], record=record, progress=lambda *both: told.append(both))
        assert len(record) == len(tasks)
        again = in_pool(network, source, tasks, record=record)
    assert pooled.keys() == alone.keys() and all(one.reused for one in again.values())
    for key, one in alone.items():
        if one.error is not None:
            assert str(pooled[key].error) == str(one.error) and isinstance(pooled[key].error, VisLRPError)
            continue
        assert np.allclose(pooled[key].result.logits, one.result.logits, rtol=1e-9, atol=1e-12)
        assert same(again[key].result, pooled[key].result)
    total = sum(task.size for task in tasks) + broken.size
    assert told[0] == (0, total) and told[-1] == (total, total)


def lost(tasks: list[Task[Any]], tmp_path: Path, times: int) -> Lost:
    (tmp_path / "flag").write_text(str(times))
    return Lost(**vars(tasks[3]), flag=str(tmp_path / "flag"))


def test_a_worker_that_is_killed_is_replaced(
    network: Network, source: NetworkSource, tasks: list[Task[Any]], tmp_path: Path
) -> None:
    wanted = [*tasks[:3], lost(tasks, tmp_path, 1), *tasks[4:]]
    pooled = in_pool(network, source, wanted)
    assert (tmp_path / "flag").read_text() == "0" and all(one.error is None for one in pooled.values())
    for one in run_all(network, tasks):
        assert np.allclose(pooled[repr(one.task.key)].result.logits, one.result.logits, rtol=1e-9, atol=1e-12)


def test_workers_that_end_again_and_again_end_the_run_in_one_sentence(
    network: Network, source: NetworkSource, tasks: list[Task[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vislrp_core.experiments.pool.RESTARTS", 1)
    gone = lost(tasks, tmp_path, 9)
    with Record(tmp_path / "results.jsonl") as record, pytest.raises(PoolError, match="choose fewer workers"):
        in_pool(network, source, [*(replace(task, picture=gone.picture) for task in tasks[:3]), gone], record=record)
    assert len(record) == 3, "what a worker has finished before it ends is kept"


def test_stopping_a_pool_ends_its_workers(network: Network, source: NetworkSource, tasks: list[Task[Any]]) -> None:
    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done:
            raise Enough

    with pytest.raises(Enough):
        in_pool(network, source, tasks, progress=stop)
