"""The selected neurons: relevance beside activation, a page of them at a time."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.heatmap import colour, format_value
from vislrp_core.neurons import SCORES, Scores
from vislrp_ui import service
from vislrp_ui.ablation import work
from vislrp_ui.ablation.cells import as_url, thumbnails, tiled
from vislrp_ui.ablation.work import Question
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState

SHOWN = 12
TOLD = ("positive_relevance", "negative_relevance", "activation_sum")
_PAGE = "_ablation_page"


def section(visit: Visit, asked: Question, held: AblationState, scores: Scores) -> None:
    """Draw them, the strongest positive relevance first."""
    ranked = sorted(held.neurons, key=lambda neuron: (-scores.positive_relevance[neuron], neuron))
    pages = -(-len(ranked) // SHOWN)
    page = max(0, min(st.session_state.get(_PAGE, 0), pages - 1))
    here = ranked[page * SHOWN:(page + 1) * SHOWN]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-selected"):
        st.html('<div class="v-abl-head"><b>Selected neurons</b><span class="v-muted">relevance | activation</span></div>',
                width="stretch")
        if pages > 1:
            st.html(f'<span class="v-muted v-facts">{page * SHOWN + 1}–{page * SHOWN + len(here)} of {len(ranked)}</span>',
                    width="content")
            st.button("", icon=":material/chevron_left:", type="tertiary", key="abl-previous", disabled=page == 0,
                      on_click=_turn, args=(page - 1,), help="Previous neurons")
            st.button("", icon=":material/chevron_right:", type="tertiary", key="abl-next", disabled=page == pages - 1,
                      on_click=_turn, args=(page + 1,), help="Next neurons")
    if not here:
        st.html('<div class="v-abl-none v-muted">No neurons selected. Drag over a chart or click cells.</div>')
        return
    st.html(pairs(visit, asked, held.layer, here, scores))


def _turn(page: int) -> None:
    st.session_state[_PAGE] = page


def pairs(visit: Visit, asked: Question, layer: int, neurons: Sequence[int], scores: Scores) -> str:
    """Pictures and numbers as HTML; all relevance maps share a range, all activation maps another."""
    chosen = list(neurons)
    dark = service.dark_maps(visit.look)
    parts = []
    for values, spectrum in ((work.relevance_at(asked, layer), visit.look.spectrum),
                             (service.trace(asked.ref).activation(layer), "activation")):
        thumbs = thumbnails(values[chosen], 56)
        parts.append(_strip(thumbs, spectrum, service.limit_of(thumbs.reshape(len(thumbs), -1), visit.look), dark))
    figures = []
    across = max(len(chosen) - 1, 1)
    name = service.rows().name(layer)
    for place, neuron in enumerate(chosen):
        where = f"background-size:{100 * len(chosen)}% 100%;background-position:{100 * place / across:.3f}% 0"
        label = f"Neuron {neuron} of {name}: relevance and activation"
        facts = "; ".join(f"{SCORES[key].title} {_signed(scores.column(key)[neuron])}" for key in TOLD)
        figures.append(
            f'<figure title="{facts}"><div role="img" aria-label="{label}"><i class="v-rel" style="{where}"></i>'
            f'<i class="v-act" style="{where}"></i></div><figcaption><b>{neuron}</b> <span class="v-muted">'
            f'Σ {_signed(scores.total_relevance[neuron])}</span></figcaption></figure>')
    style = "".join(f'.v-pairs .{kind}{{background-image:url("{as_url(part)}")}}'
                    for kind, part in zip(("v-rel", "v-act"), parts, strict=True))
    return f'<style>{style}</style><div class="v-pairs">{"".join(figures)}</div>'


def _signed(value: float) -> str:
    return ("−" if value < 0 else "+") + format_value(abs(value)) if value else "0"


def _strip(thumbs: NDArray[np.float32], spectrum: str, limit: float, dark: bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(colour(tiled(thumbs, len(thumbs)), limit, spectrum, dark)).save(buffer, "WEBP", lossless=True, method=0)
    return buffer.getvalue()
