"""The comparison's three kinds of pieces (heads, rows of maps, feet), all with the same columns."""

from __future__ import annotations

from typing import Any

from vislrp_core.architecture import Architecture
from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.formula import formula_mathml
from vislrp_core.model import LRPModel, Segment
from vislrp_ui import theme
from vislrp_ui.components import colours
from vislrp_ui.components.assets import register
from vislrp_ui.components.modelcards import segment_bar
from vislrp_ui.components.protocol import OnEdit, mount

PARTS = ("outbox", "nodes", "large", "terms")
_grid = register("comparegrid", '<div class="grid"></div>', parts=PARTS)


def rule_name(segment: Segment) -> str:
    """A segment's rule with its number: "LRP-γ 0.3", "Custom"."""
    rule = segment.rule
    return f"LRP-{rule.short}" if rule.title.startswith("LRP") else rule.title


def layer_span(segment: Segment, rows: Architecture) -> str:
    """A segment's layers by name."""
    first, last = rows.name(segment.first), rows.name(segment.last)
    return first if first == last else f"{first} – {last}"


def head(model: LRPModel, active: bool) -> dict[str, Any]:
    """Payload of one head."""
    return {
        "name": model.name,
        "tip": model.description or model.name,
        "active": active,
        "bar": segment_bar(model),
        "lines": [
            {
                "fill": theme.segment_colour(place),
                "rule": rule_name(segment),
                "layers": layer_span(segment, model.plan),
                "formula": formula_mathml(segment.rule),
                "tip": f"{rule_name(segment)}: layers {segment.first} to {segment.last}, {layer_span(segment, model.plan)}",
            }
            for place, segment in enumerate(model.segments)
        ],
    }


def baseline_head(baseline: Baseline) -> dict[str, Any]:
    """Payload of the head of a baseline: marked as one, no segments."""
    sentence = METHODS[baseline.method].sentence
    muted = theme.MUTED[theme.mode()]
    bar = {
        "layers": 1,
        "fill": muted,
        "ink": "#10171E" if theme.is_dark() else "#FFFFFF",
        "text": "baseline",
        "tip": f"Baseline, not LRP. {sentence}",
    }
    return {"name": baseline.title, "tip": f"Baseline: {sentence}", "active": False, "bar": [bar], "lines": []}


def compare_grid(key: str, kind: str, columns: list[dict[str, Any]], on_edit: OnEdit, **more: Any) -> None:
    """Draw one piece.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    kind : str
        "head" (with `formulas`), "row" (with `row`, `target`, `unfolded`) or "foot" (with `differ`, a text or "").
    columns : list of dict
        One payload per column: `head`, or as `vislrp_ui.compare.payload` makes it.
    on_edit : callable
        Gets each edit once; kinds are "move" (column, to) and "remove" (column) of a head, "activate" and "open" (row,
        column, target) and "fold" (row) of a row, "differ" (column) of a foot.
    """
    mount(_grid, key, {"kind": kind, "columns": columns, "colours": colours.variables(theme.mode()), **more}, on_edit)
