"""From strokes on the two canvases of a row to the row's brushed pixels.

A sheet is what the canvases of one row hold since they were last emptied. Strokes stay on their canvas, so that a quick one
is never lost; the other picture shows them through its own background. Anything else that changes the brush (undo, clear,
a file, a change between adding and erasing, a return to the page) begins a new sheet: the brush so far becomes its base.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from vislrp_core import masks
from vislrp_core.masks import Mask
from vislrp_ui import session, state_flipping
from vislrp_ui.components import canvas
from vislrp_ui.state_flipping import FlippingRow

SIDES = ("image", "map")
_SHEETS = "_flipping_sheets"


@dataclass
class StrokeSheet:
    """What the canvases of a row hold.

    Attributes
    ----------
    base : Mask
        Brushed pixels when the canvases were emptied.
    kind : str
        "add", "erase" or "lasso".
    drawn : dict
        What the strokes cover, by side.
    mask : str
        The row's brush as this sheet made it.
    """

    generation: int
    base: Mask
    kind: str
    mask: str
    drawn: dict[str, Mask] = field(default_factory=dict)

    def combined(self) -> Mask:
        """The base with the strokes of both canvases added or erased."""
        strokes = np.logical_or.reduce([masks.empty(), *self.drawn.values()])
        return self.base & ~strokes if self.kind == "erase" else self.base | strokes

    def behind(self, side: str) -> Mask:
        """Brushed pixels that a canvas does not show by its own strokes."""
        if self.kind in ("erase", "lasso"):
            return self.combined()
        others = [mask for where, mask in self.drawn.items() if where != side]
        return np.logical_or.reduce([self.base, *others])


def _sheets() -> dict[int, StrokeSheet]:
    return st.session_state.setdefault(_SHEETS, {})


def canvas_key(row: int, side: str) -> str:
    """Component key of a canvas."""
    return f"flip-canvas-{row}-{side}"


def sheet_of(row: FlippingRow, tool: str) -> StrokeSheet:
    """The row's present sheet, or a new one where the canvases must be emptied."""
    sheets = _sheets()
    sheet = sheets.get(row.id)
    kind = canvas.kind_of(tool)
    # A canvas that was not drawn in the last run (another page, another active row) comes back empty.
    mounted = all(canvas_key(row.id, side) in st.session_state for side in SIDES)
    if sheet is None or not mounted or sheet.kind != kind or sheet.mask != row.mask:
        generation = 0 if sheet is None else sheet.generation + 1
        sheet = sheets[row.id] = StrokeSheet(generation, row.brushed, kind, row.mask)
    return sheet


def take(row: int, side: str) -> None:
    """Callback of a canvas: its strokes become the row's brush."""
    sheet = _sheets().get(row)
    strokes = canvas.drawn(canvas_key(row, side), sheet.generation) if sheet is not None else None
    if sheet is None or strokes is None:
        return
    sheet.drawn[side] = strokes
    visit = session.get_visit()
    if all(one.id != row for one in state_flipping.of(visit).rows):
        return
    visit = state_flipping.changed(visit, state_flipping.set_mask, row, sheet.combined())
    sheet.mask = state_flipping.of(visit).row(row).mask
    session.set_visit(visit)
