"""Ray: the same results as one process, also when a worker is killed in the middle; what is wrong is one sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.lost import Lost
from tests.support.networks import tiny_network
from vislrp_core.cli import main
from vislrp_core.errors import InputError
from vislrp_core.experiments import FlipCurve, Picture, Record, run_all
from vislrp_core.experiments.ray_pool import RayPool


def test_two_workers_of_which_one_is_killed_give_what_one_process_gives(tmp_path: Path) -> None:
    network = tiny_network(3)
    pictures = []
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((230, 230)).save(tmp_path / f"{number}.png")
        pictures.append(Picture.of(str(tmp_path / f"{number}.png")))
    plain = [FlipCurve(one, 0, "random", None, seed, 56, "mean", 3) for one in pictures for seed in (0, 1)]
    tasks = [*plain[:3], Lost(**vars(plain[3]), flag=str(tmp_path / "flag")), *plain[4:]]
    missing = FlipCurve(Picture(str(tmp_path / "gone.png"), "digest"), 0, "random", None, 0, 56)
    with Record(tmp_path / "results.jsonl") as record:
        found = {
            repr(one.task.key): one
            for one in run_all(network, [*tasks, missing], pool=RayPool(network, workers=2), record=record)
        }
        assert len(record) == len(tasks)
    killed = int((tmp_path / "flag").read_text())
    assert killed != os.getpid() and not Path(f"/proc/{killed}").exists()
    assert "gone.png" in str(found[repr(missing.key)].error)
    for one in run_all(network, plain):
        assert one.result is not None
        other = found[repr(one.task.key)]
        assert other.error is None and np.allclose(other.result.logits, one.result.logits, rtol=1e-9, atol=1e-12)


def test_without_ray_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="pip install"):
        list(RayPool(tiny_network(3)).map([()]))
    assert list(RayPool(tiny_network(3)).map([])) == [], "nothing to do needs no Ray"


def test_workers_and_ray_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (230, 230), "red").save(tmp_path / "a.png")
    command = ["measure", str(tmp_path / "a.png"), "--out", str(tmp_path / "out")]
    assert main([*command, *["--baselines", "edges", "--metrics", "gini", "--workers", "2", "--ray", "somewhere:1"]]) == 2
    assert "choose --workers or --ray" in capsys.readouterr().err
