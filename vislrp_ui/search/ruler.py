"""The space on its ruler: what the ruler is told, and the visit after one of its edits."""

from __future__ import annotations

from typing import Any

from vislrp_core.architecture import Architecture
from vislrp_core.model import LRPModel
from vislrp_core.rules import PARAMETERS, format_number
from vislrp_core.search.space import RuleChoice, Space
from vislrp_ui import state_search
from vislrp_ui.components.protocol import Edit, is_whole
from vislrp_ui.components.spaceruler import RuleOption, SegmentOptions, space_ruler_data
from vislrp_ui.search import spaces
from vislrp_ui.state import StateError, Visit
from vislrp_ui.state_search import SearchState

SYMBOLS = {one.key: one.symbol for one in PARAMETERS}


def ruler_of(asked: SearchState, model: LRPModel, plan: Architecture, space: Space, mode: str) -> dict[str, Any]:
    """Payload of the ruler for the space that is asked for."""
    first = spaces.base(asked.preset, model, plan)
    segments = [
        SegmentOptions(
            own.last.low,
            own.last.high,
            tuple(
                RuleOption(key, spaces.title(key, choice), choice in own.rules, tip(choice))
                for key, choice in spaces.menu(first.segments[place]).items()
            ),
            notice(space, place),
        )
        for place, own in enumerate(space.segments)
    ]
    return space_ruler_data(segments, plan, mode)


def tip(choice: RuleChoice) -> str:
    """Values that a rule may have: "γ₁⁺ from 0.01 to 1"; empty where it has no parameter."""
    parts = []
    for key, one in choice.values.items():
        low, high = (format_number(value).replace("-", "−") for value in (one.low, one.high))
        parts.append(f"{SYMBOLS[key]} = {low}" if one.fixed else f"{SYMBOLS[key]} from {low} to {high}")
    return ", ".join(parts)


def notice(space: Space, place: int) -> str:
    """What is wrong with a segment: no row with weights is left for it."""
    below = space.segments[place - 1].last.low if place else 0
    if any(below < row <= space.segments[place].last.high for row in space.plan.weighted):
        return ""
    return f"Nothing is left for it: no layer with weights lies between the borders of segments {place} and {place + 1}."


def apply_edit(visit: Visit, plan: Architecture, edit: Edit) -> Visit:
    """The visit after one edit of the ruler; an edit that makes no sense (any more) changes nothing.

    Kinds: border (border, low, high); free (border, free); rule (segment, rule, on).

    Raises
    ------
    StateError
        A segment would have no rule, or a border no room; one sentence.
    """
    asked = state_search.of(visit)
    space = spaces.edited(asked, visit.model, plan)
    borders = len(space.segments) - 1

    def number(name: str, low: int, high: int) -> int | None:
        value = edit.get(name)
        return value if isinstance(value, int) and is_whole(value) and low <= value <= high else None

    border, segment = number("border", 0, borders - 1), number("segment", 0, borders)
    match edit.get("kind"):
        case "border" if border is not None:
            ends = number("low", 1, plan.last), number("high", 1, plan.last)
            if ends[0] is None or ends[1] is None:
                return visit
            return _moved(visit, space, border, (ends[0], ends[1]))
        case "free" if border is not None and isinstance(edit.get("free"), bool):
            return _moved(visit, space, border, freed(space, border) if edit["free"] else fixed(space, border))
        case "rule" if segment is not None and isinstance(edit.get("on"), bool):
            menu = spaces.menu(spaces.base(asked.preset, visit.model, plan).segments[segment])
            if edit.get("rule") not in list(menu):  # a list has no hash
                return visit
            allowed = {key for key, choice in menu.items() if choice in space.segments[segment].rules}
            after = allowed | {edit["rule"]} if edit["on"] else allowed - {edit["rule"]}
            return state_search.changed(visit, state_search.set_rules, segment, [key for key in menu if key in after])
    return visit


def _moved(visit: Visit, space: Space, border: int, ends: tuple[int, int]) -> Visit:
    now = space.segments[border].last
    if (min(ends), max(ends)) == (now.low, now.high):
        return visit
    shown = [(one.last.low, one.last.high) for one in space.segments[:-1]]
    return state_search.changed(visit, state_search.set_border, border, ends, shown)


def fixed(space: Space, border: int) -> tuple[int, int]:
    """A border at the middle of the places that it may have."""
    places = space.borders(border)
    middle = places[len(places) // 2]
    return middle, middle


def freed(space: Space, border: int) -> tuple[int, int]:
    """A border that may lie from the end of the block below it to the end of the block above it, as far as others let it.

    Raises
    ------
    StateError
        Others leave it no room.
    """
    rows = space.segments[border].last
    if rows.low < rows.high:
        return rows.low, rows.high
    ends = [block.last for block in space.plan.blocks]
    low = max((end for end in ends if end < rows.low), default=1)
    high = min((end for end in ends if end > rows.high), default=space.plan.last)
    if border:
        low = min(max(low, space.segments[border - 1].last.low), rows.low)
    high = max(min(high, space.segments[border + 1].last.high), rows.high)
    if low == high:
        raise StateError(
            f"The border between segments {border + 1} and {border + 2} has no room between others: move one of those."
        )
    return low, high
