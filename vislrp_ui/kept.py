"""What a browser keeps of a visit, as JSON, and how it is read again: it is hostile until checked, and often from last year.

Models are kept one by one and shared by all tabs; a *desk* is what one tab has on its table: everything chosen, the steps of
undo, work that was put aside. Damaged parts are left out and counted, the rest is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from vislrp_core import compact, edits, masks
from vislrp_core.adapt import adapt
from vislrp_core.masks import MaskError
from vislrp_core.model import LRPModel, ModelError
from vislrp_ui import desk, permalink, rooms, state, state_compare, state_flipping, state_lesson
from vislrp_ui.state import MAX_HISTORY, MAX_OWN_MODELS, WORKING, Aside, ModelEntry, PageState, Snapshot, StateError, Visit

VERSION = 1
ROOM = 240_000
"""Characters that all brushes, or all sets of neurons, of one desk may take."""
MAX_TEXT = 40_000
MAX_PARAMS = 2 * ROOM + 60_000
Data = dict[str, Any]


class KeptError(ValueError):
    """Something that a browser handed back cannot be read."""


@dataclass
class Damage:
    """Counts what had to be left out."""

    count: int = 0
    kinds: set[str] = field(default_factory=set)

    def note(self, kind: str) -> None:
        """One more part of a kind."""
        self.count += 1
        self.kinds.add(kind)

    @property
    def sentence(self) -> str:
        """One sentence for the person; empty where nothing is damaged."""
        if not self.count:
            return ""
        kinds = " and ".join(sorted(self.kinds))
        return f"Part of what this browser kept is damaged and left out ({kinds}); the rest is here."


# --- models -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _text(model: LRPModel) -> str:
    text = compact.encode(model)
    return text if not model.description and len(text) <= compact.MAX_LENGTH else model.to_json()


def write_model(entry: ModelEntry) -> Data:
    """One model as JSON."""
    return {"id": entry.id, "origin": entry.origin, "based_on": entry.based_on, "model": _text(entry.model)}


def read_model(data: object) -> ModelEntry:
    """An own model, or a working copy (KeptError if it is none)."""
    if not isinstance(data, dict):
        raise KeptError("no model")
    id, origin, text = data.get("id"), data.get("origin"), data.get("model")
    if not isinstance(text, str) or len(text) > MAX_TEXT or not isinstance(id, str) or not is_id(id):
        raise KeptError("no model")
    if (origin, id) != ("working", WORKING) and (origin != "own" or not id.startswith("own-")):
        raise KeptError("not an own model")
    try:
        model = LRPModel.from_json(text) if text.startswith("{") else compact.decode(text)
    except (ModelError, ValueError, RecursionError) as error:
        raise KeptError(str(error)) from error
    return ModelEntry(id, model, cast(state.Origin, origin), " ".join(str(data.get("based_on", "")).split())[:80])


def is_id(text: str) -> bool:
    """Short, and of plain characters."""
    return 0 < len(text) <= 60 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def read_models(data: object, damage: Damage) -> tuple[ModelEntry, ...]:
    """All readable own models of a list, each id once."""
    found: dict[str, ModelEntry] = {}
    for item in listed(data, MAX_OWN_MODELS, "models", damage):
        try:
            entry = read_model(item)
            if entry.origin == "own":
                found.setdefault(entry.id, entry)
        except KeptError:
            damage.note("models")
    return tuple(found.values())


def listed(data: object, most: int, kind: str, damage: Damage) -> Sequence[Any]:
    """At most so many items of a list that a browser handed back; nothing where it is none."""
    if data is None:
        return ()
    if not isinstance(data, list):
        damage.note(kind)
        return ()
    return data[:most]


def merge(visit: Visit, entries: Iterable[ModelEntry], *, linked: bool = False) -> tuple[Visit, bool]:
    """A visit with the models of its browser; whether all had room.

    A model that is there under its id takes the newer content. Steps of undo know the new ones too: a step back must not
    take away what another tab has made.

    Parameters
    ----------
    linked : bool
        Whether the visit's own models came with its address: one that is equal in name and content gets the entry's id. Two
        tabs that make equal models keep both, each would delete the other's.
    """
    room = True
    for entry in entries:
        known = {one.id: one for one in visit.models}
        entry = replace(entry, model=adapt(entry.model, visit.model.architecture))
        twin = next(
            (
                one
                for one in visit.models
                if linked
                and one.origin == "own"
                and one.id != entry.id
                and one.name == entry.name
                and one.model.key == entry.model.key
            ),
            None,
        )
        if entry.id in known:
            visit = state.put(visit, entry)
        elif twin is not None:
            visit = _under_id(visit, twin.id, entry)
        else:
            try:
                visit = _joined(visit, entry)
            except StateError:
                room = False
    return visit, room


def _joined(visit: Visit, entry: ModelEntry) -> Visit:
    """The visit with a new model, under a free name.

    Of two with the same name that two tabs made, both tabs rename the one with the later id: otherwise each would rename the
    other's, and they would reply to each other forever.
    """
    holder = next((one for one in visit.models if one.origin == "own" and one.name == entry.name), None)
    if holder is None or holder.id < entry.id:
        named = replace(entry, model=edits.rename(entry.model, state.free_name(visit, entry.name)))
        return _everywhere(state.insert(visit, named), named)
    renamed = replace(holder, model=edits.rename(holder.model, state.free_name(visit, entry.name)))
    return state.put(_everywhere(state.insert(visit, entry), entry), renamed)


def _everywhere(visit: Visit, entry: ModelEntry) -> Visit:
    def grown(steps: tuple[Snapshot, ...]) -> tuple[Snapshot, ...]:
        return tuple(
            step if any(one.id == entry.id for one in step.models) else replace(step, models=(*step.models, entry))
            for step in steps
        )

    return replace(visit, past=grown(visit.past), future=grown(visit.future))


def _under_id(visit: Visit, old: str, entry: ModelEntry) -> Visit:
    """The model of the list that equals an entry becomes it."""
    models = tuple(entry if one.id == old else one for one in visit.models)
    shown = visit.page(state_compare.KEY)
    if isinstance(shown, state_compare.CompareState):
        shown = replace(shown, columns=tuple(replace(one, id=entry.id) if one.id == old else one for one in shown.columns))
    named = replace(visit, models=models, active=entry.id if visit.active == old else visit.active)
    return named.with_page(state_compare.KEY, shown)


def forget(visit: Visit, ids: Iterable[str]) -> Visit:
    """The visit without some own models, in its list and in every step of undo: they were deleted for good."""
    gone = set(ids)

    def without(models: tuple[ModelEntry, ...]) -> tuple[ModelEntry, ...]:
        return tuple(one for one in models if one.id not in gone or one.origin != "own")

    def steps(known: tuple[Snapshot, ...]) -> tuple[Snapshot, ...]:
        return tuple(replace(step, models=without(step.models)) for step in known if step.active not in gone)

    visit = replace(
        visit,
        models=without(visit.models),
        past=steps(visit.past),
        future=steps(visit.future),
        aside=tuple(replace(piece, visit=forget(piece.visit, gone)) for piece in visit.aside),
        opened=visit.opened and replace(visit.opened, visit=forget(visit.opened.visit, gone)),
    )
    if all(one.id != visit.active for one in visit.models):
        visit = replace(visit, active=WORKING, selected_segment=0)
    return visit


# --- a tab's table ------------------------------------------------------------------------------------------------------


def write_desk(visit: Visit, *, whole: bool = True, history: bool = True) -> Data:
    """What is on a tab's table, as JSON; own models in the list are named by their ids alone.

    Parameters
    ----------
    whole : bool
        With the address, and with what was put aside.
    history : bool
        With the steps of undo.
    """
    params = permalink.to_params(visit, room=ROOM)
    for key in ("model", "as", "based"):
        params.pop(key, None)
    data: Data = {
        "v": VERSION,
        "params": params,
        "active": visit.active,
        "segment": visit.selected_segment,
        "working": write_model(visit.entry(WORKING)),
        "strokes": _write_strokes(visit),
    }
    if history:
        data |= _write_history(visit)
    if whole:
        data["draft"] = visit.draft
        data["address"] = permalink.to_params(visit)
        data["aside"] = [{"title": piece.title, "desk": write_desk(piece.visit, whole=False)} for piece in visit.aside]
    if visit.opened is not None:
        data["opened"] = {"title": visit.opened.title, "desk": write_desk(visit.opened.visit, whole=False, history=False)}
    return data


def _write_history(visit: Visit) -> Data:
    places: dict[int, int] = {}
    table: list[Data] = []
    room = ROOM

    def step(one: Snapshot, *beside: str) -> list[Any]:
        nonlocal room
        held = []
        for entry in one.models:
            if entry.origin != "example":
                if id(entry) not in places:
                    places[id(entry)] = len(table)
                    table.append(write_model(entry))
                held.append(places[id(entry)])
        chosen: dict[str, str] | None = None  # neurons come back with the network that they belong to, where undo changes it
        if one.pages and any(other != _architecture(one) for other in beside):
            chosen = {}
            for own in one.pages.values():
                params = own.to_params(room)
                room = max(0, room - sum(map(len, params.values())))
                chosen |= params
        return [held, one.active, one.selected_segment, one.network, chosen]

    past, future = visit.past[-MAX_HISTORY:], visit.future
    order = [*map(_architecture, past), visit.model.architecture, *map(_architecture, future)]
    around = [order[max(0, place - 1) : place + 2] for place in range(len(order))]
    written = [
        step(one, *beside)
        for one, beside in zip((*past, *future), (*around[: len(past)], *around[len(past) + 1 :]), strict=True)
    ]
    return {"past": written[: len(past)], "future": written[len(past) :], "table": table}


def _architecture(step: Snapshot) -> str:
    return next(entry.model.architecture for entry in step.models if entry.id == step.active)


def _write_strokes(visit: Visit) -> list[list[list[str]]]:
    """Steps of undo of the brushes, row by row, the newest as far as there is room."""
    room, found = ROOM, []
    for row in state_flipping.of(visit).rows if visit.page(state_flipping.KEY) is not None else ():
        steps: list[list[str]] = []
        for mask, sign in reversed(row.past):
            room -= len(mask) + 12
            if room < 0:
                break
            steps.insert(0, [mask, sign])
        found.append(steps)
    return found


def read_desk(data: object, models: tuple[ModelEntry, ...], damage: Damage) -> Visit:
    """A visit with what was on a tab's table.

    Parameters
    ----------
    models : tuple of ModelEntry
        Working copy, own models and examples, as they are now.

    Raises
    ------
    KeptError
        It is none, or of a later version of this app.
    """
    if not isinstance(data, dict) or data.get("v") != VERSION:
        raise KeptError("no desk of this version")
    params = data.get("params")
    if not isinstance(params, dict) or len(params) > 80:
        raise KeptError("no parameters")
    texts = {str(key)[:40]: value for key, value in params.items() if isinstance(value, str)}
    visit = replace(Visit(), models=models)
    try:
        working = read_model(data.get("working"))
        visit = state.put(visit, replace(working, id=WORKING, origin="working"))
    except KeptError:
        damage.note("a model")
        visit = state.put(visit, Visit().entry(WORKING))
    for key in ("model", "as", "based", "segment"):
        texts.pop(key, None)
    visit, damaged = permalink.from_params(texts, visit, room=MAX_PARAMS)
    for _ in damaged:
        damage.note("settings")
    active = data.get("active")
    if isinstance(active, str) and any(entry.id == active for entry in visit.models):
        visit = replace(visit, active=active)
    segment = data.get("segment")
    visit = state.select_segment(visit, segment if isinstance(segment, int) else 0)
    visit = _read_strokes(visit, data.get("strokes"), damage)
    visit = _read_history(visit, data, damage)
    aside = tuple(
        piece
        for item in listed(data.get("aside"), desk.MAX_ASIDE, "work put aside", damage)
        if (piece := _read_piece(item, models, damage)) is not None
    )
    opened = _read_piece(data["opened"], models, damage) if data.get("opened") is not None else None
    draft = data["draft"] if state_lesson.is_packed(data.get("draft")) else ""
    return replace(visit, aside=aside, opened=opened, draft=draft)


def _read_piece(data: object, models: tuple[ModelEntry, ...], damage: Damage) -> Aside | None:
    try:
        if not isinstance(data, dict):
            raise KeptError("no work")
        inner = data.get("desk")
        if isinstance(inner, dict) and inner.get("aside"):
            raise KeptError("work within work")
        return Aside(" ".join(str(data.get("title", "")).split())[:120] or desk.OWN_WORK, read_desk(inner, models, damage))
    except (KeptError, RecursionError):
        damage.note("work put aside")
        return None


def _read_strokes(visit: Visit, data: object, damage: Damage) -> Visit:
    if not isinstance(data, list) or not any(data):
        return visit
    held = state_flipping.of(visit)
    rows = list(held.rows)
    for place, steps in enumerate(data[: len(rows)]):
        try:
            past = tuple(_read_stroke(step) for step in steps[-state_flipping.MAX_PAST :])
        except (TypeError, ValueError, MaskError):
            damage.note("undo of brushes")
            continue
        rows[place] = replace(rows[place], past=past)
    return visit.with_page(state_flipping.KEY, replace(held, rows=tuple(rows)))


def _read_stroke(step: Any) -> tuple[str, str]:
    mask, sign = step
    if not isinstance(mask, str) or sign not in state_flipping.SIGNS or len(mask) > MAX_TEXT:
        raise KeptError("no stroke")
    if mask:
        masks.decode(mask)
    return mask, sign


def _read_history(visit: Visit, data: Mapping[str, Any], damage: Damage) -> Visit:
    if not data.get("past") and not data.get("future"):
        return visit
    examples = tuple(entry for entry in visit.models if entry.origin == "example")
    try:
        table = [read_model(item) for item in data["table"][: 40 * MAX_HISTORY]]
        past, future = (
            tuple(_read_step(step, table, examples) for step in data[key][-MAX_HISTORY:]) for key in ("past", "future")
        )
    except (KeyError, TypeError, ValueError, IndexError):
        damage.note("undo")
        return visit
    return replace(visit, past=past, future=future)


def _read_step(step: Any, table: list[ModelEntry], examples: tuple[ModelEntry, ...]) -> Snapshot:
    places, active, segment, network, chosen = (*step, None)[:5]
    if network not in (None, *permalink.NETWORKS):
        raise KeptError("no network")
    if len(places) > MAX_OWN_MODELS + 1 or not all(type(place) is int and place >= 0 for place in places):
        raise KeptError("no step")
    models = (*(table[place] for place in places), *examples)
    ids = [entry.id for entry in models]
    if len(set(ids)) != len(ids) or WORKING not in ids or active not in ids or type(segment) is not int:
        raise KeptError("no step")
    model = models[ids.index(active)].model
    return Snapshot(models, active, max(0, min(segment, len(model.segments) - 1)), network, _read_pages(chosen))


def _read_pages(params: Any) -> dict[str, PageState]:
    if params is None:
        return {}
    if not isinstance(params, dict) or sum(len(str(value)) for value in params.values()) > MAX_PARAMS:
        raise KeptError("no neurons")
    texts = {str(key): value for key, value in params.items() if isinstance(value, str)}
    found = {one.key: rooms.states(one).from_params(texts) for one in rooms.with_state() if one.counts_layers}
    return {key: own for key, own in found.items() if own is not None}
