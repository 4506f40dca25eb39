"""What the Pixel Flipping page keeps: rows with their brush, the tool, the settings of the measurement. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from vislrp_core import masks, texts
from vislrp_core.fills import DEFAULT_FILL, FILLS
from vislrp_core.images import SIDE
from vislrp_core.masks import Mask, MaskError
from vislrp_ui.address import model_ids, one_of, read_fields, whole, write_fields
from vislrp_ui.state import StateError, Visit

KEY = "flipping"
MAX_ROWS = 8
MAX_PAST = 40
MAX_ADDRESS = 6000
"""Characters of all brushes together that the address holds; what is beyond stays in the session alone."""
MODES = ("brush", "relevance")
TOOLS = ("brush", "rectangle", "polygon", "lasso", "erase")
SIGNS = ("none", *masks.SIGNS)
UNITS = (1, 8)
PATCHES = (7, 8, 14, 16, 28, 32, 56)
MIN_WIDTH, MAX_WIDTH = 2, 60
MAX_STEPS, MAX_SEEDS = 112, 5
SCALES = ("probability", "logit")


@dataclass(frozen=True)
class FlippingRow:
    """One flipping.

    Attributes
    ----------
    mask : str
        The brushed pixels as `masks.encode` writes them; empty where nothing is brushed.
    sign, share, unit : str, float, int
        Selection by relevance on top of the brush: which pixels ("none": no selection), how many percent, and the side of
        the squares that are selected (1: pixels).
    past : tuple
        Brush and sign before each of the last changes, for undo.
    """

    id: int
    name: str = ""
    mask: str = ""
    sign: str = "none"
    share: float = 10.0
    unit: int = 8
    fill: str = DEFAULT_FILL
    past: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """Name on the page."""
        return self.name or f"Row {self.id}"

    @property
    def brushed(self) -> Mask:
        """The brushed pixels."""
        return masks.decode(self.mask) if self.mask else masks.empty()

    def fields(self) -> dict[str, str]:
        """What an address says of it."""
        return {
            "fill": self.fill,
            "sign": self.sign,
            "share": f"{self.share:g}",
            "unit": str(self.unit),
            "mask": self.mask,
            "name": quote(self.name, safe=""),
        }

    @property
    def marks(self) -> bool:
        """Whether the row marks anything at all."""
        return bool(self.mask) or (self.sign != "none" and self.share > 0)


@dataclass(frozen=True)
class FlippingMeasurement:
    """Settings of the measured flipping.

    Attributes
    ----------
    models : tuple of str
        Ids of the models measured; empty is the active one.
    patch, steps, seeds : int
        Side of the squares, steps after the untouched image, number of random orders.
    scale : str
        What the chart and the table show.
    """

    models: tuple[str, ...] = ()
    patch: int = 16
    fill: str = DEFAULT_FILL
    steps: int = 14
    seeds: int = 2
    scale: str = "probability"

    def fields(self) -> dict[str, str]:
        """What an address says of them."""
        return {
            "patch": str(self.patch),
            "fill": self.fill,
            "steps": str(self.steps),
            "seeds": str(self.seeds),
            "scale": self.scale,
            "models": ".".join(quote(id, safe="") for id in self.models),
        }


@dataclass(frozen=True)
class FlippingState:
    """Everything the page keeps."""

    rows: tuple[FlippingRow, ...] = (FlippingRow(1),)
    active: int = 1
    mode: str = "brush"
    tool: str = "brush"
    width: int = 18
    measurement: FlippingMeasurement = FlippingMeasurement()

    def row(self, id: int | None = None) -> FlippingRow:
        """A row by its number; the active one by default (KeyError if there is none)."""
        wanted = self.active if id is None else id
        for row in self.rows:
            if row.id == wanted:
                return row
        raise KeyError(wanted)

    def kept_in_address(self, room: int = MAX_ADDRESS) -> dict[int, bool]:
        """Which rows' brushes fit into the address, the first rows first."""
        kept = {}
        for row in self.rows:
            kept[row.id] = len(row.mask) <= room
            room -= len(row.mask) if kept[row.id] else 0
        return kept

    def to_params(self, room: int = MAX_ADDRESS) -> dict[str, str]:
        """Query parameters: one per row, one for tools, one for the measurement; nothing where all is as at the start."""
        params: dict[str, str] = {}
        kept = self.kept_in_address(room)
        fresh = FlippingState()
        if replace(self, measurement=fresh.measurement) != fresh:
            place = 1 + next(i for i, row in enumerate(self.rows) if row.id == self.active)
            params["flip"] = write_fields({"row": str(place), **self._tools()}, _TOOLS)
            for number, row in enumerate(self.rows, start=1):
                kept_mask = row.mask if kept[row.id] else ""
                params[f"flip{number}"] = write_fields(replace(row, mask=kept_mask).fields(), _ROW)
        chosen = self.measurement
        if chosen != fresh.measurement:
            params["measure"] = write_fields(chosen.fields(), _MEASUREMENT)
        return params

    def _tools(self) -> dict[str, str]:
        return {"mode": self.mode, "tool": self.tool, "width": str(self.width)}


_ROW = FlippingRow(1).fields()
_MEASUREMENT = FlippingMeasurement().fields()
_TOOLS = {"row": "1", **FlippingState()._tools()}
"""Fields of an address with their defaults, in the order of its first version."""


def from_params(params: Mapping[str, str]) -> FlippingState | None:
    """The page's state of an address; None where the address says nothing.

    Raises
    ------
    ValueError
        Something in it is damaged.
    """
    rows = tuple(_read_row(number, params[key]) for number in range(1, MAX_ROWS + 1) if (key := f"flip{number}") in params)
    state = FlippingState()
    if rows:
        state = replace(state, rows=rows, active=rows[0].id)
    if "flip" in params:
        place, mode, tool, width = read_fields(params["flip"], _TOOLS).values()
        index = whole(place, 1, len(state.rows)) - 1
        state = replace(
            state,
            active=state.rows[index].id,
            mode=one_of(mode, MODES),
            tool=one_of(tool, TOOLS),
            width=whole(width, MIN_WIDTH, MAX_WIDTH),
        )
    if "measure" in params:
        patch, fill, steps, seeds, scale, models = read_fields(params["measure"], _MEASUREMENT).values()
        state = replace(
            state,
            measurement=FlippingMeasurement(
                model_ids(models),
                one_of(whole(patch, 1, SIDE - 1), PATCHES),
                one_of(fill, FILLS),
                whole(steps, 1, MAX_STEPS),
                whole(seeds, 0, MAX_SEEDS),
                one_of(scale, SCALES),
            ),
        )
    return None if state == FlippingState() else state


def _read_row(number: int, text: str) -> FlippingRow:
    fill, sign, share, unit, mask, name = read_fields(text, _ROW).values()
    percent = float(share) if len(share) < 12 else -1.0
    if not 0 <= percent <= 100:
        raise ValueError(share[:40])
    if mask:
        masks.decode(mask)
    return FlippingRow(
        number,
        " ".join(unquote(name).split())[:60],
        mask,
        one_of(sign, SIGNS),
        percent,
        one_of(whole(unit, 1, 8), UNITS),
        one_of(fill, FILLS),
    )


# --- the visit --------------------------------------------------------------------------------------------------------


def of(visit: Visit) -> FlippingState:
    """The page's state of a visit."""
    held = visit.page(KEY)
    return held if isinstance(held, FlippingState) else FlippingState()


def changed(visit: Visit, change: Callable[..., FlippingState], *arguments: object, **named: object) -> Visit:
    """The visit with the page's state changed by a pure function of it."""
    return visit.with_page(KEY, change(of(visit), *arguments, **named))


# --- rows -------------------------------------------------------------------------------------------------------------


def _put(state: FlippingState, row: FlippingRow) -> FlippingState:
    return replace(state, rows=tuple(row if one.id == row.id else one for one in state.rows))


def _new_id(state: FlippingState) -> int:
    return max(row.id for row in state.rows) + 1


def _check_room(state: FlippingState) -> None:
    if len(state.rows) >= MAX_ROWS:
        raise StateError(f"The page holds {MAX_ROWS} rows: remove one first.")


def add_row(state: FlippingState) -> FlippingState:
    """A fresh row below the others, active, with the active row's fill (StateError when the page is full)."""
    _check_room(state)
    row = FlippingRow(_new_id(state), fill=state.row().fill)
    return replace(state, rows=(*state.rows, row), active=row.id, mode="brush")


def copy_row(state: FlippingState, id: int) -> FlippingState:
    """A copy right below its original, active (StateError when the page is full)."""
    _check_room(state)
    source = state.row(id)
    row = replace(source, id=_new_id(state), name=f"{source.title} copy"[:60])
    place = 1 + [one.id for one in state.rows].index(id)
    return replace(state, rows=(*state.rows[:place], row, *state.rows[place:]), active=row.id)


def remove_row(state: FlippingState, id: int) -> FlippingState:
    """Without a row; the last one is emptied instead."""
    rest = tuple(row for row in state.rows if row.id != id)
    if not rest:
        row = FlippingRow(_new_id(state))
        return replace(state, rows=(row,), active=row.id)
    place = [row.id for row in state.rows].index(id)
    active = rest[min(place, len(rest) - 1)].id if state.active == id else state.active
    return replace(state, rows=rest, active=active)


def rename_row(state: FlippingState, id: int, name: str) -> FlippingState:
    """Another name; an empty one brings "Row n" back."""
    return _put(state, replace(state.row(id), name=texts.one_line(name, 60)))


def activate(state: FlippingState, id: int) -> FlippingState:
    """Make a row the one that tools change."""
    row = state.row(id)
    return replace(state, active=id, mode="relevance" if row.sign != "none" and not row.mask else state.mode)


# --- marks ------------------------------------------------------------------------------------------------------------


def _remember(row: FlippingRow, changed: FlippingRow) -> FlippingRow:
    if (row.mask, row.sign) == (changed.mask, changed.sign):
        return changed
    return replace(changed, past=(*row.past, (row.mask, row.sign))[-MAX_PAST:])


def set_mask(state: FlippingState, id: int, mask: Mask) -> FlippingState:
    """The row's brushed pixels; one step of undo."""
    row = state.row(id)
    return _put(state, _remember(row, replace(row, mask=masks.encode(mask) if mask.any() else "")))


def take_file(state: FlippingState, id: int, data: bytes) -> FlippingState:
    """The brushed pixels of an uploaded picture (StateError if it is none)."""
    try:
        return set_mask(state, id, masks.from_png(data))
    except MaskError as error:
        raise StateError(str(error)) from error


def clear(state: FlippingState, id: int) -> FlippingState:
    """Nothing marked any more; one step of undo."""
    row = state.row(id)
    return _put(state, _remember(row, replace(row, mask="", sign="none")))


def undo(state: FlippingState, id: int) -> FlippingState:
    """The brush and the selection before the last change."""
    row = state.row(id)
    if not row.past:
        return state
    mask, sign = row.past[-1]
    return _put(state, replace(row, mask=mask, sign=sign, past=row.past[:-1]))


def set_selection(state: FlippingState, id: int, **changes: Any) -> FlippingState:
    """Which pixels are selected by relevance: ``sign``, ``share`` (percent), ``unit``."""
    row = state.row(id)
    return _put(state, _remember(row, replace(row, **changes)))


def set_fill(state: FlippingState, fill: str) -> FlippingState:
    """What the active row's pixels become."""
    return _put(state, replace(state.row(), fill=fill))


def set_mode(state: FlippingState, mode: str) -> FlippingState:
    """Brush, or select by relevance; the first time the most positive relevance is selected at once."""
    state = replace(state, mode=mode)
    if mode == "relevance" and state.row().sign == "none":
        return set_selection(state, state.active, sign="positive")
    return state


def guided(state: FlippingState) -> FlippingState:
    """The rows of the guided case: what speaks for the class, what against it, a control."""
    names = {
        "positive": "What speaks for the class",
        "negative": "What speaks against it",
        "random": "Same number at random",
    }
    rows = tuple(
        FlippingRow(number, name, sign=sign, share=8.0) for number, (sign, name) in enumerate(names.items(), start=1)
    )
    return replace(state, rows=rows, active=1, mode="relevance")


def set_tool(state: FlippingState, tool: str) -> FlippingState:
    """Which tool a stroke uses."""
    return replace(state, tool=tool)


def set_width(state: FlippingState, width: int) -> FlippingState:
    """Width of the brush in pixels of the picture."""
    return replace(state, width=max(MIN_WIDTH, min(int(width), MAX_WIDTH)))


def set_measurement(state: FlippingState, **changes: Any) -> FlippingState:
    """Settings of the measured flipping."""
    return replace(state, measurement=replace(state.measurement, **changes))
