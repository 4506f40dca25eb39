"""The page's first row: image, class, model, and the button that ablates."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_core.ablation import NO_MEAN, VALUES
from vislrp_core.network import Network
from vislrp_ui import session, state_ablation
from vislrp_ui.ablation import brushes
from vislrp_ui.shared import network_panel, reporting, toolbars, widgets
from vislrp_ui.shared.asking import question_mark
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState
from vislrp_ui.streamlit_inside import PopoverContainer

_VALUES = {"zero": "0", "mean": "mean activation"}


def change(reducer: Callable[..., AblationState], *arguments: object, **named: object) -> None:
    """Callback: change the page's state by a pure function of it; what it refuses becomes one sentence."""
    session.update(state_ablation.changed, reducer, *arguments, **named)


def changing(key: str, reducer: Callable[..., AblationState], *arguments: object, name: str = "") -> Callable[[], None]:
    """Callback of a widget: the page's state changed by its value, which comes after other arguments or under a name."""
    return toolbars.changing(change, key, reducer, *arguments, name=name)


def changing_set(reducer: Callable[..., AblationState], *arguments: object) -> None:
    """Callback of a button that changes the chosen neurons: brushes in the charts no longer say what is chosen."""
    brushes.forget()
    change(reducer, *arguments)


def toolbar(network: Network, visit: Visit) -> tuple[int, PopoverContainer]:
    """Draw it; returns the class to explain, and the menu of the report."""
    held = state_ablation.of(visit)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-toolbar"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.html('<h1 class="v-page">Neuron Ablation</h1>', width="content")
            toolbars.image_popover(visit)
            with st.container(width=150):
                target = widgets.target_select(network, visit)
            with st.container(width=165):
                toolbars.model_select(visit, "abl-model", "The LRP model whose relevance is shown")
            widgets.look_popover(visit)
        st.space("stretch")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.html('<span class="v-muted">Set to</span>', width="content")
            key = widgets.mirror("abl-value", held.value)
            units = state_ablation.has_units(held, visit.model.plan)
            st.segmented_control(
                "Set outputs to",
                list(VALUES),
                key=key,
                required=True,
                label_visibility="collapsed",
                format_func=_VALUES.__getitem__,
                width="content",
                disabled=units,
                help=f"Always 0 here: {NO_MEAN}." if units else None,
                on_change=changing(key, state_ablation.set_view, name="value"),
            )
            count = held.cut.count
            layers = f" of {len(held.selected)} layers" if len(held.selected) > 1 else ""
            st.button(
                f"Ablate {count} neuron{'' if count == 1 else 's'}{layers}",
                icon=":material/content_cut:",
                type="primary",
                key="abl-go",
                disabled=not count,
                on_click=change,
                args=(state_ablation.ablate,),
                help=VALUES[held.value] + " The layers above are computed again.",
            )
            question_mark(network, "ablation", "ablation")
            files = reporting.menu()
            network_panel.menu(visit)
    return target, files
