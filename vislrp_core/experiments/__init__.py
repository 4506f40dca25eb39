"""Experiments: tasks as values, and one function that runs many of them (in this process or in several, resumable)."""

from vislrp_core.experiments.ablations import AblationCurve
from vislrp_core.experiments.flips import FlipCurve
from vislrp_core.experiments.pool import NetworkSource, ProcessPool
from vislrp_core.experiments.record import MemoryRecord, Record, Recorder, key_of
from vislrp_core.experiments.run import Group, Outcome, Task, run_all
from vislrp_core.experiments.workspace import Explainer, Picture, Wish, Workspace

__all__ = [
    "AblationCurve",
    "Explainer",
    "FlipCurve",
    "Group",
    "MemoryRecord",
    "NetworkSource",
    "Outcome",
    "Picture",
    "ProcessPool",
    "Record",
    "Recorder",
    "Task",
    "Wish",
    "Workspace",
    "key_of",
    "run_all",
]
