"""Where Streamlit keeps the visit: one key of the session, the address, the session's uploads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, partial
from typing import TypeVar

import streamlit as st

from vislrp_core.images import read_image
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.networks import imagenet_on_disk
from vislrp_core.resources import model_store
from vislrp_ui import permalink, rooms, state, state_lesson
from vislrp_ui.background import claim, running_tokens
from vislrp_ui.browser import Exchange
from vislrp_ui.components.protocol import sid
from vislrp_ui.components.store import store
from vislrp_ui.own_networks import OWN, own
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef, ModelEntry, StateError, Visit
from vislrp_ui.streamlit_inside import is_connected, session_id
from vislrp_ui.uploads import reduce

_VISIT, _EXCHANGE, _BEGAN = "_visit", "_exchange", "_began"
_NOTICES, _SHOWN = "_notices", "_notices_shown"
_LOST, _BARE = "_lost_network", "_bare_lesson"
MAIN = "main"
ANSWER_SECONDS = 5.0
Made = TypeVar("Made")


@cache
def examples() -> tuple[ModelEntry, ...]:
    """The example models of `model_store`, in the order of their file names; a damaged file is left out and logged."""
    found = []
    for path in sorted(model_store().glob("*.json")):
        try:
            if "vislrp-model" in path.read_text(encoding="utf-8"):
                found.append(ModelEntry(path.stem, LRPModel.load(path), "example"))
        except (OSError, UnicodeDecodeError, ModelError) as error:
            logging.getLogger(__name__).warning("The example model %s is left out: %s", path.name, error)
    return tuple(found)


def get_visit() -> Visit:
    """The visit of this session; the first call reads it from the address."""
    if _VISIT not in st.session_state:
        visit, damaged = permalink.from_params(dict(st.query_params), state.start(examples()))
        if visit.image.kind == "sample" and visit.image.id not in samples():
            damaged += (f"There is no sample image “{visit.image.id[:40]}”: choose one from the gallery.",)
            visit = state.choose_image(visit, ImageRef())
        if visit.network == "imagenet" and imagenet_on_disk() is None:
            damaged += (
                "The address asks for the full VGG16, which is not on this server; another network is used instead.",
            )
            visit = state.choose_network(visit, None)
        if visit.network == OWN and own() is None:
            damaged += (
                "This view was made with a network that a visitor uploaded and that only their visit holds; another "
                "network is used instead.",
            )
            visit = state.choose_network(visit, None)
            st.session_state[_LOST] = OWN
        st.session_state[_VISIT] = visit
        if visit.lesson is not None and set(st.query_params) == {state_lesson.PARAM}:
            st.session_state[_BARE] = True
        exchange().entered, exchange().began = dict(st.query_params), visit
        for sentence in damaged:
            notify(sentence)
    return st.session_state[_VISIT]


def set_visit(visit: Visit) -> None:
    """Store the visit; the address is updated when the script ends or `boot` next runs."""
    st.session_state[_VISIT] = visit


def take_lost_network() -> str | None:
    """The network that the address asks for but that is missing; returned once, so that its models can be restored."""
    lost: str | None = st.session_state.pop(_LOST, None)
    return lost


def begin_bare_lesson() -> None:
    """Let the open lesson begin as if its address named nothing else."""
    st.session_state[_BARE] = True


def take_bare_lesson() -> bool:
    """Whether the address named a lesson and nothing else; told once."""
    return bool(st.session_state.pop(_BARE, False))


def update(change: Callable[..., Visit], *arguments: object, **named: object) -> None:
    """Apply a pure function of the visit, as a widget's callback; a refusal becomes one sentence on the page."""
    try:
        set_visit(change(get_visit(), *arguments, **named))
    except StateError as error:
        notify(str(error))


def notify(sentence: str) -> None:
    """Show one sentence at the top of the page in the next run."""
    st.session_state.setdefault(_NOTICES, []).append(sentence)


def say_again() -> None:
    """Show the sentences once more: the browser sent this message by itself, so nobody has read them yet."""
    st.session_state[_NOTICES] = [*st.session_state.pop(_SHOWN, []), *st.session_state.get(_NOTICES, [])]


def take_notices() -> list[str]:
    """The sentences to show; they are then forgotten unless the browser sends a message by itself."""
    st.session_state[_SHOWN] = st.session_state.pop(_NOTICES, [])
    return st.session_state[_SHOWN]


# --- what the browser keeps -------------------------------------------------------------------------------------------


_lent: ContextVar[Exchange] = ContextVar("lent")


def exchange() -> Exchange:
    """The session's exchange with the browser's storage."""
    lent = _lent.get(None)
    if lent is not None:
        return lent
    if _EXCHANGE not in st.session_state:
        st.session_state[_EXCHANGE] = Exchange()
    return st.session_state[_EXCHANGE]


def with_pictures(make: Callable[[], Made]) -> Callable[[], Made]:
    """Let something be made later with this session's pictures: Streamlit makes deferred downloads without a session."""
    held = exchange()

    def made() -> Made:
        token = _lent.set(held)
        try:
            return make()
        finally:
            _lent.reset(token)

    return made


def save(place: str) -> None:
    """Write the visit to the address and to the browser; for fragments, since `boot` does not run with them."""
    visit = get_visit()
    sync_address(visit)
    _draw_store(visit, place)


def _draw_store(visit: Visit, place: str) -> None:
    key = f"store-{place}"
    with st.container(key=key + "-place"):
        payload = exchange().payload(visit, running_tokens(rooms.jobs()))
        store(key, {**payload, "sid": sid(), "role": "main" if place == MAIN else "part"}, partial(_hear, key))


def _hear(key: str) -> None:
    said = (st.session_state[key] or {}).get("say")
    held = exchange()
    say_again()
    visit, sentences = held.hear(said, sid(), get_visit())
    set_visit(visit)
    for sentence in sentences:
        notify(sentence)
    claims, held.claims = held.claims, {}
    lost = [name for name, token in claims.items() if name in rooms.jobs() and not claim(name, token)]
    if lost:
        notify("A measurement ended when its page was left: what was complete is kept; start it again for the rest.")


def _waiting(visit: Visit) -> bool:
    # An address written before the browser's first answer would add a step to Back. A browser that does not answer
    # still gets its address, and a change made by the visitor is a step in any case.
    return (
        _has_browser()
        and not exchange().restored
        and visit == exchange().began
        and time.monotonic() - _began() < ANSWER_SECONDS
    )


def _has_browser() -> bool:
    """Whether a browser is at the other end; `streamlit.testing` has none that could answer."""
    return is_connected(session_id())


def _began() -> float:
    return st.session_state.setdefault(_BEGAN, time.monotonic())


def sync_address(visit: Visit | None = None) -> None:
    """Write the visit to the browser's address."""
    shown = visit or get_visit()
    if _waiting(shown):
        return
    params = permalink.to_params(shown)
    if dict(st.query_params) != params:
        st.query_params.from_dict(params)


# --- uploads ----------------------------------------------------------------------------------------------------------


def add_upload(data: bytes, title: str = "") -> ImageRef:
    """Keep the part of an uploaded picture that the network sees, in this session and in its browser.

    Raises
    ------
    ImageError
        If the picture cannot be read; one sentence.
    """
    return ImageRef("upload", exchange().add(reduce(read_image(data)), title), get_visit().image.fit)


def upload(ref: ImageRef) -> bytes | None:
    """The file of a picture that this session holds; None if there is no such picture."""
    held = exchange().uploads.get(ref.id)
    return None if held is None else held.file(ref.fit)


def awaited(ref: ImageRef) -> bool:
    """Whether a missing picture may still arrive from the browser."""
    return ref.kind == "upload" and _has_browser() and exchange().awaited(ref.id)


def upload_names() -> tuple[str, ...]:
    """Pictures of this session, newest last, and those that so far only its browser holds."""
    held = exchange()
    return tuple(dict.fromkeys((*held.uploads, *held.pictures)))
