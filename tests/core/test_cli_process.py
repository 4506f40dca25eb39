"""The command line as a process of its own: what it imports, its exit status, its output on any terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.support.networks import tiny_state
from vislrp_core.cli import common

ROOT = Path(__file__).resolve().parents[2]
MODEL = "model_store/overview_composite.json"
PICTURE = "sample_images/castle_on_lake.jpg"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def test_the_readmes_command(tmp_path):
    torch.save(tiny_state(divisor=32, classes=1000), tmp_path / "net.pth")
    explain = ["explain", PICTURE, "--model", MODEL, "--target", "castle"]
    result = run("-m", "vislrp_core", *explain, "--out", str(tmp_path / "out"), "--network", str(tmp_path / "net.pth"))
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"castle (class 483): logit ")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["target"]["index"] == 483


def test_starting_imports_nothing_that_takes_seconds_and_any_terminal_will_do():
    """Neither torchvision nor the web page; and where there are no Greek letters, another sign is used in their place."""
    result = run("-X", "importtime", "-m", "vislrp_core", "check", MODEL, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0 and b"LRP-?" in result.stdout
    imported = {line.rsplit(b"|", 1)[1].strip().decode() for line in result.stderr.splitlines()}
    assert {"torch", "vislrp_core.cli.common"} <= imported
    assert imported.isdisjoint({"torchvision", "streamlit", "altair", "pandas", "matplotlib", "torch._dynamo", "sympy"})


def test_json_never_holds_what_is_no_number():
    with pytest.raises(ValueError):
        common.dump_json({"value": float("nan")})
