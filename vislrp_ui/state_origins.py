"""What Design keeps of "Where does this come from": the way from a position of a map upwards. Pure functions change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vislrp_core.architecture import Architecture
from vislrp_ui.address import read_fields, whole, write_fields
from vislrp_ui.state import Visit

KEY = "design"
PARAM = "origin"
LARGEST = 200_000
"""Of numbers in an address: rows, columns, channels, units."""
MAX_STEPS = 60

Place = tuple[int, ...]


@dataclass(frozen=True)
class Spot:
    """One step of the way.

    Attributes
    ----------
    layer : int
        Row of the architecture, 0 for the pixels.
    place : tuple of int
        (row, column): all channels of a position; (channel, row, column); or (unit,).
    """

    layer: int
    place: Place


@dataclass(frozen=True)
class OriginState:
    """The way so far, the position that was clicked first; empty where nothing is asked."""

    trail: tuple[Spot, ...] = ()

    def to_params(self, room: int = 0) -> dict[str, str]:
        """Query parameters."""
        if not self.trail:
            return {}
        spots = ("-".join(map(str, (spot.layer, *spot.place))) for spot in self.trail)
        return {PARAM: write_fields({"way": ".".join(spots)})}


def from_params(params: Mapping[str, str]) -> OriginState | None:
    """The way in an address; None where it has none (ValueError where it is damaged)."""
    if PARAM not in params:
        return None
    text = read_fields(params[PARAM], {"way": ""})["way"]
    steps = text.split(".")
    if len(steps) > MAX_STEPS:
        raise ValueError(text[:40])
    return OriginState(tuple(_spot(step) for step in steps))


def _spot(text: str) -> Spot:
    layer, *place = (whole(part, 0, LARGEST) for part in text[:60].split("-"))
    if not 1 <= len(place) <= 3:
        raise ValueError(text[:40])
    return Spot(layer, tuple(place))


def for_network(visit: Visit, architecture: Architecture) -> OriginState | None:
    """Of another architecture nothing is asked yet."""
    return None


def of(visit: Visit) -> OriginState:
    """What the visit keeps of it."""
    held = visit.page(KEY)
    return held if isinstance(held, OriginState) else OriginState()


def ask(visit: Visit, layer: int, place: Place) -> Visit:
    """Begin at a position of a layer's map."""
    return visit.with_page(KEY, OriginState((Spot(layer, place),)))


def follow(visit: Visit, layer: int, place: Place) -> Visit:
    """Go on to one of the parts; unchanged where nothing is asked, or where it does not lead upwards."""
    trail = of(visit).trail
    if not trail:
        return visit
    last, there = trail[-1], Spot(layer, place)
    upwards = layer > last.layer or (layer == last.layer and len(place) > len(last.place))
    if not upwards or len(trail) >= MAX_STEPS:
        return visit
    return visit.with_page(KEY, OriginState((*trail, there)))


def back(visit: Visit, step: int) -> Visit:
    """Go back to a step of the way."""
    trail = of(visit).trail
    return visit.with_page(KEY, OriginState(trail[: step + 1])) if 0 <= step < len(trail) else visit


def move(visit: Visit, place: Place) -> Visit:
    """Another position, or another channel, at the layer of the last step."""
    trail = of(visit).trail
    return visit.with_page(KEY, OriginState((*trail[:-1], Spot(trail[-1].layer, place)))) if trail else visit


def close(visit: Visit) -> Visit:
    """Ask nothing any more."""
    return visit.with_page(KEY, None)
