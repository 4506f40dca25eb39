"""The Neuron Ablation page: layer, charts, matrix, selected neurons, predictions before and after."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from vislrp_core.neurons import Scores
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_ui import service, session, state_ablation, widgets
from vislrp_ui.ablation import charts, choosing, style, table, toolbar, work
from vislrp_ui.ablation.work import Question
from vislrp_ui.components.beforeafter import before_after
from vislrp_ui.design.progress import Progress
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState


def ablation() -> None:
    """Draw the page."""
    visit = session.boot()
    st.html(style.css())
    widgets.require_image(visit)
    with widgets.first_pass(visit.image):
        service.trace(visit.image)
    visit = _fit(visit)
    target = toolbar.toolbar(visit)
    note = st.empty()
    held = state_ablation.of(visit)
    asked = Question(visit.image, visit.model, target)
    middle, right = st.columns([0.72, 0.28], gap="medium")
    with right:
        _predictions(visit, held, target)
    with middle:
        progress = Progress(note)
        scores, error = _scores(asked, held, progress)
        progress.done()
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-layer"):
            with st.container(width=260):
                choosing.layer_select(visit)
            st.space("stretch")
            choosing.ways(held, scores)
        if scores is None:
            st.html(f'<div class="v-abl-none" role="status">{html.escape(str(error))}</div>')
        else:
            charts.charts(held, scores)
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-all"):
                st.html('<div class="v-abl-head"><b>All neurons</b></div>', width="stretch")
                table.csv_button(held, scores)
            table.table(held, scores)


def _fit(visit: Visit) -> Visit:
    """The visit without neurons that this network lacks."""
    fitted, lost = state_ablation.fitting(state_ablation.of(visit), work.sizes(visit.image))
    if not lost:
        return visit
    visit = replace(visit, ablation=fitted)
    session.set_visit(visit)
    session.sync_address(visit)
    st.warning(f"{lost} selected neuron{'s' if lost > 1 else ''} left out: this network has fewer at those layers.",
               icon=":material/error:")
    return visit


def _scores(asked: Question, held: AblationState, progress: Progress) -> tuple[Scores | None, NonFiniteRelevance | None]:
    try:
        return work.scores_at(asked, held.layer, progress), None
    except NonFiniteRelevance as error:
        return None, error


def _predictions(visit: Visit, held: AblationState, target: int) -> None:
    cut = held.ablated
    words = "press Ablate to compare"
    if cut is not None:
        words = f"{cut.title} set to {'0' if cut.value == 'zero' else 'their mean'}"
    st.html(f'<div class="v-abl-head"><b>Predictions</b><span class="v-muted">{words}</span></div>')
    known = work.before(visit.image)
    after = known if cut is None else work.without(visit.image, cut)
    stale = "for an earlier selection" if cut is not None and cut != held.cut else ""
    before_after("abl-result", known, after, target=target, stale=stale)
