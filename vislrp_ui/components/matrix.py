"""All neurons of a layer as small cells from one picture; a click, Space or a stroke over cells changes the selection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import Edit, OnEdit, is_whole, mount

WIDE = 2.05
"""Width of the matrix over its height."""
SMALLEST = 8
_matrix = register("matrix", '<div class="matrix"></div>', parts=("outbox", "nodes"))


@dataclass(frozen=True)
class Sheet:
    """All cells in one picture, in the order of their numbers.

    Attributes
    ----------
    url : str
        Address of the picture.
    columns, rows : int
        Cells in it.
    pixelated : bool
        Enlarged cells show their own pixels.
    """

    url: str
    columns: int
    rows: int
    pixelated: bool


@dataclass(frozen=True)
class NeuronFact:
    """A line of the tooltip: name, one number per neuron, and whether the neuron's rank follows it."""

    title: str
    values: Sequence[float]
    signed: bool = True
    ranked: bool = False


def columns_for(count: int, width: int = 820) -> int:
    """Columns of a matrix that keeps about the same size whatever the number of cells; full rows where possible."""
    ideal = math.sqrt(count * WIDE)
    most = 1.45 if count <= 512 else 1.2
    even = next((n for n in range(math.ceil(0.8 * ideal), int(most * ideal) + 1) if count % n == 0), None)
    if even is None or width / even < SMALLEST:
        return max(1, min(count, round(ideal)))
    return even


def matrix_data(
    name: str,
    sheet: Sheet,
    order: Sequence[int],
    selected: Sequence[int],
    facts: Sequence[NeuronFact],
    colours: dict[str, str],
) -> dict[str, Any]:
    """Payload: cells in the order shown; numbers of the tooltip with four digits."""
    return {
        "name": name,
        "sheet": asdict(sheet),
        "columns": columns_for(len(order)),
        "order": list(order),
        "selected": list(selected),
        "colours": colours,
        "facts": [
            {
                "title": fact.title,
                "signed": fact.signed,
                "ranked": fact.ranked,
                "values": [float(f"{value:.4g}") for value in fact.values],
            }
            for fact in facts
        ],
    }


def matrix(key: str, payload: dict[str, Any], on_edit: OnEdit) -> None:
    """Draw the matrix.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    payload : dict
        See `matrix_data`.
    on_edit : callable
        Gets each edit once, in order; `neurons_of` reads the neurons that it toggles.
    """
    mount(_matrix, key, payload, on_edit)


def neurons_of(edit: Edit, size: int) -> list[int]:
    """Neurons that an edit toggles; what makes no sense is left out."""
    named = edit.get("neurons")
    if edit.get("kind") != "toggle" or not isinstance(named, list):
        return []
    return [neuron for neuron in named[:size] if is_whole(neuron) and 0 <= neuron < size]
