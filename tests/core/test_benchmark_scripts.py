"""The GPU script and the parity script on a CPU, with narrow networks: libraries agree, and every row is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from benchmarks import evidence, gpu, parity, search
from tests.support.networks import tiny_state
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.cli import measure


def test_the_script_runs_and_writes_every_row(tmp_path, capsys):
    gpu.main(["--device", "cpu", "--tiny", "--batches", "1,2", "--rounds", "1", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["library"], row["batch"]) for row in rows] == [
        (name, size) for size in (1, 2) for name in ("gradient", "this engine", "Zennit", "Captum")
    ]
    assert all(row["pictures_per_second"] > 0 for row in rows)
    assert all(row["ratio_to_gradient"] == 1 for row in rows if row["library"] == "gradient")
    printed = capsys.readouterr().out
    assert "batch 2 with Zennit: 1 - cosine" in printed and (tmp_path / "gpu.md").read_text(encoding="utf-8") in printed


def test_parity_at_a_part_of_the_widths(capsys):
    parity.main(["--only", "alexnet", "--divisor", "16"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["alexnet", f"presets in turn, {bias}, {pooling}"] for bias, pooling in parity.CONVENTIONS
    ]
    assert not any("DIFFERS" in line for line in lines)
    alexnet = ARCHITECTURES["alexnet"]
    taken = {
        segment.rule.preset
        for one in range(2)
        for segment in parity.in_turn(alexnet, 2 * one, "ignore", "proportional").segments
    }
    assert taken == set(parity.ZENNITS), "all presets within two conventions"
    assert len(list(parity.models(alexnet, whole=True))) == 4 * len(parity.ZENNITS)


def test_the_published_table_is_made_of_measured_values(tmp_path, capsys: pytest.CaptureFixture[str]):
    rows = [
        (f"{image}.png", "ant", model, metric, sign * (image + place), 0, 0.1)
        for image in range(6)
        for place, model in enumerate(("A", "B", "C"))
        for metric, sign in (("srg", 1.0), ("class_cosine", -1.0), ("gini", 1.0))
    ]
    measure.write_parquet(tmp_path / "measures.parquet", rows)
    (tmp_path / "skipped.csv").write_text("image,reason\n")
    evidence.main(["show", "--out", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "| model | SRG ↑ | Class cosine ↓ | Gini |" in shown and "| C | **4.500" in shown
    assert "| SRG | 1.00 | 1.00 |" in shown and "6 pictures, 0 left out" in shown
    wanted = evidence.command(tmp_path / "out", ["a.png"], "embedded")
    assert wanted.count("--model") == 15 and all(
        Path(wanted[place + 1]).suffix or wanted[place + 1] in evidence.COMPOSITES
        for place, word in enumerate(wanted)
        if word == "--model"
    )


def test_the_time_of_a_search_is_that_of_its_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.safetensors"
    save_file(tiny_state(4, divisor=16, hidden=(12, 10), classes=7, architecture="alexnet"), file)
    arguments = ["--network", str(file), "--trials", "3", "--pictures", "2", "--patch", "112", "--steps", "1"]
    search.main([*arguments, "--workers", "1"])
    first, trials, measured, memory, time = capsys.readouterr().out.splitlines()
    assert first.endswith("1 process(es), 2 search pictures") and trials == "trials: 3 (3 complete)"
    # Class cosine and Gini on the first picture, SRG on both.
    assert measured.startswith(f"measurements: {3 * (2 + 2)}, ") and memory.startswith("memory: ")
    assert time.startswith("time: ") and not memory.startswith("memory: 0 MB")
