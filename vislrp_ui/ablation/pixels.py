"""What the selected neurons pass to the pixels, next to the whole map, on one range."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vislrp_core.heatmap import figure_png, format_value
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_ui import service, state_ablation
from vislrp_ui.ablation import work
from vislrp_ui.ablation.toolbar import changing
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.picture import picture
from vislrp_ui.shared import large, views, widgets
from vislrp_ui.shared.colour_bar import colour_bar
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.progress import ProgressNote
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState

Passed = tuple[NDArray[np.float32], NDArray[np.float32] | None]
"""Relevance of the pixels, and what the chosen part passes to them."""


def section(visit: Visit, asked: ExplanationKey, held: AblationState, size: int) -> Callable[[], Passed | None]:
    """Draw the head and hold the place; returns what computes and draws the maps, to be called last: it may take a while.

    That returns what it drew; None where relevance is not finite.
    """
    count = len(held.neurons)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-pixels"):
        st.html('<div class="v-abl-head"><h2>Passed to the pixels</h2></div>', width="stretch")
        if count:
            options: dict[str | int, str] = {
                "set": "by this neuron" if count == 1 else f"by these {count}",
                "remainder": f"by the other {size - count}",
            }
            options |= {neuron: f"by neuron {neuron}" for neuron in held.neurons}
            shown = held.neuron if held.part == "neuron" else held.part
            shown = shown if shown in options else "set"
            key = widgets.mirror("abl-part", shown, options[shown])
            with st.container(width=150):
                st.selectbox(
                    "Part",
                    list(options),
                    key=key,
                    label_visibility="collapsed",
                    format_func=options.__getitem__,
                    on_change=changing(key, state_ablation.show_part),
                    help="Relevance at the pixels that flows through the selected neurons, all others, or one",
                )
        download = st.container(width="content")
    with st.container(key="abl-map-place"):
        note, place = st.empty(), st.container()
    widgets.plain_hint(visit)

    def draw() -> Passed | None:
        progress = ProgressNote(note)
        try:
            whole = work.whole_map(asked, progress)
            part = part_map(asked, held, whole, progress) if count else None
        except NonFiniteRelevance as error:
            place.warning(str(error), icon=":material/error:")
            return None
        finally:
            progress.done()
        with place:
            _maps(visit, asked, held, whole, part, size)
        if part is not None:
            with download:
                _download(visit, asked, held, part)
        return whole, part

    return draw


def part_map(
    asked: ExplanationKey, held: AblationState, whole: NDArray[np.float32], watch: service.Watch | None = None
) -> NDArray[np.float32]:
    """Relevance at the pixels of the part shown; the remainder is the whole less the set, as propagation is linear in R."""
    neurons = (held.neuron,) if held.part == "neuron" else held.neurons
    passed = work.passed_on(asked, held.layer, neurons, watch)
    return whole - passed if held.part == "remainder" else passed


def part_title(held: AblationState, size: int) -> str:
    """What the left map shows."""
    if held.part == "neuron":
        return f"neuron {held.neuron}"
    return f"{len(held.neurons)} selected" if held.part == "set" else f"other {size - len(held.neurons)}"


def _maps(
    visit: Visit,
    asked: ExplanationKey,
    held: AblationState,
    whole: NDArray[np.float32],
    part: NDArray[np.float32] | None,
    size: int,
) -> None:
    limit = service.limit_of(whole, visit.look)
    left, right = st.columns(2, gap="small")
    with left:
        if part is None:
            st.html('<div class="v-abl-none v-abl-square v-muted">No neurons selected.</div>')
        else:
            key = (*asked.key(0), held.layer, held.part, held.neuron if held.part == "neuron" else held.neurons)
            _one(visit, part, key, limit, part_title(held, size), "part")
    with right:
        _one(visit, whole, asked.key(0), limit, f"all {size}", "whole")
    st.html(colour_bar(visit, limit))


def _one(visit: Visit, values: NDArray[np.float32], key: tuple[object, ...], limit: float, title: str, place: str) -> None:
    with st.container(key=f"abl-map-{place}"):
        png = service.heatmap_png(values, key, visit.look, limit=limit, ref=visit.image)
        view = large.offer(
            place,
            partial(
                views.values_view,
                f"Relevance passed to the pixels: {title}",
                values,
                visit.look,
                limit=limit,
                below=visit.image,
            ),
        )
        picture(f"abl-picture-{place}", data_url(png), f"Heatmap of the pixels: {title}", view)
    st.html(f'<div class="v-muted v-facts">{title} · Σ <b>{signed(float(values.sum(dtype=np.float64)))}</b></div>')


def signed(value: float) -> str:
    """A sum with a real minus sign."""
    return ("−" if value < 0 else "") + format_value(abs(value))


def _download(visit: Visit, asked: ExplanationKey, held: AblationState, part: NDArray[np.float32]) -> None:
    dark = service.dark_maps(visit.look)
    limit = service.limit_of(work.whole_map(asked), visit.look)
    stem = file_stem(f"{visit.model.plan.name(held.layer)}_{held.part}_{visit.image.id[:24]}")
    st.download_button(
        "",
        lambda: figure_png(part, limit=limit, spectrum=visit.look.spectrum, dark=dark),
        f"{stem}.png",
        "image/png",
        icon=":material/download:",
        type="tertiary",
        key="abl-part-png",
        on_click="ignore",
        help="The left map with its colour bar (PNG)",
    )
