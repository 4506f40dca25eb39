"""The segment ruler: a row a layer, segments with borders to drag, relevance per layer, a card next to each segment."""

from __future__ import annotations

from vislrp_ui import state
from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import Edit, OnEdit, is_whole, mount
from vislrp_ui.components.ruler_data import RulerData, ruler_data
from vislrp_ui.state import Visit

__all__ = ["RulerData", "apply_edit", "ruler", "ruler_data"]

PARTS = ("outbox", "nodes", "large", "ruler_rows", "ruler_table", "ruler_cards")
_ruler = register("ruler", '<div class="ruler" role="group" aria-label="Segment ruler"></div>', parts=PARTS)


def ruler(key: str, data: RulerData, on_edit: OnEdit) -> None:
    """Draw the ruler.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    data : RulerData
        See `ruler_data`.
    on_edit : callable
        Gets each edit once, in order, as `{"seq": int, "kind": str, ...}`; kinds are "segment", "layer", "add", "remove",
        "split" and "move", see `apply_edit`. On a page: `lambda edit: session.update(apply_edit, edit)`.
    """
    mount(_ruler, key, data.payload(), on_edit)


def apply_edit(visit: Visit, edit: Edit) -> Visit:
    """The visit after one edit of the ruler; an edit that makes no sense (any more) changes nothing.

    Kinds: segment (segment) selects; layer (layer) shows its map, the pixels for 0; add; remove (segment); split
    (segment, row): below the row; move (border, last): the border below a segment.

    Raises
    ------
    StateError
        If the model refuses; one sentence.
    """

    def number(name: str) -> int:
        value = edit.get(name)
        return value if isinstance(value, int) and is_whole(value) and 0 <= value <= visit.model.plan.last else -1

    match edit.get("kind"):
        case "segment" if number("segment") >= 0:
            return state.select_segment(visit, number("segment"))
        case "layer" if number("layer") >= 0:
            return state.select_layer(visit, number("layer"))
        case "add":
            return state.add_segment(visit)
        case "remove":
            return state.remove_segment(visit, number("segment"))
        case "split":
            return state.split_segment(visit, number("segment"), number("row"))
        case "move":
            return state.move_border(visit, number("border"), number("last"))
    return visit
