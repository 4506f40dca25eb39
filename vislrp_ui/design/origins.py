"""Where does this come from: from a position of a map upwards to the logit, step by step, as a dialog of Design."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from vislrp_core.heatmap import as_grid
from vislrp_core.network import Network
from vislrp_core.propagation import NonFiniteRelevance
from vislrp_ui import running, service, session, state_origins, theme
from vislrp_ui.components import colours, origins
from vislrp_ui.components.protocol import Edit, is_whole
from vislrp_ui.design import origins_board, origins_work
from vislrp_ui.shared import literal
from vislrp_ui.shared.progress import ProgressNote
from vislrp_ui.state import StateError, Visit
from vislrp_ui.state_origins import Place

TITLE = "Where does this come from?"


def show(network: Network, visit: Visit) -> None:
    """The dialog while something is asked."""
    if state_origins.of(visit).trail:
        panel(network)


def asker(network: Network, layer: int) -> Callable[[int, int], None]:
    """A callback that asks about a row and column of a layer's map; single units are drawn as a grid."""
    units = 0 if origins_work.has_positions(network, layer) else origins_work.channels_of(network, layer)
    return partial(_ask, layer, units)


def _ask(layer: int, units: int, row: int, column: int) -> None:
    session.update(_asked, layer, units, row, column)


def _asked(visit: Visit, layer: int, units: int, row: int, column: int) -> Visit:
    if not units:
        return state_origins.ask(visit, layer, (row, column))
    unit = row * as_grid(np.zeros(units)).shape[1] + column
    if unit >= units:
        raise StateError(f"This place of the map holds no unit: {visit.model.plan.name(layer)} has {units}.")
    return state_origins.ask(visit, layer, (unit,))


def button(layer: int) -> None:
    """The button that opens the dialog at the strongest position of the map shown."""
    st.button(
        TITLE,
        icon=":material/account_tree:",
        type="tertiary",
        key="open-origins",
        help=f"{TITLE} The strongest position of the map first; there, or in the large view, click any other.",
        on_click=_ask_strongest,
        args=(layer,),
    )


def _ask_strongest(layer: int) -> None:
    visit, network = session.get_visit(), running.network()
    values = service.maps(network, visit.image, visit.model, visit.target, layers=(layer,)).maps.get(layer)
    if values is None:
        session.notify("There is no map to ask about: relevance is not finite there.")
        return
    row, column = np.unravel_index(int(np.abs(values).argmax()), values.shape)
    asker(network, layer)(int(row), int(column))


def _close() -> None:
    session.update(state_origins.close)


@st.dialog(TITLE, width="large", on_dismiss=_close)
def panel(network: Network) -> None:
    """The last step of the way, with all steps before it."""
    visit = session.get_visit()
    trail = state_origins.of(visit).trail
    if not trail:
        st.rerun()
    place = st.empty()
    watch = ProgressNote(place)
    try:
        step = origins_work.step(network, visit.image, visit.model, visit.target, trail[-1], watch)
    except NonFiniteRelevance as error:
        literal.error(f"{error}.", icon=":material/error:")
        return
    watch.done()
    if step is None:
        literal.warning(
            "The network has no such position: close this, and click a position of a map.", icon=":material/error:"
        )
        return
    origins.origins("origins", origins_board.payload(network, visit, step, colours.variables(theme.mode())), _take)
    session.save("origins")


def _take(edit: Edit) -> None:
    """One gesture in the dialog."""
    session.update(apply_edit, edit)


def apply_edit(visit: Visit, edit: Edit) -> Visit:
    """The visit after one gesture; one that makes no sense changes nothing.

    Kinds: follow (layer, place) a part; back (step) to a step of the way; move (row, column) to another position, or (unit);
    channel (channel) to one of a pixel's colours, or to all with 0.
    """
    trail = state_origins.of(visit).trail
    if not trail:
        return visit
    here = trail[-1].place
    match edit.get("kind"):
        case "follow" if (place := _place(edit.get("place"), (1, 3))) and _whole(edit.get("layer")):
            return state_origins.follow(visit, edit["layer"], place)
        case "back" if _whole(edit.get("step")):
            return state_origins.back(visit, edit["step"])
        case "move" if (there := _place([edit.get("row"), edit.get("column")], (2,))) and len(here) > 1:
            return state_origins.move(visit, (*here[:-2], *there))
        case "move" if _whole(edit.get("unit")) and len(here) == 1:
            return state_origins.move(visit, (edit["unit"],))
        case "channel" if _whole(edit.get("channel")) and edit["channel"] <= 3 and trail[-1].layer == 0 and len(here) > 1:
            chosen = edit["channel"]
            return state_origins.move(visit, (chosen - 1, *here[-2:]) if chosen else here[-2:])
    return visit


def _whole(value: object) -> bool:
    return isinstance(value, int) and is_whole(value) and 0 <= value <= state_origins.LARGEST


def _place(value: object, lengths: tuple[int, ...]) -> Place | None:
    """A place as the browser sends it; None where it is none."""
    if not isinstance(value, list) or len(value) not in lengths or not all(map(_whole, value)):
        return None
    return tuple(value)
