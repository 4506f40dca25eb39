"""A measurement on a page: its section, which looks again while the job runs, its two buttons, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from vislrp_ui import inbox, session
from vislrp_ui.background import BackgroundJob, JobProgress
from vislrp_ui.shared import literal, widgets

SECONDS = 0.8
"""Between two looks at a running measurement."""


def section(
    name: str,
    job: Callable[[], BackgroundJob],
    draw: Callable[[], None],
    every: float = SECONDS,
    also: Callable[[], bool] = lambda: False,
) -> None:
    """Draw a part of the page that is about a measurement; while that runs, the part is drawn again on its own.

    Parameters
    ----------
    name : str
        Tells its fields in the browser from those of other parts.
    job : callable
        Returns the session's measurement: after a reload that may be another one.
    draw : callable
        Draws what the part shows.
    every : float
        Seconds between two looks.
    also : callable
        Returns whether something else changes what is drawn, such as a measurement of another tab.
    """

    def moving() -> bool:
        return job().progress.running or also()

    running = moving()
    st.fragment(_look, run_every=every if running else None)(name, moving, draw, running)


def _look(name: str, moving: Callable[[], bool], draw: Callable[[], None], watching: bool) -> None:
    with inbox.stamped(name):
        if watching and not moving():
            st.rerun()
        session.save(name)
        draw()


def buttons(
    work: BackgroundJob,
    key: str,
    begin: Callable[[], None],
    *,
    stop: str,
    disabled: bool,
    help: str,
    label: str = "Measure",
    stop_help: str | None = None,
    type: Literal["primary", "secondary", "tertiary"] = "secondary",
) -> None:
    """Stop, while the measurement runs; otherwise the button that begins it.

    Parameters
    ----------
    key, stop : str
        Keys of the two buttons.
    begin : callable
        Begins it.
    disabled : bool
        Whether nothing is left to measure.
    help, stop_help : str
        What is shown when the pointer rests on them.
    type : {"primary", "secondary", "tertiary"}
        As Streamlit's buttons; only the one that begins is ever the primary one.
    """
    if work.progress.running:
        quiet = "secondary" if type == "primary" else type
        st.button("Stop", icon=":material/stop:", key=stop, type=quiet, on_click=work.stop, help=stop_help)
    elif widgets.pressed(label, icon=":material/play_arrow:", key=key, type=type, disabled=disabled, help=help):
        begin()
        widgets.answered(key)
        st.rerun()


def progress_line(progress: JobProgress, sentence: str) -> None:
    """How far a running measurement is; afterwards what it says about its end, if anything."""
    if progress.running:
        st.progress(progress.share, literal.escaped(sentence))
    elif progress.message:
        literal.warning(progress.message, icon=":material/error:")
