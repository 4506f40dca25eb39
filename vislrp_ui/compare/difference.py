"""Difference mode: the map of one cell minus the map of another, next to the two."""

from __future__ import annotations

from functools import partial
from html import escape

import numpy as np
import streamlit as st

from vislrp_core import metrics
from vislrp_core.heatmap import RANGES, SPECTRA, figure_png, format_value
from vislrp_core.metrics import FACTS
from vislrp_core.network import Network
from vislrp_ui import service, session, state_compare
from vislrp_ui.compare import payload, work
from vislrp_ui.compare.edits import change, change_visit, changing, pinned, show_difference
from vislrp_ui.compare.work import Grid
from vislrp_ui.components.picture import picture
from vislrp_ui.shared import large, terms, views, widgets
from vislrp_ui.state import Visit
from vislrp_ui.state_compare import CompareState, GridCell


def class_name(grid: Grid, row: int) -> str:
    """Name of a row's class."""
    return grid.network.classes[grid.targets[row]]


def cell_title(grid: Grid, cell: GridCell) -> str:
    """Class and model of a cell; the row's number where the class alone does not distinguish rows."""
    name = class_name(grid, cell.row)
    same = sum(grid.targets[row.id] == grid.targets[cell.row] for row in grid.rows) > 1
    where = f" (row {grid.state.place(cell.row) + 1})" if same else ""
    return f"{name}{where} · {grid.entries[cell.column].name}"


def name_of_pair(grid: Grid) -> str:
    """Such as "drum − electric guitar": what the buttons below the columns show; empty where no image has two classes."""
    pairs = grid.pairs()
    return f"{class_name(grid, pairs[0][0].id)} − {class_name(grid, pairs[0][1].id)}" if pairs else ""


def switch(grid: Grid) -> None:
    """Button of the toolbar that opens and closes the mode."""
    on = grid.state.difference is not None
    st.button(
        "Difference",
        icon=":material/difference:",
        type="tertiary",
        key="compare-difference",
        help="Close the difference" if on else "Subtract the maps of two cells",
        on_click=change_visit,
        args=(turn_difference,),
        disabled=not grid.rows or (len(grid.rows) == 1 and len(grid.entries) == 1),
    )


def _close() -> None:
    change(state_compare.set_difference, None)


def turn_difference(visit: Visit, network: Network) -> Visit:
    """Open the difference, or close it: as it is when the button is pressed, not when it was drawn."""
    if state_compare.of(visit).difference is not None:
        return state_compare.changed(pinned(visit, network), state_compare.set_difference, None)
    return open_difference(visit, network)


def open_difference(visit: Visit, network: Network) -> Visit:
    """Two classes of the first model, or two models of the first row."""
    visit = pinned(visit, network)
    grid = Grid(network, visit)
    if grid.pairs():
        return show_difference(visit, 0, network)
    first = grid.rows[0].id
    other = GridCell(first, 1) if len(grid.entries) > 1 else GridCell(grid.rows[1].id, 0)
    return state_compare.changed(visit, state_compare.set_difference, (GridCell(first, 0), other))


def panel(grid: Grid) -> None:
    """The two maps with one range, their difference with its own, and how alike they are."""
    assert grid.state.difference is not None
    one, other = grid.state.difference
    cells = list(grid.places)
    if one not in grid.places or other not in grid.places:
        return
    with st.container(border=True, key="compare-difference-panel"):
        choice, *places = st.columns([0.25, 0.25, 0.25, 0.25], gap="medium")
        with choice:
            for which, (name, cell) in enumerate((("Map", one), ("minus", other))):
                key = widgets.mirror(f"compare-difference-{name.lower()}", cell, cell_title(grid, cell))
                st.selectbox(
                    name,
                    cells,
                    key=key,
                    format_func=lambda cell: cell_title(grid, cell),
                    on_change=changing(key, _choose, which),
                )
            key = widgets.mirror("compare-scaled", grid.state.scaled)
            st.toggle(
                "Scale both to Σ|R| = 1",
                key=key,
                on_change=changing(key, state_compare.set_scaled),
                help="Without it a map of small relevance cannot be compared with one of large relevance",
            )
            _facts(grid, one, other)
        values = work.difference(grid, one, other, grid.state.scaled)
        if values is None:
            with places[0]:
                st.caption("Both maps are needed; they are being computed or are not finite.")
            return
        maps = work.scaled_pair(grid, one, other, grid.state.scaled)
        look = grid.visit.look
        both = service.limit_of(list(maps), look)
        own = service.limit_of(values, look)
        keys = [grid.places[cell].key for cell in (one, other)]
        titles = [cell_title(grid, one), cell_title(grid, other), "Difference"]
        for number, (place, drawn, limit) in enumerate(zip(places, (*maps, values), (both, both, own), strict=True)):
            with place:
                shown = (tuple(keys), number, grid.state.scaled)
                _picture(number, payload.encoded(shown, drawn, look, limit), titles, drawn, limit, grid)
        with choice, st.container(horizontal=True, gap="xsmall"):
            st.download_button(
                "PNG",
                session.with_pictures(lambda: _figure(grid, values, own, titles)),
                "difference.png",
                "image/png",
                key="compare-difference-png",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
            st.button("Close", icon=":material/close:", key="compare-difference-close", type="tertiary", on_click=_close)


def _picture(number: int, address: str, titles: list[str], values: np.ndarray, limit: float, grid: Grid) -> None:
    look, title = grid.visit.look, titles[number]
    whole = title if number < 2 else f"{titles[0]} minus {titles[1]}"
    view = large.offer(f"difference-{number}", partial(views.values_view, whole, values, look, limit=limit))
    stops = SPECTRA[look.spectrum].stops(service.dark_maps(look))
    ends = format_value(limit)
    st.html(f'<div class="v-diff-name" title="{escape(title)}">{escape(title)}</div>')
    picture(f"compare-difference-{number}", address, whole, view)
    st.html(
        f'<div class="v-bar v-diff-bar" title="Range: {escape(RANGES[look.range])}"><span>−{ends}</span>'
        f'<i style="background:linear-gradient(90deg,{",".join(stops)})"></i><span>+{ends}</span></div>'
    )


def _choose(shown: CompareState, which: int, picked: GridCell) -> CompareState:
    """One of the two maps is another one; the other stays what it is by then."""
    if shown.difference is None:
        return shown
    one, other = shown.difference
    return state_compare.set_difference(shown, (picked, other) if which == 0 else (one, picked))


def _facts(grid: Grid, one: GridCell, other: GridCell) -> None:
    values = [grid.places[cell].values for cell in (one, other)]
    if values[0] is None or values[1] is None:
        return
    found = {"cosine": metrics.cosine(values[0], values[1]), **work.similarities(values[0], values[1])}
    parts = " · ".join(
        f"{terms.marked(key, FACTS[key].symbol)} {payload.number(key, value)}" for key, value in found.items()
    )
    st.html(f'<div class="v-muted v-facts">{parts}</div>')


def _figure(grid: Grid, values: np.ndarray, limit: float, titles: list[str]) -> bytes:
    look = grid.visit.look
    return figure_png(
        values,
        limit=limit,
        spectrum=look.spectrum,
        dark=look.paper == "dark",
        title=f"{titles[0]} minus {titles[1]}",
        caption=f"{grid.network.title}; range: {RANGES[look.range]}"
        + ("; both maps scaled to Σ|R| = 1" if grid.state.scaled else ""),
    )
