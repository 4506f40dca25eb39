"""What the Neuron Ablation page keeps: chosen neurons of all layers, kept sets, the views of them. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from vislrp_core import texts
from vislrp_core.ablation import VALUES
from vislrp_core.architecture import ARCHITECTURES, DEFAULT, Architecture
from vislrp_core.neurons import SCORES, NeuronError, parse_neurons
from vislrp_ui.address import model_ids, one_of, parts, read_fields, whole, write_fields
from vislrp_ui.neuron_sets import MAX_LAYERS, MAX_UNITS, Cut, KeptSet, Sets, as_sets, read_sets, write_sets
from vislrp_ui.state import StateError, Visit

KEY = "ablation"
MAX_KEPT = 10
MAX_COUNT = 4096
MAX_ADDRESS = 9000
"""Characters of all sets together that the address holds; what is beyond stays in the session and in the JSON file."""
THUMBS = ("relevance", "activation", "table")
SPREADS = ("common", "own")
ORDERS = ("number", *SCORES)
GESTURES = ("region", "click")
PARTS = ("set", "remainder", "neuron")
SCALES = ("probability", "logit")
MAX_POINTS, MAX_SEEDS = 40, 5


def first_layer(rows: Architecture) -> int:
    """The layer shown at first: the last ReLU before the last pooling but one, relu4_3 of VGG16."""
    return rows.pools[-2] - 1 if len(rows.pools) > 1 else 1


@dataclass(frozen=True)
class CurveMeasurement:
    """Settings of the ablation curves.

    Attributes
    ----------
    models : tuple of str
        Ids of the models whose ranking is measured; empty is the active one.
    share : int
        Percent of the layer's neurons that are ablated at the end.
    points, seeds : int
        Points of each curve, number of random orders.
    """

    models: tuple[str, ...] = ()
    share: int = 50
    points: int = 16
    seeds: int = 2
    scale: str = "probability"

    def fields(self) -> dict[str, str]:
        """What an address says of them."""
        return {
            "share": str(self.share),
            "points": str(self.points),
            "seeds": str(self.seeds),
            "scale": self.scale,
            "models": ".".join(quote(id, safe="") for id in self.models),
        }


@dataclass(frozen=True)
class AblationState:
    """Everything the page keeps.

    Attributes
    ----------
    selected : Sets
        Chosen neurons of all layers.
    value : str
        What their outputs become.
    ablated : Cut or None
        The ablation whose prediction is shown.
    thumbs, spread, order : str
        What the matrix shows, with which range, in which order.
    gesture : str
        What the mouse does in the charts.
    count, by : int, str
        "Top n of ..." as last used.
    part, neuron : str, int
        Which part's relevance at the pixels is shown.
    """

    layer: int = first_layer(ARCHITECTURES[DEFAULT])
    selected: Sets = ()
    value: str = "zero"
    ablated: Cut | None = None
    kept: tuple[KeptSet, ...] = ()
    thumbs: str = "relevance"
    spread: str = "common"
    order: str = "number"
    gesture: str = "region"
    count: int = 24
    by: str = "positive_relevance"
    part: str = "set"
    neuron: int = 0
    measurement: CurveMeasurement = field(default_factory=CurveMeasurement)

    @property
    def neurons(self) -> tuple[int, ...]:
        """Chosen neurons of the shown layer."""
        return dict(self.selected).get(self.layer, ())

    def views(self) -> dict[str, str]:
        """What an address says of the layer and how its neurons are shown."""
        return {
            "layer": str(self.layer),
            "value": self.value,
            "thumbs": self.thumbs,
            "spread": self.spread,
            "order": self.order,
            "gesture": self.gesture,
            "count": str(self.count),
            "by": self.by,
            "part": self.part,
            "neuron": str(self.neuron),
        }

    @property
    def cut(self) -> Cut:
        """The ablation that the button would make."""
        return Cut(self.selected, self.value)

    def kept_in_address(self, room: int = MAX_ADDRESS) -> dict[int, bool]:
        """Which kept sets fit into the address, the first ones first; 0 means the chosen neurons."""
        fits = {}
        for id, sets in ((0, self.selected), *((row.id, row.cut.sets) for row in self.kept)):
            length = len(write_sets(sets))
            fits[id] = length <= room
            room -= length if fits[id] else 0
        return fits

    def to_params(self, room: int = MAX_ADDRESS) -> dict[str, str]:
        """Query parameters: views, chosen neurons, the ablation, kept sets, curves; nothing where all is as at the start."""
        params: dict[str, str] = {}
        fits = self.kept_in_address(room)
        fresh = AblationState()
        if (views := self.views()) != _VIEWS:
            params["neurons"] = write_fields(views, _VIEWS)
        if self.selected and fits[0]:
            params["chosen"] = write_sets(self.selected)
        if self.ablated is not None:
            if self.ablated == self.cut and fits[0]:
                params["ablated"] = "chosen"
            elif len(text := write_sets(self.ablated.sets)) <= room // 3:
                params["ablated"] = f"{self.ablated.value}~{text}"
        for number, row in enumerate((row for row in self.kept if fits[row.id]), start=1):
            params[f"cut{number}"] = write_fields(
                {"value": row.cut.value, "sets": write_sets(row.cut.sets), "name": quote(row.name, safe="")}, _CUT
            )
        one = self.measurement
        if one != fresh.measurement:
            params["ablate"] = write_fields(one.fields(), _MEASUREMENT)
        return params


_VIEWS = AblationState().views()
_CUT = {"value": "zero", "sets": "", "name": ""}
_MEASUREMENT = CurveMeasurement().fields()
"""Fields of an address with their defaults, in the order of its first version."""


def from_params(params: Mapping[str, str]) -> AblationState | None:
    """The page's state of an address; None where the address says nothing.

    Raises
    ------
    ValueError
        Something in it is damaged.
    """
    state = AblationState()
    if "neurons" in params:
        views = read_fields(params["neurons"], _VIEWS)
        layer, value, thumbs, spread, order, gesture, count, by, part, neuron = views.values()
        state = replace(
            state,
            layer=whole(layer, 1, MAX_LAYERS),
            value=one_of(value, VALUES),
            thumbs=one_of(thumbs, THUMBS),
            spread=one_of(spread, SPREADS),
            order=one_of(order, ORDERS),
            gesture=one_of(gesture, GESTURES),
            count=whole(count, 1, MAX_COUNT),
            by=one_of(by, SCORES),
            part=one_of(part, PARTS),
            neuron=whole(neuron, 0, MAX_UNITS - 1),
        )
    if "chosen" in params:
        state = replace(state, selected=read_sets(params["chosen"]))
    if "ablated" in params:
        state = replace(state, ablated=state.cut if params["ablated"] == "chosen" else _read_cut(params["ablated"]))
    rows: list[KeptSet] = []
    for number in range(1, MAX_KEPT + 1):
        if f"cut{number}" in params:
            value, sets, name = read_fields(params[f"cut{number}"], _CUT).values()
            rows.append(KeptSet(len(rows) + 1, _read_cut(f"{value}~{sets}"), _name(unquote(name))))
    state = replace(state, kept=tuple(rows))
    if "ablate" in params:
        share, points, seeds, scale, models = read_fields(params["ablate"], _MEASUREMENT).values()
        state = replace(
            state,
            measurement=CurveMeasurement(
                model_ids(models),
                whole(share, 1, 100),
                whole(points, 2, MAX_POINTS),
                whole(seeds, 0, MAX_SEEDS),
                one_of(scale, SCALES),
            ),
        )
    return None if state == AblationState() else state


def _read_cut(text: str) -> Cut:
    value, sets = parts(text, 2)
    cut = Cut(read_sets(sets), one_of(value, VALUES))
    if not cut.sets:
        raise ValueError("no neurons")
    return cut


def _name(text: str) -> str:
    return texts.one_line(text, 60)


# --- the visit ----------------------------------------------------------------------------------------------------------


def of(visit: Visit) -> AblationState:
    """The page's state of a visit."""
    rows = visit.model.plan
    own = visit.page(KEY)
    held = own if isinstance(own, AblationState) else AblationState(layer=first_layer(rows))
    held = held if held.layer <= rows.last else replace(held, layer=first_layer(rows))
    cuts = (*((held.ablated,) if held.ablated else ()), *(row.cut for row in held.kept))
    return _without_means_of_units(held, rows) if "mean" in (held.value, *(cut.value for cut in cuts)) else held


def has_units(held: AblationState, rows: Architecture) -> bool:
    """Whether single units are shown or chosen: they have no positions, so the mean of one is its own value."""
    return not all(rows.has_positions(layer) for layer in (held.layer, *dict(held.selected)))


def _without_means_of_units(held: AblationState, rows: Architecture) -> AblationState:
    """Sets with units are set to 0: the mean would change nothing."""

    def fitted(cut: Cut) -> Cut:
        return cut if all(map(rows.has_positions, dict(cut.sets))) else replace(cut, value="zero")

    kept = tuple(replace(row, cut=fitted(row.cut)) for row in held.kept)
    return replace(
        held, value="zero" if has_units(held, rows) else held.value, kept=kept, ablated=held.ablated and fitted(held.ablated)
    )


def cleared(state: AblationState, rows: Architecture) -> AblationState:
    """The page's views for another architecture: neurons of the old one mean nothing there."""
    return replace(state, layer=first_layer(rows), selected=(), ablated=None, kept=(), part="set")


def for_network(visit: Visit, rows: Architecture) -> AblationState:
    """The page's state for another architecture."""
    return cleared(of(visit), rows)


def changed(visit: Visit, change: Callable[..., AblationState], *arguments: object, **named: object) -> Visit:
    """The visit with the page's state changed by a pure function of it."""
    return visit.with_page(KEY, change(of(visit), *arguments, **named))


def fitting(state: AblationState, sizes: Mapping[int, int]) -> tuple[AblationState, int]:
    """The state without neurons that the network lacks, and how many were left out (another network, an old address)."""
    lost = 0

    def cut_down(sets: Sets) -> Sets:
        nonlocal lost
        kept = {layer: [n for n in neurons if n < sizes.get(layer, 0)] for layer, neurons in sets}
        lost += sum(len(neurons) - len(kept[layer]) for layer, neurons in sets)
        return as_sets(kept)

    fitted = replace(
        state,
        selected=cut_down(state.selected),
        ablated=None if state.ablated is None else replace(state.ablated, sets=cut_down(state.ablated.sets)),
        kept=tuple(replace(row, cut=replace(row.cut, sets=cut_down(row.cut.sets))) for row in state.kept),
    )
    if not lost:
        return state, 0
    return replace(fitted, kept=tuple(row for row in fitted.kept if row.cut.sets)), lost


# --- layer and views ----------------------------------------------------------------------------------------------------


def set_layer(state: AblationState, layer: int, rows: Architecture) -> AblationState:
    """Show another layer; the chosen neurons of every layer stay chosen."""
    return replace(state, layer=max(1, min(int(layer), rows.last)), part="set" if state.part == "neuron" else state.part)


def set_view(state: AblationState, **changes: Any) -> AblationState:
    """``thumbs``, ``spread``, ``order``, ``gesture``, ``count``, ``by``, ``part``, ``neuron``, ``value``."""
    return replace(state, **changes)


def show_part(state: AblationState, part: str | int) -> AblationState:
    """Which part's relevance at the pixels is shown: "set", "remainder", or one of the chosen neurons by its number."""
    if isinstance(part, int):
        return replace(state, part="neuron", neuron=part) if part in state.neurons else state
    return replace(state, part=part)


def set_measurement(state: AblationState, **changes: Any) -> AblationState:
    """Settings of the curves."""
    return replace(state, measurement=replace(state.measurement, **changes))


# --- chosen neurons -------------------------------------------------------------------------------------------------------


def choose(state: AblationState, neurons: Iterable[int], layer: int | None = None) -> AblationState:
    """Exactly these neurons of the shown layer (or of another); other layers keep theirs."""
    where = state.layer if layer is None else layer
    chosen = replace(state, selected=as_sets({**dict(state.selected), where: tuple(int(n) for n in neurons)}))
    if chosen.part == "neuron" and chosen.neuron not in chosen.neurons:
        return replace(chosen, part="set")
    return chosen


def toggle(state: AblationState, neurons: Iterable[int]) -> AblationState:
    """Each of these neurons of the shown layer changes between chosen and not chosen."""
    return choose(state, set(state.neurons) ^ {int(n) for n in neurons})


def invert(state: AblationState, size: int) -> AblationState:
    """All neurons of the shown layer that are not chosen."""
    return choose(state, set(range(size)) - set(state.neurons))


def choose_typed(state: AblationState, text: str, size: int, name: str) -> AblationState:
    """Neurons of the shown layer as typed, such as ``57, 58, 60-63`` (StateError if it cannot be read).

    ``size`` and ``name`` are the layer's.
    """
    try:
        neurons = parse_neurons(text)
    except NeuronError as error:
        raise StateError(str(error)) from error
    if neurons and neurons[-1] >= size:
        raise StateError(f"{name} has the neurons 0 to {size - 1}, there is no {neurons[-1]}.")
    return choose(state, neurons)


def choose_top(state: AblationState, order: Sequence[int], count: int, by: str) -> AblationState:
    """The first neurons of an order, and the number and score as last used."""
    return choose(replace(state, count=max(1, min(int(count), MAX_COUNT)), by=by), list(order)[:count])


def forget_all(state: AblationState) -> AblationState:
    """No neurons chosen at any layer."""
    return replace(state, selected=(), part="set")


def ablate(state: AblationState) -> AblationState:
    """Show the prediction without the chosen neurons."""
    return replace(state, ablated=state.cut if state.selected else None)


# --- kept sets ------------------------------------------------------------------------------------------------------------


def keep(state: AblationState) -> AblationState:
    """The chosen neurons as a row of their own (StateError when the page is full or nothing is chosen)."""
    if not state.selected:
        raise StateError("No neurons are selected: drag over a chart or click cells, then keep the set.")
    return add_kept(state, [("", state.cut)])


def add_kept(state: AblationState, rows: Sequence[tuple[str, Cut]]) -> AblationState:
    """Further rows by name and set (StateError when there is no room)."""
    if len(state.kept) + len(rows) > MAX_KEPT:
        raise StateError(f"The page holds {MAX_KEPT} kept sets, {len(state.kept)} are there: remove some first.")
    first = max((row.id for row in state.kept), default=0) + 1
    added = tuple(KeptSet(first + place, cut, _name(name)) for place, (name, cut) in enumerate(rows))
    return replace(state, kept=(*state.kept, *added))


def kept_row(state: AblationState, id: int) -> KeptSet:
    """A row by its number (StateError if it is gone)."""
    for row in state.kept:
        if row.id == id:
            return row
    raise StateError("This set is no longer kept: choose another one.")


def take_up(state: AblationState, id: int) -> AblationState:
    """Make a kept set the chosen one and show its effect; its lowest layer is shown if the present one has no part in it."""
    cut = kept_row(state, id).cut
    layer = state.layer if state.layer in cut.mapping else cut.sets[0][0]
    return replace(state, selected=cut.sets, value=cut.value, ablated=cut, layer=layer, part="set")


def rename_kept(state: AblationState, id: int, name: str) -> AblationState:
    """Another name; an empty one brings the description back."""
    renamed = replace(kept_row(state, id), name=_name(name))
    return replace(state, kept=tuple(renamed if row.id == id else row for row in state.kept))


def remove_kept(state: AblationState, id: int) -> AblationState:
    """Without a row."""
    return replace(state, kept=tuple(row for row in state.kept if row.id != id))
