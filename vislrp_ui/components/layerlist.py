"""The ruler as a plain list: layers with neurons, the model's segments as a strip, a badge where neurons are selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vislrp_core.model import LRPModel
from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import mount_choice
from vislrp_ui.state import segment_of
from vislrp_ui.theme import segment_colour

_list = register(
    "layerlist", '<div class="layers" role="radiogroup" aria-label="Layer"></div>', parts=("nodes", "outbox", "picks")
)


def layer_rows(model: LRPModel, counts: Mapping[int, int]) -> list[dict[str, Any]]:
    """Payload of the rows: number, name, kind, colour of its segment, whether a block begins, number of selected neurons."""
    rows = []
    plan = model.plan.rows
    for layer in range(1, len(plan)):
        row = plan[layer]
        rows.append(
            {
                "layer": layer,
                "name": row.name,
                "kind": row.kind,
                "colour": segment_colour(segment_of(model, layer)),
                "begins": row.block != plan[layer - 1].block,
                "count": counts.get(layer, 0),
            }
        )
    return rows


def layer_list(key: str, model: LRPModel, selected: int, counts: Mapping[int, int], on_pick: Callable[[Any], None]) -> None:
    """Draw the list.

    Parameters
    ----------
    key : str
        Component key.
    selected : int
        The layer shown.
    counts : mapping
        Selected neurons by layer.
    on_pick : callable
        Gets the number of the picked layer, unchecked.
    """
    mount_choice(_list, key, {"rows": layer_rows(model, counts), "selected": selected}, on_pick)
