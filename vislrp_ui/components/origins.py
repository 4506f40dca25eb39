"""Where relevance comes from: the way so far, a map to click, the strongest parts with formulas, the rest and the sum."""

from __future__ import annotations

from typing import Any

from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import OnEdit, mount

PARTS = ("outbox", "nodes")
_origins = register("origins", '<div class="origins" role="group" aria-label="Where R comes from"></div>', parts=PARTS)


def origins(key: str, payload: dict[str, Any], on_edit: OnEdit) -> None:
    """Draw one step of the way.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    payload : dict
        See `vislrp_ui.design.origins_board.payload`.
    on_edit : callable
        Gets each edit once, in order; see `vislrp_ui.design.origins.apply_edit`.
    """
    mount(_origins, key, payload, on_edit)
