"""Which machine and versions a table was measured with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return named or platform.machine()


def describe() -> str:
    """One line for the foot of a table."""
    found = []
    for name in ("torch", "zennit", "captum", "autolrp", "innvestigate", "tensorflow"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue  # not all are needed
    return f"{processor()}, {torch.get_num_threads()} thread(s), Python {platform.python_version()}, {', '.join(found)}"
