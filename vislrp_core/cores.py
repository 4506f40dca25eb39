"""How many cores are there for us."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores that this process may use: by its affinity, and by the quota of its container.

    Parameters
    ----------
    group : Path
        Folder of the control group (version 2), whose `cpu.max` holds the quota and its period, or "max".
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or no limit
        pass
    return cores
