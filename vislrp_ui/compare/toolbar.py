"""The page's first row: ready-made sets, models, colours, range, difference, export; and how far the maps are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_core.baselines import METHODS
from vislrp_core.bundle import read_models
from vislrp_core.imports import notes_of
from vislrp_core.model import ModelError
from vislrp_ui import desk, session, state_compare
from vislrp_ui.compare import difference, export, sets
from vislrp_ui.compare.edits import change, changing
from vislrp_ui.compare.evidence import panel as evidence
from vislrp_ui.compare.work import Grid, Place
from vislrp_ui.samples import samples
from vislrp_ui.shared import network_panel, widgets
from vislrp_ui.state_compare import MAX_COLUMNS, SHARES, GridColumn

OWN_IMAGE = "The image on Design"


def toolbar(
    grid: Grid, missing: list[Place], stopped: bool, stop: Callable[[Any], None], go_on: Callable[[], None]
) -> DeltaGenerator:
    """Draw it; returns the place of the note about work in progress."""
    rows, models = len(grid.state.rows), len(grid.entries)
    size = f"{rows} row{'s' * (rows != 1)} × {models} model{'s' * (models != 1)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="compare-toolbar"):
        st.html('<h1 class="v-page">Compare</h1>', width="content")
        st.html(f'<div class="v-muted v-facts">{size}</div>', width="content")
        # Fixed at the window's lower edge: what is computed, and the way to stop it, stay in sight while rows scroll.
        with st.container(
            key="compare-progress", horizontal=True, vertical_alignment="center", gap="small", width="content"
        ):
            note = st.empty()
            if missing and stopped:
                note.html(
                    f'<div class="v-compare-note v-muted"><span>Stopped: {len(grid.places) - len(missing)} of '
                    f"{len(grid.places)} maps</span></div>"
                )
                st.button("Go on", icon=":material/play_arrow:", type="tertiary", key="compare-go-on", on_click=go_on)
            elif missing:
                st.button(
                    "Stop",
                    icon=":material/stop:",
                    type="tertiary",
                    key="compare-stop",
                    on_click=stop,
                    args=(grid.signature,),
                    help="Stop computing; finished maps stay",
                )
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            with st.popover("Ready-made", icon=":material/auto_stories:", type="tertiary", help="Sets of the guided cases"):
                _ready_made(grid)
            box = widgets.menu(
                "Models", key="menu-columns", icon=":material/view_column:", help="Which models, in which order"
            )
            if box.open:
                with box:
                    _models(grid)
            widgets.look_popover(grid.visit)
            key = widgets.mirror("compare-share", grid.state.share)
            st.segmented_control(
                "Colour range",
                list(SHARES),
                key=key,
                required=True,
                format_func=SHARES.__getitem__,
                on_change=changing(key, state_compare.set_share),
                label_visibility="collapsed",
                width="content",
                help="Each map has its own range, or the maps of a row, or all maps share one",
            )
            difference.switch(grid)
            evidence.switch(grid)
            with st.popover("Export", icon=":material/ios_share:", type="tertiary", help="Figure, facts, models, report"):
                export.export(grid)
            network_panel.menu(grid.visit)
    return note


def _ready_made(grid: Grid) -> None:
    pairs = sets.two_object_samples()
    titles = {id: samples()[id].title for id in pairs}
    places = {"": "The image that each case was made for", **titles, "own": OWN_IMAGE}
    image = st.selectbox(
        "On",
        list(places),
        key="compare-set-image",
        format_func=places.__getitem__,
        help="Sample images with two objects: one row for each of their classes",
    )
    for one in sets.SETS.values():
        st.button(
            one.title,
            key=f"compare-set-{one.key}",
            width="stretch",
            on_click=_load,
            args=(one.key, image, grid.network.classes),
            help=one.text,
        )
        st.caption(one.text)
    if grid.visit.page(state_compare.KEY) is not None:
        st.button(
            "Start afresh",
            icon=":material/restart_alt:",
            key="compare-afresh",
            width="stretch",
            on_click=session.update,
            args=(lambda visit: state_compare.afresh(desk.keep_copy(visit)),),
            help="The image, class and model on Design, and the example models",
        )


def _load(key: str, image: str | None, classes: Sequence[str]) -> None:
    chosen = sets.SETS[key].image if not image else None if image == "own" else image
    session.update(lambda visit: sets.load(desk.keep_copy(visit), key, chosen, classes))


def _models(grid: Grid) -> None:
    shown = grid.state.columns
    columns = [
        *(GridColumn(entry.id) for entry in grid.visit.models),
        *(column for column in shown if column.model is not None),
        *(GridColumn(baseline=key) for key in METHODS),
    ]
    names: dict[str, GridColumn] = {}
    for column in columns:
        name = (
            f"{METHODS[column.baseline].title} (baseline)"
            if column.baseline
            else column.model.name
            if column.model is not None
            else grid.visit.entry(column.id).name
        )
        while name in names:
            name += " ′"
        names[name] = column
    key = widgets.mirror("compare-models", [name for column in shown for name, one in names.items() if one == column])
    st.multiselect(
        "Models, from left to right",
        list(names),
        key=key,
        max_selections=MAX_COLUMNS,
        on_change=changing(key, state_compare.set_columns, read=lambda picked: [names[name] for name in picked]),
        help="Drag the handle above a column, or press the arrow keys on it, to move a model",
    )
    key = widgets.mirror("compare-formulas", grid.state.formulas)
    st.toggle("Formulas above the columns", key=key, on_change=changing(key, state_compare.set_formulas))
    generation = st.session_state.setdefault("_compare_import", 0)
    key = f"compare-import-{generation}"
    st.file_uploader(
        "Import models (JSON)",
        type=["json"],
        key=key,
        on_change=_take_models,
        args=(key,),
        max_upload_size=widgets.UPLOAD_MB,
        help="A bundle exported here, a model of this app, or one of the original VisLRPDesigner",
    )


def _take_models(key: str) -> None:
    file = st.session_state[key]
    if file is None:
        return
    try:
        models = read_models(file.getvalue(), file.name)
    except ModelError as error:
        session.notify(f"Not imported: {error}")
        return
    change(state_compare.add_models, models, file.name[:80])
    for note in (f"{model.name}: {note}" for model in models for note in notes_of(model)):
        session.notify(note)
    st.session_state["_compare_import"] += 1
