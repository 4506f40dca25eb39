"""Kept sets of neurons as chips; a click, or Enter on the focused chip, takes one up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vislrp_ui.components.assets import register

_chips = register("setchips", '<div class="chips" role="group" aria-label="Kept sets"></div>', parts=("nodes",))


def set_chips(key: str, rows: Sequence[dict[str, Any]], colours: dict[str, str], on_pick: Callable[[], None]) -> None:
    """Draw the chips.

    Parameters
    ----------
    key : str
        Component key; `st.session_state[key]["pick"]` is the id of the picked chip in `on_pick`.
    rows : sequence of dict
        `id`, `letter`, `title`, `effect`, `tip`, `active`.
    """
    _chips(key=key, on_pick_change=on_pick, data={"rows": list(rows), "colours": colours})
