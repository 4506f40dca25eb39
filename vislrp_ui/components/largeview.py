"""The large view of a picture: it fills the window, shows values on hover, and steps through all pictures of the page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vislrp_ui.components.assets import register

_view = register("largeview", '<dialog class="large" aria-labelledby="large-title"></dialog>', parts=("nodes",))
_MAX_ID, _MAX_SIDE = 120, 200_000


class ViewRequest(NamedTuple):
    """A picture that the browser asks for, and the number of its question."""

    id: str
    number: int


class Position(NamedTuple):
    """A position of a picture that somebody asks about."""

    id: str
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class View:
    """One picture in the large view.

    Attributes
    ----------
    title : str
        What it shows, as a headline.
    picture : str
        Address of the coloured picture at its own size.
    values : ndarray or None
        (H, W) numbers shown on hover; None for photographs.
    limit : float
        Value of the strongest colour.
    stops : tuple of str
        Colours of the bar from its left end to its right end; empty where there is none.
    signed : bool
        The bar runs from -limit to +limit; otherwise from 0.
    note : str
        One line about the range, below the bar.
    smooth : bool
        Enlarge with soft pixels.
    """

    title: str
    picture: str
    values: NDArray[Any] | None = None
    limit: float = 0.0
    stops: tuple[str, ...] = ()
    signed: bool = True
    note: str = ""
    smooth: bool = True

    def payload(self) -> dict[str, Any]:
        """As the component receives it; numbers as float32, little-endian, row by row."""
        numbers = None if self.values is None else np.ascontiguousarray(self.values, dtype="<f4")
        return {
            "title": self.title,
            "picture": self.picture,
            "limit": self.limit,
            "stops": self.stops,
            "signed": self.signed,
            "note": self.note,
            "smooth": self.smooth,
            "shape": None if numbers is None else list(numbers.shape),
            "values": None if numbers is None else base64.b64encode(numbers.tobytes()).decode("ascii"),
        }


def wanted_of(message: Any) -> ViewRequest | None:
    """What the browser asks for; None where the message is damaged."""
    wish = message.get("want") if hasattr(message, "get") else None
    if not isinstance(wish, dict) or not isinstance(wish.get("id"), str) or type(wish.get("number")) is not int:
        return None
    return ViewRequest(wish["id"][:_MAX_ID], wish["number"])


def position_of(message: Any) -> Position | None:
    """The position that the browser asks about; None where the message is damaged or asks nothing."""
    wish = message.get("origin") if hasattr(message, "get") else None
    if not isinstance(wish, dict) or not isinstance(wish.get("id"), str):
        return None
    row, column = wish.get("row"), wish.get("column")
    if type(row) is not int or type(column) is not int or not (0 <= row < _MAX_SIDE and 0 <= column < _MAX_SIDE):
        return None
    return Position(wish["id"][:_MAX_ID], row, column)


def large_view(
    key: str, answer: dict[str, Any] | None, on_want: Callable[[], None], on_origin: Callable[[], None] = lambda: None
) -> None:
    """Draw the view, closed until somebody opens a picture.

    Parameters
    ----------
    key : str
        Component key; `wanted_of(st.session_state[key])` reads the question in `on_want`.
    answer : dict or None
        `number` of the question, `view` (a payload, or None where the picture is gone), `previous` and `next` (ids or None),
        `place` and `count`; None when nothing was asked. A view that is ``traced`` lets somebody ask about a position.
    on_origin : callable
        Called when somebody does; `position_of(st.session_state[key])` reads the question.
    """
    _view(key=key, on_want_change=on_want, on_origin_change=on_origin, data={"answer": answer})
