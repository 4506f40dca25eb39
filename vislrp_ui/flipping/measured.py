"""Measured flipping on the page: settings, progress, curves, table, the picture at any step, files."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
import torch

from vislrp_core import flipping, heatmap
from vislrp_core.fills import FILLS, filled_image, flip
from vislrp_core.flipping import PerturbationCurve
from vislrp_core.images import to_pil
from vislrp_core.network import Network
from vislrp_ui import service, session, state_flipping, theme
from vislrp_ui.background import session_job
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.classbars import percent
from vislrp_ui.components.picture import picture
from vislrp_ui.flipping import chart
from vislrp_ui.flipping.chart import RANDOM
from vislrp_ui.flipping.report import FlippingShown
from vislrp_ui.flipping.toolbar import change, changing
from vislrp_ui.flipping.work import values_of
from vislrp_ui.service import Maps
from vislrp_ui.shared import large, measuring, terms, views, widgets
from vislrp_ui.shared.charts import draw
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.flipping_job import FlippingJob, FlippingTask, measurable
from vislrp_ui.shared.frames import table_of
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit
from vislrp_ui.state_flipping import MAX_SEEDS, MAX_STEPS, PATCHES, SCALES

_JOB, _STEP = "_flipping_job", "_flipping_step"
CAPTION = chart.CAPTION
for _key, _name in (("aopc", "AOPC"), ("abpc", "ABPC"), ("srg", "SRG"), ("change", "Change")):
    CAPTION = CAPTION.replace(f"{_name}:", f"{terms.marked(_key, _name)}:")
"""As HTML, its terms marked."""


OUTSIDE = (
    "The random order falls below most relevant first: × −1 makes pixels that no photograph has, and scattered "
    "over the picture they confuse the network more than losing the relevant pixels does. “Mean” stays closer to "
    "photographs."
)


def outside_data(fill: str, measured: chart.Measured) -> bool:
    """Whether the fill, and not the loss of relevance, decides: with × −1 the random order falls faster than a model's."""
    lots = [curve.probabilities.mean() for curves in measured.get(RANDOM, {}).values() for curve in curves]
    first = [
        float(orders["morf"][0].probabilities.mean())
        for name, orders in measured.items()
        if name != RANDOM and orders.get("morf")
    ]
    return fill == "invert" and bool(lots and first) and float(np.mean(lots)) < max(first)


def job() -> FlippingJob:
    """The session's measurement; it ends with the session."""
    return session_job(_JOB, FlippingJob)


def task_of(network: Network, visit: Visit, maps: Maps) -> FlippingTask:
    """What the settings ask for."""
    settings = state_flipping.of(visit).measurement
    entries = measurable(visit)
    chosen = [id for id in settings.models if id in entries] or [visit.active]
    values = values_of(maps)
    known = {id: values for id in chosen if values is not None and entries[id][1].key == maps.model_key}
    return FlippingTask(
        visit.image,
        network,
        service.trace(network, visit.image),
        maps.target,
        {id: entries[id][1] for id in chosen},
        known,
        settings.patch,
        settings.fill,
        settings.steps,
        settings.seeds,
    )


def measured(visit: Visit, task: FlippingTask) -> dict[str, dict[str, list[PerturbationCurve]]]:
    """The complete curves by name of the model and order."""
    names = {id: name for id, (name, _) in measurable(visit).items()}
    found: dict[str, dict[str, list[PerturbationCurve]]] = {}
    for id, order, seed in task.runs():
        curve = task.curve(id, order, seed)
        if curve is not None:
            found.setdefault(names[id] if id else RANDOM, {}).setdefault(order, []).append(curve)
    return found


def section(network: Network, maps: Maps, shown: FlippingShown) -> None:
    """Draw it."""
    measuring.section("flip-measure", job, partial(_draw, network, maps, shown))


def _draw(network: Network, maps: Maps, shown: FlippingShown) -> None:
    visit = session.get_visit()
    settings = state_flipping.of(visit).measurement
    progress = job().progress
    task = task_of(network, visit, maps)
    curves = measured(visit, task)
    shown.visit, shown.measured = visit, (settings, curves)
    fill = FILLS[settings.fill]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="flip-measure-line"):
        st.html(
            f'<div class="v-flip-head"><h2>Measured {terms.marked("flipping")}</h2><span class="v-muted">'
            f"{settings.patch} × {settings.patch} patches, {html.escape(fill.short)} · solid: most relevant first · "
            "dashed: least relevant first · dotted: random</span></div>",
            width="stretch",
        )
        key = widgets.mirror("flip-scale", settings.scale)
        st.segmented_control(
            "Scale",
            list(SCALES),
            key=key,
            required=True,
            label_visibility="collapsed",
            format_func=str.title,
            width="content",
            on_change=changing(key, state_flipping.set_measurement, name="scale"),
        )
        with st.popover("Models and patches", icon=":material/tune:"):
            _settings(visit, task)
        with st.popover("Export", icon=":material/ios_share:", disabled=not curves):
            _exports(visit, task, curves)
        measuring.buttons(
            job(),
            "flip-measure",
            lambda: job().start(task),
            stop="flip-stop",
            disabled=not task.missing(),
            help=f"{len(task.missing()) * task.steps} pictures through the network",
        )
    measuring.progress_line(progress, f"Flipping: {progress.done} of {progress.total} pictures")
    if not any(name != RANDOM for name in curves):
        st.html('<div class="v-flip-empty v-muted">Not measured: choose models and patches, then press Measure.</div>')
        return
    _results(visit, task, curves)


def _settings(visit: Visit, task: FlippingTask) -> None:
    settings = state_flipping.of(visit).measurement
    names = {id: name for id, (name, _) in measurable(visit).items()}
    key = widgets.mirror("flip-models", list(task.models), *(names.get(id) for id in task.models))
    st.multiselect(
        "LRP models and baselines", list(names), key=key, format_func=names.__getitem__, on_change=_set_models, args=(key,)
    )
    left, right = st.columns(2)
    with left:
        key = widgets.mirror("flip-patch", settings.patch)
        st.selectbox(
            "Patch, pixels", list(PATCHES), key=key, on_change=changing(key, state_flipping.set_measurement, name="patch")
        )
        key = widgets.mirror("flip-seeds", settings.seeds)
        st.number_input(
            "Random orders",
            0,
            MAX_SEEDS,
            key=key,
            step=1,
            on_change=changing(key, state_flipping.set_measurement, name="seeds"),
        )
    with right:
        key = widgets.mirror("flip-steps", settings.steps)
        st.number_input(
            "Steps", 1, MAX_STEPS, key=key, step=1, on_change=changing(key, state_flipping.set_measurement, name="steps")
        )
        key = widgets.mirror("flip-measure-fill", settings.fill)
        st.selectbox(
            "Fill",
            list(FILLS),
            key=key,
            format_func=lambda one: FILLS[one].title,
            help=FILLS[settings.fill].sentence,
            on_change=changing(key, state_flipping.set_measurement, name="fill"),
        )
    st.caption(
        f"{len(task.missing()) * task.steps} pictures go through the network; curves that are already measured "
        "are not measured again."
    )


def _set_models(key: str) -> None:
    change(state_flipping.set_measurement, models=tuple(st.session_state[key]))


def _results(visit: Visit, task: FlippingTask, curves: dict[str, dict[str, list[PerturbationCurve]]]) -> None:
    settings = state_flipping.of(visit).measurement
    target = task.network.classes[task.target]
    with st.container(key="flip-results"):
        left, middle, right = st.columns([0.5, 0.16, 0.34], gap="small")
    with left:
        drawn = chart.chart(curves, settings.scale, target, visit.entry().name, theme.is_dark())
        draw(drawn, "flip-chart", on_select=_pick)
    with middle:
        _step(visit, task, curves)
    with right:
        _table(chart.scores_frame(curves), settings.scale)
        if outside_data(task.fill, curves):
            st.caption(OUTSIDE)
            st.button(
                "Use mean as fill",
                icon=":material/format_color_fill:",
                key="flip-use-mean",
                type="tertiary",
                on_click=change,
                args=(state_flipping.set_measurement,),
                kwargs={"fill": "mean"},
            )
        names = [name for id, (name, _) in measurable(visit).items() if id in task.models and name not in curves]
        if names:
            st.caption(f"Not measured: {escaped(', '.join(names))}.")


def _pick() -> None:
    if (point := chart.step_of(st.session_state["flip-chart"])) is not None:
        st.session_state[_STEP] = point


def _table(scores: pd.DataFrame, scale: str) -> None:
    shown = chart.table_frame(scores, scale)
    largest = float(shown["SRG ↑"].max()) if shown["SRG ↑"].notna().any() else 0.0
    number = st.column_config.NumberColumn(format="%.3f", width=62)
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        key="flip-table",
        column_config={
            "AOPC ↑": number,
            "ABPC ↑": number,
            "SRG ↑": st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=max(largest, 1e-6), width=110),
            "Change ↓": st.column_config.NumberColumn(format="%.1f %%", width=72),
        },
    )
    st.html(f'<p class="v-muted v-flip-words">{CAPTION}</p>')


def _step(visit: Visit, task: FlippingTask, curves: dict[str, dict[str, list[PerturbationCurve]]]) -> None:
    """The flipped picture at one step of one curve."""
    ids = {name: id for id, (name, _) in measurable(visit).items() if id in task.models}
    options = [(name, order) for name, orders in curves.items() for order in orders]
    name, order, step = st.session_state.get(_STEP, (visit.entry().name, "morf", min(2, task.steps)))
    if (name, order) not in options:
        name, order = options[0]
    step = min(step, task.steps)
    curve = curves[name][order][0]
    squares = task.order(ids.get(name, ""), order, curve.seed)
    mask = flipping.step_mask(squares, task.patch, flipping.flipped_counts(len(squares), task.steps)[step])
    flipped = flip(task.trace.x, torch.from_numpy(mask.copy()), filled_image(task.trace.x, task.network, task.fill))
    png = heatmap.png(to_pil(flipped, task.network))
    title = f"The picture at step {step} of {task.steps}, {name}, {flipping.ORDERS[order]}"
    picture("flip-step-picture", data_url(png), title, large.offer("step", partial(views.picture_view, title, png)))
    key = widgets.mirror("flip-step", step, task.steps)
    st.slider("Step", 0, task.steps, key=key, on_change=_set_step, label_visibility="collapsed")
    key = widgets.mirror("flip-step-curve", (name, order))
    st.selectbox(
        "Curve",
        options,
        key=key,
        label_visibility="collapsed",
        on_change=_set_step,
        format_func=lambda one: one[0] if one[0] == RANDOM else f"{one[0]}, {flipping.ORDERS[one[1]]}",
    )
    st.html(f'<div class="v-muted v-facts">{_facts(task.network.classes, task.target, curve, step)}</div>')


def _set_step() -> None:
    st.session_state[_STEP] = (*st.session_state["flip-step-curve"], st.session_state["flip-step"])


def _facts(classes: Sequence[str], target: int, curve: PerturbationCurve, step: int) -> str:
    first = html.escape(classes[int(curve.first_class[step])])
    return (
        f"{100 * curve.shares[step]:.1f}\u202f% flipped: “{html.escape(classes[target])}” "
        f"{percent(float(curve.probabilities[step]))}\u202f%, logit {curve.logits[step]:.2f}; first class {first}"
    )


def _exports(visit: Visit, task: FlippingTask, curves: dict[str, dict[str, list[PerturbationCurve]]]) -> None:
    settings = state_flipping.of(visit).measurement
    target = task.network.classes[task.target]
    stem = file_stem(f"flipping_{visit.image.id[:24]}_{target}")
    st.download_button(
        "Curves (CSV)",
        table_of(chart.curves_frame(curves)),
        f"{stem}_curves.csv",
        "text/csv",
        key="flip-curves",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Scores (CSV)",
        table_of(chart.scores_frame(curves)),
        f"{stem}_scores.csv",
        "text/csv",
        key="flip-scores",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
    title = f"{target}: {task.patch} × {task.patch} patches, {FILLS[task.fill].short}"
    for format, mime in (("png", "image/png"), ("svg", "image/svg+xml"), ("pdf", "application/pdf")):
        st.download_button(
            f"Figure ({format.upper()})",
            partial(chart.figure, curves, settings.scale, target, visit.entry().name, title, format),
            f"{stem}.{format}",
            mime,
            key=f"flip-figure-{format}",
            icon=":material/image:",
            on_click="ignore",
            width="stretch",
        )
