"""The Compare page: rows of image and class, columns of models, maps as they are computed, facts below."""

from __future__ import annotations

import html
import time
from contextlib import nullcontext
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_ui import service, state_compare
from vislrp_ui.compare import difference, flips, payload, rows, style, toolbar
from vislrp_ui.compare.edits import grid_edit
from vislrp_ui.compare.evidence import panel as evidence
from vislrp_ui.compare.work import Grid, Place
from vislrp_ui.components.comparegrid import compare_grid
from vislrp_ui.components.protocol import OnEdit
from vislrp_ui.shared import literal, terms, widgets
from vislrp_ui.shared.asking import question_mark
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.required import require_network
from vislrp_ui.state import Visit
from vislrp_ui.state_compare import GridCell

_OPEN, _STOPPED, _CHAIN = "_compare_open", "_compare_stopped", "_compare_chain"
BETWEEN_SECONDS = 0.12
DRAW_AFTER_SECONDS = 0.25
"""Maps that come faster than this are drawn together."""


def compare() -> None:
    """Draw what is known, then compute the next map and begin again, until every cell has its map."""
    visit = boot()
    if st.session_state.pop(_OPEN, False):
        st.switch_page("pages/1_Design.py")
    kept = state_compare.of(visit)
    st.html(
        style.css(
            kept.formulas
            and any(
                isinstance(entry.model, LRPModel) and len(entry.model.segments) > 1
                for entry in state_compare.entries(visit, kept)
            )
        )
    )
    network = require_network(visit)
    computed: set[object] = st.session_state.pop(_CHAIN, set())
    # A spinner takes no place of its own; a container in its stead would move everything below by one and show it twice.
    with st.spinner("The network looks at the images", show_time=False) if _new_image(network, visit) else nullcontext():
        grid = Grid(network, visit)
    widgets.say_unknown_classes(network, "compare", [row.target for row in grid.state.rows if row.target is not None])
    missing = grid.missing()
    todo = [place for place in missing if place.key not in computed]
    stopped = st.session_state.get(_STOPPED) == grid.signature
    note = toolbar.toolbar(grid, missing, stopped, _stop, _go_on)
    with st.container(key="compare-difference-place"):  # always there, so that nothing below changes its place
        if grid.state.difference is not None:
            difference.panel(grid)
    _draw(grid, "stopped" if stopped else "waiting" if todo else "not kept: the server's memory for maps is full")
    with st.container(key="compare-evidence-place"):
        if grid.state.evidence is not None and grid.rows:
            evidence.section(grid)
    if todo and not stopped:
        _compute(grid, todo, len(missing), note, computed)


def _new_image(network: Network, visit: Visit) -> bool:
    return any(not service.has_seen(network, row.image) for row in state_compare.of(visit).rows)


def _stop(signature: object) -> None:
    st.session_state[_STOPPED] = signature


def _go_on() -> None:
    st.session_state.pop(_STOPPED, None)


def _draw(grid: Grid, note: str) -> None:
    share = [style.HEAD_SHARE, style.GRID_SHARE]
    limits = grid.limits(grid.visit.look)
    edit = partial(grid_edit, _OPEN)
    with st.container(key="compare-body"):
        _body(grid, share, limits, edit, note)


def _body(grid: Grid, share: list[float], limits: dict[GridCell, float], edit: OnEdit, note: str) -> None:
    with st.container(key="compare-heads"):
        _, wide = st.columns(share, gap="small")
        with wide:
            compare_grid("compare-head", "head", payload.heads(grid), edit, formulas=grid.state.formulas)
    with st.container(key="compare-rows"):
        for row in grid.state.rows:
            side, wide = st.columns(share, gap="small")
            with side:
                rows.side(grid, row, limits)
            with wide:
                if row.id in grid.broken:
                    literal.warning(grid.broken[row.id], icon=":material/image:")
                else:
                    compare_grid(
                        f"compare-row-{row.id}",
                        "row",
                        payload.row_cells(grid, row.id, limits, note),
                        edit,
                        row=row.id,
                        target=grid.targets[row.id],
                        unfolded=row.unfolded,
                    )
    side, wide = st.columns(share, gap="small")
    with side:
        st.html(
            f'<div class="v-muted v-measured"><b>{terms.marked("measure", "Measured")}</b>lower '
            f"{terms.marked('cosine', 'cosine')}: the model tells the classes apart</div>"
        )
        question_mark(grid.network, "measure", "the measures")
        flips.section(grid)
        rows.add(grid)
    with wide:
        compare_grid("compare-foot", "foot", payload.feet(grid), edit, differ=difference.name_of_pair(grid))
        st.html(f'<div class="v-shared">{rows.shared_bar(grid, limits)}{rows.outshone(grid)}</div>')
        rows.plain_hint(grid)


def _compute(grid: Grid, todo: list[Place], count: int, place: DeltaGenerator, computed: set[object]) -> None:
    total = len(grid.places)
    begin = time.monotonic()
    for done, cell in enumerate(todo, start=total - count):
        grid.compute(cell, _Note(place, f"Map {done + 1} of {total}: {cell.entry.name}", done, total))
        computed.add(cell.key)
        if time.monotonic() - begin > DRAW_AFTER_SECONDS:
            break
    st.session_state[_CHAIN] = computed
    st.rerun()


class _Note:
    """Says which map is computed and how far all of them are; watches for the service."""

    def __init__(self, place: DeltaGenerator, title: str, done: int, total: int) -> None:
        self._place, self._title, self._done, self._total = place, title, done, total
        self._next = 0.0

    def __call__(self, sentence: str, share: float) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + BETWEEN_SECONDS
        whole = 100 * (self._done + share) / self._total
        shown = self._title if share else sentence  # nothing is done yet: how many are before this one counts
        self._place.html(
            f'<div class="v-compare-note v-muted" role="status" title="{html.escape(sentence)}">'
            f'<i><b style="width:{whole:.0f}%"></b></i><span>{html.escape(shown)}</span></div>'
        )
