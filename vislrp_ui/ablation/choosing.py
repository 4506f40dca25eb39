"""Above the charts: which layer, and every way to choose its neurons without the mouse."""

from __future__ import annotations

import streamlit as st

from vislrp_core.architecture import Architecture
from vislrp_core.network import Network
from vislrp_core.neurons import SCORES, NeuronScores, format_neurons
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_ui import running, session, state_ablation
from vislrp_ui.ablation import brushes
from vislrp_ui.ablation.toolbar import change, changing_set
from vislrp_ui.ablation.work import asked_by, scores_at, shapes, sizes
from vislrp_ui.shared import widgets
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import GESTURES, MAX_COUNT, AblationState


def layer_title(rows: Architecture, layer: int, shape: tuple[int, ...]) -> str:
    """Number, name and size of a layer."""
    if rows.has_positions(layer):
        return f"{layer} · {rows.name(layer)} · {shape[0]} channels, {shape[1]} × {shape[2]}"
    return f"{layer} · {rows.name(layer)} · {shape[0]} units"


def layer_select(network: Network, visit: Visit) -> None:
    """Any layer with neurons."""
    held = state_ablation.of(visit)
    rows, known = network.architecture, shapes(network)
    titles = {layer: layer_title(rows, layer, known[layer]) for layer in range(1, rows.last + 1)}
    key = widgets.mirror("abl-layer", held.layer, titles[held.layer])
    st.selectbox(
        "Layer",
        list(titles),
        key=key,
        label_visibility="collapsed",
        on_change=_show_layer,
        format_func=titles.__getitem__,
        help="The neurons of a convolutional layer are its channels",
    )


def _show_layer() -> None:
    brushes.forget()
    change(state_ablation.set_layer, st.session_state["abl-layer"], session.get_visit().model.plan)


def ways(rows: Architecture, held: AblationState, scores: NeuronScores | None) -> None:
    """Mouse gesture, top n, typed ranges, all, none, invert."""
    key = widgets.mirror("abl-gesture", held.gesture)
    st.segmented_control(
        "In the charts",
        list(GESTURES),
        key=key,
        required=True,
        label_visibility="collapsed",
        format_func=str.title,
        width="content",
        on_change=_set_gesture,
    )
    with st.container(width=92):
        # A number is shown here only while it says what is selected.
        told = scores is not None and set(held.neurons) == set(scores.strongest(held.by)[: held.count].tolist())
        key = widgets.mirror("abl-count", held.count if told else None)
        st.number_input(
            "Top",
            1,
            MAX_COUNT,
            None,
            key=key,
            step=1,
            label_visibility="collapsed",
            on_change=_top,
            placeholder=f"top {held.count}",
            help="Selects this many of the strongest neurons",
        )
    with st.container(width=176):
        key = widgets.mirror("abl-by", held.by)
        st.selectbox(
            "of",
            list(SCORES),
            key=key,
            label_visibility="collapsed",
            on_change=_top,
            format_func=lambda one: f"of {SCORES[one].title}",
            help="Selects the neurons with the largest score; for negative relevance the most negative ones. "
            + SCORES[held.by].definition,
        )
    box = widgets.menu(
        "",
        key="menu-neurons",
        icon=":material/checklist:",
        type="secondary",
        disabled=scores is None,
        help="Top again, typed numbers, all, none, invert",
    )
    if box.open:
        with box:
            _more(rows, held, scores)


def _set_gesture() -> None:
    brushes.forget()
    change(state_ablation.set_view, gesture=st.session_state["abl-gesture"])


# A gesture may leave the browser before it has drawn the layer that was chosen right before: it is about the layer that the
# visit is at then, and so nothing about a layer is handed to these from where they are drawn.


def _top() -> None:
    count, by = st.session_state["abl-count"], st.session_state["abl-by"]
    visit = session.get_visit()
    held = state_ablation.of(visit)
    try:
        scores = scores_at(asked_by(running.network(), visit), held.layer)
    except NonFiniteRelevance:  # the page says so in the place of the charts
        return
    brushes.forget()
    change(state_ablation.choose_top, scores.strongest(by).tolist(), held.count if count is None else count, by)


def _size() -> int:
    return sizes(running.network())[state_ablation.of(session.get_visit()).layer]


def _all() -> None:
    changing_set(state_ablation.choose, range(_size()))


def _invert() -> None:
    changing_set(state_ablation.invert, _size())


def _more(rows: Architecture, held: AblationState, scores: NeuronScores | None) -> None:
    size = len(scores) if scores is not None else 0
    st.button(
        f"Top {held.count} of {SCORES[held.by].title}",
        icon=":material/filter_list:",
        key="abl-top",
        on_click=_top,
        width="stretch",
    )
    key = widgets.mirror("abl-typed", format_neurons(held.neurons, separator=", "))
    st.text_input(
        "Selected neurons",
        key=key,
        placeholder="57, 58, 60-63",
        on_change=_typed,
        help=f"Numbers and ranges from 0 to {size - 1}; Enter selects exactly these",
    )
    with st.container(horizontal=True, gap="xsmall"):
        st.button("All", key="abl-all", on_click=_all)
        st.button("None", key="abl-none", on_click=changing_set, args=(state_ablation.choose, ()))
        st.button("Invert", key="abl-invert", on_click=_invert)
    others = [layer for layer, _ in held.selected if layer != held.layer]
    if others:
        st.caption(
            "Also selected: "
            + ", ".join(f"{len(neurons)} of {rows.name(layer)}" for layer, neurons in held.selected if layer in others)
            + "."
        )
        st.button(
            "Clear all layers",
            key="abl-none-at-all",
            on_click=changing_set,
            args=(state_ablation.forget_all,),
            width="stretch",
        )


def _typed() -> None:
    brushes.forget()
    visit = session.get_visit()
    name = visit.model.plan.name(state_ablation.of(visit).layer)
    change(state_ablation.choose_typed, st.session_state["abl-typed"], _size(), name)
