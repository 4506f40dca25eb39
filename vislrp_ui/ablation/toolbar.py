"""The page's first row: image, class, model, and the button that ablates."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_core.ablation import VALUES
from vislrp_core.images import FITS
from vislrp_ui import session, state, state_ablation, widgets
from vislrp_ui.ablation import brushes
from vislrp_ui.samples import samples
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState

_VALUES = {"zero": "0", "mean": "mean activation"}
_FIT_TITLES = {"crop": "Centre crop", "squash": "Whole picture"}


def change(reducer: Callable[..., AblationState], *arguments: object, **named: object) -> None:
    """Callback: change the page's state by a pure function of it; what it refuses becomes one sentence."""
    session.update(state_ablation.changed, reducer, *arguments, **named)


def changing(key: str, reducer: Callable[..., AblationState], *arguments: object, name: str = "") -> Callable[[], None]:
    """Callback of a widget: the page's state changed by its value, which comes after other arguments or under a name."""
    def call() -> None:
        value = st.session_state[key]
        if value is None:
            return
        if name:
            change(reducer, *arguments, **{name: value})
        else:
            change(reducer, *arguments, value)
    return call


def changing_set(reducer: Callable[..., AblationState], *arguments: object) -> None:
    """Callback of a button that changes the chosen neurons: brushes in the charts no longer say what is chosen."""
    brushes.forget()
    change(reducer, *arguments)


def toolbar(visit: Visit) -> int:
    """Draw it; answers the class to explain."""
    held = state_ablation.of(visit)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-toolbar"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.html('<h1 class="v-abl-page">Neuron Ablation</h1>', width="content")
            _image(visit)
            with st.container(width=150):
                target = widgets.target_select(visit)
            with st.container(width=165):
                _model(visit)
            widgets.look_popover(visit)
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.html('<span class="v-muted">Set to</span>', width="content")
            key = widgets.mirror("abl-value", held.value)
            st.segmented_control("Set outputs to", list(VALUES), key=key, required=True, label_visibility="collapsed",
                                 format_func=_VALUES.__getitem__, width="content",
                                 on_change=changing(key, state_ablation.set_view, name="value"))
            count = held.cut.count
            layers = f" of {len(held.selected)} layers" if len(held.selected) > 1 else ""
            st.button(f"Ablate {count} neuron{'' if count == 1 else 's'}{layers}", icon=":material/content_cut:",
                      type="primary", key="abl-go", disabled=not count, on_click=change, args=(state_ablation.ablate,),
                      help=VALUES[held.value] + " The layers above are computed again.")
    return target


def _image(visit: Visit) -> None:
    ref = visit.image
    title = samples()[ref.id].title if ref.kind == "sample" and ref.id in samples() else "Your image"
    with st.popover(title, icon=":material/image:", help="Another image"):
        if st.button("Choose a sample image", icon=":material/photo_library:", key="open-gallery", width="stretch"):
            widgets.gallery()
        widgets.uploader("upload")
        key = widgets.mirror("fit", ref.fit)
        st.segmented_control("How it is brought to 224 × 224", list(FITS), key=key, required=True,
                             on_change=widgets.on_change(key, state.set_fit), format_func=_FIT_TITLES.__getitem__)
        st.caption(widgets.image_credit(ref))


def _model(visit: Visit) -> None:
    names = {entry.id: entry.name for entry in visit.models}
    key = widgets.mirror("abl-model", visit.active)
    st.selectbox("LRP model", list(names), key=key, format_func=names.__getitem__, label_visibility="collapsed",
                 on_change=widgets.on_change(key, state.activate), help="The LRP model whose relevance is shown")
