"""Title row of Design: name, network, undo and redo, conventions, export, link."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from vislrp_core.export import ExportError, python_script, zennit_script
from vislrp_core.model import BIASES, PIXEL_RULES, POOLING_EPSILONS, POOLINGS, STARTS, Choice
from vislrp_core.network import Network
from vislrp_ui import session, state
from vislrp_ui.design.twin import twin
from vislrp_ui.shared import network_panel, widgets
from vislrp_ui.shared.asking import question_mark
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit
from vislrp_ui.streamlit_inside import PopoverContainer

CONVENTIONS: dict[str, tuple[str, dict[str, Choice]]] = {
    "pixel_rule": ("Pixel rule (conv1_1)", PIXEL_RULES),
    "pooling": ("Pooling", POOLINGS),
    "pooling_epsilon": ("ε at pooling", POOLING_EPSILONS),
    "bias": ("Bias", BIASES),
    "start": ("Start relevance", STARTS),
}


def title_row(network: Network, visit: Visit, target: int, weights: str) -> PopoverContainer:
    """Draw the row; returns the menu of what leaves the page, for what needs the maps.

    Parameters
    ----------
    weights : str
        What exported scripts load: the network's name or its file.
    """
    entry = visit.entry()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="title-row"):
        name = widgets.menu(f"**{escaped(entry.name)}**", key="menu-name", icon="", help="Rename this model")
        note = f"· based on {entry.based_on}" if entry.based_on else {"example": "· example"}.get(entry.origin, "")
        st.html(f'<h1 class="v-hidden">Design</h1><div class="v-muted v-based">{escape(note)}</div>', width="stretch")
        network_panel.menu(visit)
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            key="undo",
            disabled=not visit.past,
            help="Undo",
            on_click=session.update,
            args=(state.undo,),
            shortcut="Ctrl+Z",
        )
        st.button(
            "Redo",
            icon=":material/redo:",
            type="tertiary",
            key="redo",
            disabled=not visit.future,
            help="Redo",
            on_click=session.update,
            args=(state.redo,),
            shortcut="Ctrl+Shift+Z",
        )
        question_mark(network, "rule", "the rules")
        typed = widgets.menu(
            "Type values",
            key="menu-twin",
            icon=":material/keyboard:",
            help="Type values: borders, segments and parameters as numbers",
        )
        rules = widgets.menu(
            "Conventions", key="menu-conventions", icon=":material/rule_settings:", help="Pixel rule, pooling, bias, start"
        )
        files = widgets.menu(
            "Export",
            key="menu-export",
            icon=":material/ios_share:",
            help="Model as JSON, Python, Zennit; report of this view",
        )
    if name.open:
        with name:
            key = widgets.mirror("model-name", entry.name)
            st.text_input("Name of the model", key=key, max_chars=80, on_change=widgets.on_change(key, state.rename))
    if typed.open:
        with typed:
            twin(visit)
    if rules.open:
        with rules:
            conventions(visit)
            question_mark(network, "convention", "the conventions")
    if files.open:
        with files:
            export(network, visit, target, weights)
    return files


def conventions(visit: Visit) -> None:
    """Four choices, each with what it does and who does it so."""
    for field, (title, choices) in CONVENTIONS.items():
        key = widgets.mirror(f"convention-{field}", getattr(visit.model, field))
        st.selectbox(
            title, list(choices), key=key, format_func=_titles(choices), on_change=_set_convention, args=(field, key)
        )
        choice = choices[getattr(visit.model, field)]
        st.caption(f"{choice.sentence} As in {choice.library}.")


def _titles(choices: dict[str, Choice]) -> Any:
    return lambda key: choices[key].title


def _set_convention(field: str, key: str) -> None:
    session.update(state.set_convention, field, st.session_state[key])


def export(network: Network, visit: Visit, target: int, weights: str) -> None:
    """The model as a file, as a script, as a Zennit composite."""
    model = visit.model
    name = st.text_input(
        "File name", value=file_stem(model.name), key=f"export-name-{visit.active}-{model.name}", max_chars=80
    )
    stem = file_stem(name.removesuffix(".json"))
    st.download_button(
        "Model (JSON)",
        model.to_json(),
        f"{stem}.json",
        "application/json",
        key="export-json",
        icon=":material/data_object:",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Python script",
        _python(network, visit, target, weights),
        f"{stem}.py",
        "text/x-python",
        key="export-python",
        icon=":material/code:",
        on_click="ignore",
        width="stretch",
        help="Computes exactly this heatmap with vislrp_core",
    )
    try:
        script = zennit_script(model, network.mean, network.std, network=weights, target=target, fit=visit.image.fit)
    except ExportError as error:
        st.button("Zennit composite", icon=":material/code_off:", disabled=True, key="export-zennit-none", width="stretch")
        st.caption(f"Zennit cannot express it: {escaped(str(error))}")
    else:
        st.download_button(
            "Zennit composite",
            script,
            f"{stem}_zennit.py",
            "text/x-python",
            key="export-zennit",
            icon=":material/code:",
            on_click="ignore",
            width="stretch",
            help=f"Computes this heatmap with Zennit, on {escaped(network.title)}",
        )


def _python(network: Network, visit: Visit, target: int, weights: str) -> str:
    image = f"sample_images/{visit.image.id}.jpg" if visit.image.kind == "sample" else "image.jpg"
    return python_script(visit.model, image, network.classes[target], weights, visit.image.fit)
