"""The welcome page: what this is, a live example, four guided cases, the primer."""

from __future__ import annotations

import base64
from functools import cache, partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_core.network import Network
from vislrp_ui import rooms, service, session, state, state_lesson, theme
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.classbars import classbars
from vislrp_ui.components.modelcards import model_cards
from vislrp_ui.components.picture import picture
from vislrp_ui.home import primer, rules, teaching
from vislrp_ui.home.cases import CASES, Case
from vislrp_ui.lessons.questions.catalogue import QUESTIONS
from vislrp_ui.lessons.questions.dialog import ask
from vislrp_ui.shared import guide, kept_panel, large, literal, table, terms, views, widgets
from vislrp_ui.shared.colour_bar import colour_bar_words
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.literal import escaped
from vislrp_ui.shared.required import require_image
from vislrp_ui.state import ModelEntry, Visit

SHOWN_CLASSES = 6
SHOWN_EXAMPLES = ("configuration_2", "overview_composite")
INTRODUCTION = (
    f"<p class='v-intro'>Layer-wise {terms.marked('LRP', 'Relevance Propagation')} (LRP) explains a prediction by sending "
    f"its {terms.marked('logit', 'score')} back through the network, layer by layer, down to the pixels. Which "
    f"{terms.marked('rule', 'rule')} acts in which layers decides what the {terms.marked('heatmap', 'heatmap')} shows. Here "
    "you place the rules with the mouse and watch every map follow.</p>"
)


def home() -> None:
    """Draw the page."""
    visit = boot()
    st.html(theme.home_css())
    network = require_image(visit)
    with st.container(key="home-hero"):
        words, example = st.columns([0.4, 0.6], gap="large", vertical_alignment="center")
    with words:
        _words(network)
    st.html(guide.heading("Four guided cases"))
    with st.container(key="home-cases"):
        places = st.columns(len(CASES), gap="medium")
    for column, case in zip(places, CASES, strict=True):
        with column:
            _case(case)
    teaching.line()
    asked = _questions(network)
    conservation = _primer()
    rules.section(network, visit, asked)
    with st.expander("Photographs: authors and licences"):
        widgets.credits()
    # Last, in its place above: all the rest can be read and used while the network looks at the first image.
    with example:
        result = _example(network, visit)
    conservation.html(primer.conservation("" if result is None else primer.here(*result)))


def _words(network: Network) -> None:
    st.html("<h1 class='v-title'>Design how relevance flows through VGG16</h1>")
    st.html(INTRODUCTION)
    with st.container(horizontal=True, gap="small"):
        if widgets.pressed("Start designing", type="primary", icon=":material/tune:", key="start-designing"):
            session.update(started)
            st.switch_page("pages/1_Design.py")
        if widgets.pressed("Compare five models", icon=":material/grid_view:", key="start-comparing"):
            _open(CASES[1])
    kept_panel.button("home")
    st.caption(f":material/deployed_code: Network: {escaped(network.title)}, ready · works offline")


def shown_models(visit: Visit) -> tuple[ModelEntry, ...]:
    """Models of the live example: two that work well, and the visit's own choice."""
    good = [e for e in visit.models if e.id in SHOWN_EXAMPLES and e.origin == "example"]
    active = visit.entry()
    if active in good or (active.origin == "working" and state.is_untouched(active) and good):
        return tuple(good)
    return (active, *good)


def started(visit: Visit) -> Visit:
    """Design begins with the map that the example shows: LRP-0 on all layers would be noise, and nothing is replaced."""
    shown = shown_models(visit)
    return visit if any(entry.id == visit.active for entry in shown) else state.activate(visit, shown[0].id)


def _example(network: Network, visit: Visit) -> tuple[str, float, float] | None:
    """Draw the live example; returns its class, the start of relevance and what arrives, None where it has no map."""
    entries = shown_models(visit)
    entry = next((e for e in entries if e.id == visit.active), entries[0])
    photo, map_column, choice = st.columns([0.36, 0.36, 0.28], gap="small")
    with choice:
        st.html('<h2 class="v-head">Choose a class</h2>')
        target = service.target_of(network, visit.image, visit.target)
        classbars("home-classes", service.predictions(network, visit.image, SHOWN_CLASSES), target, _pick_class)
        st.html('<h2 class="v-head">Choose a model</h2>')
        model_cards("home-models", entries, entry.id, _pick_model, compact=True)
    with photo:
        view = large.offer("image", partial(views.photo_view, visit.image, widgets.image_title(visit.image)))
        picture("home-image", data_url(service.view_png(visit.image)), widgets.image_alt(visit.image), view)
    with map_column:
        result = service.maps(network, visit.image, entry.model, target)
        name = network.classes[target]
        if 0 not in result.maps:
            literal.warning(str(result.error))
            return None
        limit = service.limit_of(result.maps[0], visit.look)
        png = service.heatmap_png(result.maps[0], views.map_key(network, visit, result, 0), visit.look, limit=limit)
        view = large.offer("map", partial(views.map_view, network, visit.image, entry.model, target, 0, visit.look))
        picture("home-map", data_url(png), f"Heatmap of relevance for {name}", view)
        st.html(colour_bar_words(visit))
    return name, float(result.total[-1]), float(result.total[0])


def _primer() -> DeltaGenerator:
    """What LRP does, with its letters; returns the place of the paragraph that has numbers of the example."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="home-primer-line"):
        st.html('<h2 class="v-head">LRP rules at a glance</h2>', width="content")
        if widgets.pressed(
            "Compute it by hand",
            icon=":material/calculate:",
            type="tertiary",
            key="home-by-hand",
            help="A network small enough to compute, with all its numbers",
        ):
            widgets.answered("home-by-hand")
            st.switch_page(rooms.find("hand").file)
    st.html(primer.introduction())
    place = st.empty()
    place.html(primer.conservation())  # until the example is drawn
    return place


def _pick_class(picked: object) -> None:
    if isinstance(picked, int):
        session.update(state.choose_target, picked)


def _pick_model(picked: object) -> None:
    if isinstance(picked, str):
        session.update(state.activate, picked)


def _case(case: Case) -> None:
    with st.container(border=True, height="stretch", key=f"case-{case.key}"):
        st.html(_strip(case, theme.mode()) + f'<h2 class="v-head">{case.lesson.title}</h2>')
        st.markdown(case.lesson.text)
        if widgets.pressed(
            f"Open in {case.room.title}", icon=":material/arrow_forward:", type="tertiary", key=f"open-{case.key}"
        ):
            _open(case)


def _questions(network: Network) -> bool:
    """What learners ask: a click opens the question, to predict first and see then; returns whether one is opened."""
    asked = False
    st.html('<h2 class="v-head">Questions: predict, then see</h2>')
    with st.container(horizontal=True, gap="xxsmall", key="home-questions"):
        for key, question in QUESTIONS.items():
            if widgets.pressed(question.title, icon=":material/help:", type="tertiary", key=f"question-{key}-open"):
                widgets.answered(f"question-{key}-open")
                ask(network, key)
                asked = True
    return asked


@cache
def _strip(case: Case, mode: str) -> str:
    addresses = [base64.b64encode(picture.read_bytes()).decode("ascii") for picture in case.pictures(mode)]
    return (
        '<div class="v-strip">'
        + "".join(f'<img alt="" src="data:image/webp;base64,{address}">' for address in addresses)
        + "</div>"
    )


def _open(case: Case) -> None:
    table.open_case(case.lesson.title, case.lesson.prepare)
    session.update(state_lesson.begin, case.key)
    st.switch_page(case.room.file)
