"""Whether the visitor of a session is still there."""

from __future__ import annotations

import time
from collections.abc import Callable

from vislrp_ui.streamlit_inside import has_server, is_connected

RETURN_SECONDS = 30.0
"""How long a visitor counts as there who has left: loading a page again takes less."""


class Owner:
    """Whoever asked for a piece of work: a session, or the one that takes its place when the page is loaded again.

    Parameters
    ----------
    session_id : str
        Streamlit's name of the session.
    clock : callable
        Seconds that pass.
    seconds : float
        How long they count as there after they have left.
    """

    def __init__(
        self, session_id: str, clock: Callable[[], float] = time.monotonic, seconds: float = RETURN_SECONDS
    ) -> None:
        self._session_id = session_id
        self._clock = clock
        self._seconds = seconds
        self._left: float | None = None

    def __call__(self) -> bool:
        """Whether the owner is there, or has been a moment ago."""
        if not has_server() or is_connected(self._session_id):
            self._left = None
            return True
        self._left = self._clock() if self._left is None else self._left
        return self._clock() - self._left < self._seconds
