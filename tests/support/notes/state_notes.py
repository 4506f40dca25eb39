"""What the Notes page keeps: one line of text and its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from vislrp_core import texts
from vislrp_ui.address import read_fields, whole, write_fields
from vislrp_ui.state import Visit

KEY = "notes"


@dataclass(frozen=True)
class NotesState:
    text: str = ""
    size: int = 12

    def fields(self) -> dict[str, str]:
        return {"text": quote(self.text, safe=""), "size": str(self.size)}

    def to_params(self, room: int = 0) -> dict[str, str]:
        return {} if self == NotesState() else {"note": write_fields(self.fields(), NotesState().fields())}


def from_params(params: Mapping[str, str]) -> NotesState | None:
    if "note" not in params:
        return None
    text, size = read_fields(params["note"], NotesState().fields()).values()
    return NotesState(texts.one_line(unquote(text), 60), whole(size, 6, 40))


def of(visit: Visit) -> NotesState:
    held = visit.page(KEY)
    return held if isinstance(held, NotesState) else NotesState()


def write(visit: Visit, text: str) -> Visit:
    return visit.with_page(KEY, replace(of(visit), text=text))
