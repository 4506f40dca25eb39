"""What the panel "Where does this come from" shows of a step, as its component receives it."""

from __future__ import annotations

from typing import Any

from vislrp_core.heatmap import colour, png
from vislrp_core.model import STARTS
from vislrp_core.network import Network
from vislrp_ui import service
from vislrp_ui.components.addresses import data_url
from vislrp_ui.design import origins_formulas
from vislrp_ui.design.origins_formulas import COLOURS
from vislrp_ui.design.origins_work import OriginPart, OriginStep, Values, channels_of, has_positions
from vislrp_ui.shared.formulas import number
from vislrp_ui.state import Look, Visit
from vislrp_ui.state_origins import Spot, of

DIGITS = 4


def payload(network: Network, visit: Visit, step: OriginStep, colours: dict[str, str]) -> dict[str, Any]:
    """All that the component draws of a step."""
    trail, plan, look = of(visit).trail, network.architecture, visit.look
    spot = step.spot
    shown = [line.values for line in step.lines if line.values is not None]
    limit = service.limit_of(shown, look) if shown else 0.0
    return {
        "colours": colours,
        "crumbs": [{"text": short(network, one), "title": named(network, one)} for one in trail],
        "title": f"R of {named(network, spot)}",
        "value": _figures(step.value),
        "words": words(network, visit, step),
        "math": "" if step.row is None else origins_formulas.symbolic(visit.model, step.row),
        "map": _map(
            step, look, "the pixels" if spot.layer == 0 else plan.name(spot.layer), channels_of(network, spot.layer)
        ),
        "channels": _channels(network, spot),
        "heads": _heads(step, plan.name(spot.layer) if step.row is None else plan.name(step.row)),
        "lines": [_line(network, step, line, look, limit) for line in step.lines],
        "rest": {"count": step.others, **_figures(step.rest)} if step.others else None,
        "note": note(step) if step.lines else "",
    }


def named(network: Network, spot: Spot) -> str:
    """A spot in words, such as ``channel 17 of conv1_1 at column 120, row 40``."""
    plan, place = network.architecture, spot.place
    layer = plan.name(spot.layer)
    if len(place) == 1:
        return f"the class “{network.classes[place[0]]}”" if spot.layer == plan.last else f"unit {place[0]} of {layer}"
    where = f"column {place[-1]}, row {place[-2]}"
    if spot.layer == 0:
        return f"the pixel at {where}" if len(place) == 2 else f"{COLOURS[place[0]]} of the pixel at {where}"
    return f"{layer}, all channels, at {where}" if len(place) == 2 else f"channel {place[0]} of {layer} at {where}"


def short(network: Network, spot: Spot) -> str:
    """A spot for a narrow place."""
    plan, place = network.architecture, spot.place
    if len(place) == 1:
        return network.classes[place[0]] if spot.layer == plan.last else f"{plan.name(spot.layer)} unit {place[0]}"
    if spot.layer == 0:
        return "pixel" if len(place) == 2 else COLOURS[place[0]]
    return plan.name(spot.layer) + ("" if len(place) == 2 else f" channel {place[0]}")


def words(network: Network, visit: Visit, step: OriginStep) -> list[str]:
    """How relevance came here: what handed it on, and by which rule it was shared out."""
    plan, spot, model = network.architecture, step.spot, visit.model
    if step.row is None and len(spot.place) == 2:
        return [
            f"The map shows the sum over all channels of {plan.name(spot.layer)}. Follow one of them upwards.",
            *_none(step),
        ]
    between = [row.name for row in plan.rows[spot.layer + 1 : step.row]]
    told = [f"{' and '.join(between)} {'hand' if len(between) > 1 else 'hands'} it on unchanged."] if between else []
    if step.row is None:
        start = STARTS[model.start].sentence
        return [*told, f"This is the start: no layer comes after {plan.name(plan.last)}. {start}"]
    row, name = plan.rows[step.row], plan.name(step.row)
    if row.kind == "linear" and len(spot.place) == 3:
        side = plan.sides[plan.last_feature]
        place = (spot.place[0] * side + spot.place[1]) * side + spot.place[2]
        told.append(f"For {name} all values are laid end to end; this is number {place}.")
    if row.kind == "pool":
        if model.pooling == "winner-takes-all":
            told.append(f"{name} gives R of each window to its largest input alone.")
        else:
            told.append(f"{name} gives R of each window back in proportion to its inputs a.")
        return [*told, *_none(step)]
    over = " and the three colours i of the pixel" if len(spot.place) == 2 else ""
    told.append(f"{name} shares relevance out by {model.rule_at(step.row).title}: R is the sum over its neurons j{over}.")
    return [*told, *_none(step)]


def _none(step: OriginStep) -> list[str]:
    return [] if step.lines else ["All parts are 0."]


def note(step: OriginStep) -> str:
    """How exact the sum is, and what the map says."""
    difference = abs(step.value - step.on_map)
    map_text = number(step.on_map, digits=DIGITS)
    if difference == 0:
        return f"The parts and the rest add up to R, and the map shows the same: {map_text}."
    told = f"they differ by {number(difference, digits=2)}, rounding of single precision"
    return f"The parts and the rest add up to R in double precision; the map has {map_text}, {told}."


def _figures(value: float) -> dict[str, Any]:
    return {"text": number(value, digits=DIGITS), "exact": number(value, exact=True), "sign": (value > 0) - (value < 0)}


def _share(part: float, whole: float) -> str:
    """A part of R in per cent."""
    if whole == 0:
        return "–"
    share = 100 * part / whole
    text = f"{share:.0f}" if abs(share) >= 99.95 else f"{share:.1f}" if abs(share) >= 0.05 or share == 0 else "0.0"
    return f"{text} %".replace("-", "−")


def _heads(step: OriginStep, name: str) -> list[str]:
    if step.row is None:
        return ["Channel", "Share", "R"]
    return [f"Neuron j of {name}", "Share", "Part of R"]


def _line(network: Network, step: OriginStep, line: OriginPart, look: Look, limit: float) -> dict[str, Any]:
    spot = line.spot
    if len(spot.place) == 1:
        text = network.classes[spot.place[0]] if spot.layer == network.architecture.last else f"unit {spot.place[0]}"
        where = ""
    else:
        text, where = f"channel {spot.place[0]}", f"column {spot.place[2]}, row {spot.place[1]}" if step.row else ""
    return {
        "layer": spot.layer,
        "place": list(spot.place),
        "text": text,
        "where": where,
        "title": named(network, spot),
        "relevance": _figures(line.relevance) if step.row is not None else None,
        "share": _share(line.part, step.value),
        "part": _figures(line.part),
        "math": line.math,
        "picture": "" if line.values is None else _picture(line.values, limit, look),
        "mark": _mark(network, spot),
    }


def _mark(network: Network, spot: Spot) -> list[float] | None:
    """Where a neuron lies on its channel's map, in per cent from the left and from above."""
    if not has_positions(network, spot.layer):
        return None
    plan = network.architecture
    side = plan.sides[min(spot.layer, plan.last_feature)]
    return [100 * (one + 0.5) / side for one in (spot.place[-1], spot.place[-2])]


def _picture(values: Values, limit: float, look: Look) -> str:
    return data_url(png(colour(values, limit, look.spectrum, service.dark_maps(look))))


def _map(step: OriginStep, look: Look, name: str, units: int) -> dict[str, Any]:
    """The map that the spot lies on, to click at another position."""
    values, place = step.values, step.spot.place
    row, column = place[-2:] if len(place) > 1 else divmod(place[0], values.shape[1])
    return {
        "picture": _picture(values, service.limit_of(values, look), look),
        "shape": list(values.shape),
        "row": row,
        "column": column,
        "units": units if len(place) == 1 else 0,
        "name": f"Map of {name}",
    }


def _channels(network: Network, spot: Spot) -> dict[str, Any] | None:
    """The choice between a pixel and its colours."""
    if spot.layer or not has_positions(network, 0):
        return None
    names = ["all colours", *COLOURS]
    return {"names": names, "chosen": 0 if len(spot.place) == 2 else spot.place[0] + 1}
