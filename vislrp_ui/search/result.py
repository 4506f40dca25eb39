"""One trial: its map beside the active model's, its segments and formulas, and where it can be taken."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from vislrp_core.formula import formula_latex
from vislrp_core.images import ImageError
from vislrp_core.measures import MEASURES
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.search.trials import Trial, front
from vislrp_ui import service, session, state, state_compare, state_search
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.comparegrid import layer_span, rule_name
from vislrp_ui.components.picture import picture
from vislrp_ui.search import pictures
from vislrp_ui.search.chart import lower
from vislrp_ui.search.edits import changing
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.shared import large, views, widgets
from vislrp_ui.shared.colour_bar import colour_bar_words
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.literal import escaped
from vislrp_ui.shared.progress import ProgressNote
from vislrp_ui.state import ImageRef, Visit

OPEN = "_search_open"
CONVENTIONS = ("pixel_rule", "pooling", "bias")


def chosen(kept: KeptSearch, selected: int | None) -> Trial | None:
    """The trial that is selected; without one the best of the first objective."""
    trial = kept.trial(selected)
    ahead = front(kept.trials, lower(kept))
    return trial if trial is not None and trial.values else ahead[0] if ahead else None


def panel(network: Network, kept: KeptSearch) -> None:
    """Draw it."""
    visit = session.get_visit()
    asked = state_search.of(visit)
    trial = chosen(kept, asked.selected)
    if trial is None:
        return
    image = _choices(kept, trial, asked.shown, visit.image.id)
    with st.container(key="search-maps"):
        columns = st.columns(2, gap="small")
        note = ProgressNote(st.empty())
    for place, model in enumerate((visit.model, trial.model)):
        with columns[place]:
            _map(network, visit, image, model, place, note)
    note.done()
    with st.container(key="search-rules-place"):
        st.markdown(_rules(trial.model), unsafe_allow_html=True)
    _buttons(visit, trial, image)


def _choices(kept: KeptSearch, trial: Trial, shown: str, current: str) -> str:
    """Which model, and on which picture (by default the visit's, if it is one of them); returns the picture."""
    names = _titles(kept)
    titles = {one: title for one, title in pictures.known().items() if one in kept.images}
    wanted = (shown, current, state_search.UPLOAD + current, *titles, *pictures.known())
    image = next(one for one in wanted if one in (titles or pictures.known()))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="search-choices"):
        key = widgets.mirror("search-trial", trial.number, names[trial.number])
        st.selectbox(
            "Model",
            list(names),
            key=key,
            format_func=names.__getitem__,
            on_change=changing(key, state_search.select),
            help="The same as a click on its point; models of the front come first",
        )
        options = titles or {image: pictures.known()[image]}
        key = widgets.mirror("search-shown", image, options[image])
        st.selectbox(
            "On the picture",
            list(options),
            key=key,
            format_func=options.__getitem__,
            on_change=changing(key, state_search.show_on),
        )
    return image


def _titles(kept: KeptSearch) -> dict[int, str]:
    """Names of all complete trials, those of the front first."""
    sign = -1 if lower(kept)[0] else 1
    ahead = front(kept.trials, lower(kept))
    others = sorted(
        (one for one in kept.trials if one.state == "complete" and one not in ahead), key=lambda one: -sign * one.values[0]
    )
    first = MEASURES[kept.objectives[0]].title
    return {one.number: f"{one.model.name}, {first} {one.values[0]:.4g} (trial {one.number})" for one in (*ahead, *others)}


def _map(network: Network, visit: Visit, image: str, model: LRPModel, place: int, note: ProgressNote) -> None:
    title = f"Active: {model.name}" if place == 0 else model.name
    st.html(f'<div class="v-search-map" title="{escape(title)}">{escape(title)}</div>')
    ref = pictures.ref(image)
    try:
        target = service.target_of(network, ref, None)
        result = service.maps(network, ref, model, target, watch=note)
    except (service.MissingImage, ImageError) as error:
        st.caption(escaped(str(error)))
        return
    if 0 not in result.maps:
        st.caption(escaped(str(result.error)))
        return
    values, look = result.maps[0], visit.look
    limit = service.limit_of(values, look)
    key = (network.digest, ref, result.model_key, result.target, 0)
    png = service.heatmap_png(values, key, look, limit=limit, ref=ref)
    view = large.offer(f"search-map-{place}", partial(views.map_view, network, ref, model, target, 0, look, limit=limit))
    picture(f"search-map-{place}", data_url(png), f"Heatmap of {model.name} for {network.classes[target]}", view)
    st.html(f'<div class="v-search-bar">{colour_bar_words(visit)}</div>')


def _rules(model: LRPModel) -> str:
    """Segments with their formulas, and the conventions, as markdown."""
    lines = [
        f"| **{escaped(rule_name(one))}**<br>{escaped(layer_span(one, model.plan))} | ${formula_latex(one.rule)}$ |"
        for one in model.segments
    ]
    words = ", ".join(f"{name.replace('_', ' ')} {getattr(model, name).replace('_', ' ')}" for name in CONVENTIONS)
    return "\n".join(["| Segment | Rule |", "|---|---|", *lines, "", f"Conventions: {words}."])


def _buttons(visit: Visit, trial: Trial, image: str) -> None:
    there = any(entry.model.key == trial.model.key for entry in state_compare.entries(visit))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="search-buttons"):
        st.button(
            "Open in Design",
            icon=":material/tune:",
            key="search-open",
            on_click=_open,
            args=(trial.model, pictures.ref(image)),
            help="As a model of your own, on this picture",
        )
        st.button(
            "In Compare" if there else "Add to Compare",
            icon=":material/grid_view:",
            key="search-compare",
            disabled=there,
            on_click=session.update,
            args=(to_compare, trial.model),
            help="As one more column",
        )
        st.download_button(
            "Download (.json)",
            trial.model.to_json(),
            f"{file_stem(trial.model.name)}.json",
            "application/json",
            key="search-download",
            icon=":material/download:",
            on_click="ignore",
        )


def in_design(visit: Visit, model: LRPModel, ref: ImageRef) -> Visit:
    """The visit with a trial's model as the active one, on a picture; a model that is in the list is not doubled."""
    known = next((one for one in visit.models if one.name == model.name and one.model.key == model.key), None)
    after = state.add_model(visit, model, based_on="Search") if known is None else state.activate(visit, known.id)
    return state.choose_image(after, ref)


def to_compare(visit: Visit, model: LRPModel) -> Visit:
    """The visit with a trial's model as one more column of Compare."""
    return state_compare.changed(visit, state_compare.add_models, [model], "Search")


def _open(model: LRPModel, ref: ImageRef) -> None:
    before = session.get_visit()
    session.update(in_design, model, ref)
    if session.get_visit() != before or before.model.key == model.key:
        st.session_state[OPEN] = True
