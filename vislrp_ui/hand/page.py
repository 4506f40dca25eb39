"""The page By hand: a network of 3, 3 and 2 neurons with all its numbers, the rules of its two layers, exercises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vislrp_core.model import BIASES, STARTS
from vislrp_ui import session, state_hand, theme
from vislrp_ui.components import colours, handnet, rule_panel
from vislrp_ui.components.protocol import Edit
from vislrp_ui.hand import board, edits, style
from vislrp_ui.hand.examples import EXAMPLES, example_of, open_example
from vislrp_ui.hand.worked import work
from vislrp_ui.shared import asking, widgets
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.required import require_network
from vislrp_ui.state import Visit
from vislrp_ui.state_hand import HandState

EXERCISES = {
    "": "No exercise",
    "forward": "Forward: sums, ReLU, outputs",
    "hidden": "R of the hidden neurons",
    "shares": "Shares along the edges into h1",
    "inputs": "R of the inputs",
}
RULE_LAYERS = {1: "2 · outputs to hidden", 0: "1 · hidden to inputs"}
OWN, CHANGED = "own", "changed"


def hand() -> None:
    """Draw the page."""
    boot()
    st.html(style.css())
    held = state_hand.of(session.get_visit())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="hand-toolbar"):
        _toolbar(held)
    with st.container(key="hand-columns"):
        left, right = st.columns([0.7, 0.3], gap="medium")
    with left:
        st.caption(_sentence(held))
        handnet.handnet("handnet", board.payload(held, work(held), colours.variables(theme.mode())), _take_edit)
        st.html(style.LEGEND)
    with right, st.container(gap="xsmall"):
        _rules(held)
        asking.asked(lambda: require_network(session.get_visit()))


def _sentence(held: HandState) -> str:
    """What the example shows, or what to do."""
    if held.exercise:
        return "Fill in the dashed fields, three digits are enough; fractions such as 1/3 are read, too."
    key = example_of(held)
    if key is None:
        return "Change any framed number: type it, drag it to the right or left, or press the arrow keys."
    return EXAMPLES[key].sentence


def _toolbar(held: HandState) -> None:
    """Title, example, start, exercise, undo and redo."""
    st.html('<h1 class="v-hand-title">By hand</h1>', width="content")
    present = example_of(held) or CHANGED
    options = {key: example.title for key, example in EXAMPLES.items()}
    if present == CHANGED:
        options = {CHANGED: "Your own numbers", **options}
    key = widgets.mirror("hand-example", present, len(options))
    st.selectbox(
        "Example",
        list(options),
        key=key,
        format_func=options.__getitem__,
        on_change=widgets.on_change(key, open_example),
        width=240,
    )
    starts = {name: choice.title for name, choice in STARTS.items()} | {OWN: "Typed at the outputs"}
    key = widgets.mirror("hand-start", OWN if held.own_start is not None else held.model.start)
    st.selectbox(
        "Start",
        list(starts),
        key=key,
        format_func=starts.__getitem__,
        on_change=_changing(key, lambda visit, value: state_hand.set_convention(visit, "start", value)),
        width=170,
        help="What R is at the outputs. Logit: the score z of the output that is explained, 0 at the other.",
    )
    key = widgets.mirror("hand-exercise", held.exercise)
    st.selectbox(
        "Exercise",
        list(EXERCISES),
        key=key,
        format_func=EXERCISES.__getitem__,
        on_change=widgets.on_change(key, state_hand.set_exercise),
        width=230,
        help="Some numbers are hidden: compute them yourself, and see what was right.",
    )
    if held.exercise:
        st.button(
            "Show the solution", key="hand-solve", disabled=held.solved, on_click=session.update, args=(state_hand.solve,)
        )
    st.button(
        "New numbers", icon=":material/casino:", key="hand-new", on_click=session.update, args=(state_hand.new_numbers,)
    )
    for name, icon, change, there, keys in (
        ("Undo", "undo", state_hand.undo, held.past, "Ctrl+Z"),
        ("Redo", "redo", state_hand.redo, held.future, "Ctrl+Shift+Z"),
    ):
        st.button(
            name,
            icon=f":material/{icon}:",
            type="tertiary",
            key=f"hand-{icon}",
            disabled=not there,
            help=name,
            on_click=session.update,
            args=(change,),
            shortcut=keys,
        )
    st.space("stretch")
    key = widgets.mirror("hand-exact", held.exact)
    st.toggle(
        "All digits",
        key=key,
        on_change=_changing(key, lambda visit, value: state_hand.changed(visit, exact=bool(value))),
        help="Twelve significant digits in place of three",
    )


def _rules(held: HandState) -> None:
    """Which layer's rule, the panel of Design, and the bias."""
    key = widgets.mirror("hand-segment", held.segment)
    st.segmented_control(
        "Rule of layer",
        list(RULE_LAYERS),
        key=key,
        format_func=RULE_LAYERS.__getitem__,
        required=True,
        on_change=_changing(key, lambda visit, value: state_hand.changed(visit, segment=int(value))),
        width="stretch",
    )
    data = rule_panel.rule_panel_data(held.model, held.segment, mode=theme.mode())
    rule_panel.rule_panel("hand-rule", data, _take_rule_edit)
    key = widgets.mirror("hand-biased", held.biased)
    st.toggle(
        "The network has biases b",
        key=key,
        on_change=widgets.on_change(key, state_hand.set_biased),
        help="A bias is a number that a neuron adds to its sum z.",
    )
    if held.biased:
        titles = {name: choice.title for name, choice in BIASES.items()}
        key = widgets.mirror("hand-bias", held.model.bias)
        st.segmented_control(
            "Bias in denominators",
            list(titles),
            key=key,
            format_func=titles.__getitem__,
            required=True,
            on_change=_changing(key, lambda visit, value: state_hand.set_convention(visit, "bias", value)),
        )
        st.caption(BIASES[held.model.bias].sentence)


def _changing(key: str, change: Callable[[Visit, Any], Visit]) -> Callable[[], None]:
    """Callback of a widget whose value goes to a function of the visit."""

    def call() -> None:
        value = st.session_state[key]
        if value is not None:
            session.update(change, value)

    return call


def _take_edit(edit: Edit) -> None:
    """One gesture on the drawing."""
    session.update(edits.apply_edit, edit)


def _take_rule_edit(edit: Edit) -> None:
    """One gesture on the rule panel."""
    if not asking.heard(edit):
        session.update(edits.rule_edit, edit)
