"""Gestures on the grid, and callbacks of the page's widgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vislrp_core.network import Network
from vislrp_ui import running, session, state_compare
from vislrp_ui.compare.work import Grid
from vislrp_ui.components.protocol import Edit, is_whole
from vislrp_ui.state import Visit
from vislrp_ui.state_compare import CompareState, GridCell


def change(reducer: Callable[..., CompareState], *arguments: object, **named: object) -> None:
    """Callback: change the page's state by a pure function of it; what it refuses becomes one sentence."""
    session.update(_pinned_and_changed, running.network(), reducer, *arguments, **named)


def change_visit(reducer: Callable[[Visit, Network], Visit]) -> None:
    """Callback: change the visit by a pure function of it and of the network.

    The network is not an argument of callbacks: Streamlit keeps those of widgets that are gone, and so a visitor's network.
    """
    session.update(reducer, running.network())


def _pinned_and_changed(
    visit: Visit, network: Network, reducer: Callable[..., CompareState], *arguments: object, **named: object
) -> Visit:
    return state_compare.changed(pinned(visit, network), reducer, *arguments, **named)


def pinned(visit: Visit, network: Network) -> Visit:
    """Every row keeps the class that it shows: a change of one row must not give another row another class."""
    targets = Grid(network, visit).targets
    return state_compare.changed(visit, state_compare.pin, targets)


def changing(
    key: str, reducer: Callable[..., CompareState], *arguments: object, read: Callable[[Any], object] = lambda value: value
) -> Callable[[], None]:
    """Callback of a widget: the page's state changed by its value, which comes after other arguments."""

    def call() -> None:
        value = st.session_state[key]
        if value is not None:
            change(reducer, *arguments, read(value))

    return call


def grid_edit(open_key: str, edit: Edit) -> None:
    """One gesture; "open" also leaves a mark under `open_key`, so that the page goes to Design."""
    session.update(apply_edit, edit, running.network())
    if edit.get("kind") == "open":
        st.session_state[open_key] = True


def apply_edit(visit: Visit, edit: Edit, network: Network) -> Visit:
    """The visit after one gesture; one that makes no sense (any more) changes nothing.

    Kinds: activate and open (row, column, target): the cell's model, image and class become the active ones; fold (row);
    move (column, to) and remove (column); differ (column): the difference of the first two classes of one image.

    Raises
    ------
    StateError
        If a row or a column is gone; one sentence.
    """

    def number(name: str) -> int:
        value = edit.get(name)
        return value if isinstance(value, int) and is_whole(value) and 0 <= value < 100_000 else -1

    match edit.get("kind"):
        case "activate" | "open" if 0 <= number("target") < network.num_classes:
            return state_compare.activate(pinned(visit, network), number("row"), number("column"), number("target"))
        case "fold":
            return _pinned_and_changed(visit, network, state_compare.toggle_fold, number("row"))
        case "move":
            return _pinned_and_changed(visit, network, state_compare.move_column, number("column"), number("to"))
        case "remove":
            return _pinned_and_changed(visit, network, state_compare.remove_column, number("column"))
        case "differ":
            return show_difference(visit, number("column"), network)
    return visit


def show_difference(visit: Visit, column: int, network: Network) -> Visit:
    """Class A minus class B of one model: the first two rows that show two classes of one image."""
    visit = pinned(visit, network)
    grid = Grid(network, visit)
    pairs = grid.pairs()
    if not pairs or not 0 <= column < len(grid.entries):
        return visit
    one, other = pairs[0]
    return state_compare.changed(visit, state_compare.set_difference, (GridCell(one.id, column), GridCell(other.id, column)))
