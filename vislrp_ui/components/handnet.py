"""The small network of By hand as a drawing: numbers to type or drag, formulas on focus, steps, the foot."""

from __future__ import annotations

from typing import Any

from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import OnEdit, mount

PARTS = ("outbox", "nodes")
_net = register("handnet", '<div class="hand" role="group" aria-label="Network by hand"></div>', parts=PARTS)


def handnet(key: str, payload: dict[str, Any], on_edit: OnEdit) -> None:
    """Draw the network.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    payload : dict
        See `vislrp_ui.hand.board.payload`.
    on_edit : callable
        Gets each edit once, in order; see `vislrp_ui.hand.edits.apply_edit`.
    """
    mount(_net, key, payload, on_edit)
