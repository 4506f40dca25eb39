"""The work on the table: putting it aside for a guided case or a kept view, and taking it back. Pure functions.

The models are a list of their own, which stays: put aside is what is chosen among them, and all that the pages hold. Only
the working copy, which the next edit of an example would replace, goes with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vislrp_core.model import LRPModel
from vislrp_ui import state, state_compare, state_search
from vislrp_ui.state import WORKING, WORKING_NAME, Aside, ImageRef, ModelEntry, Snapshot, StateError, Visit
from vislrp_ui.state_compare import CompareState
from vislrp_ui.state_search import SearchState

OWN_WORK = "your own work"
MAX_ASIDE = 6


def cleared(visit: Visit) -> Visit:
    """An empty table: everything as at the start. Own models stay in the list, and what was put aside."""
    fresh = ModelEntry(WORKING, LRPModel.basic(WORKING_NAME, visit.model.architecture), "working")
    return replace(Visit(), models=state.put(visit, fresh).models, aside=visit.aside, draft=visit.draft)


def same(one: Visit, other: Visit) -> bool:
    """Whether both tables hold the same; other models in the list do not count, unless one is the working copy."""
    return _bare(one) == _bare(other)


def _bare(visit: Visit) -> Visit:
    return replace(visit, models=(visit.entry(WORKING),), past=(), future=(), aside=(), opened=None, lesson=None, draft="")


def holds_work(visit: Visit) -> bool:
    """Whether anything is there that the start, or the card of the case that is open, did not bring."""
    laid = visit.opened.visit if visit.opened is not None else cleared(visit)
    return bool(visit.past or visit.future) or not same(visit, laid)


def uploads_of(visit: Visit) -> tuple[str, ...]:
    """Ids of the visitor's own pictures that the pages show, or search on."""
    refs = [visit.image]
    compared, searched = visit.page(state_compare.KEY), visit.page(state_search.KEY)
    if isinstance(compared, CompareState):
        refs += [row.image for row in compared.rows]
    ids = [ref.id for ref in refs if ref.kind == "upload"]
    if isinstance(searched, SearchState):
        ids += searched.uploads
    return tuple(dict.fromkeys(ids))


def without_upload(visit: Visit, id: str) -> Visit:
    """The visit without a picture that was deleted."""
    if visit.image.id == id:
        visit = state.choose_image(visit, ImageRef())
    compared, searched = visit.page(state_compare.KEY), visit.page(state_search.KEY)
    if isinstance(compared, CompareState):
        rows = tuple(row for row in compared.rows if row.image.id != id)
        visit = visit.with_page(state_compare.KEY, replace(compared, rows=rows, difference=None) if rows else None)
    if isinstance(searched, SearchState):
        visit = state_search.changed(visit, state_search.without_upload, id)
    return visit


def put_aside(visit: Visit) -> Visit:
    """The empty table, with what was there put aside if it is anybody's work."""
    return cleared(keep_copy(visit))


def keep_copy(visit: Visit) -> Visit:
    """The visit with a copy of what is on the table put aside, if it is anybody's work.

    Of more than `MAX_ASIDE` pieces the first and the newest stay: the first is what was there before all cases.
    """
    if not holds_work(visit):
        return visit
    title = OWN_WORK if visit.opened is None else f"your changes to “{visit.opened.title}”"
    piece = Aside(title, replace(visit, aside=(), opened=visit.opened, draft=""))
    stack = (*visit.aside, piece)
    if len(stack) > MAX_ASIDE:
        stack = (stack[0], *stack[2:])
    return replace(visit, aside=stack)


def open_case(visit: Visit, title: str, prepare: Callable[[Visit], Visit]) -> Visit:
    """A guided case exactly as on its card, whatever was there before; that is put aside."""
    return lay(put_aside(visit), title, prepare)


def lay(empty: Visit, title: str, prepare: Callable[[Visit], Visit]) -> Visit:
    """A guided case on an empty table; `prepare` lays it there."""
    laid = prepare(empty)
    return replace(laid, opened=Aside(title, replace(laid, aside=(), past=(), future=())))


def take_back(visit: Visit, place: int = -1) -> Visit:
    """What was put aside is on the table again; what was there until now changes places with it, if it is work.

    Parameters
    ----------
    place : int
        Which piece; the last one by default.

    Raises
    ------
    StateError
        Nothing is put aside.
    """
    if not -len(visit.aside) <= place < len(visit.aside):
        raise StateError("Nothing is put aside any more.")
    stack = list(visit.aside)
    piece = stack.pop(place).visit
    left = put_aside(replace(visit, aside=tuple(stack)))
    models = state.put(visit, piece.entry(WORKING)).models
    if piece.model.architecture != visit.model.architecture:  # as they were before another network ran
        own = {entry.id: entry for entry in piece.models}
        models = tuple(own.get(entry.id, entry) for entry in models)
    known, before = {entry.id for entry in models}, {entry.id for entry in piece.models}
    new = tuple(entry for entry in models if entry.origin == "own" and entry.id not in before)
    past, future = (tuple(_completed(snapshot, new) for snapshot in steps) for steps in (piece.past, piece.future))
    active = piece.active if piece.active in known else WORKING
    chosen = next(entry for entry in models if entry.id == active)
    segment = min(piece.selected_segment, len(chosen.model.segments) - 1)
    taken = replace(piece, models=models, active=active, selected_segment=segment, past=past, future=future)
    return replace(taken, aside=left.aside, draft=visit.draft)


def drop(visit: Visit, place: int) -> Visit:
    """Without one of the pieces that are put aside."""
    return replace(visit, aside=tuple(piece for n, piece in enumerate(visit.aside) if n != place))


def _completed(snapshot: Snapshot, new: tuple[ModelEntry, ...]) -> Snapshot:
    """A step of undo that does not take away models that came since."""
    there = {entry.id for entry in snapshot.models}
    return replace(snapshot, models=(*snapshot.models, *(entry for entry in new if entry.id not in there)))
