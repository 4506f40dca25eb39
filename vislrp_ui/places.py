"""A session's place in the queue for the processor: it waits from its first edit that has not been answered.

A page may need several computations for one answer, and a newer edit may replace the one that is waiting: neither sends a
person back to the end of the queue.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from vislrp_ui.streamlit_inside import RerunException, raw_state

_SINCE = "_waits_since"


@contextmanager
def answering() -> Iterator[None]:
    """Draw a page: its place is kept until it is complete, also by the run that takes over from an interrupted one."""
    state = raw_state()
    if state is not None and _SINCE not in state:
        state[_SINCE] = time.monotonic()
    try:
        yield
    except RerunException:  # for a newer edit, or by the page itself: the answer is still to come
        raise
    except BaseException:
        leave()
        raise
    leave()


def since() -> float:
    """Since when (`time.monotonic`) this thread's session has waited; now for one that does not draw a page."""
    state = raw_state()
    return state[_SINCE] if state is not None and _SINCE in state else time.monotonic()


def leave() -> None:
    """Give the place up: the answer is complete, or a computation that had its turn is ended for another one."""
    state = raw_state()
    if state is not None and _SINCE in state:
        del state[_SINCE]
