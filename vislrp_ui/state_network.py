"""What becomes of a visit when a network of another architecture runs. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vislrp_core.adapt import adapt
from vislrp_core.architecture import Architecture
from vislrp_core.model import LRPModel
from vislrp_ui import rooms, state
from vislrp_ui.state import ModelEntry, Visit


def fits(visit: Visit, architecture: Architecture) -> bool:
    """Whether all models count this architecture's rows."""
    return all(entry.model.architecture == architecture.key for entry in visit.models)


def adapted(visit: Visit, architecture: Architecture, examples: Mapping[str, LRPModel]) -> Visit:
    """The visit with all models carried over.

    An example is carried over from the file it came from, so that nothing is lost on the way back. Chosen neurons and the
    layer that is shown belong to the other architecture and are forgotten.

    Parameters
    ----------
    examples : mapping
        The example models as they ship, by id.
    """

    def moved(entry: ModelEntry) -> ModelEntry:
        source = examples.get(entry.id, entry.model) if entry.origin == "example" else entry.model
        there = entry.model.architecture == architecture.key
        return entry if there else replace(entry, model=adapt(source, architecture.key))

    changed = replace(visit, models=tuple(map(moved, visit.models)), selected_layer=None)
    last = len(changed.model.segments) - 1
    changed = replace(changed, selected_segment=min(visit.selected_segment, last))
    for room in rooms.with_state():
        if room.counts_layers and visit.page(room.key) is not None:
            changed = changed.with_page(room.key, rooms.states(room).for_network(visit, architecture))
    return changed


def holds_work(visit: Visit) -> bool:
    """Whether there is a model that somebody made."""
    return any(
        entry.origin == "own" or (entry.origin == "working" and not state.is_untouched(entry)) for entry in visit.models
    )
