"""While maps are computed: the last ones stay, dimmed, under a small note that says how far the work is."""

from __future__ import annotations

import time

from streamlit.delta_generator import DeltaGenerator

QUIET_SECONDS = 0.25
"""Work shorter than this is not announced: a note that flashes says nothing."""
BETWEEN_SECONDS = 0.12


class ProgressNote:
    """A watcher for the service that writes into a placeholder.

    Parameters
    ----------
    place : DeltaGenerator
        An `st.empty()` on top of the large map.
    """

    def __init__(self, place: DeltaGenerator) -> None:
        self._place = place
        self._next = time.monotonic() + QUIET_SECONDS
        self._shown = False

    def __call__(self, sentence: str, share: float) -> None:
        """Say what is being done, once it takes longer than a moment."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next, self._shown = now + BETWEEN_SECONDS, True
        self._place.html(note(sentence, share))

    def done(self) -> None:
        """Take the note away."""
        if self._shown:
            self._place.empty()


def note(sentence: str, share: float) -> str:
    """Bar and sentence; the style dims the maps that are on screen, the ruler's too."""
    return (
        "<style>.st-key-final-map{--picture-opacity:.35}.st-key-final-map .v-bar,.v-facts{opacity:.35}"
        ".st-key-ruler-place{--stale:.35}</style>"
        f'<div class="v-note" role="status"><i><b style="width:{100 * share:.0f}%"></b></i>{sentence}</div>'
    )
