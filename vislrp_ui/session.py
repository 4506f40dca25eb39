"""The visit's place in Streamlit: one key of the session, the address, the session's own uploads."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vislrp_core.images import digest, read_image
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.networks import imagenet_on_disk
from vislrp_core.resources import model_store
from vislrp_ui import large, permalink, state, theme
from vislrp_ui.caches import settle
from vislrp_ui.components.keeper import keeper
from vislrp_ui.components.pagetools import page_tools
from vislrp_ui.own_networks import OWN, own
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef, ModelEntry, StateError, Visit

_VISIT, _SID, _NOTICES, _UPLOADS, _LINK = "_visit", "_sid", "_notices", "_uploads", "_link"
_ROUTED, _WANTED, _RESTORED = "_routed", "_wanted", "_restored"
MAX_UPLOAD_BYTES = 40_000_000
"""Bytes of pictures that one session keeps; the oldest are forgotten first."""


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
            damaged += (f"There is no sample image “{visit.image.id[:40]}”: choose one of the gallery.",)
            visit = state.choose_image(visit, ImageRef())
        if visit.network == "imagenet" and imagenet_on_disk() is None:
            damaged += ("The address asks for the full VGG16, which is not on this server: the page runs with "
                        "another network.",)
            visit = state.choose_network(visit, None)
        if visit.network == OWN and own() is None:
            damaged += ("This view was made with a network of the visitor's own, which only their visit holds: the page "
                        "runs with another network.",)
            visit = state.choose_network(visit, None)
        st.session_state[_VISIT] = visit
        for sentence in damaged:
            notify(sentence)
    return st.session_state[_VISIT]


def set_visit(visit: Visit) -> None:
    """Store the visit; the address follows when the script ends or `boot` runs next."""
    st.session_state[_VISIT] = visit


def update(change: Callable[..., Visit], *arguments: object, **named: object) -> None:
    """Apply a pure function of the visit, as a widget's callback; what it refuses becomes one sentence on the page."""
    try:
        set_visit(change(get_visit(), *arguments, **named))
    except StateError as error:
        notify(str(error))


def sid() -> str:
    """A name of this session, for components that must tell a new session from an old one."""
    return st.session_state.setdefault(_SID, uuid.uuid4().hex)


def notify(sentence: str) -> None:
    """Have one sentence shown at the top of the page at the next run."""
    st.session_state.setdefault(_NOTICES, []).append(sentence)


def boot() -> Visit:
    """Begin a page: style, address, notices. Every page calls it first."""
    settle()
    _enter_through_home()
    st.html(theme.css())
    from vislrp_ui.fitting import fit  # it stands on this module

    visit = fit()
    sync_address(visit)
    _keep_models(visit)
    large.mount()
    with st.container(key="page-tools"):
        page_tools("tools", theme.mode())
    # A place of their own: an element that comes and goes would move all others, and components would be built anew.
    with st.container(key="notices"):
        _show(st.session_state.pop(_NOTICES, []))
    return visit


def _show(sentences: list[str]) -> None:
    """The first sentence, the others folded away, and a button that closes them: the run it starts has no notices."""
    if not sentences:
        return
    first, *others = sentences
    with st.container(horizontal=True, vertical_alignment="top", gap="xsmall"):
        with st.container(width="stretch", gap="xsmall"):
            st.warning(first, icon=":material/error:")
            if others:
                with st.expander(f"{len(others)} more"):
                    for sentence in others:
                        st.warning(sentence, icon=":material/error:")
        st.button("Close", icon=":material/close:", type="tertiary", key="close-notices", help="Close these messages")


# --- a reload ----------------------------------------------------------------------------------------------------------

def _keep_models(visit: Visit) -> None:
    """Let the browser's tab hold the models that the address does not."""
    content = [{"origin": entry.origin, "based_on": entry.based_on, "model": entry.model.to_json()}
               for entry in state.kept_models(visit)]
    with st.container(key="keeper"):
        keeper("model-keeper", sid=sid(), restored=_RESTORED in st.session_state, content=content, on_restore=_restore)


def _restore() -> None:
    handed = (st.session_state["model-keeper"] or {}).get("restore")
    if not isinstance(handed, dict) or handed.get("sid") != sid() or _RESTORED in st.session_state:
        return
    st.session_state[_RESTORED] = True
    set_visit(state.bring_back(get_visit(), read_kept(handed.get("content"))))


def read_kept(content: object) -> tuple[ModelEntry, ...]:
    """Models that a browser's tab hands back, each checked; what is none is left out."""
    found = []
    for item in content[:state.MAX_OWN_MODELS + 1] if isinstance(content, list) else ():
        if not isinstance(item, dict) or item.get("origin") not in ("own", "working"):
            continue
        try:
            model = LRPModel.from_json(str(item.get("model", "")))
        except ModelError:
            continue
        found.append(ModelEntry("", model, item["origin"], str(item.get("based_on", ""))[:80]))
    return tuple(found)


def mark_routed() -> str | None:
    """Called by `Home.py`: this session's pages are under its navigation; returns the page asked for before that."""
    st.session_state[_ROUTED] = True
    return st.session_state.pop(_WANTED, None)


def _enter_through_home() -> None:
    # The first visitor of a fresh server who opens a page's own address gets that page without Home.py around it.
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or Path(context.main_script_path).name != "Home.py" or _ROUTED in st.session_state:
        return
    get_visit()
    st.session_state[_WANTED] = urlsplit(st.context.url or "").path.rsplit("/", 1)[-1]
    st.switch_page("Home.py")


def sync_address(visit: Visit | None = None) -> None:
    """Let the browser's address hold the visit."""
    params = permalink.to_params(visit or get_visit())
    if dict(st.query_params) != params:
        st.query_params.from_dict(params)


# --- uploads ----------------------------------------------------------------------------------------------------------

def add_upload(data: bytes) -> ImageRef:
    """Keep an uploaded picture for this session only.

    Raises
    ------
    ImageError
        If it cannot be read; one sentence.
    """
    read_image(data)
    name = digest(data)
    uploads: dict[str, bytes] = st.session_state.setdefault(_UPLOADS, {})
    uploads.pop(name, None)
    uploads[name] = data
    while sum(map(len, uploads.values())) > MAX_UPLOAD_BYTES and len(uploads) > 1:
        uploads.pop(next(iter(uploads)))
    return ImageRef("upload", name, get_visit().image.fit)


def upload(name: str) -> bytes | None:
    """A picture that this session uploaded, None if it has no such picture."""
    return st.session_state.get(_UPLOADS, {}).get(name)


def upload_names() -> tuple[str, ...]:
    """Hashes of the pictures that this session holds, newest last."""
    return tuple(st.session_state.get(_UPLOADS, {}))
