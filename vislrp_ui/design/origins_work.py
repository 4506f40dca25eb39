"""What "Where does this come from" computes: the parts of R at one spot, the strongest of them with maps and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core.contributions import Contributions, contributions, source_row, strongest
from vislrp_core.heatmap import channel_sum
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.propagation import Reached
from vislrp_ui import service
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.design import origins_formulas
from vislrp_ui.design.origins_formulas import Bounds
from vislrp_ui.service import Watch
from vislrp_ui.state import ImageRef
from vislrp_ui.state_origins import Place, Spot

SHOWN = 10
"""Parts that are listed; the others are one number."""
SMALL = 112
"""Largest side of a listed part's map: it is drawn at half of that."""

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OriginPart:
    """One part of R.

    Attributes
    ----------
    spot : Spot
        The neuron it comes from.
    relevance : float
        R of that neuron.
    part : float
        What of it belongs to the spot that is asked about.
    math : tuple of str
        The part as formulas with its numbers, MathML; nothing where it is no more than a summand.
    values : ndarray or None
        Relevance of the neuron's channel, (H, W).
    """

    spot: Spot
    relevance: float
    part: float
    math: tuple[str, ...] = ()
    values: Values | None = None


@dataclass(frozen=True, eq=False)
class OriginStep:
    """R at one spot and where it comes from.

    Attributes
    ----------
    row : int or None
        The row that shares relevance out to the spot; None at the start, and where the parts are the channels of a position.
    value : float
        The sum of all parts, in double precision; the start's own value at the start.
    on_map : float
        The same number of the propagation, as maps show it.
    lines : tuple of OriginPart
        The strongest parts, the strongest first; parts of 0 are not listed.
    others, rest : int, float
        How many parts are not listed, and their sum.
    values : ndarray
        The map that the spot lies on, (H, W); units as a grid.
    """

    spot: Spot
    row: int | None
    value: float
    on_map: float
    values: Values
    lines: tuple[OriginPart, ...] = ()
    others: int = 0
    rest: float = 0.0

    @property
    def nbytes(self) -> int:
        """Bytes of the maps, roughly with the texts."""
        return 8_000 + self.values.nbytes + sum(line.values.nbytes for line in self.lines if line.values is not None)


_steps: ByteCache[OriginStep] = ByteCache(allotted("origins"), lambda step: step.nbytes)


def clear_caches() -> None:
    """Forget all results (tests)."""
    _steps.clear()


def step(
    network: Network, ref: ImageRef, model: LRPModel, target: int | None, spot: Spot, watch: Watch | None = None
) -> OriginStep | None:
    """The parts of R at a spot; None where the network has no such spot.

    Raises
    ------
    NonFiniteRelevance
        If relevance is not finite on the way down to the spot.
    """
    if not is_there(network, spot):
        return None
    chosen = service.target_of(network, ref, target)

    def run() -> OriginStep:
        plan = network.architecture
        above = source_row(plan, spot.layer)
        # Relevance below each block is small enough to be kept: the next click on this map begins there.
        pool = next((row for row in plan.pools if row > spot.layer), None)
        layers = {spot.layer} | {row for row in (above, pool) if row is not None}
        return service.reached(
            network,
            ref,
            model,
            chosen,
            layers,
            lambda passed, found: _step(network, passed, model, found, spot),
            watch=watch,
        )

    return _steps.get_or_make((network.digest, ref, model.key, chosen, spot), run)


def is_there(network: Network, spot: Spot) -> bool:
    """Whether the network has such a neuron or position."""
    plan, place = network.architecture, spot.place
    if spot.layer > plan.last:
        return False
    channels = channels_of(network, spot.layer)
    if not has_positions(network, spot.layer):
        return len(place) == 1 and place[0] < channels
    side = plan.sides[min(spot.layer, plan.last_feature)]
    return all(one < side for one in place[-2:]) and (len(place) == 2 or (len(place) == 3 and place[0] < channels))


def has_positions(network: Network, layer: int) -> bool:
    """Whether R of a row has rows and columns, as up to the first fully connected row, dropout in front of it included."""
    plan = network.architecture
    return plan.last_feature >= 0 and layer < next(k for k in plan.weighted if k > plan.last_feature)


def channels_of(network: Network, layer: int) -> int:
    """Channels or units of a row."""
    below = [k for k in network.architecture.weighted if k <= layer]
    return network.weights[below[-1]].shape[0] if below else network.architecture.input_shape[0]


@torch.inference_mode()
def _step(network: Network, passed: Trace, model: LRPModel, found: dict[int, Reached], spot: Spot) -> OriginStep:
    here = found[spot.layer]
    relevance, place = here.relevance, spot.place
    if len(place) == 2:
        values = np.asarray(channel_sum(relevance), dtype=np.float32)
        on_map = float(values[place])
    else:
        values = np.asarray(channel_sum(relevance if len(place) == 1 else relevance[place[0]]), dtype=np.float32)
        on_map = float(relevance[place])
    row = source_row(network.architecture, spot.layer)
    if len(place) == 2 and spot.layer > 0:
        return _by_channel(relevance, spot, on_map, values)
    if row is None:
        return OriginStep(spot, None, on_map, on_map, values)
    trace, above = here.trace(network, passed), found[row].relevance
    colours = range(len(relevance)) if len(place) == 2 else place[:1]
    places = [(one, *place[-2:]) if len(place) > 1 else place for one in colours]
    each = [contributions(network, trace, model, row, above, one) for one in places]
    parts = torch.stack([one.parts for one in each]).sum(dim=0)
    chosen, rest = strongest(parts, SHOWN)
    chosen = chosen[parts[chosen] != 0]
    bounds = origins_formulas.bounds(network, trace, model, row)
    lines = tuple(_line(network, model, each, number, above, float(parts[number]), bounds) for number in chosen.tolist())
    return OriginStep(spot, row, float(parts.sum()), on_map, values, lines, len(parts) - len(lines), rest)


def _line(
    network: Network, model: LRPModel, each: Sequence[Contributions], number: int, above: Tensor, part: float, bounds: Bounds
) -> OriginPart:
    place: Place = tuple(each[0].outputs[number].tolist())
    math = origins_formulas.part(network, model, each, number, bounds)
    values = _reduced(_numbers(above[place[0]])) if len(place) == 3 else None
    return OriginPart(Spot(each[0].layer, place), float(each[0].relevance[number]), part, math, values)


def _by_channel(relevance: Tensor, spot: Spot, on_map: float, values: Values) -> OriginStep:
    """The channels of one position: they add up to what the map shows there."""
    parts = relevance[:, spot.place[0], spot.place[1]].to("cpu", torch.float64)
    chosen, rest = strongest(parts, SHOWN)
    chosen = chosen[parts[chosen] != 0]
    lines = tuple(
        OriginPart(
            Spot(spot.layer, (one, *spot.place)),
            float(parts[one]),
            float(parts[one]),
            values=_reduced(_numbers(relevance[one])),
        )
        for one in chosen.tolist()
    )
    return OriginStep(spot, None, float(parts.sum()), on_map, values, lines, len(parts) - len(lines), rest)


def _numbers(values: Tensor) -> Values:
    return values.to("cpu", torch.float32).contiguous().numpy().copy()


def _reduced(values: Values) -> Values:
    """Means over squares, so that no side is longer than it is drawn."""
    times = -(-max(values.shape) // SMALL)
    high, wide = (side // times * times for side in values.shape)
    if times == 1 or (high, wide) != values.shape:
        return values
    return values.reshape(high // times, times, wide // times, times).mean(axis=(1, 3))
