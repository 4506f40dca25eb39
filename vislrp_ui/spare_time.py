"""Work for the time in which nobody asks for anything."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from vislrp_core.errors import VisLRPError
from vislrp_ui.gate import GATE

REST_SECONDS = 3.0
"""Nobody must have asked for anything for so long before something is computed beforehand."""


class GiveWay(Exception):
    """Somebody asks for something."""


def watch(sentence: str, share: float) -> None:
    """Told of each layer: give way when somebody waits (GiveWay)."""
    if GATE.wanted:
        raise GiveWay


def work_through(steps: Iterable[Callable[[], object]]) -> None:
    """Do one after the other while nobody asks for anything; one that gave way begins again, one that fails is left out."""
    for step in steps:
        done = False
        while not done:
            _rest()
            try:
                step()
                done = True
            except GiveWay:
                continue
            except (VisLRPError, OSError) as error:
                logging.getLogger(__name__).warning("Not computed beforehand: %s", error)
                done = True


def _rest() -> None:
    """Wait until nobody has asked for anything for a while."""
    while not GATE.idle or GATE.quiet_seconds < REST_SECONDS:
        time.sleep(REST_SECONDS / 10)
