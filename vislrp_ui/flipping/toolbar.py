"""The page's first row: image, class, model, and the tools of the active row."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_core.fills import FILLS
from vislrp_core.network import Network
from vislrp_ui import session, state_flipping
from vislrp_ui.shared import toolbars, widgets
from vislrp_ui.state import Visit
from vislrp_ui.state_flipping import MAX_WIDTH, MIN_WIDTH, FlippingState

_TOOLS = {
    "brush": ":material/brush: Brush",
    "rectangle": ":material/crop_square: Rectangle",
    "polygon": ":material/pentagon: Polygon",
    "lasso": ":material/lasso_select: Lasso",
    "erase": ":material/ink_eraser: Erase",
}
_SIGNS = {
    "none": "No selection",
    "positive": "Most positive",
    "negative": "Most negative",
    "least": "Least relevant",
    "random": "Random",
}
_UNITS = {1: "single pixels", 8: "8 × 8 patches"}


def change(reducer: Callable[..., FlippingState], *arguments: object, **named: object) -> None:
    """Callback: change the page's state by a pure function of it; what it refuses becomes one sentence."""
    session.update(lambda visit: state_flipping.changed(visit, reducer, *arguments, **named))


def changing(key: str, reducer: Callable[..., FlippingState], *arguments: object, name: str = "") -> Callable[[], None]:
    """Callback of a widget: the page's state changed by its value, which comes after other arguments or under a name."""
    return toolbars.changing(change, key, reducer, *arguments, name=name)


def toolbar(network: Network, visit: Visit) -> int:
    """Draw it; returns the class to explain."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="flip-toolbar"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.html('<h1 class="v-page">Pixel Flipping</h1>', width="content")
            toolbars.image_popover(visit)
            with st.container(width=150):
                target = widgets.target_select(network, visit)
            with st.container(width=155):
                toolbars.model_select(visit, "flip-model", "The LRP model whose map is shown")
            widgets.look_popover(visit)
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            _tools(visit)
    return target


def _tools(visit: Visit) -> None:
    """Brush or selection by relevance, and what flipped pixels become, of the active row."""
    flipping = state_flipping.of(visit)
    key = widgets.mirror("flip-mode", flipping.mode)
    st.segmented_control(
        "Mark pixels by",
        list(state_flipping.MODES),
        key=key,
        required=True,
        label_visibility="collapsed",
        format_func={"brush": "Brush", "relevance": "By relevance"}.__getitem__,
        on_change=changing(key, state_flipping.set_mode),
        width="content",
    )
    if flipping.mode == "brush":
        _brush(flipping)
    else:
        _selection(flipping)
    key = widgets.mirror("flip-fill", flipping.row().fill)
    with st.container(width=155):
        st.selectbox(
            "Fill",
            list(FILLS),
            key=key,
            label_visibility="collapsed",
            format_func=_fill_title,
            on_change=changing(key, state_flipping.set_fill),
            help=FILLS[flipping.row().fill].sentence,
        )


def _fill_title(fill: str) -> str:
    return f"Fill: {FILLS[fill].title}"


def _brush(flipping: FlippingState) -> None:
    key = widgets.mirror("flip-tool", flipping.tool)
    st.segmented_control(
        "Tool",
        list(state_flipping.TOOLS),
        key=key,
        required=True,
        label_visibility="collapsed",
        format_func=_TOOLS.__getitem__,
        on_change=changing(key, state_flipping.set_tool),
        help="Brush and Erase: draw. Rectangle: drag. Lasso: draw around an area. Polygon: click "
        "its corners, then the first one again to close it",
        width="content",
    )
    key = widgets.mirror("flip-width", flipping.width)
    with st.container(width=100, key="flip-slider"):
        st.slider(
            "Brush width in pixels",
            MIN_WIDTH,
            MAX_WIDTH,
            key=key,
            label_visibility="collapsed",
            on_change=changing(key, state_flipping.set_width),
            disabled=flipping.tool not in ("brush", "erase"),
        )


def _selection(flipping: FlippingState) -> None:
    row = flipping.row()
    key = widgets.mirror("flip-sign", row.sign)
    with st.container(width=140):
        st.selectbox(
            "Which pixels",
            list(_SIGNS),
            key=key,
            label_visibility="collapsed",
            format_func=_SIGNS.__getitem__,
            on_change=changing(key, state_flipping.set_selection, row.id, name="sign"),
            help="Selected on top of the brush; random is the control",
        )
    key = widgets.mirror("flip-unit", row.unit)
    with st.container(width=125):
        st.selectbox(
            "Selected are",
            list(_UNITS),
            key=key,
            label_visibility="collapsed",
            format_func=_UNITS.__getitem__,
            on_change=changing(key, state_flipping.set_selection, row.id, name="unit"),
            disabled=row.sign == "none",
        )
    key = widgets.mirror("flip-share", row.share)
    with st.container(width=100, key="flip-slider"):
        st.slider(
            "Share of the pixels, %",
            0.0,
            100.0,
            key=key,
            step=0.5,
            format="%g %%",
            label_visibility="collapsed",
            on_change=changing(key, state_flipping.set_selection, row.id, name="share"),
            disabled=row.sign == "none",
        )
