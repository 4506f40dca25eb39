"""The question mark beside a thing: what learners ask about it, as a dialog."""

from __future__ import annotations

from vislrp_core.network import Network
from vislrp_ui import rooms
from vislrp_ui.shared import widgets


def question_mark(network: Network, place: str, about: str) -> None:
    """Draw the button; a click opens the questions of this place.

    Parameters
    ----------
    place : str
        As the questions name it: ``rule``, ``class``, ``map``, ``convention``, ``measure``, ``flipping``.
    about : str
        What the questions are about, for those who cannot see where the button stands.
    """
    key = f"ask-{place}"
    if widgets.pressed(
        f"Questions about {about}", icon=":material/help:", type="tertiary", key=key, help=f"Questions about {about}"
    ):
        widgets.answered(key)
        rooms.call(rooms.QUESTIONS, network, place)
