"""What workers of pools do with a group of tasks, here in this process."""

from __future__ import annotations

import pickle
import signal
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import tiny_network, tiny_state
from vislrp_core import flipping
from vislrp_core.errors import InputError
from vislrp_core.experiments import FlipCurve, Group, NetworkSource, Picture, Workspace, pool, ray_pool
from vislrp_core.experiments.pool import PoolError
from vislrp_core.network import Network


def curve(folder: Path) -> FlipCurve:
    Image.new("RGB", (230, 230), "teal").save(folder / "a.png")
    return FlipCurve(Picture.of(str(folder / "a.png")), 0, "random", None, 0, 56, "mean", 3)


def alike(task: FlipCurve, packed: Any, network: Network) -> bool:
    """Whether a worker's answer is what the task gives here."""
    here = task.run(network, Workspace(network))
    return np.allclose(task.unpack(packed).logits, here.logits, rtol=1e-9, atol=1e-12)


@dataclass(frozen=True)
class Unreadable(FlipCurve):
    """A curve whose picture may not be read."""

    def run(self, network: Network, workspace: Workspace | None = None) -> flipping.PerturbationCurve:
        raise PermissionError(13, "Permission denied", "a.png")


def test_a_worker_loads_its_network_once_leaves_interruptions_to_its_parent_and_sends_errors_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(tiny_state(4, divisor=16, classes=7), tmp_path / "net.safetensors")
    source = NetworkSource(str(tmp_path / "net.safetensors"), "cpu", "float64")
    task = curve(tmp_path)
    left: list[tuple[object, object]] = []
    sent: SimpleQueue[Any] = SimpleQueue()
    monkeypatch.setattr(pool, "_workspace", None)
    monkeypatch.setattr(pool, "_sent", None)
    monkeypatch.setattr(pool.signal, "signal", lambda *both: left.append(both))
    with pytest.raises(PoolError, match="has no network"):
        pool._work(1, 0, Group((task,)))
    threads = torch.get_num_threads()
    try:
        pool._begin(source, 1, 2, 1_000_000, sent)
    finally:
        torch.set_num_threads(threads)
    assert left == [(signal.SIGINT, signal.SIG_IGN)]
    broken = FlipCurve(Picture(str(tmp_path / "gone.png"), "digest"), 0, "random", None, 0, 56)
    unreadable = Unreadable(**vars(task))
    group = Group((task, broken, unreadable))
    assert pool._work(7, 3, group) == []
    numbered = [sent.get() for _ in group.tasks]
    assert sent.empty() and [one[:3] for one in numbered] == [(7, 3, place) for place in range(3)]
    packed, *errors = [one[3] for one in numbered]
    assert alike(task, packed, source.load())
    monkeypatch.setattr(pool, "AT_ONCE", 10)  # what a pipe would not take whole is returned in the end
    assert [place for place, _ in pool._work(8, 0, group)] == [0, 1, 2] and sent.empty()
    assert [type(one) for one in errors] == [InputError, PermissionError] and "gone.png" in str(errors[0])
    assert pickle.loads(pickle.dumps(errors[1])).filename == "a.png"


def test_a_worker_reads_the_weights_where_they_lie_and_unpacks_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, task, threads = tiny_network(3), curve(tmp_path), torch.get_num_threads()
    packed = ray_pool._packed(network)
    for one in (*packed.weights.values(), *packed.biases.values()):
        one.setflags(write=False)
    monkeypatch.setattr(ray_pool, "_spaces", {})
    try:
        found = [ray_pool.work(packed, Group((task,)), 2)[0] for _ in range(2)]
        (space,) = ray_pool._spaces.values()
    finally:
        torch.set_num_threads(threads)
    assert all(alike(task, one, network) for one in found)
    assert space.batch == 2 and space.network.weights[1].data_ptr() == packed.weights[1].ctypes.data
