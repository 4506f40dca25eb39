"""The visit as an address: query parameters that open the same view elsewhere. Addresses are hostile until checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from vislrp_core import compact
from vislrp_core.heatmap import RANGES, SPECTRA
from vislrp_core.model import ModelError
from vislrp_ui import rooms, state, state_lesson
from vislrp_ui.address import one_of, whole
from vislrp_ui.rooms import PageState, Room
from vislrp_ui.state import ImageRef, Look, ModelEntry, Visit

MAX_LENGTH = 8000
MAX_TARGET = 100_000
_SAMPLE = re.compile(r"[a-z0-9_]{1,60}")
_UPLOAD = re.compile(r"[0-9a-f]{64}")
_EXAMPLE = re.compile(r"[A-Za-z0-9_-]{1,60}")
NETWORKS = ("embedded", "imagenet", "own")


def to_params(visit: Visit, *, room: int | None = None) -> dict[str, str]:
    """Query parameters of a visit; what has its default is left out, except image, target and model.

    Parameters
    ----------
    room : int, optional
        Characters that the brushes, and the sets of neurons, may take. Without it the parameters are an address for any
        browser; with it they are for this one, which knows own models by their ids.
    """
    image, look = visit.image, visit.look
    params = {"image": image.id if image.kind == "sample" else f"upload-{image.id}"}
    if image.fit != "crop":
        params["fit"] = image.fit
    params["target"] = "first" if visit.target is None else str(visit.target)
    if visit.network is not None:
        params["network"] = visit.network
    entry = visit.entry()
    if entry.origin == "example":
        params["model"] = f"example-{entry.id}"
    else:
        params["model"] = compact.encode(entry.model)
        if entry.origin == "own":
            params["as"] = "own"
        if entry.based_on:
            params["based"] = entry.based_on[:80]
    if visit.selected_segment:
        params["segment"] = str(visit.selected_segment + 1)
    if visit.selected_layer is not None:
        params["layer"] = str(visit.selected_layer)
    if look.spectrum != Look.spectrum:
        params["spectrum"] = look.spectrum
    if look.range != Look.range:
        params["range"] = look.range
    if look.overlay:
        params["overlay"] = str(round(look.opacity * 100))
    if look.paper != "theme":
        params["paper"] = look.paper
    if visit.lesson is not None:
        params[state_lesson.PARAM] = state_lesson.to_param(visit.lesson)
    for page in rooms.with_state():
        own = visit.page(page.key)
        if own is not None:
            portable: Callable[[Visit], PageState] | None = getattr(rooms.states(page), "for_address", None)
            own = portable(visit) if portable is not None and room is None else own
            params.update(own.to_params() if room is None else own.to_params(room))
    return params


def from_params(params: Mapping[str, str], visit: Visit, *, room: int = 4 * MAX_LENGTH) -> tuple[Visit, tuple[str, ...]]:
    """A fresh visit as the address says.

    Parameters
    ----------
    params : mapping
        Query parameters, unchecked.
    visit : Visit
        What counts where the address says nothing or nonsense; its models hold the examples.
    room : int
        Characters of all parameters together.

    Returns
    -------
    Visit
    tuple of str
        One sentence for each part of the address that could not be used.
    """
    if sum(len(k) + len(v) for k, v in params.items()) > room:
        return visit, ("The address is too long to be a link of this app: the page starts from the beginning.",)
    damaged: list[str] = []

    def read(what: str, change: Callable[[Visit], Visit]) -> None:
        nonlocal visit
        try:
            visit = change(visit)
        except (ValueError, KeyError) as error:
            detail = f" ({error})" if isinstance(error, ModelError) else ""
            damaged.append(f"The {what} in the address cannot be read{detail}; the page uses its default instead.")

    if "image" in params or "fit" in params:
        read("image", lambda v: replace(v, image=_image(params, v.image)))
    if params.get("target", "first") != "first":
        read("target class", lambda v: replace(v, target=whole(params["target"], 0, MAX_TARGET)))
    if "network" in params:
        read("network", lambda v: replace(v, network=one_of(params["network"], NETWORKS)))
    if "model" in params:
        read("model", lambda v: _with_model(v, params))
    if "segment" in params:
        read("segment", lambda v: replace(v, selected_segment=whole(params["segment"], 1, len(v.model.segments)) - 1))
    if "layer" in params:
        read("layer", lambda v: replace(v, selected_layer=whole(params["layer"], 1, v.model.plan.last)))
    for key, change in _LOOK.items():
        if key in params:
            read(_LOOK_NAMES[key], lambda v, key=key, change=change: state.set_look(v, **change(params[key])))  # type: ignore[misc]
    if state_lesson.PARAM in params:
        read("lesson", lambda v: replace(v, lesson=state_lesson.from_param(params[state_lesson.PARAM])))
    for page in rooms.with_state():
        read(f"part for {page.key}", lambda v, page=page: _with_page(v, page, params))  # type: ignore[misc]
    return visit, tuple(damaged)


def _image(params: Mapping[str, str], default: ImageRef) -> ImageRef:
    text = params.get("image", default.id)
    fit = one_of(params.get("fit", "crop"), ("crop", "squash"))
    upload = text.removeprefix("upload-")
    if upload != text and _UPLOAD.fullmatch(upload):
        return ImageRef("upload", upload, fit)
    if not _SAMPLE.fullmatch(text):
        raise ValueError(text[:40])
    return ImageRef("sample", text, fit)


def _with_model(visit: Visit, params: Mapping[str, str]) -> Visit:
    text = params["model"]
    example = text.removeprefix("example-")
    if example != text and _EXAMPLE.fullmatch(example):
        return replace(visit, active=visit.entry(example).id, selected_segment=0)
    if len(text) > MAX_LENGTH:
        raise ValueError("too long")
    model = compact.decode(text)
    based_on = " ".join(params.get("based", "").split())[:80]
    if params.get("as") == "own":
        added = state.add_model(visit, model, based_on=based_on)
        return replace(added, past=(), future=())
    entry = ModelEntry(state.WORKING, model, "working", based_on)
    models = tuple(entry if e.id == state.WORKING else e for e in visit.models)
    return replace(visit, models=models, active=state.WORKING, selected_segment=0)


def _with_page(visit: Visit, page: Room, params: Mapping[str, str]) -> Visit:
    module = rooms.states(page)
    own = module.from_params(params)
    if own is not None and hasattr(module, "in_visit"):
        own = module.in_visit(own, visit)
    return visit if own is None else visit.with_page(page.key, own)


_LOOK: dict[str, Callable[[str], dict[str, object]]] = {
    "spectrum": lambda text: {"spectrum": one_of(text, SPECTRA)},
    "range": lambda text: {"range": one_of(text, RANGES)},
    "overlay": lambda text: {"overlay": True, "opacity": whole(text, 0, 100) / 100},
    "paper": lambda text: {"paper": one_of(text, ("light", "dark"))},
}
_LOOK_NAMES = {"spectrum": "colour spectrum", "range": "colour range", "overlay": "overlay", "paper": "background"}

for _page in rooms.with_state():
    rooms.states(_page)  # now, so that the first visitor does not wait for it
