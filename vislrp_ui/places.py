"""When a session's next computation is due: each of those that an answer takes, so many seconds after the last one.

Whoever wants one map should not be kept waiting by somebody else's ten, so each computation begins to wait at the end of the
queue. A page that needs ten of them, or whose edit is replaced while it waits, would wait ten times; the gate lets nobody
who comes later than a computation was due go before it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vislrp_ui.streamlit_inside import RerunException, connection_lost, raw_state

EACH_SECONDS = 3.0
"""Between two computations of one answer: ten maps are there within half a minute, and no answer keeps a slot to itself."""
_KEY = "_unanswered"


@dataclass
class Unanswered:
    """The first edit of a session that has not been answered: when its page began (`time.monotonic`), computations begun."""

    since: float
    begun: int = 0


@contextmanager
def answering() -> Iterator[None]:
    """Draw a page: it is not answered until it is complete, be it in the run that takes over from an interrupted one."""
    state = raw_state()
    if state is not None and _KEY not in state:
        state[_KEY] = Unanswered(time.monotonic())
    try:
        yield
    except RerunException:  # for a newer edit, or by the page itself: the answer is still to come
        raise
    except BaseException:
        if not connection_lost():  # whoever comes back has waited all the time
            _answered()
        raise
    _answered()


def due() -> float:
    """When (`time.monotonic`) the next computation of this thread's session is due; infinity in one that draws no page."""
    unanswered = _unanswered()
    return math.inf if unanswered is None else unanswered.since + (unanswered.begun + 1) * EACH_SECONDS


def begin() -> None:
    """A computation of this thread's session begins."""
    unanswered = _unanswered()
    if unanswered is not None:
        unanswered.begun += 1


def _unanswered() -> Unanswered | None:
    state = raw_state()
    return state[_KEY] if state is not None and _KEY in state else None


def _answered() -> None:
    if _unanswered() is not None:
        del raw_state()[_KEY]
