"""The flipping score of every map in the grid: measured on request, in the background, as Pixel Flipping is set."""

from __future__ import annotations

import streamlit as st

from vislrp_core.fills import FILLS
from vislrp_ui import service, session, state_flipping
from vislrp_ui.background import session_job
from vislrp_ui.compare.work import Grid
from vislrp_ui.shared import widgets
from vislrp_ui.shared.flipping_job import FlippingJob, FlippingTask

_JOB = "_compare_flipping_job"
SECONDS = 0.8
"""Between two looks at a running measurement."""


def job() -> FlippingJob:
    """The session's measurement on this page; it ends with the session."""
    return session_job(_JOB, FlippingJob)


def tasks(grid: Grid) -> list[FlippingTask]:
    """What is to be measured: all models on each row, the maps that are there already not computed again."""
    settings = state_flipping.of(grid.visit).measurement
    found = []
    for row in grid.rows:
        places = [place for place in grid.places.values() if place.row == row and place.values is not None]
        found.append(FlippingTask(
            row.image, service.network(), service.trace(row.image), grid.targets[row.id],
            {place.entry.id: place.entry.model for place in places},
            {place.entry.id: place.values for place in places if place.values is not None},
            settings.patch, settings.fill, settings.steps, 0))
    return found


def section(grid: Grid) -> None:
    """The button, or progress and a way to stop; looks again by itself while the measurement runs."""
    running = job().progress.running
    st.fragment(_section, run_every=SECONDS if running else None)(grid, running)


def _section(grid: Grid, watching: bool) -> None:
    progress = job().progress
    if watching and not progress.running:
        st.rerun()
    session.save("flips")
    settings = state_flipping.of(grid.visit).measurement
    with st.container(key="compare-flips", gap="xsmall"):
        if progress.running:
            st.progress(progress.share, f"Flipping {progress.done} of {progress.total}")
            st.button("Stop", icon=":material/stop:", type="tertiary", key="compare-flips-stop", on_click=job().stop)
            return
        measured = all("srg" in grid.facts(cell) for cell, place in grid.places.items() if place.values is not None)
        how = f"{settings.patch} × {settings.patch} patches, {FILLS[settings.fill].short}, {settings.steps} steps"
        if widgets.pressed("Measure flipping", icon=":material/play_arrow:", type="tertiary", key="compare-flips-start",
                           disabled=measured or bool(grid.missing()),
                           help="Pixel flipping of every map, most and least relevant first: "
                                f"{how}, as set on Pixel Flipping"):
            job().start(*tasks(grid))
            widgets.answered("compare-flips-start")
            st.rerun()
        if progress.message:
            st.caption(progress.message)
