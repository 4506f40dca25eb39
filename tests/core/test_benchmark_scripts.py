"""The GPU script and the parity script on a CPU, with narrow networks: libraries agree, and every row is there."""

from __future__ import annotations

import json

from benchmarks import gpu, parity


def test_the_script_runs_and_writes_every_row(tmp_path, capsys):
    gpu.main(["--device", "cpu", "--tiny", "--batches", "1,2", "--rounds", "1", "--out", str(tmp_path)])
    rows = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["library"], row["batch"]) for row in rows] == [
        (name, size) for size in (1, 2) for name in ("gradient", "this engine", "Zennit", "Captum")]
    assert all(row["pictures_per_second"] > 0 for row in rows)
    assert all(row["ratio_to_gradient"] == 1 for row in rows if row["library"] == "gradient")
    printed = capsys.readouterr().out
    assert "batch 2 with Zennit: 1 - cosine" in printed and (tmp_path / "gpu.md").read_text(encoding="utf-8") in printed


def test_parity_at_a_part_of_the_widths(capsys):
    parity.main(["--only", "alexnet", "--presets", "gamma_generalized,epsilon", "--divisor", "16"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["alexnet gamma_generalized", "alexnet epsilon"]
    assert not any("DIFFERS" in line for line in lines)
