"""The command line as tests run it: what it prints, killed at a chosen moment, and refused in one line."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from safetensors.torch import save_file

from tests.support.networks import VGG16, tiny_state
from vislrp_core.cli import main

ROOT = Path(__file__).resolve().parents[2]
PICTURE = str(ROOT / "sample_images" / "castle_on_lake.jpg")
CLASSES = ["castle", "drum", "kitten", "lemon", "lakeside", "bee", "macaw", "guitar", "coffee mug", "wine bottle"]


def small_network(folder: Path) -> str:
    """Save a small network with names for its ten classes."""
    file = folder / "small.safetensors"
    save_file(tiny_state(6, divisor=32), file)
    file.with_suffix(".json").write_text(json.dumps({"classes": CLASSES, "title": "Small network"}))
    return str(file)


def written(folder: Path, *segments: dict, **fields: object) -> str:
    """Save a model of the segments, or of three common ones."""
    file = folder / "model.json"
    usual = [(1, 17, "gamma"), (18, 31, "epsilon"), (32, VGG16.last, "zero")]
    three = [{"first": first, "last": last, "rule": {"preset": preset}} for first, last, preset in usual]
    data = {"format": "vislrp-model", "version": 1, "name": "Test model γ", "segments": segments or three, **fields}
    file.write_text(json.dumps(data), encoding="utf-8")
    return str(file)


def whole(rule: dict) -> dict:
    """One segment for all layers."""
    return {"first": 1, "last": VGG16.last, "rule": rule}


def explain(model: str, network: str, out: Path | str, *more: str) -> list[str]:
    """`explain` on the castle, with whatever else is to be said."""
    return ["explain", PICTURE, "--model", model, "--network", network, "--out", str(out), *more]


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Printed text of a command that succeeds."""
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def _status(arguments: Sequence[str]) -> int:
    """Exit status of a command, whoever ends it: the parser or the command."""
    try:
        return main(list(arguments))
    except SystemExit as stop:
        return int(str(stop.code))


def error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of a command that must fail: one on stderr, none on stdout, status 2."""
    status = _status(arguments)
    captured = capsys.readouterr()
    assert status == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and captured.err.endswith("\n") and "Traceback" not in captured.err
    return captured.err.rstrip("\n")


def kill_when(arguments: Sequence[str], ready: Callable[[], bool]) -> None:
    """Run a command in a process of its own and kill it as soon as `ready` holds, unless it has ended before.

    Where the system allows, it is a copy of a process that has imported the library, which takes seconds.
    """
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if isinstance(context, ForkServerContext):
        context.set_forkserver_preload([main.__module__])
    process = context.Process(target=main, args=(list(arguments),))
    process.start()
    while process.is_alive() and not ready():
        time.sleep(0.01)
    process.kill()
    process.join()


def assert_refused(arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line that holds the words, whoever refuses: the parser or the command."""
    status = _status(arguments)
    error = capsys.readouterr().err
    assert status == 2 and words in error and error.count("\n") == 1 and "Traceback" not in error
