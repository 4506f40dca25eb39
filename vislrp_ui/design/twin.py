"""The native twin of ruler and sliders, for touch, keyboard and exact values: borders, segments, ten parameters."""

from __future__ import annotations

import streamlit as st

from vislrp_core.edits import MAX_SEGMENTS
from vislrp_core.rules import GROUPS, PARAMETERS, PRESETS
from vislrp_ui import session, state
from vislrp_ui.components.rule_panel import apply_edit
from vislrp_ui.shared import widgets
from vislrp_ui.state import Visit

SCALES = {"absolute": "ε itself", "relative": "ε × rms(z)"}


def twin(visit: Visit) -> None:
    """Number inputs for everything the mouse can do."""
    segments(visit)
    parameters(visit)


def segments(visit: Visit) -> None:
    """Select, add, split and remove segments; move their borders; choose the layer whose map is large."""
    model, place = visit.model, visit.selected_segment
    key = widgets.mirror("twin-segment", place)
    st.selectbox(
        "Segment",
        range(len(model.segments)),
        key=key,
        format_func=lambda i: f"Segment {i + 1}",
        on_change=widgets.on_change(key, state.select_segment, kind=int),
    )
    segment = model.segments[place]
    left, right = st.columns(2, gap="small")
    with left:
        lowest = model.segments[place - 1].first + 1 if place else 1
        first = widgets.mirror("twin-first", segment.first, lowest, segment.last)
        st.number_input(
            "First layer",
            lowest,
            segment.last,
            key=first,
            step=1,
            disabled=place == 0,
            on_change=_move,
            args=(-1, first, -1),
            help=model.plan.name(segment.first),
        )
    with right:
        final = place == len(model.segments) - 1
        highest = model.plan.last if final else model.segments[place + 1].last - 1
        last = widgets.mirror("twin-last", segment.last, segment.first, highest)
        st.number_input(
            "Last layer",
            segment.first,
            highest,
            key=last,
            step=1,
            disabled=final,
            on_change=_move,
            args=(0, last, 0),
            help=model.plan.name(segment.last),
        )
    many = len(model.segments) >= MAX_SEGMENTS
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Add",
            icon=":material/add:",
            key="twin-add",
            on_click=session.update,
            args=(state.add_segment,),
            disabled=many,
            help="A segment at the bottom of the ruler",
        )
        st.button(
            "Split",
            icon=":material/call_split:",
            key="twin-split",
            on_click=session.update,
            args=(_split,),
            disabled=many or segment.first == segment.last,
            help=f"Split this segment below {model.plan.name(_middle(visit))}",
        )
        st.button(
            "Remove",
            icon=":material/close:",
            key="twin-remove",
            on_click=session.update,
            args=(_remove,),
            disabled=len(model.segments) == 1,
            help="Its layers join a neighbour",
        )
    layer = widgets.mirror("twin-layer", visit.selected_layer or 0)
    st.selectbox(
        "Layer of the large map",
        range(model.plan.last + 1),
        key=layer,
        format_func=lambda k: "pixels" if k == 0 else f"{k} {model.plan.name(k)}",
        on_change=widgets.on_change(layer, state.select_layer, kind=int),
    )


# These are about the segment that is selected when they are heard: the browser may not have drawn it yet.


def _middle(visit: Visit) -> int:
    segment = visit.model.segments[visit.selected_segment]
    return (segment.first + segment.last) // 2


def _split(visit: Visit) -> Visit:
    return state.split_segment(visit, visit.selected_segment, _middle(visit))


def _remove(visit: Visit) -> Visit:
    return state.remove_segment(visit, visit.selected_segment)


def _move(border: int, key: str, offset: int) -> None:
    def move(visit: Visit) -> Visit:
        return state.move_border(visit, visit.selected_segment + border, int(st.session_state[key]) + offset)

    session.update(move)


def parameters(visit: Visit) -> None:
    """Preset, the ten parameters in their groups, and the scale of epsilon."""
    rule = visit.model.segments[visit.selected_segment].rule
    key = widgets.mirror("twin-preset", rule.preset)
    st.selectbox(
        "Preset",
        list(PRESETS),
        key=key,
        format_func=lambda preset: PRESETS[preset].title,
        on_change=_set_preset,
        args=(key,),
        help=PRESETS[rule.preset].summary,
    )
    for group, (number, title, explanation) in GROUPS.items():
        members = [p for p in PARAMETERS if p.group == group]
        st.caption(f"{number} {title}: {explanation}")
        columns = st.columns(3, gap="small")
        for position, parameter in enumerate(members):
            with columns[position % 3]:
                name = widgets.mirror(f"twin-{parameter.key}", float(getattr(rule, parameter.key)))
                st.number_input(
                    parameter.symbol,
                    key=name,
                    step=parameter.step,
                    format="%.4g",
                    help=parameter.help,
                    disabled=not rule.kind.takes_parameters,
                    on_change=_set_parameter,
                    args=(parameter.key, name),
                )
    scale = widgets.mirror("twin-scale", rule.epsilon_scale)
    st.segmented_control(
        "Scale of ε",
        list(SCALES),
        key=scale,
        format_func=SCALES.__getitem__,
        required=True,
        on_change=_set_parameter,
        args=("epsilon_scale", scale),
        help="Relative: ε times the root mean square of the denominators z of the layer",
    )


def _set_parameter(parameter: str, key: str) -> None:
    kind = "scale" if parameter == "epsilon_scale" else "parameter"
    _edit(kind=kind, key=parameter, value=st.session_state[key])


def _set_preset(key: str) -> None:
    _edit(kind="preset", preset=st.session_state[key])


def _edit(**edit: object) -> None:
    session.update(apply_edit, {**edit, "segment": session.get_visit().selected_segment})
