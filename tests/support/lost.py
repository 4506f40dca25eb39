"""A task whose worker is lost: in a module of its own, because workers of Ray import it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from vislrp_core import flipping
from vislrp_core.experiments import FlipCurve, Workspace
from vislrp_core.network import Network


@dataclass(frozen=True)
class Lost(FlipCurve):
    """A curve whose worker kills itself the first time."""

    flag: str = ""

    def run(self, network: Network, workspace: Workspace | None = None) -> flipping.PerturbationCurve:
        if not Path(self.flag).exists():
            Path(self.flag).write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(network, workspace)
