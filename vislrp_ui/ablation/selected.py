"""The selected neurons: relevance next to activation, a page of them at a time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.heatmap import colour, format_value
from vislrp_core.neurons import SCORES, NeuronScores
from vislrp_ui import service
from vislrp_ui.ablation import work
from vislrp_ui.ablation.cells import as_url, thumbnails, tiled
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.components.largeview import View
from vislrp_ui.components.neuronpairs import neuron_pairs
from vislrp_ui.shared import large, terms, views
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState

SHOWN = 12
TOLD = ("positive_relevance", "negative_relevance", "activation_sum")
_PAGE = "_ablation_page"


def section(visit: Visit, asked: ExplanationKey, held: AblationState, scores: NeuronScores) -> None:
    """Draw them, the strongest positive relevance first."""
    ranked = sorted(held.neurons, key=lambda neuron: (-scores.positive_relevance[neuron], neuron))
    pages = -(-len(ranked) // SHOWN)
    page = st.session_state[_PAGE] = max(0, min(st.session_state.get(_PAGE, 0), pages - 1))
    here = ranked[page * SHOWN : (page + 1) * SHOWN]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-selected"):
        st.html(
            f'<div class="v-abl-head"><h2>Selected {terms.marked("neuron", "neurons")}</h2><span class="v-muted">'
            f"{terms.marked('relevance')} | {terms.marked('activation')}</span></div>",
            width="stretch",
        )
        if pages > 1:
            st.html(
                f'<span class="v-muted v-facts">{page * SHOWN + 1}–{page * SHOWN + len(here)} of {len(ranked)}</span>',
                width="content",
            )
            st.button(
                "",
                icon=":material/chevron_left:",
                type="tertiary",
                key="abl-previous",
                disabled=page == 0,
                on_click=_turn,
                args=(-1,),
                help="Previous neurons",
            )
            st.button(
                "",
                icon=":material/chevron_right:",
                type="tertiary",
                key="abl-next",
                disabled=page == pages - 1,
                on_click=_turn,
                args=(1,),
                help="Next neurons",
            )
    if not here:
        st.html('<div class="v-abl-none v-muted">No neurons selected. Drag over a chart or click cells.</div>')
        return
    neuron_pairs("abl-pairs", pairs(visit, asked, held.layer, here, scores))


def _turn(step: int) -> None:
    st.session_state[_PAGE] = max(0, st.session_state.get(_PAGE, 0) + step)


def pairs(visit: Visit, asked: ExplanationKey, layer: int, neurons: Sequence[int], scores: NeuronScores) -> dict[str, Any]:
    """Payload of the pairs; all relevance maps share a range, all activation maps another."""
    chosen, name = list(neurons), visit.model.plan.name(layer)
    dark = service.dark_maps(visit.look)
    sheets = []
    for kind, values, spectrum in (
        ("relevance", work.relevance_at(asked, layer), visit.look.spectrum),
        ("activation", service.trace(asked.network, asked.ref).activation(layer), "activation"),
    ):
        thumbs = thumbnails(values[chosen], 56)
        limit = service.limit_of(thumbs.reshape(len(thumbs), -1), visit.look)
        sheets.append(as_url(_strip(thumbs, spectrum, limit, dark)))
        for neuron in chosen:
            large.offer(f"{kind}-{neuron}", partial(_large, visit, asked, layer, neuron, kind, spectrum))
    return {
        "sheets": sheets,
        "name": name,
        "neurons": [
            {
                "neuron": neuron,
                "sum": f"Σ {_signed(scores.total_relevance[neuron])}",
                "tip": "; ".join(f"{SCORES[key].title} {_signed(scores.column(key)[neuron])}" for key in TOLD),
            }
            for neuron in chosen
        ],
    }


def _large(visit: Visit, asked: ExplanationKey, layer: int, neuron: int, kind: str, spectrum: str) -> View:
    values = (
        work.relevance_at(asked, layer) if kind == "relevance" else service.trace(asked.network, asked.ref).activation(layer)
    )
    one = thumbnails(values[[neuron]], values.shape[-1])[0]
    title = f"Neuron {neuron} of {visit.model.plan.name(layer)}: {kind}"
    return views.values_view(title, one, visit.look, spectrum=spectrum)


def _signed(value: float) -> str:
    return ("−" if value < 0 else "+") + format_value(abs(value)) if value else "0"


def _strip(thumbs: NDArray[np.float32], spectrum: str, limit: float, dark: bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(colour(tiled(thumbs, len(thumbs)), limit, spectrum, dark)).save(buffer, "WEBP", lossless=True, method=0)
    return buffer.getvalue()
