"""The ruler of a space: layers as a strip, segments as bands, hatched where a border may lie, rules to allow by a click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vislrp_core.architecture import Architecture
from vislrp_ui.components import colours
from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import OnEdit, mount
from vislrp_ui.components.ruler_data import PALETTE, rows_of

PARTS = ("outbox", "nodes", "ruler_rows")
_ruler = register(
    "spaceruler", '<div class="ruler" role="group" aria-label="Space: borders and rules of the segments"></div>', parts=PARTS
)


@dataclass(frozen=True)
class RuleOption:
    """A rule that a segment may be given: whether it is, and what is said on hover."""

    key: str
    title: str
    on: bool
    tip: str = ""


@dataclass(frozen=True)
class SegmentOptions:
    """A segment of a space.

    Attributes
    ----------
    low, high : int
        Rows between which it ends; the same for a fixed border.
    rules : tuple of RuleOption
    notice : str
        What is wrong with it, in one sentence; empty for nothing.
    """

    low: int
    high: int
    rules: tuple[RuleOption, ...]
    notice: str = ""


def space_ruler_data(segments: Sequence[SegmentOptions], plan: Architecture, mode: str = "light") -> dict[str, Any]:
    """Payload of the ruler.

    Parameters
    ----------
    segments : sequence of SegmentOptions
        From the pixels up; the last one ends at the last row.
    mode : str
        "light" or "dark".
    """
    return {
        "segments": [asdict(one) for one in segments],
        "rows": rows_of(plan),
        "palette": PALETTE,
        "colours": colours.variables(mode),
    }


def space_ruler(key: str, payload: dict[str, Any], on_edit: OnEdit) -> None:
    """Draw the ruler.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    payload : dict
        See `space_ruler_data`.
    on_edit : callable
        Gets each edit once, in order, as `{"seq": int, "kind": str, ...}`: border (border, low, high): rows between which
        a segment ends; free (border, free): whether a border may move; rule (segment, rule, on): whether it is allowed.
    """
    mount(_ruler, key, payload, on_edit)
