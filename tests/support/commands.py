"""The command line as tests run it: killed at a chosen moment, and refused in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from vislrp_core.cli import main

ROOT = Path(__file__).resolve().parents[2]


def kill_when(arguments: Sequence[str], ready: Callable[[], bool]) -> None:
    """Run a command in a process of its own and kill it as soon as `ready` holds, unless it has ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vislrp_core", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    while process.poll() is None and not ready():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def assert_refused(arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line that holds the words, whoever refuses: the parser or the command."""
    try:
        status = main(list(arguments))
    except SystemExit as stop:
        status = int(str(stop.code))
    error = capsys.readouterr().err
    assert status == 2 and words in error and error.count("\n") == 1 and "Traceback" not in error
