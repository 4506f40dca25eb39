"""Ablation curves on the page: which model's ranking finds the neurons that matter."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from vislrp_core.ablation import NeuronAblationCurve
from vislrp_core.network import Network
from vislrp_ui import service, session, state_ablation, theme
from vislrp_ui.ablation import curves_chart
from vislrp_ui.ablation.curves_chart import ACTIVATION, RANDOM
from vislrp_ui.ablation.curves_job import CurvesJob, CurvesTask
from vislrp_ui.ablation.report import AblationShown
from vislrp_ui.background import session_job
from vislrp_ui.shared import measuring, terms, widgets
from vislrp_ui.shared.charts import draw
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.frames import table_of
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import MAX_POINTS, MAX_SEEDS, SCALES

_JOB = "_ablation_job"


def job() -> CurvesJob:
    """The session's measurement; it ends with the session."""
    return session_job(_JOB, CurvesJob)


def task_of(network: Network, visit: Visit, target: int) -> CurvesTask:
    """What the settings ask for."""
    held = state_ablation.of(visit)
    settings = held.measurement
    entries = {entry.id: entry.model for entry in visit.models}
    chosen = [id for id in settings.models if id in entries] or [visit.active]
    return CurvesTask(
        visit.image,
        network,
        service.trace(network, visit.image),
        target,
        held.layer,
        {id: entries[id] for id in chosen},
        held.value,
        settings.share,
        settings.points,
        settings.seeds,
    )


def measured(visit: Visit, task: CurvesTask) -> dict[str, list[NeuronAblationCurve]]:
    """The complete curves by name of the ranking."""
    names = {entry.id: entry.name for entry in visit.models}
    found: dict[str, list[NeuronAblationCurve]] = {}
    for id, order, seed in task.runs():
        curve = task.curve(id, order, seed)
        if curve is not None:
            found.setdefault(names[id] if id else ACTIVATION if order == "activation" else RANDOM, []).append(curve)
    return found


def section(network: Network, target: int, shown: AblationShown) -> None:
    """Draw it for a class; a report's notes are told what it shows."""
    measuring.section("abl-curves", job, partial(_draw, network, target, shown))


def _draw(network: Network, target: int, shown: AblationShown) -> None:
    visit = session.get_visit()
    held = state_ablation.of(visit)
    progress = job().progress
    task = task_of(network, visit, target)
    curves = measured(visit, task)
    shown.measured = (held.measurement, curves)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="abl-line-curves"):
        st.html(
            f'<div class="v-abl-head"><h2>{terms.marked("ablation", "Ablation")} curves</h2><span class="v-muted">'
            f"{task.network.architecture.name(task.layer)}, one neuron after the other, up to "
            f"{task.counts[-1]} of {task.size}</span></div>",
            width="stretch",
        )
        key = widgets.mirror("abl-scale", held.measurement.scale)
        st.segmented_control(
            "Scale",
            list(SCALES),
            key=key,
            required=True,
            label_visibility="collapsed",
            width="content",
            format_func=str.title,
            on_change=_set,
            args=(key, "scale"),
        )
        settings = widgets.menu("Models and points", key="menu-abl-curves", icon=":material/tune:")
        files = widgets.menu("Export", key="menu-abl-curve-files", icon=":material/ios_share:")
        measuring.buttons(
            job(),
            "abl-measure",
            lambda: job().start(task),
            stop="abl-stop",
            disabled=not task.missing(),
            help=f"{len(task.missing()) * len(task.counts)} times through the layers above",
        )
    if settings.open:
        with settings:
            _settings(visit, task)
    if files.open:
        with files:
            _exports(visit, task, curves)
    measuring.progress_line(progress, f"Ablating: {progress.done} of {progress.total} points")
    if not curves:
        st.html('<div class="v-abl-none v-muted">Not measured: choose models, then press Measure.</div>')
        return
    _results(visit, task, curves)


def _set(key: str, name: str) -> None:
    if (value := st.session_state[key]) is not None:
        value = tuple(value) if name == "models" else value
        session.update(state_ablation.changed, state_ablation.set_measurement, **{name: value})


def _settings(visit: Visit, task: CurvesTask) -> None:
    settings = state_ablation.of(visit).measurement
    names = {entry.id: entry.name for entry in visit.models}
    key = widgets.mirror("abl-models", list(task.models), *(names.get(id) for id in task.models))
    st.multiselect(
        "LRP models",
        list(names),
        key=key,
        format_func=names.__getitem__,
        on_change=_set,
        args=(key, "models"),
        help="Each model ranks the neurons by its own total relevance",
    )
    key = widgets.mirror("abl-share", settings.share)
    st.slider("Share of the layer ablated at the end, %", 1, 100, key=key, on_change=_set, args=(key, "share"))
    left, right = st.columns(2)
    with left:
        key = widgets.mirror("abl-points", settings.points)
        st.number_input(
            "Points",
            2,
            MAX_POINTS,
            key=key,
            step=1,
            on_change=_set,
            args=(key, "points"),
            help="Closer together where few neurons are ablated",
        )
    with right:
        key = widgets.mirror("abl-seeds", settings.seeds)
        st.number_input("Random orders", 0, MAX_SEEDS, key=key, step=1, on_change=_set, args=(key, "seeds"))
    st.caption(
        "Layer, class and replacement value are those chosen on the page. Curves that are already "
        "measured are not measured again."
    )


def _results(visit: Visit, task: CurvesTask, curves: dict[str, list[NeuronAblationCurve]]) -> None:
    scale = state_ablation.of(visit).measurement.scale
    left, right = st.columns([0.6, 0.4], gap="medium")
    name = task.network.classes[task.target]
    with left:
        draw(
            curves_chart.chart(curves, scale, name, visit.entry().name, theme.is_dark()),
            "abl-curves",
            words=f"{scale} of {name} while neurons of {task.network.architecture.name(task.layer)} are ablated, by "
            f"{', '.join(curves)}",
        )
    with right:
        _table(curves_chart.areas_frame(curves), scale)
        names = [entry.name for entry in visit.models if entry.id in task.models and entry.name not in curves]
        if names:
            st.caption(f"Not measured: {escaped(', '.join(names))}.")


def _table(areas: pd.DataFrame, scale: str) -> None:
    shown = curves_chart.table_frame(areas, scale)
    number = st.column_config.NumberColumn(format="%.2f" if scale == "logit" else "%.1f %%", width="small")
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        key="abl-areas",
        column_config={
            "Mean ↓": number,
            "Area to random ↑": number,
            "Change ↓": st.column_config.NumberColumn(format="%.0f", width="small"),
        },
    )
    st.caption(curves_chart.CAPTION)


def _exports(visit: Visit, task: CurvesTask, curves: dict[str, list[NeuronAblationCurve]]) -> None:
    if not curves:
        st.caption("Not measured yet.")
        return
    what = f"{task.network.classes[task.target]}_{task.network.architecture.name(task.layer)}"
    stem = file_stem(f"ablation_{visit.image.id[:24]}_{what}")
    for label, frame, key in (
        ("Curves (CSV)", curves_chart.curves_frame(curves), "curves"),
        ("Areas (CSV)", curves_chart.areas_frame(curves), "areas"),
    ):
        st.download_button(
            label,
            table_of(frame),
            f"{stem}_{key}.csv",
            "text/csv",
            key=f"abl-{key}-csv",
            icon=":material/table:",
            on_click="ignore",
            width="stretch",
        )
