"""Evidence on Compare: what is asked, how far the measuring is, table, charts, the picture behind a difference, files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache, partial

import pandas as pd
import streamlit as st

from vislrp_core import containers
from vislrp_core.baselines import METHODS
from vislrp_core.measures import MEASURES, Measured
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.measures.summary import FEWEST, Summary, summarize
from vislrp_core.report import ReportPart, ReportPicture, ReportTable
from vislrp_ui import state_compare, theme
from vislrp_ui.background import session_job
from vislrp_ui.compare.edits import change
from vislrp_ui.compare.evidence import boxes, chart, exports, mosaics, pair, sources
from vislrp_ui.compare.evidence.job import EvidenceJob
from vislrp_ui.compare.evidence.plan import Key, Plan, cost
from vislrp_ui.compare.work import Grid
from vislrp_ui.evidence import FREE, OFFERED, OVER, Evidence
from vislrp_ui.shared import measuring, widgets
from vislrp_ui.shared.charts import draw

_JOB, _AUTO = "_evidence_job", "_evidence_auto"
SECONDS = 1.0
"""Between two looks at a running measurement."""
MAP_SECONDS = 0.8
"""Of one forward pass and one propagation, where nothing better is known."""
ARROWS = {"high": " ↑", "low": " ↓", "": ""}


def job() -> EvidenceJob:
    """The session's measurement; it ends with the session."""
    return session_job(_JOB, EvidenceJob)


def switch(grid: Grid) -> None:
    """Button of the toolbar that opens and closes the panel."""
    on = grid.state.evidence is not None
    st.button(
        "Evidence",
        icon=":material/leaderboard:",
        type="tertiary",
        key="compare-evidence",
        disabled=not grid.rows,
        help="Close the measures" if on else "Measure the models over rows or over many pictures, with intervals",
        on_click=change,
        args=(state_compare.turn_evidence,),
    )


def section(grid: Grid) -> None:
    """Draw it."""
    measuring.section("evidence", job, partial(_draw, grid), SECONDS)


def _draw(grid: Grid) -> None:
    work = job()
    shown = grid.state.evidence or Evidence()
    sources.adopt(work)
    plan = sources.plan_of(grid, shown)
    sources.fill_free(grid, plan)
    _start_free(grid, plan, work)
    known = plan.known()
    tables = {metric: _summaries(metric, plan.table(metric, known)) for metric in plan.metrics}
    grid.evidence = partial(_report, plan, tables)
    with st.container(key="evidence-panel"):
        _line(grid, plan, shown, known, tables, work)
        _progress(plan, work)
        if not plan.subjects:
            st.html(
                '<div class="v-flip-empty v-muted">No pictures yet: bring up to 50 through “Pictures and measures”.</div>'
            )
        elif any(one.images for found in tables.values() for one in found):
            _results(grid, plan, known, tables)
        elif not work.progress.running:
            st.html('<div class="v-flip-empty v-muted">Not measured: choose measures, then press Measure.</div>')


def _start_free(grid: Grid, plan: Plan, work: EvidenceJob) -> None:
    """Over the rows shown, measures that cost little begin automatically, once for each table."""
    missing = plan.missing(FREE)
    mark = tuple(plan.keys[key] for key in missing)
    if plan.shown.over != "rows" or grid.missing() or not missing or work.progress.running:
        return
    if st.session_state.get(_AUTO) == mark:
        return
    st.session_state[_AUTO] = mark
    free = {key: task for key, task in missing.items() if key[1] in {entry.name for entry in grid.entries}}
    if free:
        work.start(plan, free, sources.maps_of(grid, plan))
        st.rerun()


def _summaries(metric: str, values: Mapping[str, Mapping[str, float]]) -> list[Summary]:
    return _cached(metric, tuple((model, tuple(own.items())) for model, own in values.items()))


@lru_cache(128)
def _cached(metric: str, values: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]) -> list[Summary]:
    return summarize({model: dict(own) for model, own in values}, metric)


def _line(
    grid: Grid, plan: Plan, shown: Evidence, known: dict[Key, Measured], tables: dict[str, list[Summary]], work: EvidenceJob
) -> None:
    missing = plan.missing()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="evidence-line"):
        count = len(plan.subjects)
        st.html(
            f'<div class="v-flip-head"><h2>Evidence</h2><span class="v-muted">{len(plan.models)} models × {count} '
            f"picture{'s' * (count != 1)} × {len(plan.metrics)} measures</span></div>",
            width="stretch",
        )
        box = widgets.menu("Pictures and measures", key="menu-evidence", icon=":material/tune:", type="secondary")
        if box.open:
            with box:
                _settings(shown)
        if shown.over == "rows":
            box = widgets.menu(
                "Box",
                key="menu-evidence-box",
                icon=":material/crop_free:",
                type="secondary",
                help="Draw a box around the object, for box mass and pointing",
            )
            if box.open:
                with box:
                    boxes.editor(grid, shown)
        if "mosaic" in plan.metrics:
            box = widgets.menu(
                "Mosaics",
                key="menu-evidence-mosaics",
                icon=":material/grid_view:",
                type="secondary",
                help="The pictures that the mosaic measure shows to the network",
            )
            if box.open:
                with box:
                    mosaics.gallery(plan)
        box = widgets.menu(
            "Export",
            key="menu-evidence-export",
            icon=":material/ios_share:",
            type="secondary",
            disabled=not known,
            help="CSV, Parquet, figure, LaTeX, text of a methods section",
        )
        if box.open and known:
            with box:
                exports.menu(plan, known, tables)
        measuring.buttons(
            work,
            "evidence-start",
            lambda: work.start(plan, plan.missing(), sources.maps_of(grid, plan)),
            stop="evidence-stop",
            disabled=not missing,
            stop_help="Stop measuring; finished values stay",
            help=f"{len(missing)} values, about {_duration(MAP_SECONDS * sum(cost(missing).values()))}",
        )


def _progress(plan: Plan, work: EvidenceJob) -> None:
    progress, left = work.progress, work.left()
    measuring.progress_line(
        progress,
        f"Measuring: {100 * progress.share:.0f}\u202f%" + (f", about {_duration(left)} left" if left is not None else ""),
    )
    if not progress.running and not progress.message and (missing := plan.missing()):
        expected = _duration(MAP_SECONDS * sum(cost(missing).values()))
        st.caption(f"{len(missing)} of {len(plan.tasks)} values are not measured: about {expected} in the background.")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(math.ceil(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _settings(shown: Evidence) -> None:
    key = widgets.mirror("evidence-over", shown.over)
    st.segmented_control(
        "Over", list(OVER), key=key, required=True, format_func=OVER.__getitem__, on_change=_set, args=(key, "over")
    )
    if shown.over == "uploads":
        kept = sources.own_set()
        name = f"evidence-upload-{st.session_state.setdefault('_evidence_generation', 0)}"
        st.file_uploader(
            "Pictures",
            type=widgets.UPLOAD_TYPES,
            key=name,
            accept_multiple_files=True,
            max_upload_size=widgets.UPLOAD_MB,
            on_change=sources.take_pictures,
            args=(name,),
            help=f"{containers.READABLE}. Up to {sources.MAX_OWN}, kept for this visit, shown to nobody else.",
        )
        if kept:
            st.caption(f"{len(kept)} of at most {sources.MAX_OWN} pictures; the class explained is the first of each.")
            st.button(
                "Forget these pictures",
                icon=":material/delete:",
                type="tertiary",
                key="evidence-forget",
                on_click=sources.forget_pictures,
            )
    key = widgets.mirror("evidence-metrics", list(shown.metrics))
    st.multiselect(
        "Measures",
        list(OFFERED),
        key=key,
        format_func=lambda one: MEASURES[one].title,
        on_change=_set,
        args=(key, "metrics"),
    )
    key = widgets.mirror("evidence-baselines", list(shown.baselines))
    st.multiselect(
        "Baselines to compare with",
        list(METHODS),
        key=key,
        format_func=lambda one: METHODS[one].title,
        on_change=_set,
        args=(key, "baselines"),
        help="Maps that are not LRP: what a model must beat",
    )
    if set(shown.metrics) & set(NEED_BOXES) and not (shown.over == "rows" and shown.boxes):
        st.caption("Box mass and pointing need a box: draw one on a row's picture with “Box”, next to this menu.")
    if "mosaic" in shown.metrics:
        st.caption("Mosaic needs at least four different pictures.")
    for key in shown.metrics:
        one = MEASURES[key]
        st.caption(f"**{one.title}**{ARROWS[one.better]}. {one.formula} *Does not prove:* {one.caveat}")


def _set(key: str, name: str) -> None:
    value = st.session_state[key]
    if value is not None:
        kept = tuple(value) if isinstance(value, list) else value
        change(state_compare.set_evidence, **{name: kept})


def _results(grid: Grid, plan: Plan, known: dict[Key, Measured], tables: dict[str, list[Summary]]) -> None:
    shown = {metric: found for metric, found in tables.items() if any(one.images for one in found)}
    _table(plan, shown)
    metric, model = st.session_state.get(pair.PICK, ("", ""))
    if metric in shown and model in plan.models:
        pair.panel(grid, plan, shown, plan.table(metric, known), metric, model)
    with st.container(key="evidence-charts"):
        for metric, found in shown.items():
            with st.container(key=f"evidence-one-{metric}"):
                drawn = chart.chart(metric, found, theme.is_dark())
                draw(drawn, f"evidence-chart-{metric}", on_select=partial(_pick, metric))


def _pick(metric: str) -> None:
    model = chart.model_of(st.session_state[f"evidence-chart-{metric}"])
    if model is not None:
        st.session_state[pair.PICK] = (metric, model)


def _report(plan: Plan, tables: dict[str, list[Summary]]) -> tuple[ReportPart, ...]:
    """The panel as a section of a report."""
    shown = {metric: found for metric, found in tables.items() if any(one.images for one in found)}
    if not shown:
        return (ReportPart("Evidence", ("Not measured.",)),)
    values = _columns(shown)
    rows = tuple((model, *(values[title][place] for title in values)) for place, model in enumerate(plan.models))
    meaning = tuple((MEASURES[key].title, MEASURES[key].formula, MEASURES[key].caveat) for key in shown)
    drawing = ReportPicture(
        "",
        None,
        "Charts of the table below: the mean of every model as a dot, its interval as a line",
        svg=chart.figure(shown, "svg").decode(),
    )
    return (
        ReportPart(
            "Evidence",
            (exports.text_of(plan, tables),),
            (drawing,),
            (
                ReportTable("Measures", ("Model", *values), rows, note=_note(plan)),
                ReportTable("What the measures mean", ("Measure", "Definition", "Does not prove"), meaning),
            ),
            wide=True,
        ),
    )


def _columns(tables: dict[str, list[Summary]]) -> dict[str, list[str]]:
    """The table's columns by title."""
    return {
        MEASURES[metric].title + ARROWS[MEASURES[metric].better]: [_text(one) for one in found]
        for metric, found in tables.items()
    }


def _note(plan: Plan) -> str:
    few = f"; with fewer than {FEWEST} pictures nothing is)." if len(plan.subjects) < FEWEST else ")."
    return "Mean [95 % interval, bootstrap over pictures]. ★ best, ≈ not distinguishable from it (paired bootstrap" + few


def _table(plan: Plan, tables: dict[str, list[Summary]]) -> None:
    st.dataframe(
        pd.DataFrame({"Model": list(plan.models), **_columns(tables)}),
        hide_index=True,
        width="stretch",
        key="evidence-table",
        column_config={"Model": st.column_config.TextColumn(pinned=True)},
    )
    st.caption(_note(plan) + " A click on a dot below shows the picture where that model and the best one differ most.")


def _text(one: Summary) -> str:
    if not one.images:
        return "–"
    mark = "★ " if one.best else "≈ " if one.tied else ""
    return f"{mark}{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]".replace("-", "−")
