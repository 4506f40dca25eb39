"""The Neuron Ablation page: layer, charts, matrix, selected neurons, predictions before and after."""

from __future__ import annotations

import html

import streamlit as st

from vislrp_core.network import Network
from vislrp_core.neurons import NeuronScores
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_ui import service, session, state_ablation
from vislrp_ui.ablation import brushes, cells, charts, choosing, curves, kept, pixels, report, selected, style, toolbar, work
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.components.beforeafter import before_after
from vislrp_ui.components.layerlist import layer_list
from vislrp_ui.shared import widgets
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.progress import ProgressNote
from vislrp_ui.shared.required import require_image
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState


def ablation() -> None:
    """Draw the page."""
    visit = boot()
    st.html(style.css())
    network = require_image(visit)
    with widgets.first_pass(network, visit.image):
        service.logits(network, visit.image)
    visit = _fit(network, visit)
    target, files = toolbar.toolbar(network, visit)
    note = st.empty()
    held, shown = state_ablation.of(visit), report.AblationShown()
    asked = ExplanationKey(network, visit.image, visit.model, target)
    with st.container(key="abl-columns"):
        left, middle, right = st.columns(style.COLUMNS, gap="medium")
    with left:
        st.html('<h2 class="v-head">Layer</h2>')
        layer_list("abl-layers", visit.model, held.layer, {layer: len(neurons) for layer, neurons in held.selected}, _pick)
    with right, st.container(gap="xsmall"):
        _predictions(network, visit, held, target)
        pixels_place, selected_place = st.container(gap="xsmall"), st.container(gap="xsmall")
    with middle, st.container(gap="xsmall"):
        progress = ProgressNote(note)
        scores, error = _scores(asked, held, progress)
        progress.done()
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-layer"):
            with st.container(width=250):
                choosing.layer_select(network, visit)
            st.space("stretch")
            choosing.ways(visit.model.plan, held, scores)
        if scores is None:
            st.html(f'<div class="v-abl-none" role="status">{html.escape(str(error))}</div>')
        else:
            charts.charts(visit.model.plan, held, scores)
            cells.section(visit, asked, held, scores)
            kept.section(network, visit, held, target)
    curves.section(network, target, shown)
    if scores is not None:
        with pixels_place:
            draw_pixels = pixels.section(visit, asked, held, len(scores))
        with selected_place:
            selected.section(visit, asked, held, scores)
    if files.open:
        with files:
            report.offer(visit, asked, held, scores, str(error or ""), shown)
    if scores is not None and (drawn := draw_pixels()) is not None:
        shown.whole, shown.part = drawn


def _pick(layer: object) -> None:
    if isinstance(layer, int):
        brushes.forget()
        toolbar.change(state_ablation.set_layer, layer, session.get_visit().model.plan)


def _fit(network: Network, visit: Visit) -> Visit:
    """The visit without neurons that this network lacks."""
    fitted, lost = state_ablation.fitting(state_ablation.of(visit), work.sizes(network))
    if not lost:
        return visit
    visit = visit.with_page(state_ablation.KEY, fitted)
    session.set_visit(visit)
    session.sync_address(visit)
    st.warning(
        f"{lost} selected neuron{'s' if lost > 1 else ''} left out: this network has fewer at those layers.",
        icon=":material/error:",
    )
    return visit


def _scores(
    asked: ExplanationKey, held: AblationState, progress: ProgressNote
) -> tuple[NeuronScores | None, NonFiniteRelevance | None]:
    try:
        return work.scores_at(asked, held.layer, progress), None
    except NonFiniteRelevance as error:
        return None, error


def _predictions(network: Network, visit: Visit, held: AblationState, target: int) -> None:
    cut = held.ablated
    words = "press Ablate to compare"
    if cut is not None:
        words = f"{cut.title(visit.model.plan)} set to {'0' if cut.value == 'zero' else 'their mean'}"
    st.html(f'<div class="v-abl-head"><h2>Predictions</h2><span class="v-muted">{words}</span></div>')
    known = work.before(network, visit.image)
    after = known if cut is None else work.without(network, visit.image, cut)
    stale = "for an earlier selection" if cut is not None and cut != held.cut else ""
    before_after("abl-result", known, after, target=target, stale=stale)
