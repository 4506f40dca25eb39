"""What is asked of a search: pictures, objectives, space, budget."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import streamlit as st

from vislrp_core import containers
from vislrp_core.errors import VisLRPError
from vislrp_core.measures import MEASURES
from vislrp_core.network import Network
from vislrp_core.search import study
from vislrp_core.search.space import Space
from vislrp_core.search.trials import ONE_MODEL
from vislrp_ui import session, state_search
from vislrp_ui.samples import samples
from vislrp_ui.search import budget, pictures, space_form, spaces
from vislrp_ui.search.edits import change, changing, job
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.shared import kept_panel, measuring, terms, widgets
from vislrp_ui.state_search import MAX_SEED, MAX_TRIALS, MIN_TRIALS, OFFERED, SearchState


def refusal(images: Sequence[str], objectives: Sequence[str], space: Space) -> str:
    """Why these cannot be searched, in one sentence; empty if they can."""
    halves = len(images) - round(pictures.HOLDOUT * len(images)), round(pictures.HOLDOUT * len(images))
    if min(halves) < 1:
        return (
            f"Choose at least two pictures: half of them decide in the end. There {'is 1' if len(images) == 1 else 'are 0'}."
        )
    if "mosaic" in objectives and min(halves) < 4:
        return f"{MEASURES['mosaic'].title} needs at least eight pictures, four in each half: there are {len(images)}."
    if not space.varies:
        return f"{ONE_MODEL[0].upper()}{ONE_MODEL[1:]}."
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
        space_form.draw(asked, visit.model, network.architecture, space)


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
    why = budget.OFF if not most else refusal(images, asked.objectives, space)
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
    try:
        plan = pictures.plan_of(kept)
    except VisLRPError as error:
        session.notify(str(error))
        return
    if job().start(kept, network, plan):
        change(state_search.begin, id)
