"""How far a long command is, on a terminal."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """How far the run is and how long it will take, on a terminal's stderr.

    Parameters
    ----------
    verb : str
        What is done, such as "Measured".
    """

    def __init__(self, verb: str = "Measured") -> None:
        self._verb = verb
        self._begin: tuple[float, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Draw the line again."""
        now = time.monotonic()
        # What was there already took no time: the clock starts at the first that is computed.
        begin, before = self._begin = self._begin or (now, done)
        left = ""
        if done > before:
            left = f", {duration((now - begin) / (done - before) * (total - done))} left"
        print(f"\r\033[K{self._verb} {done} of {total}{left}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
