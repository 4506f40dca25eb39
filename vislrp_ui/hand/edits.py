"""What gestures on the drawing and on the rule panel do to the visit."""

from __future__ import annotations

from vislrp_ui import state_hand
from vislrp_ui.components import rule_panel
from vislrp_ui.components.protocol import Edit, is_whole
from vislrp_ui.state import Visit


def apply_edit(visit: Visit, edit: Edit) -> Visit:
    """The visit after one edit of the drawing; an edit that makes no sense changes nothing.

    Kinds: set (name, place, value) a number; step (step); show (id) a formula; target (unit); answer (id, value).

    Raises
    ------
    StateError
        If a number cannot be used; one sentence.
    """

    def whole(name: str) -> int:
        value = edit.get(name)
        return value if isinstance(value, int) and is_whole(value) else -1

    match edit.get("kind"):
        case "set":
            return state_hand.set_number(visit, str(edit.get("name")), whole("place"), edit.get("value"))
        case "step" if whole("step") >= 0:
            return state_hand.set_step(visit, whole("step"))
        case "show":
            return state_hand.show(visit, str(edit.get("id")))
        case "target":
            return state_hand.set_target(visit, whole("unit"))
        case "answer" if edit.get("id") in state_hand.quantities():
            return state_hand.answer(visit, str(edit["id"]), str(edit.get("value", "")))
    return visit


def rule_edit(visit: Visit, edit: Edit) -> Visit:
    """The visit after one edit of the rule panel, as on Design; the segments are the network's two layers."""
    segment = edit.get("segment")
    if segment not in (0, 1) or isinstance(segment, bool):
        return visit
    rule = state_hand.of(visit).model.segments[segment].rule
    return state_hand.set_rule(visit, segment, rule_panel.edited(rule, edit))
