"""Cards of LRP models with coloured segment bars; a click, or Enter on the focused card, makes one active."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vislrp_core.model import LRPModel
from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import mount_choice
from vislrp_ui.state import ModelEntry
from vislrp_ui.theme import segment_colour, segment_text

_cards = register("modelcards", '<div class="cards" role="radiogroup" aria-label="Models"></div>', parts=("outbox", "picks"))


def segment_bar(model: LRPModel) -> list[dict[str, Any]]:
    """What a bar of coloured segments shows: width, colours, short rule name where there is room, and its tooltip."""
    least = 8 if len(model.segments) > 5 else 5
    bars = []
    for place, segment in enumerate(model.segments):
        layers = segment.last - segment.first + 1
        bars.append(
            {
                "layers": layers,
                "fill": segment_colour(place),
                "ink": segment_text(place),
                "text": segment.rule.short if layers >= least else "",
                "tip": f"{segment.rule.title} ({segment.rule.short}): {model.plan.name(segment.first)} to "
                f"{model.plan.name(segment.last)}, layers {segment.first} to {segment.last}",
            }
        )
    return bars


def card(entry: ModelEntry) -> dict[str, Any]:
    """Payload of one card."""
    tag = {"working": "working copy", "own": "", "example": "example"}[entry.origin]
    return {"id": entry.id, "name": entry.name, "tag": tag, "tip": entry.model.description, "bar": segment_bar(entry.model)}


def model_cards(
    key: str, entries: Iterable[ModelEntry], active: str, on_pick: Callable[[Any], None], *, compact: bool = False
) -> None:
    """Draw the cards.

    Parameters
    ----------
    key : str
        Component key.
    entries : iterable of ModelEntry
        The models, in order.
    active : str
        Id of the ringed card.
    on_pick : callable
        Gets the id of the picked card, unchecked.
    compact : bool
        Without tags, for narrow places such as Home.
    """
    mount_choice(_cards, key, {"cards": [card(entry) for entry in entries], "active": active, "compact": compact}, on_pick)
