"""The report of Design: picture, predictions, the map and where it comes from, the model with a map of every segment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PIL import Image

from vislrp_core.network import Network, Prediction
from vislrp_core.report import ReportPicture, map_picture
from vislrp_ui import service
from vislrp_ui.design.left import shown_classes
from vislrp_ui.design.result import facts, shown_layer, why_not
from vislrp_ui.service import Maps
from vislrp_ui.shared import reporting
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.reporting import Surroundings, ViewReport
from vislrp_ui.state import Visit

ADDS = "Picture, predictions, the model with formulas and a map of every segment, relevance per layer, settings, link."


def offer(network: Network, visit: Visit, target: int, maps: Maps) -> None:
    """The button."""
    around, seen = reporting.surroundings(network), service.view(visit.image)
    classes = tuple(shown_classes(network, visit, target))
    stem = file_stem(f"{visit.image.id[:24]}_{network.classes[target]}_{visit.entry().name}")
    reporting.button(partial(report_of, around, visit, seen, classes, maps), stem, ADDS)


def report_of(
    around: Surroundings, visit: Visit, seen: Image.Image, classes: Sequence[Prediction], maps: Maps
) -> ViewReport:
    """What the page shows."""
    network, layer, look = around.network, shown_layer(visit), visit.look
    name, where = network.classes[maps.target], f" at {visit.model.plan.name(layer)}" if layer else ""
    title = f"Relevance{where} for “{name}”"
    if layer in maps.maps:
        below = seen if look.overlay else None
        shown = map_picture(title, maps.maps[layer], below=below, opacity=look.opacity, **reporting.look_of(look))
    else:
        shown = ReportPicture(title, None, "", why_not(visit, maps, layer))
    return ViewReport(
        "Design",
        f"{title} · {visit.entry().name}",
        reporting.photograph(visit.image, seen),
        classes,
        maps.target,
        shown,
        facts(maps, layer),
        (reporting.model_of(visit.model, maps, look),),
        reporting.sums_of(maps, network),
        settings=(("Target class", f"{name} (class {maps.target})"), *reporting.settings(look)),
        origin=around.origin(),
        **around.link(visit, [visit.image]),
        warnings=() if maps.error is None else (f"{str(maps.error)[:1].upper()}{str(maps.error)[1:]}.",),
    )
