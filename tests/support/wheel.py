"""The program as a wheel, installed into a folder of its own without its dependencies, which this environment has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def build(folder: Path, clone: Path = ROOT) -> Path:
    """Build the wheel of a clone into a folder, by the backend that pip would call; answers its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=clone, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def install(wheel: Path, folder: Path) -> None:
    """Unpack a wheel with its commands into a folder."""
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(folder), str(wheel)], check=True)


def environment(installed: Path) -> dict[str, str]:
    """Variables of a process that finds the installed program and nothing of this clone."""
    return {**os.environ, "PYTHONPATH": str(installed), "VISLRP_NETWORK": "embedded"}


def command(installed: Path) -> list[str]:
    """The installed command `vislrp` as the beginning of a command line."""
    name = "vislrp.exe" if os.name == "nt" else "vislrp"
    return [str(installed / "bin" / name)]
