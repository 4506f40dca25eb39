"""The flipping score of every map in the grid: measured on request, in the background, as Pixel Flipping is set."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vislrp_core.fills import FILLS
from vislrp_ui import service, state_flipping
from vislrp_ui.background import session_job
from vislrp_ui.compare.work import Grid
from vislrp_ui.shared import measuring
from vislrp_ui.shared.flipping_job import FlippingJob, FlippingTask
from vislrp_ui.shared.literal import escaped

_JOB = "_compare_flipping_job"


def job() -> FlippingJob:
    """The session's measurement on this page; it ends with the session."""
    return session_job(_JOB, FlippingJob)


def tasks(grid: Grid) -> list[FlippingTask]:
    """What is to be measured: all models on each row, the maps that are there already not computed again."""
    settings = state_flipping.of(grid.visit).measurement
    found = []
    for row in grid.rows:
        places = [place for place in grid.places.values() if place.row == row and place.values is not None]
        found.append(
            FlippingTask(
                row.image,
                grid.network,
                service.trace(grid.network, row.image),
                grid.targets[row.id],
                {place.entry.id: place.entry.model for place in places},
                {place.entry.id: place.values for place in places if place.values is not None},
                settings.patch,
                settings.fill,
                settings.steps,
                0,
            )
        )
    return found


def section(grid: Grid) -> None:
    """The button, or progress and a way to stop."""
    measuring.section("compare-flips", job, partial(_draw, grid))


def _draw(grid: Grid) -> None:
    progress = job().progress
    settings = state_flipping.of(grid.visit).measurement
    with st.container(key="compare-flips", gap="xsmall"):
        if progress.running:
            st.progress(progress.share, f"Flipping {progress.done} of {progress.total}")
        measured = progress.running or all(
            "srg" in grid.facts(cell) for cell, place in grid.places.items() if place.values is not None
        )
        how = f"{settings.patch} × {settings.patch} patches, {FILLS[settings.fill].short}, {settings.steps} steps"
        measuring.buttons(
            job(),
            "compare-flips-start",
            lambda: job().start(*tasks(grid)),
            stop="compare-flips-stop",
            label="Measure flipping",
            type="tertiary",
            disabled=measured or bool(grid.missing()),
            help=f"Pixel flipping of every map, most and least relevant first: {how}, as set on Pixel Flipping",
        )
        if progress.message and not progress.running:
            st.caption(escaped(progress.message))
