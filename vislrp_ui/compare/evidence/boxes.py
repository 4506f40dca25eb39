"""The box of the object in a row's picture: drawn with the mouse, or given by four numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vislrp_core.images import SIDE
from vislrp_core.masks import Mask
from vislrp_ui import service, state_compare
from vislrp_ui.compare.edits import change
from vislrp_ui.compare.work import Grid
from vislrp_ui.components.canvas import canvas, drawn
from vislrp_ui.evidence import Evidence
from vislrp_ui.shared import widgets

_ROW, _GENERATION = "evidence-box-row", "_evidence_box_generation"
SIDES = ("left", "top", "right", "bottom")


def ends_of(mask: Mask | None) -> tuple[int, int, int, int] | None:
    """The smallest box around what is drawn: left and top in it, right and bottom beyond it; None for nothing."""
    if mask is None or not mask.any():
        return None
    down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1


def editor(grid: Grid, shown: Evidence) -> None:
    """Choose a row, draw on its picture."""
    rows = {
        row.id: f"Row {place}: {widgets.image_title(row.image)}"
        for place, row in enumerate(grid.state.rows, start=1)
        if row.id in grid.targets
    }
    if not rows:
        return
    id = st.selectbox("Row", list(rows), key=_ROW, format_func=rows.__getitem__)
    boxed = shown.box_of(id)
    generation = st.session_state.setdefault(_GENERATION, 0)
    key = f"evidence-canvas-{id}-{generation}"
    with st.container(key="evidence-canvas"):
        canvas(
            key,
            service.view_png(grid.state.row(id).image),
            tool="rectangle",
            width=1,
            generation=generation,
            on_draw=_take_drawing,
            args=(key, generation, id),
        )
    values = (boxed.x0, boxed.y0, boxed.x1, boxed.y1) if boxed is not None else (0, 0, 0, 0)
    with st.container(horizontal=True, gap="xsmall"):
        for side, value in zip(SIDES, values, strict=True):
            name = widgets.mirror(f"evidence-box-{side}", value, id)
            st.number_input(side.title(), 0, SIDE, key=name, step=1, on_change=_take_numbers, args=(id, values, side, name))
    st.caption(
        f"Pixels of the {SIDE} × {SIDE} view; right and bottom are the first pixels outside."
        if boxed is not None
        else f"Draw a rectangle around the object, or give its sides in pixels (0 to {SIDE})."
    )
    st.button(
        "Remove the box",
        icon=":material/delete:",
        type="tertiary",
        key="evidence-box-remove",
        disabled=boxed is None,
        on_click=_remove,
        args=(id,),
    )


def _take_drawing(key: str, generation: int, row: int) -> None:
    ends = ends_of(drawn(key, generation))
    if ends is not None:
        change(state_compare.set_box, row, ends)


def _take_numbers(row: int, values: tuple[int, ...], side: str, key: str) -> None:
    value = st.session_state[key]
    if value is None:
        return
    ends = list(values)
    place = SIDES.index(side)
    ends[place] = int(value)
    other = (place + 2) % 4  # a side that goes past its opposite pushes it along
    if place < 2 and ends[other] <= ends[place]:
        ends[place] = min(ends[place], SIDE - 1)
        ends[other] = SIDE if ends[other] == 0 else ends[place] + 1
    if place >= 2 and ends[place] <= ends[other]:
        ends[place] = max(ends[place], 1)
        ends[other] = ends[place] - 1
    for low, high in ((0, 2), (1, 3)):
        if ends[high] <= ends[low]:
            ends[low], ends[high] = 0, SIDE
    change(state_compare.set_box, row, (ends[0], ends[1], ends[2], ends[3]))


def _remove(row: int) -> None:
    change(state_compare.set_box, row, None)
    st.session_state[_GENERATION] += 1
