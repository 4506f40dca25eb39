"""Kept sets of neurons as chips; a click, or Enter on the focused chip, takes one up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import mount_choice

_chips = register(
    "setchips", '<div class="chips" role="group" aria-label="Kept sets"></div>', parts=("nodes", "outbox", "picks")
)


def set_chips(key: str, rows: Sequence[dict[str, Any]], colours: dict[str, str], on_pick: Callable[[Any], None]) -> None:
    """Draw the chips.

    Parameters
    ----------
    key : str
        Component key.
    rows : sequence of dict
        `id`, `letter`, `title`, `effect`, `tip`, `active`.
    on_pick : callable
        Gets the id of the picked chip, unchecked.
    """
    mount_choice(_chips, key, {"rows": list(rows), "colours": colours}, on_pick)
