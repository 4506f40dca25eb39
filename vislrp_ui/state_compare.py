"""What the Compare page keeps (`vislrp_ui.comparison`), and the pure functions that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vislrp_core.baselines import Baseline
from vislrp_core.composites import COMPOSITES
from vislrp_core.model import LRPModel
from vislrp_core.search.ready import is_found
from vislrp_ui import state
from vislrp_ui.comparison import (
    MAX_COLUMNS,
    MAX_ROWS,
    SHARES,
    CompareState,
    GridCell,
    GridColumn,
    GridRow,
    Share,
    from_params,
)
from vislrp_ui.evidence import Evidence, with_box
from vislrp_ui.state import WORKING, ImageRef, ModelEntry, StateError, Visit

__all__ = ["MAX_COLUMNS", "MAX_ROWS", "SHARES", "CompareState", "GridCell", "GridColumn", "GridRow", "Share", "from_params"]


# --- the visit --------------------------------------------------------------------------------------------------------

KEY = "compare"


def default(visit: Visit) -> CompareState:
    """The visit's image with its class and the next one; the active model and the examples of this program's own."""
    examples = [entry.id for entry in visit.models if entry.origin == "example" and not _measured_only(entry.id)]
    active = visit.entry()
    bare = active.id == WORKING and state.is_untouched(active) and examples
    ids = [*([] if active.id in examples or bare else [active.id]), *examples][: MAX_COLUMNS - 1]
    rows = (GridRow(1, visit.image, visit.target), GridRow(2, visit.image))
    return CompareState(rows, tuple(GridColumn(id) for id in ids))


def _measured_only(example: str) -> bool:
    """Whether an example is there for its values: composites of others, and what a search found, which is close to them."""
    return example in COMPOSITES or is_found(example)


def of(visit: Visit) -> CompareState:
    """The page's state of a visit; until something is changed here it follows the visit's image, class and model.

    Columns of models that are no longer in the list are left out, and carried models that are in it represent those.
    """
    kept = visit.page(KEY)
    if not isinstance(kept, CompareState):
        return default(visit)
    known = {entry.id: entry for entry in visit.models}
    columns: list[GridColumn] = []
    places: dict[int, int] = {}
    for place, column in enumerate(kept.columns):
        if column.model is None and not column.baseline and column.id not in known:
            continue
        if column.model is not None:
            twin = _listed(visit, column.model)
            column = GridColumn(twin.id) if twin is not None else column
        if column not in columns:
            places[place] = len(columns)
            columns.append(column)
    if not columns:
        return replace(kept, columns=default(visit).columns, difference=None)
    return replace(kept, columns=tuple(columns), difference=_moved(kept.difference, places))


def _listed(visit: Visit, model: LRPModel) -> ModelEntry | None:
    """The visit's own entry of a model that came from elsewhere."""
    return next((e for e in visit.models if e.name == model.name and e.model.key == model.key), None)


def _moved(difference: tuple[GridCell, GridCell] | None, places: Mapping[int, int]) -> tuple[GridCell, GridCell] | None:
    if difference is None or any(cell.column not in places for cell in difference):
        return None
    return (
        replace(difference[0], column=places[difference[0].column]),
        replace(difference[1], column=places[difference[1].column]),
    )


def changed(visit: Visit, change: Callable[..., CompareState], *arguments: object, **named: object) -> Visit:
    """The visit with the page's state changed by a pure function of it."""
    return visit.with_page(KEY, change(of(visit), *arguments, **named))


def afresh(visit: Visit) -> Visit:
    """Follow the visit's image, class and model again."""
    return visit.with_page(KEY, None)


@dataclass(frozen=True)
class BaselineEntry:
    """A baseline as a column: a map that is not LRP, with no segments."""

    model: Baseline
    id: str = ""

    @property
    def name(self) -> str:
        """Name in the column's head."""
        return self.model.title


ColumnEntry = ModelEntry | BaselineEntry


def entries(visit: Visit, shown: CompareState | None = None) -> tuple[ColumnEntry, ...]:
    """The models of the columns in order; one that only this page carries has an empty id, as baselines have."""
    found: list[ColumnEntry] = []
    for column in (shown or of(visit)).columns:
        if column.baseline:
            found.append(BaselineEntry(Baseline(column.baseline)))
        else:
            found.append(
                visit.entry(column.id) if column.model is None else ModelEntry("", column.model, "own", column.based_on)
            )
    return tuple(found)


def for_address(visit: Visit) -> CompareState | None:
    """What the address of a visit holds: own models as a whole, because another browser does not know their ids."""
    if not isinstance(visit.page(KEY), CompareState):
        return None
    shown = of(visit)
    known = {entry.id: entry for entry in visit.models}

    def portable(column: GridColumn) -> GridColumn:
        entry = known.get(column.id)
        if entry is None or entry.origin == "example":
            return column
        return GridColumn("active") if entry.id == visit.active else GridColumn(model=entry.model)

    return replace(shown, columns=tuple(portable(column) for column in shown.columns))


def in_visit(shown: CompareState, visit: Visit) -> CompareState:
    """What an address held, in the visit that it opened: its active model has an id there."""
    return replace(
        shown,
        columns=tuple(GridColumn(visit.active) if column == GridColumn("active") else column for column in shown.columns),
    )


def targets(rows: Sequence[GridRow], order: Callable[[ImageRef], Sequence[int]]) -> tuple[int, ...]:
    """The class of every row.

    Parameters
    ----------
    order : callable
        The classes of an image, the most probable first; a class that is not among them counts as none chosen.
    """
    found: list[int] = []
    for row in rows:
        ranked = order(row.image)
        above = {target for target, other in zip(found, rows, strict=False) if other.image == row.image}
        if row.target is not None and row.target in ranked:
            found.append(row.target)
        else:
            found.append(next((index for index in ranked if index not in above), ranked[0]))
    return tuple(found)


def activate(visit: Visit, row: int, column: int, target: int) -> Visit:
    """Image, class and model of a cell become the ones of the visit; a model that only this page carries joins the list.

    A baseline is no model that Design could open: there the active model stays.
    """
    shown = of(visit)
    if not 0 <= column < len(shown.columns):
        raise StateError("This model is no longer in the comparison: choose another cell.")
    place = shown.row(row)
    chosen = shown.columns[column]
    after = visit.with_page(KEY, shown)
    if chosen.model is not None:
        after = state.add_model(after, chosen.model, based_on=chosen.based_on)
        columns = list(shown.columns)
        columns[column] = GridColumn(after.active)
        after = after.with_page(KEY, replace(shown, columns=tuple(columns)))
    elif not chosen.baseline:
        after = state.activate(after, chosen.id)
    if after.image != place.image:
        after = state.choose_image(after, place.image)
    return state.choose_target(after, target)


# --- rows -------------------------------------------------------------------------------------------------------------


def _new_id(shown: CompareState) -> int:
    return max(row.id for row in shown.rows) + 1


def _put(shown: CompareState, row: GridRow) -> CompareState:
    return replace(shown, rows=tuple(row if one.id == row.id else one for one in shown.rows))


def _check_room(shown: CompareState) -> None:
    if len(shown.rows) >= MAX_ROWS:
        raise StateError(f"The page holds {MAX_ROWS} rows: remove one first.")


def add_row(shown: CompareState, image: ImageRef | None = None, target: int | None = None) -> CompareState:
    """A row at the end: the image of the row above, or another, with the next class (StateError when there is no room)."""
    _check_room(shown)
    return replace(shown, rows=(*shown.rows, GridRow(_new_id(shown), image or shown.rows[-1].image, target)))


def duplicate_row(shown: CompareState, id: int, target: int) -> CompareState:
    """A copy right below, which keeps the class shown even where the original follows the prediction."""
    _check_room(shown)
    place = 1 + shown.place(id)
    copied = replace(shown.row(id), id=_new_id(shown), target=target)
    return replace(shown, rows=(*shown.rows[:place], copied, *shown.rows[place:]))


def remove_row(shown: CompareState, id: int) -> CompareState:
    """Without a row; the last one stays."""
    if len(shown.rows) == 1:
        return shown
    rows = tuple(row for row in shown.rows if row.id != id)
    lost = shown.difference is not None and any(cell.row == id for cell in shown.difference)
    return _unboxed(replace(shown, rows=rows, difference=None if lost else shown.difference), id)


def _unboxed(shown: CompareState, row: int) -> CompareState:
    """The box of a picture that is no longer there goes with it."""
    return shown if shown.evidence is None else replace(shown, evidence=with_box(shown.evidence, row, None))


def move_row(shown: CompareState, id: int, step: int) -> CompareState:
    """Up (-1) or down (+1); at the ends nothing happens."""
    rows = list(shown.rows)
    place = shown.place(id)
    other = place + step
    if not 0 <= other < len(rows):
        return shown
    rows[place], rows[other] = rows[other], rows[place]
    return replace(shown, rows=tuple(rows))


def set_image(shown: CompareState, id: int, image: ImageRef) -> CompareState:
    """Another image in a row; its class becomes the most probable one that is free."""
    row = shown.row(id)
    return shown if row.image == image else _unboxed(_put(shown, replace(row, image=image, target=None)), id)


def set_target(shown: CompareState, id: int, target: int) -> CompareState:
    """Another class in a row."""
    return _put(shown, replace(shown.row(id), target=target))


def pin(shown: CompareState, targets: Mapping[int, int]) -> CompareState:
    """Rows without a class of their own keep these, by their number."""
    return replace(
        shown, rows=tuple(row if row.target is not None else replace(row, target=targets.get(row.id)) for row in shown.rows)
    )


def toggle_fold(shown: CompareState, id: int) -> CompareState:
    """Show or hide the intermediate maps of a row."""
    row = shown.row(id)
    return _put(shown, replace(row, unfolded=not row.unfolded))


# --- columns ----------------------------------------------------------------------------------------------------------


def set_columns(shown: CompareState, columns: Sequence[GridColumn]) -> CompareState:
    """These models in this order, each once; at least one (StateError otherwise)."""
    chosen = tuple(dict.fromkeys(columns))
    if not chosen:
        raise StateError("A comparison needs at least one model: choose one.")
    if len(chosen) > MAX_COLUMNS:
        raise StateError(f"The page holds {MAX_COLUMNS} models side by side: remove one first.")
    places = {place: chosen.index(column) for place, column in enumerate(shown.columns) if column in chosen}
    return replace(shown, columns=chosen, difference=_moved(shown.difference, places))


def move_column(shown: CompareState, column: int, to: int) -> CompareState:
    """A model to another place."""
    count = len(shown.columns)
    if not 0 <= column < count or not 0 <= to < count:
        return shown
    columns = list(shown.columns)
    columns.insert(to, columns.pop(column))
    return set_columns(shown, columns)


def remove_column(shown: CompareState, column: int) -> CompareState:
    """Without a model; the last one stays."""
    if not 0 <= column < len(shown.columns) or len(shown.columns) == 1:
        return shown
    return set_columns(shown, [one for place, one in enumerate(shown.columns) if place != column])


def add_models(shown: CompareState, models: Sequence[LRPModel], based_on: str = "") -> CompareState:
    """Models from a file, behind the others; one that is there already is not doubled."""
    there = {(c.model.name, c.model.key) for c in shown.columns if c.model is not None}
    fresh = [GridColumn(model=model, based_on=based_on) for model in models if (model.name, model.key) not in there]
    return set_columns(shown, [*shown.columns, *fresh])


def load(
    visit: Visit,
    models: Sequence[LRPModel],
    rows: Sequence[tuple[ImageRef, int | None]],
    *,
    formulas: bool = False,
    based_on: str = "",
) -> Visit:
    """A ready-made set: these models on these images and classes; how maps are drawn stays."""
    kept = of(visit)
    fresh = replace(
        kept,
        rows=tuple(GridRow(n, image, target) for n, (image, target) in enumerate(rows, start=1)),
        columns=tuple(GridColumn(model=model, based_on=based_on) for model in models),
        formulas=formulas,
        difference=None,
    )
    return visit.with_page(KEY, fresh)


# --- evidence ---------------------------------------------------------------------------------------------------------


def set_evidence(shown: CompareState, **changes: Any) -> CompareState:
    """Open the measures below the grid, or ask something else of them."""
    return replace(shown, evidence=replace(shown.evidence or Evidence(), **changes))


def close_evidence(shown: CompareState) -> CompareState:
    """Without the measures."""
    return replace(shown, evidence=None)


def turn_evidence(shown: CompareState) -> CompareState:
    """Open the measures below the grid, or close them."""
    return close_evidence(shown) if shown.evidence is not None else set_evidence(shown)


def set_box(shown: CompareState, row: int, ends: tuple[int, int, int, int] | None) -> CompareState:
    """The box of the object in a row's picture, in pixels of the network's view; None for none."""
    shown.row(row)
    return replace(shown, evidence=with_box(shown.evidence or Evidence(), row, ends))


# --- how it is drawn --------------------------------------------------------------------------------------------------


def set_share(shown: CompareState, share: Share) -> CompareState:
    """Which maps share a colour range."""
    return replace(shown, share=share)


def set_formulas(shown: CompareState, formulas: bool) -> CompareState:
    """Formulas in the heads of the columns, or not."""
    return replace(shown, formulas=formulas)


def set_difference(shown: CompareState, difference: tuple[GridCell, GridCell] | None) -> CompareState:
    """Show the difference of two cells, or none."""
    return replace(shown, difference=difference)


def set_scaled(shown: CompareState, scaled: bool) -> CompareState:
    """Divide both maps of a difference by their sum of absolute relevance, or not."""
    return replace(shown, scaled=scaled)
