"""The comparison as one value: rows of image and class, columns of models, how maps are drawn; and as an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from vislrp_core import compact
from vislrp_core.baselines import METHODS
from vislrp_core.model import LRPModel, ModelError
from vislrp_ui import evidence as evidences
from vislrp_ui.address import one_of, read_fields, whole, write_fields
from vislrp_ui.evidence import Evidence
from vislrp_ui.state import ImageRef, StateError

MAX_ROWS = 8
MAX_COLUMNS = 8
SHARES = {"each": "each map", "row": "row", "all": "all"}
Share = Literal["each", "row", "all"]
_SAMPLE = re.compile(r"[a-z0-9_]{1,60}")
_UPLOAD = re.compile(r"upload-([0-9a-f]{64})")
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")


_ROW = {"image": "", "fit": "crop", "target": "", "unfolded": ""}
_VIEWS = {"share": "each", "formulas": "", "first": "", "second": "", "scaled": ""}
"""Fields of an address with their defaults, in the order of its first version."""


@dataclass(frozen=True)
class GridRow:
    """An image and a class; no class means the most probable one that no row above shows for that image."""

    id: int
    image: ImageRef
    target: int | None = None
    unfolded: bool = False


@dataclass(frozen=True)
class GridColumn:
    """A model of the visit's list by its id, one that only this page carries (sets, addresses), or a baseline by its key."""

    id: str = ""
    model: LRPModel | None = None
    based_on: str = ""
    baseline: str = ""


@dataclass(frozen=True)
class GridCell:
    """A place of the grid: row by its number, column by its place."""

    row: int
    column: int


@dataclass(frozen=True)
class CompareState:
    """Everything the page keeps.

    Attributes
    ----------
    share : str
        Which maps share a colour range, a key of `SHARES`.
    formulas : bool
        Whether the heads of the columns write the rules as formulas.
    difference : tuple of GridCell or None
        The two cells whose difference is shown.
    scaled : bool
        Whether both maps of a difference are divided by their sum of absolute relevance first.
    evidence : Evidence or None
        What is asked of the measures below the grid; None while they are closed.
    """

    rows: tuple[GridRow, ...]
    columns: tuple[GridColumn, ...]
    share: Share = "each"
    formulas: bool = False
    difference: tuple[GridCell, GridCell] | None = None
    scaled: bool = False
    evidence: Evidence | None = None

    def row(self, id: int) -> GridRow:
        """A row by its number (StateError if there is none)."""
        for row in self.rows:
            if row.id == id:
                return row
        raise StateError("This row is no longer in the comparison: choose another one.")

    def place(self, id: int) -> int:
        """Place of a row, from 0 (StateError if there is none)."""
        return self.rows.index(self.row(id))

    def to_params(self, room: int = 0) -> dict[str, str]:
        """Query parameters: one per row, one per column, one for the rest. Models of the visit go by their id."""
        params = {}
        for number, row in enumerate(self.rows, start=1):
            name = row.image.id if row.image.kind == "sample" else f"upload-{row.image.id}"
            target = "" if row.target is None else str(row.target)
            params[f"row{number}"] = write_fields(
                {"image": name, "fit": row.image.fit, "target": target, "unfolded": "u" if row.unfolded else ""}, _ROW
            )
        for number, column in enumerate(self.columns, start=1):
            text = (
                f"b~{column.baseline}"
                if column.baseline
                else f"m~{column.id}"
                if column.model is None
                else f"c~{compact.encode(column.model)}"
            )
            params[f"col{number}"] = text
        places = {row.id: place for place, row in enumerate(self.rows, start=1)}
        shown = [f"{places[cell.row]}.{cell.column + 1}" for cell in self.difference or () if cell.row in places]
        first, second = shown if len(shown) == 2 else ("", "")
        params["compare"] = write_fields(
            {
                "share": self.share,
                "formulas": "f" if self.formulas else "",
                "first": first,
                "second": second,
                "scaled": "s" if self.scaled else "",
            },
            _VIEWS,
        )
        if self.evidence is not None:
            # Rows of an address are numbered by their place.
            boxes = tuple(replace(one, row=places[one.row]) for one in self.evidence.boxes if one.row in places)
            params["evidence"] = replace(self.evidence, boxes=boxes).to_param()
        return params


def from_params(params: Mapping[str, str]) -> CompareState | None:
    """The page's state of an address; None where the address says nothing.

    Raises
    ------
    ValueError
        Something in it is damaged.
    """
    rows = tuple(_read_row(n, params[key]) for n in range(1, MAX_ROWS + 1) if (key := f"row{n}") in params)
    columns = tuple(_read_column(params[key]) for n in range(1, MAX_COLUMNS + 1) if (key := f"col{n}") in params)
    if not rows and not columns and "compare" not in params:
        return None
    if not rows or not columns:
        raise ValueError("rows or models of the comparison are missing")
    found = CompareState(rows, columns)
    if "compare" in params:
        share, formulas, first, second, scaled = read_fields(params["compare"], _VIEWS).values()
        pair = (_read_cell(first, found), _read_cell(second, found)) if first or second else None
        found = replace(
            found,
            share=one_of(share, SHARES),
            formulas=one_of(formulas, ("", "f")) == "f",
            difference=pair,
            scaled=one_of(scaled, ("", "s")) == "s",
        )
    if "evidence" in params:
        asked = evidences.from_param(params["evidence"])
        if any(one.row > len(found.rows) for one in asked.boxes):
            raise ValueError(params["evidence"][:40])
        found = replace(found, evidence=asked)
    return found


def _read_row(number: int, text: str) -> GridRow:
    name, fit, target, unfolded = read_fields(text, _ROW).values()
    upload = _UPLOAD.fullmatch(name)
    if upload is None and not _SAMPLE.fullmatch(name):
        raise ValueError(name[:40])
    image = ImageRef("upload" if upload else "sample", upload[1] if upload else name, one_of(fit, ("crop", "squash")))
    return GridRow(number, image, whole(target, 0, 99_999) if target else None, one_of(unfolded, ("", "u")) == "u")


def _read_column(text: str) -> GridColumn:
    kind, _, rest = text.partition("~")
    if kind == "c":
        try:
            return GridColumn(model=compact.decode(rest))
        except ModelError as error:
            raise ValueError(str(error)) from error
    if kind == "b" and rest in METHODS:
        return GridColumn(baseline=rest)
    if kind != "m" or not _ID.fullmatch(rest):
        raise ValueError(text[:40])
    return GridColumn(rest)


def _read_cell(text: str, found: CompareState) -> GridCell:
    row, _, column = text.partition(".")
    place = whole(row, 1, len(found.rows)) - 1
    return GridCell(found.rows[place].id, whole(column, 1, len(found.columns)) - 1)
