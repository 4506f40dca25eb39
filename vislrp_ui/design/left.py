"""Left column of Design: the image, what the network predicts for it, and the list of models."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vislrp_core.imports import notes_of, read_model
from vislrp_core.model import ModelError
from vislrp_core.network import Network, Prediction
from vislrp_ui import service, session, state
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.classbars import classbars
from vislrp_ui.components.modelcards import model_cards
from vislrp_ui.components.picture import picture
from vislrp_ui.shared import guide, kept_panel, large, terms, views, widgets
from vislrp_ui.shared.asking import question_mark
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import WORKING, StateError, Visit

SHOWN_CLASSES = 6


def image_and_class(network: Network, visit: Visit) -> int:
    """Image, search over all classes, bars of the first classes; returns the class to explain."""
    widgets.image_picker(visit)
    with st.container(key="design-image"):
        view = large.offer("image", partial(views.photo_view, visit.image, widgets.image_title(visit.image)))
        picture("image", data_url(service.view_png(visit.image)), _alt(visit), view)
    with st.container(), widgets.first_pass(network, visit.image):
        service.logits(network, visit.image)
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", key="class-line"):
        with st.container(width="stretch"):
            target = widgets.target_select(network, visit)
        question_mark(network, "class", "the classes")
    classbars("design-classes", shown_classes(network, visit, target), target, _pick_class)
    return target


def shown_classes(network: Network, visit: Visit, target: int) -> list[Prediction]:
    """The most probable classes; the target takes the last place if it is not among them."""
    first = service.predictions(network, visit.image, SHOWN_CLASSES)
    if all(prediction.index != target for prediction in first):
        logits = service.logits(network, visit.image)
        first[-1] = Prediction(target, network.classes[target], float(logits[target]), float(logits.softmax(dim=0)[target]))
    return first


def _alt(visit: Visit) -> str:
    shows = widgets.image_alt(visit.image)
    return f"The image as the network sees it: {shows}"


def _pick_class(picked: object) -> None:
    if isinstance(picked, int):
        session.update(state.choose_target, picked)


def models(visit: Visit) -> None:
    """Head and cards of the model manager."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="models-head"):
        st.html(f'<h2 class="v-head">{terms.marked("LRP model", "Models")}</h2>', width="stretch")
        if widgets.pressed(
            "New model", icon=":material/add:", type="tertiary", key="new-model", help="New model: LRP-0 on all layers"
        ):
            _start_new(visit)
        st.button(
            "Duplicate",
            icon=":material/content_copy:",
            type="tertiary",
            key="duplicate-model",
            help=f"Duplicate “{escaped(visit.entry().name)}”",
            on_click=session.update,
            args=(state.duplicate,),
        )
        importing = widgets.menu("Import models", key="menu-import", icon=":material/upload:", help="Import models")
        more = widgets.menu("More", key="menu-models", icon=":material/more_vert:", help="More about the models")
    if importing.open:
        with importing:
            _importer()
    if more.open:
        with more:
            _more(visit)
    model_cards("model-cards", visit.models, visit.active, _pick_model)


def _pick_model(picked: object) -> None:
    if isinstance(picked, str):
        session.update(state.activate, picked)


def _start_new(visit: Visit) -> None:
    """Ask before a working copy that holds something is discarded."""
    if state.is_untouched(visit.entry(WORKING)):
        session.update(state.new_model, keep=False)
        widgets.answered("new-model")
        st.rerun()
    _ask_new()
    widgets.answered("new-model")


@st.dialog("Start a new model")
def _ask_new() -> None:
    name = session.get_visit().entry(WORKING).name
    st.write(
        f"The working copy “{escaped(name)}” becomes LRP-0 on all layers. Do you want to keep its present state as a model "
        "of your own?"
    )
    with st.container(horizontal=True):
        keep = st.button(
            "Keep and start over",
            type="primary",
            key="new-keep",
            on_click=session.update,
            args=(state.new_model,),
            kwargs={"keep": True},
        )
        discard = st.button(
            "Discard and start over",
            key="new-discard",
            on_click=session.update,
            args=(state.new_model,),
            kwargs={"keep": False},
        )
    if keep or discard:
        st.rerun()


def _importer() -> None:
    generation = st.session_state.setdefault("_import_generation", 0)
    key = f"import-models-{generation}"
    st.file_uploader(
        "Model files (JSON)",
        type=["json"],
        accept_multiple_files=True,
        key=key,
        on_change=_take_models,
        args=(key,),
        max_upload_size=widgets.UPLOAD_MB,
        help="Files of this app, and those of the original VisLRPDesigner",
    )


def _take_models(key: str) -> None:
    """Every readable file becomes an own model, the last one active; every other gets its sentence."""
    files = st.session_state[key] or []
    for file in files:
        try:
            model = read_model(file.getvalue(), file.name)
            session.set_visit(state.add_model(session.get_visit(), model, based_on=file.name))
            for note in notes_of(model):
                session.notify(f"{model.name}: {note}")
        except (ModelError, StateError) as error:
            session.notify(f"Not imported: {error}")
    if files:
        st.session_state["_import_generation"] += 1


def _more(visit: Visit) -> None:
    names = {entry.id: entry.name for entry in visit.models}
    key = widgets.mirror("active-model", visit.active, names[visit.active])
    st.selectbox(
        "Active model", list(names), key=key, format_func=names.__getitem__, on_change=widgets.on_change(key, state.activate)
    )
    entry = visit.entry()
    st.button(
        "Delete this model",
        icon=":material/delete:",
        key="delete-model",
        disabled=entry.origin != "own",
        help=None if entry.origin == "own" else "The working copy and the examples stay",
        on_click=session.update,
        args=(state.delete,),
        width="stretch",
    )
    st.caption("Undo brings a deleted model back.")
    kept_panel.button("models")
    if entry.model.description:
        st.caption(guide.linked(entry.model.description))
