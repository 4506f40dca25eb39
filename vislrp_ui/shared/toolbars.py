"""What the first rows of the pages have in common: the image, the model, and callbacks that change a page's state."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_ui import state
from vislrp_ui.shared import widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit


def changing(
    change: Callable[..., None], key: str, reducer: Callable[..., object], *arguments: object, name: str = ""
) -> Callable[[], None]:
    """Callback of a widget: a page's state changed by the widget's value.

    Parameters
    ----------
    change : callable
        The page's own: changes its state by a pure function of it.
    key : str
        The widget.
    reducer : callable
        The function; it gets the arguments and then the value, or the value under a name.
    """

    def call() -> None:
        value = st.session_state[key]
        if value is None:
            return
        if name:
            change(reducer, *arguments, **{name: value})
        else:
            change(reducer, *arguments, value)

    return call


def image_popover(visit: Visit) -> None:
    """The image's title; behind it the samples, an upload, the way to the network's size, and whose picture it is."""
    ref = visit.image
    with st.popover(escaped(widgets.image_title(ref)), icon=":material/image:", help="Another image"):
        if widgets.pressed("Choose a sample image", icon=":material/photo_library:", key="open-gallery", width="stretch"):
            widgets.gallery()
            widgets.answered("open-gallery")
        widgets.uploader("upload")
        widgets.fit_control(ref)
        st.caption(widgets.image_credit(ref))


def model_select(visit: Visit, key: str, help: str) -> None:
    """Which LRP model of the visit is the active one."""
    names = {entry.id: entry.name for entry in visit.models}
    key = widgets.mirror(key, visit.active, names[visit.active])
    st.selectbox(
        "LRP model",
        list(names),
        key=key,
        format_func=names.__getitem__,
        label_visibility="collapsed",
        on_change=widgets.on_change(key, state.activate),
        help=help,
    )
