"""The visit: everything a person has chosen, as one immutable value, and the pure functions that change it.

Pages read a `Visit`, turn each gesture into a new one and store that; nothing else of the app holds state that matters.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from vislrp_core import edits, texts
from vislrp_core.adapt import adapt
from vislrp_core.errors import VisLRPError
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.rules import Rule
from vislrp_ui import rooms
from vislrp_ui.choices import ImageRef as ImageRef
from vislrp_ui.choices import LessonPlace as LessonPlace
from vislrp_ui.choices import Look as Look
from vislrp_ui.rooms import PageState

Origin = Literal["working", "example", "own"]
WORKING = "working"
WORKING_NAME = "My New Model"
MAX_HISTORY = 60
MAX_OWN_MODELS = 40
MAX_NAME = 190


class StateError(VisLRPError, ValueError):
    """A change that cannot be made; the text is one sentence for the person."""


@dataclass(frozen=True)
class ModelEntry:
    """One LRP model of the visit's list."""

    id: str
    model: LRPModel
    origin: Origin
    based_on: str = ""

    @property
    def name(self) -> str:
        """Name on its card."""
        return self.model.name


@dataclass(frozen=True)
class Snapshot:
    """What undo brings back."""

    models: tuple[ModelEntry, ...]
    active: str
    selected_segment: int
    network: str | None = None
    """Which network ran; it is brought back where the models are of another architecture than the present ones."""
    pages: Mapping[str, PageState] = field(default_factory=dict, hash=False)
    """What the pages keep that goes with that network."""


@dataclass(frozen=True)
class Aside:
    """Work put aside while something else is on the table (`desk.py`).

    The title says what it is, such as "your own work"; nothing is put aside behind its visit.
    """

    title: str
    visit: Visit


@dataclass(frozen=True)
class Visit:
    """Everything chosen during a visit.

    Attributes
    ----------
    target : int or None
        Target class; None is the network's first class.
    network : str or None
        Key of the network, None for the server's default.
    selected_layer : int or None
        Layer whose map is shown large; None is the pixels.
    pages : mapping
        What pages keep of their own, by the page's key (`rooms.Room`); each page knows its own type.
    aside : tuple of Aside
        Work that was put aside, the last one last.
    opened : Aside or None
        The guided case that is open, as its card laid it out.
    lesson : LessonPlace or None
        The lesson whose strip is shown.
    draft : str
        The lesson that a lecturer composes, packed; it is no part of the address.
    """

    image: ImageRef = field(default_factory=ImageRef)
    target: int | None = None
    network: str | None = None
    models: tuple[ModelEntry, ...] = field(
        default_factory=lambda: (ModelEntry(WORKING, LRPModel.basic(WORKING_NAME), "working"),)
    )
    active: str = WORKING
    selected_segment: int = 0
    selected_layer: int | None = None
    look: Look = field(default_factory=Look)
    pages: Mapping[str, PageState] = field(default_factory=dict, hash=False)
    past: tuple[Snapshot, ...] = ()
    future: tuple[Snapshot, ...] = ()
    aside: tuple[Aside, ...] = ()
    opened: Aside | None = None
    lesson: LessonPlace | None = None
    draft: str = ""

    def entry(self, id: str | None = None) -> ModelEntry:
        """A model by id; the active one by default (KeyError if there is none)."""
        wanted = self.active if id is None else id
        for entry in self.models:
            if entry.id == wanted:
                return entry
        raise KeyError(wanted)

    @property
    def model(self) -> LRPModel:
        """The active model."""
        return self.entry().model

    def page(self, key: str) -> PageState | None:
        """What a page keeps; None where it is as at the start."""
        return self.pages.get(key)

    def with_page(self, key: str, own: PageState | None) -> Visit:
        """The visit with what a page keeps; None puts the page back to its start."""
        others = {name: kept for name, kept in self.pages.items() if name != key}
        return replace(self, pages=others if own is None else {**others, key: own})


def start(examples: tuple[ModelEntry, ...] = ()) -> Visit:
    """A fresh visit: the working copy (LRP-0 on all layers) and the example models."""
    visit = Visit()
    return replace(visit, models=visit.models + examples)


# --- image, class, look -------------------------------------------------------------------------------------------


def choose_image(visit: Visit, image: ImageRef) -> Visit:
    """Another picture; the target becomes its first class, the layer shown stays."""
    return visit if image == visit.image else replace(visit, image=image, target=None)


def set_fit(visit: Visit, fit: Literal["crop", "squash"]) -> Visit:
    """Another way to the network's size; the target class stays."""
    return replace(visit, image=replace(visit.image, fit=fit))


def choose_target(visit: Visit, target: int | None) -> Visit:
    """Another class to explain."""
    return replace(visit, target=target)


def choose_network(visit: Visit, network: str | None) -> Visit:
    """Another network; a chosen class stays and none stays none. Models follow in `fitting`."""
    return replace(visit, network=network)


def set_look(visit: Visit, **changes: object) -> Visit:
    """Other colours."""
    return replace(visit, look=replace(visit.look, **changes))  # type: ignore[arg-type]


def select_layer(visit: Visit, layer: int | None) -> Visit:
    """Show a layer's map; the segment that holds the layer becomes the selected one."""
    if layer is None or not 0 <= layer <= visit.model.plan.last:
        return replace(visit, selected_layer=None)
    place = segment_of(visit.model, max(layer, 1))
    return replace(visit, selected_layer=None if layer == 0 else layer, selected_segment=place)


def select_segment(visit: Visit, segment: int) -> Visit:
    """Make a segment the one whose rule the panel shows."""
    return replace(visit, selected_segment=max(0, min(segment, len(visit.model.segments) - 1)))


def segment_of(model: LRPModel, layer: int) -> int:
    """Place of the segment that holds a layer."""
    return next(i for i, segment in enumerate(model.segments) if segment.first <= layer <= segment.last)


# --- history ------------------------------------------------------------------------------------------------------


def _snapshot(visit: Visit) -> Snapshot:
    return Snapshot(visit.models, visit.active, visit.selected_segment, visit.network, _counting_layers(visit.pages))


def _counting_layers(pages: Mapping[str, PageState], count: bool = True) -> dict[str, PageState]:
    return {key: own for key, own in pages.items() if rooms.find(key).counts_layers == count}


def _brought_back(visit: Visit, snapshot: Snapshot) -> Visit:
    """The visit with a snapshot's models, and with the network that they belong to."""
    back = replace(visit, models=snapshot.models, active=snapshot.active, selected_segment=snapshot.selected_segment)
    if back.model.architecture == visit.model.architecture:
        return back
    pages = {**_counting_layers(visit.pages, False), **snapshot.pages}
    return replace(back, network=snapshot.network, pages=pages, selected_layer=None)


def remember(before: Visit, after: Visit) -> Visit:
    """`after`, with `before` as one step of undo; nothing changes when the models are the same."""
    if (before.models, before.active) == (after.models, after.active):
        return after
    return replace(after, past=(*before.past, _snapshot(before))[-MAX_HISTORY:], future=())


def undo(visit: Visit) -> Visit:
    """One step back in the models; everything else stays."""
    if not visit.past:
        return visit
    last = visit.past[-1]
    return replace(_brought_back(visit, last), past=visit.past[:-1], future=(_snapshot(visit), *visit.future))


def redo(visit: Visit) -> Visit:
    """One step forward again."""
    if not visit.future:
        return visit
    following = visit.future[0]
    return replace(_brought_back(visit, following), past=(*visit.past, _snapshot(visit)), future=visit.future[1:])


# --- the list of models ---------------------------------------------------------------------------------------------


def activate(visit: Visit, id: str) -> Visit:
    """Make a model the active one."""
    if all(entry.id != id for entry in visit.models):
        raise StateError("This model is no longer in the list: choose another one.")
    if id == visit.active:
        return visit
    return replace(visit, active=id, selected_segment=0)


def free_name(visit: Visit, wanted: str) -> str:
    """The wanted name, with a number behind it where it is taken; a long one is cut so that a model can have it."""
    wanted = wanted[:MAX_NAME]
    taken = {entry.name for entry in visit.models}
    if wanted not in taken:
        return wanted
    return next(name for n in range(2, len(taken) + 3) if (name := f"{wanted} ({n})") not in taken)


def new_id() -> str:
    """Id of a new model: two tabs of one browser never give the same."""
    return f"own-{secrets.token_hex(5)}"


def insert(visit: Visit, entry: ModelEntry) -> Visit:
    """Own models come between the working copy and the examples, the newest last."""
    if sum(e.origin == "own" for e in visit.models) >= MAX_OWN_MODELS:
        raise StateError(f"The list holds {MAX_OWN_MODELS} models of your own: export and delete one first.")
    own = [e for e in visit.models if e.origin != "example"]
    examples = [e for e in visit.models if e.origin == "example"]
    return replace(visit, models=(*own, entry, *examples))


def add_model(visit: Visit, model: LRPModel, *, based_on: str = "", activate_it: bool = True) -> Visit:
    """Add an own model under a free name (StateError when the list is full)."""
    fitting = adapt(model, visit.model.architecture)
    entry = ModelEntry(new_id(), edits.rename(fitting, free_name(visit, model.name)), "own", based_on)
    grown = insert(visit, entry)
    return remember(visit, replace(grown, active=entry.id, selected_segment=0) if activate_it else grown)


def duplicate(visit: Visit, id: str | None = None) -> Visit:
    """Copy a model into an own one and make it active."""
    source = visit.entry(id)
    copied = edits.rename(source.model, free_name(visit, f"{source.name} copy"))
    return add_model(visit, copied, based_on=source.name)


def new_model(visit: Visit, *, keep: bool) -> Visit:
    """Start the working copy afresh with LRP-0 on all layers; `keep` saves the present one as an own model."""
    kept = visit
    if keep:
        kept = _working_kept(visit)
    fresh = ModelEntry(WORKING, LRPModel.basic(WORKING_NAME, visit.model.architecture), "working")
    kept = put(kept, fresh)
    return remember(visit, replace(kept, active=WORKING, selected_segment=0))


def _working_kept(visit: Visit) -> Visit:
    """The working copy as one more own model, under the name that it was given."""
    working = visit.entry(WORKING)
    name = free_name(visit, "Model 1") if working.name == WORKING_NAME else working.name
    return insert(visit, ModelEntry(new_id(), edits.rename(working.model, name), "own", working.based_on))


def delete(visit: Visit, id: str | None = None) -> Visit:
    """Remove an own model (StateError for the working copy and the examples); undo brings it back."""
    entry = visit.entry(id)
    if entry.origin != "own":
        raise StateError(f"“{entry.name}” stays in the list: only models of your own can be deleted.")
    rest = tuple(e for e in visit.models if e.id != entry.id)
    changed = replace(visit, models=rest)
    if visit.active == entry.id:
        changed = replace(changed, active=WORKING, selected_segment=0)
    return remember(visit, changed)


def rename(visit: Visit, name: str, id: str | None = None) -> Visit:
    """Give a model another name; an example is copied first."""
    clean = texts.one_line(name, 80)
    if not clean:
        raise StateError("A model needs a name: type at least one visible character.")
    entry = visit.entry(id)
    if clean == entry.name:
        return visit
    if entry.origin == "example":
        copied = edits.rename(entry.model, free_name(visit, clean))
        return add_model(visit, copied, based_on=entry.name)
    others = replace(visit, models=tuple(e for e in visit.models if e.id != entry.id))
    return remember(visit, put(visit, replace(entry, model=edits.rename(entry.model, free_name(others, clean)))))


def put(visit: Visit, entry: ModelEntry) -> Visit:
    """Another content of a model that is in the list."""
    return replace(visit, models=tuple(entry if e.id == entry.id else e for e in visit.models))


def is_untouched(entry: ModelEntry) -> bool:
    """A working copy that holds nothing worth keeping: LRP-0 on all layers, default conventions, no name of its own."""
    plain = LRPModel.basic(architecture=entry.model.architecture)
    return entry.name == WORKING_NAME and entry.model.key == plain.key


# --- edits of the active model ----------------------------------------------------------------------------------------


def edit(visit: Visit, change: Callable[[LRPModel], LRPModel], *, segment: int | None = None) -> Visit:
    """Change the active model.

    The working copy and own models change in place. An example never changes: the working copy takes its place, and a
    working copy that already holds something is kept as an own model, so that no work is lost.
    """
    entry = visit.entry()
    try:
        changed = change(entry.model)
    except ModelError as error:
        raise StateError(str(error)) from error
    place = max(0, min(visit.selected_segment if segment is None else segment, len(changed.segments) - 1))
    if changed == entry.model:
        return replace(visit, selected_segment=place)
    base = visit
    if entry.origin == "example":
        if not is_untouched(visit.entry(WORKING)):
            base = _working_kept(visit)
        entry = ModelEntry(WORKING, changed, "working", entry.name)
        changed = edits.rename(changed, WORKING_NAME, "")  # the description is true of the example alone
    after = replace(put(base, replace(entry, model=changed)), active=entry.id, selected_segment=place)
    return remember(visit, after)


def _has(visit: Visit, segment: int) -> bool:
    return 0 <= segment < len(visit.model.segments)


def add_segment(visit: Visit) -> Visit:
    """A new segment at the bottom of the ruler; it becomes the selected one. Unchanged where there is no room."""
    if len(visit.model.segments) >= edits.MAX_SEGMENTS:
        return visit
    return edit(visit, edits.add_segment, segment=len(visit.model.segments))


def remove_segment(visit: Visit, segment: int) -> Visit:
    """Remove a segment; its layers join a neighbour. The only one stays."""
    if not _has(visit, segment) or len(visit.model.segments) == 1:
        return visit
    place = visit.selected_segment - (segment < visit.selected_segment)
    return edit(visit, lambda model: edits.remove_segment(model, segment), segment=place)


def split_segment(visit: Visit, segment: int, row: int) -> Visit:
    """Split a segment below a row; the lower part (higher layers) becomes the selected one."""
    if not _has(visit, segment) or len(visit.model.segments) >= edits.MAX_SEGMENTS:
        return visit
    if not visit.model.segments[segment].first <= row < visit.model.segments[segment].last:
        return visit
    return edit(visit, lambda model: edits.split_segment(model, segment, row), segment=segment + 1)


def move_border(visit: Visit, border: int, last: int) -> Visit:
    """Move the border below a segment; both neighbours keep at least one layer."""
    if not _has(visit, border) or not _has(visit, border + 1):
        return visit
    return edit(visit, lambda model: edits.move_border(model, border, last))


def set_rule(visit: Visit, segment: int, rule: Rule) -> Visit:
    """Give a segment another rule."""
    if not _has(visit, segment):
        return visit
    return edit(visit, lambda model: edits.set_rule(model, segment, rule), segment=segment)


def set_convention(visit: Visit, field_name: str, value: str) -> Visit:
    """Set pooling, its ε, bias, pixel rule or start."""
    return edit(visit, lambda model: edits.set_field(model, field_name, value))
