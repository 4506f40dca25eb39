"""The space of a search: what it begins with, its ruler, the same by native controls, and its file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from vislrp_core.architecture import Architecture
from vislrp_core.model import LRPModel
from vislrp_core.search.space import RuleChoice, Space
from vislrp_ui import session, state_search, theme
from vislrp_ui.components.protocol import Edit
from vislrp_ui.components.spaceruler import space_ruler
from vislrp_ui.search import spaces
from vislrp_ui.search.edits import change, changing
from vislrp_ui.search.ruler import apply_edit, notice, ruler_of
from vislrp_ui.shared import widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state_search import PRESETS, SearchState

CONVENTIONS = {"pixel_rule": "Pixel rule", "pooling": "Pooling", "bias": "Bias"}
NEED_MODEL = ("parameters", "segments", "borders")


def draw(asked: SearchState, model: LRPModel, plan: Architecture, space: Space) -> None:
    """Draw it."""
    _head(asked, space)
    key = widgets.mirror("search-preset", asked.preset)
    st.segmented_control(
        "Begin with",
        list(PRESETS),
        key=key,
        required=True,
        format_func=PRESETS.__getitem__,
        on_change=changing(key, state_search.set_preset),
        label_visibility="collapsed",
    )
    around = f"Made around the active model, {escaped(model.name)}. " if asked.preset in NEED_MODEL else ""
    st.caption(
        f"{around}A border lies anywhere between the ends of its hatched range: drag them, or use the arrow keys. "
        "Click a rule to allow it."
    )
    space_ruler("search-ruler", ruler_of(asked, model, plan, space, theme.mode()), partial(_edit, plan))
    key = widgets.mirror("search-free", list(spaces.free_of(space)))
    st.pills(
        "Also free",
        list(CONVENTIONS),
        selection_mode="multi",
        key=key,
        format_func=CONVENTIONS.__getitem__,
        on_change=changing(key, state_search.set_free),
    )


def _edit(plan: Architecture, edit: Edit) -> None:
    session.update(apply_edit, plan, edit)


def _head(asked: SearchState, space: Space) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="search-space-head"):
        st.html('<h2 class="v-head">Space</h2>', width="content")
        st.space("stretch")
        box = widgets.menu(
            "Type values", key="menu-search-space", icon=":material/keyboard:", help="Borders and rules by native controls"
        )
        st.button(
            "As the preset",
            icon=":material/undo:",
            type="tertiary",
            key="search-unedited",
            disabled=not asked.edits and asked.free is None,
            on_click=change,
            args=(state_search.unedited,),
            help="Take back what was changed of the space",
        )
        st.download_button(
            "Space (.json)",
            json.dumps(space.to_data(), indent=1, ensure_ascii=False) + "\n",
            "space.json",
            "application/json",
            key="search-space-file",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help="For the command: vislrp search --space space.json",
        )
    if box.open:
        with box:
            visit = session.get_visit()
            _typed(space, spaces.base(asked.preset, visit.model, space.plan), space.plan)


def _typed(space: Space, first: Space, plan: Architecture) -> None:
    """Select boxes for everything that the ruler can do."""
    ends = [(one.last.low, one.last.high) for one in space.segments[:-1]]
    for place, own in enumerate(space.segments):
        menu = spaces.menu(first.segments[place])
        chosen = [name for name, choice in menu.items() if choice in own.rules]
        if place < len(ends):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                for side, value in (("from", own.last.low), ("to", own.last.high)):
                    key = widgets.mirror(f"search-border-{place}-{side}", value, plan.name(value))
                    st.selectbox(
                        f"Segment {place + 1} ends {side}" if side == "from" else "to",
                        list(range(1, plan.last + 1)),
                        key=key,
                        format_func=plan.name,
                        on_change=changing(key, _set_border, place, side, ends),
                    )
        key = widgets.mirror(f"search-rules-{place}", chosen, *menu)
        st.multiselect(
            f"Rules of segment {place + 1}",
            list(menu),
            key=key,
            format_func=partial(_rule_title, menu),
            on_change=changing(key, state_search.set_rules, place),
        )
        if why := notice(space, place):
            st.caption(why)


def _rule_title(menu: Mapping[str, RuleChoice], key: str) -> str:
    return spaces.title(key, menu[key])


def _set_border(asked: SearchState, place: int, side: str, ends: Sequence[tuple[int, int]], row: int) -> SearchState:
    """One end of the rows between which a segment ends; it takes the other along where it goes past it."""
    low, high = ends[place]
    to = (row, max(row, high)) if side == "from" else (min(row, low), row)
    return state_search.set_border(asked, place, to, ends)
