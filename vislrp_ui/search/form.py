"""What is asked of a search: pictures, objectives, space, budget."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from vislrp_core import containers
from vislrp_core.architecture import Architecture
from vislrp_core.errors import VisLRPError
from vislrp_core.measures import MEASURES
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.search import study
from vislrp_core.search.space import RuleChoice, Space
from vislrp_ui import session, state_search
from vislrp_ui.samples import samples
from vislrp_ui.search import budget, pictures, spaces
from vislrp_ui.search.edits import change, changing, job
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.shared import kept_panel, measuring, terms, widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state_search import MAX_SEED, MAX_TRIALS, MIN_TRIALS, OFFERED, PRESETS, SearchState

CONVENTIONS = {"pixel_rule": "Pixel rule", "pooling": "Pooling", "bias": "Bias"}
NEED_MODEL = ("parameters", "segments", "borders")


def refusal(images: Sequence[str], objectives: Sequence[str]) -> str:
    """Why these cannot be searched, in one sentence; empty if they can."""
    halves = len(images) - round(pictures.HOLDOUT * len(images)), round(pictures.HOLDOUT * len(images))
    if min(halves) < 1:
        return (
            f"Choose at least two pictures: half of them decide in the end. There {'is 1' if len(images) == 1 else 'are 0'}."
        )
    if "mosaic" in objectives and min(halves) < 4:
        return f"{MEASURES['mosaic'].title} needs at least eight pictures, four in each half: there are {len(images)}."
    try:
        study.require()
    except VisLRPError as error:
        return str(error)
    return ""


def draw(network: Network) -> None:
    """Draw it, with the button that begins."""
    visit = session.get_visit()
    asked = state_search.of(visit)
    images = pictures.chosen(asked.images)
    space = spaces.edited(asked, visit.model, network.architecture)
    with st.container(key="search-form"):
        left, right = st.columns([0.42, 0.58], gap="large")
    with left:
        _pictures(images)
        _objectives(asked)
        _budget(network, asked, images, space)
    with right:
        _space(asked, visit.model, network.architecture, space)


def _pictures(images: Sequence[str]) -> None:
    known = pictures.known()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html('<h2 class="v-head">Pictures</h2>', width="stretch")
        box = widgets.menu("Add a picture", key="menu-search-upload", icon=":material/upload:", help="Bring one of your own")
    if box.open:
        with box:
            st.file_uploader(
                "Upload an image",
                type=widgets.UPLOAD_TYPES,
                key="search-upload",
                on_change=_take_upload,
                max_upload_size=widgets.UPLOAD_MB,
                help=f"{containers.READABLE}, at most 10 MB. It stays in this browser, is shown to nobody else, and "
                "is on no disk of the server.",
            )
            kept_panel.button("search-upload")
    key = widgets.mirror("search-images", list(images))
    st.multiselect(
        "Pictures",
        list(known),
        key=key,
        format_func=known.__getitem__,
        on_change=changing(key, state_search.set_images),
        label_visibility="collapsed",
        placeholder="Choose pictures",
    )
    held = round(pictures.HOLDOUT * len(images))
    st.caption(
        f"Searched on: {len(images) - held} of {len(images)}. Put aside, to decide in the end: {held}. "
        "The class explained is the first of each."
    )


def _take_upload() -> None:
    ref = widgets.uploaded("search-upload")
    if ref is not None:
        change(state_search.add_image, state_search.UPLOAD + ref.id, tuple(samples()))


def _objectives(asked: SearchState) -> None:
    st.html(f'<h2 class="v-head">Objectives: {terms.marked("measure", "measures")} of a map</h2>')
    key = widgets.mirror("search-objectives", list(asked.objectives))
    st.multiselect(
        "Objectives",
        list(OFFERED),
        key=key,
        format_func=lambda one: MEASURES[one].title,
        on_change=changing(key, state_search.set_objectives),
        label_visibility="collapsed",
        placeholder="Choose measures",
    )
    for one in asked.objectives:
        better = {"high": "higher is better", "low": "lower is better"}[MEASURES[one].better]
        st.caption(f"**{MEASURES[one].title}**, {better}. *Does not prove:* {MEASURES[one].caveat}")


def _budget(network: Network, asked: SearchState, images: tuple[str, ...], space: Space) -> None:
    st.html('<h2 class="v-head">Budget</h2>')
    most = budget.limit()
    minutes = max(1, min(asked.minutes, most))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="search-budget"):
        for name, label, value, low, high, reducer, help in (
            (
                "minutes",
                "Minutes",
                minutes,
                1,
                max(most, 1),
                state_search.set_minutes,
                "For the trials; comparing comes after",
            ),
            (
                "trials",
                "Models",
                asked.trials,
                MIN_TRIALS,
                MAX_TRIALS,
                state_search.set_trials,
                "Tried at most, ready-made ones first",
            ),
            (
                "seed",
                "Seed",
                asked.seed,
                0,
                MAX_SEED,
                state_search.set_seed,
                "Other suggestions, and other pictures put aside",
            ),
        ):
            key = widgets.mirror(f"search-{name}", value, low, high)
            with st.container(width=128):
                st.number_input(label, low, high, key=key, step=1, help=help, on_change=changing(key, reducer))
    why = budget.OFF if not most else refusal(images, asked.objectives)
    if why:
        st.warning(why, icon=":material/info:")
    with st.container(key="search-begin"):
        measuring.buttons(
            job(),
            "search-start",
            lambda: begin(network, asked, images, space, minutes),
            stop="search-stop-form",
            disabled=bool(why),
            label="Search",
            type="primary",
            help="It runs in the background: other pages can be used meanwhile",
        )


def begin(network: Network, asked: SearchState, images: tuple[str, ...], space: Space, minutes: int) -> None:
    """Begin a search, and show it."""
    id = secrets.token_urlsafe(16)
    kept = KeptSearch(
        id, network.digest, network.title, images, asked.objectives, space, asked.trials, asked.seed, float(minutes)
    )
    if job().start(kept, network, pictures.plan_of(kept)):
        change(state_search.begin, id)


def _space(asked: SearchState, model: LRPModel, plan: Architecture, space: Space) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html('<h2 class="v-head">Space</h2>', width="stretch")
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
    if asked.preset in NEED_MODEL:
        st.caption(f"Made around the active model, {escaped(model.name)}.")
    first = spaces.base(asked.preset, model, plan)
    with st.container(key="search-segments", gap="small"):
        for place, own in enumerate(space.segments):
            menu = spaces.menu(first.segments[place])
            chosen = [name for name, choice in menu.items() if choice in own.rules]
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"search-segment-{place}"):
                st.html(f'<span class="v-search-number">{place + 1}</span>', width="content")
                if place < len(space.segments) - 1:
                    for side, value in (("from", own.last.low), ("to", own.last.high)):
                        key = widgets.mirror(f"search-border-{place}-{side}", value, plan.name(value))
                        with st.container(width=118):
                            st.selectbox(
                                f"Segment {place + 1} ends {side}" if side == "from" else "to",
                                list(range(1, plan.last + 1)),
                                key=key,
                                format_func=plan.name,
                                on_change=changing(key, _set_border, place, side, (own.last.low, own.last.high)),
                            )
                else:
                    with st.container(width=252):
                        st.html(
                            f'<div class="v-muted v-search-end">Segment {place + 1} ends at {plan.name(plan.last)}.</div>'
                        )
                with st.container(width="stretch"):
                    key = widgets.mirror(f"search-rules-{place}", chosen, *menu)
                    st.multiselect(
                        f"Rules of segment {place + 1}",
                        list(menu),
                        key=key,
                        format_func=partial(_rule_title, menu),
                        on_change=changing(key, state_search.set_rules, place),
                    )
    key = widgets.mirror("search-free", list(spaces.free_of(space)))
    st.pills(
        "Also free",
        list(CONVENTIONS),
        selection_mode="multi",
        key=key,
        format_func=CONVENTIONS.__getitem__,
        on_change=changing(key, state_search.set_free),
    )


def _rule_title(menu: Mapping[str, RuleChoice], key: str) -> str:
    return spaces.title(key, menu[key])


def _set_border(asked: SearchState, place: int, side: str, ends: tuple[int, int], row: int) -> SearchState:
    """One end of the rows between which a segment ends; it takes the other along where it goes past it."""
    low, high = (row, max(row, ends[1])) if side == "from" else (min(row, ends[0]), row)
    return state_search.set_border(asked, place, (low, high))
