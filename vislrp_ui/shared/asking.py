"""The question mark beside a thing: what learners ask about it, as a dialog."""

from __future__ import annotations

from collections.abc import Callable

from vislrp_core.network import Network
from vislrp_ui import rooms
from vislrp_ui.components.protocol import Edit
from vislrp_ui.components.rule_panel import ASKS
from vislrp_ui.shared import widgets


def question_mark(network: Network, place: str, about: str) -> None:
    """Draw the button; a click opens the questions of this place.

    Parameters
    ----------
    place : str
        As the questions name it: ``rule``, ``class``, ``map``, ``convention``, ``measure``, ``flipping``, ``ablation``.
    about : str
        What the questions are about, for those who cannot see where the button stands.
    """
    key = f"ask-{place}"
    if widgets.pressed(
        f"Questions about {about}", icon=":material/help:", type="tertiary", key=key, help=f"Questions about {about}"
    ):
        widgets.answered(key)
        rooms.call(rooms.QUESTIONS, network, place)


def heard(edit: Edit) -> bool:
    """In a callback of the rule panel: whether the gesture is a question mark, whose questions `asked` then opens."""
    if edit["kind"] != "ask":
        return False
    if edit.get("about") in ASKS.values():
        widgets.press(_key(str(edit["about"])))
    return True


def asked(network: Callable[[], Network]) -> None:
    """Open the questions of the question mark in the rule panel that was pressed, if one was."""
    for about in dict.fromkeys(ASKS.values()):
        if widgets.is_pressed(_key(about)):
            widgets.answered(_key(about))
            rooms.call(rooms.QUESTIONS, network(), about)


def _key(about: str) -> str:
    return f"ask-panel-{about}"
