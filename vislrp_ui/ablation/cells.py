"""Small pictures of all neurons on one sheet, and the matrix that shows them."""

from __future__ import annotations

import base64
import io
from functools import partial

import numpy as np
import streamlit as st
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.heatmap import colour
from vislrp_core.neurons import SCORES, NeuronScores
from vislrp_ui import service, state_ablation, theme
from vislrp_ui.ablation import brushes, table, work
from vislrp_ui.ablation.toolbar import change, changing
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.components import colours
from vislrp_ui.components.matrix import NeuronFact, Sheet, columns_for, matrix, matrix_data, neurons_of
from vislrp_ui.components.protocol import Edit
from vislrp_ui.shared import widgets
from vislrp_ui.state import Look, Visit
from vislrp_ui.state_ablation import ORDERS, SPREADS, THUMBS, AblationState

SIDES = ((64, 56), (128, 40), (256, 28), (512, 28), (1024, 14))
"""Largest side of a cell's picture by the number of neurons: more than a cell has room for would only cost time."""
PIXELATED_TO = 14
_sheets: ByteCache[bytes] = ByteCache(allotted("neuron sheets"), len)


def as_url(webp: bytes) -> str:
    """A WebP file as an address that needs no server."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


def thumbnails(values: torch.Tensor, most: int | None = None) -> NDArray[np.float32]:
    """(N, s, s) small maps of channels (means over equal parts of the map), (N, 2, 2) of single units.

    Parameters
    ----------
    most : int, optional
        Largest side s; by default what a cell of a matrix of N neurons has room for.
    """
    if values.ndim == 1:
        return np.asarray(values.reshape(-1, 1, 1).expand(-1, 2, 2).float().cpu().numpy())
    most = most or next((side for count, side in SIDES if values.shape[0] <= count), 7)
    if values.shape[-1] > most:
        values = F.adaptive_avg_pool2d(values[None].float(), most)[0]
    return np.asarray(values.float().cpu().numpy())


def tiled(thumbs: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """All small maps side by side in one array; empty places are zero."""
    count, side, _ = thumbs.shape
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, side, side), dtype=np.float32)
    filled[:count] = thumbs
    return filled.reshape(rows, columns, side, side).transpose(0, 2, 1, 3).reshape(rows * side, columns * side)


def sheet_picture(thumbs: NDArray[np.float32], columns: int, spectrum: str, range: str, own: bool, dark: bool) -> bytes:
    """The coloured sheet as a WebP file without loss.

    Parameters
    ----------
    range : str
        Range of all cells together; with `own` every cell's strongest value takes the strongest colour.
    """
    limit = 1.0
    if own:
        largest = np.abs(thumbs).max(axis=(1, 2), keepdims=True)
        thumbs = np.divide(thumbs, largest, out=np.zeros_like(thumbs), where=largest > 0)
    else:
        limit = service.limit_of(thumbs.reshape(len(thumbs), -1), Look(range=range))
    buffer = io.BytesIO()
    pixels = colour(tiled(thumbs, columns), limit, spectrum, dark)
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return buffer.getvalue()


def sheet(visit: Visit, asked: ExplanationKey, held: AblationState) -> Sheet:
    """The cells of the shown layer, as the matrix's settings ask for; cached."""
    look, layer, rows = visit.look, held.layer, asked.network.architecture
    relevance = held.thumbs == "relevance"
    own = held.spread == "own" and rows.has_positions(layer)
    dark = service.dark_maps(look)
    spectrum = look.spectrum if relevance else "activation"
    key = (asked.key(layer) if relevance else (asked.network.digest, asked.ref), layer, spectrum, look.range, own, dark)
    shape = work.shapes(asked.network)[layer]
    count = shape[0]
    columns = columns_for(count)

    def draw() -> bytes:
        values = work.relevance_at(asked, layer) if relevance else service.trace(asked.network, asked.ref).activation(layer)
        return sheet_picture(thumbnails(values), columns, spectrum, look.range, own, dark)

    small = not rows.has_positions(layer) or shape[-1] <= PIXELATED_TO
    return Sheet(as_url(_sheets.get_or_make(key, draw)), columns, -(-count // columns), small)


def section(visit: Visit, asked: ExplanationKey, held: AblationState, scores: NeuronScores) -> None:
    """Head with the switches, and the matrix or the table."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-all"):
        chosen = f"{len(held.neurons)} of {len(scores)}" if held.neurons else "click to select"
        st.html(f'<div class="v-abl-head"><h2>All neurons</h2><span class="v-muted">{chosen}</span></div>', width="stretch")
        key = widgets.mirror("abl-thumbs", held.thumbs)
        st.segmented_control(
            "Cells show",
            list(THUMBS),
            key=key,
            required=True,
            label_visibility="collapsed",
            format_func=str.title,
            width="content",
            on_change=changing(key, state_ablation.set_view, name="thumbs"),
        )
        if held.thumbs != "table":
            key = widgets.mirror("abl-spread", held.spread)
            st.segmented_control(
                "Range of the cells",
                list(SPREADS),
                key=key,
                required=True,
                width="content",
                label_visibility="collapsed",
                disabled=not visit.model.plan.has_positions(held.layer),
                format_func={"common": "Same range", "own": "Own range"}.__getitem__,
                on_change=changing(key, state_ablation.set_view, name="spread"),
            )
            key = widgets.mirror("abl-order", held.order)
            with st.container(width=162):
                st.selectbox(
                    "Order",
                    list(ORDERS),
                    key=key,
                    label_visibility="collapsed",
                    format_func=lambda one: "by number" if one == "number" else f"by {SCORES[one].title}",
                    on_change=changing(key, state_ablation.set_view, name="order"),
                    help="Order of the cells",
                )
        table.csv_button(visit.model.plan, held, scores)
    with st.container(key="abl-matrix-place"):
        if held.thumbs == "table":
            table.table(held, scores)
            return
        order = range(len(scores)) if held.order == "number" else scores.strongest(held.order).tolist()
        facts = (
            NeuronFact("positive relevance", scores.positive_relevance.tolist(), ranked=True),
            NeuronFact("negative relevance", scores.negative_relevance.tolist()),
            NeuronFact("activation", scores.activation_sum.tolist(), signed=False),
        )
        payload = matrix_data(
            visit.model.plan.name(held.layer),
            sheet(visit, asked, held),
            order,
            held.neurons,
            facts,
            colours.variables(theme.mode()),
        )
        matrix("abl-matrix", payload, partial(_toggle, len(scores)))


def _toggle(size: int, edit: Edit) -> None:
    brushes.forget()
    change(state_ablation.toggle, neurons_of(edit, size))
