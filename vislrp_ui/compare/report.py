"""The report of Compare: rows of image and class, columns of models, facts and what they mean, what Evidence measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PIL import Image

from vislrp_core import heatmap
from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.metrics import FACTS
from vislrp_core.model import LRPModel
from vislrp_core.network import Prediction
from vislrp_core.report import Cell, ReportPart, ReportPicture, ReportTable, map_picture, segment_maps
from vislrp_core.trace import percent
from vislrp_ui import service
from vislrp_ui.compare import payload
from vislrp_ui.compare.difference import cell_title
from vislrp_ui.compare.work import Grid, Place, ranked, scaled_pair
from vislrp_ui.shared import reporting, widgets
from vislrp_ui.shared.reporting import Surroundings, ViewReport
from vislrp_ui.state_compare import SHARES, GridCell, GridRow

ADDS = "The table of rows and models with its facts, the models' formulas, and what Evidence has measured."
Seen = Mapping[int, tuple[Image.Image, int, Prediction]]
"""By row: its picture as the network sees it, and the rank and prediction of its class."""


def offer(grid: Grid) -> None:
    """The button."""
    seen = {
        row.id: (service.view(row.image), *ranked(grid.network, row.image).of(grid.targets[row.id])) for row in grid.rows
    }
    around = reporting.surroundings(grid.network)
    reporting.button(partial(report_of, around, grid, seen), "comparison", ADDS)


def report_of(around: Surroundings, grid: Grid, seen: Seen) -> ViewReport:
    """What the page shows."""
    visit = grid.visit
    pictures = [reporting.photograph(row.image, seen[row.id][0]) for row in grid.rows]
    credits = dict.fromkeys(f"{one.title}. {one.note}" for one in pictures)
    told = (f"Colour range: {SHARES[grid.state.share].lower()}.", *credits)
    parts = [ReportPart("Comparison", told, tables=_tables(grid, seen))]
    parts += [_unfolded(grid, row) for row in grid.rows if row.unfolded]
    if grid.state.difference is not None:
        parts += _difference(grid, *grid.state.difference)
    others = [entry.model for entry in grid.entries if isinstance(entry.model, Baseline)]
    if others:
        sentences = tuple(f"{one.title}: {METHODS[one.method].sentence}" for one in others)
        parts.append(ReportPart("Baselines, which are not LRP", sentences))
    models = tuple(
        reporting.model_of(one.model, None, visit.look) for one in grid.entries if isinstance(one.model, LRPModel)
    )
    missing = len(grid.missing())
    warnings = [f"{missing} of {len(grid.places)} maps were not computed when this report was made."] if missing else []
    warnings += [f"Row {grid.state.place(id) + 1} is left out: {sentence}" for id, sentence in grid.broken.items()]
    rows, columns = len(grid.rows), len(grid.entries)
    return ViewReport(
        "Compare",
        f"Comparison: {rows} row{'s' * (rows != 1)} × {columns} model{'s' * (columns != 1)}",
        models=models,
        parts=(*parts, *grid.evidence()),
        settings=reporting.settings(visit.look),
        origin=around.origin(),
        **around.link(visit, [row.image for row in grid.state.rows]),
        warnings=tuple(warnings),
    )


def _tables(grid: Grid, seen: Seen) -> tuple[ReportTable, ...]:
    names = tuple(entry.name for entry in grid.entries)
    limits = grid.limits(grid.visit.look)
    rows = tuple(
        (_head(row, seen), *(_cell(grid, GridCell(row.id, column), limits, seen) for column in range(len(names))))
        for row in grid.rows
    )
    feet = payload.feet(grid)
    measures = [foot["measures"][0] for foot in feet]
    facts = tuple(
        (name, measure["text"] or measure["none"], _joined(foot["facts"]))
        for name, measure, foot in zip(names, measures, feet, strict=True)
    )
    known = dict.fromkeys(key for cell in grid.places for key in grid.facts(cell) if key in FACTS)
    meaning = tuple((FACTS[key].symbol, FACTS[key].title, FACTS[key].definition) for key in [*known, "range"])
    tables = [ReportTable("Maps, and facts of each", ("Image and class", *names), rows)]
    if measures:
        head = ("Model", f"{str(measures[0]['title'])[:1].upper()}{str(measures[0]['title'])[1:]}", "Other facts")
        tables.append(ReportTable("The models over all rows", head, facts))
    return (*tables, ReportTable("What the facts mean", ("Sign", "Fact", "Definition"), meaning))


def _joined(items: list[dict[str, str]]) -> str:
    return " · ".join(f"{one['symbol']} {one['text']}".strip() for one in items)


def _head(row: GridRow, seen: Seen) -> Cell:
    image, rank, prediction = seen[row.id]
    shown = reporting.photograph(row.image, image)
    note = f"“{prediction.name}”, rank {rank}, {percent(prediction.probability)}\u202f%"
    return ReportPicture(shown.title, shown.image, shown.alt, note)


def _cell(grid: Grid, cell: GridCell, limits: Mapping[GridCell, float], seen: Seen) -> Cell:
    place, look = grid.places[cell], grid.visit.look
    if place.maps is None:
        return "not computed"
    if place.values is None:
        return f"{place.maps.error}."
    shared = grid.state.share != "each"
    note = _joined(payload.fact_items(grid.facts(cell), grid.own_limit(cell, look), shared))
    shown = map_picture(
        f"“{grid.network.classes[place.target]}” under {place.entry.name}",
        place.values,
        limit=limits[cell],
        spectrum=look.spectrum,
        dark=reporting.is_dark(look),
        below=seen[cell.row][0] if look.overlay else None,
        opacity=look.opacity,
    )
    return ReportPicture("", shown.image, shown.alt, note, shown.limit, shown.spectrum, shown.dark)


def _unfolded(grid: Grid, row: GridRow) -> ReportPart:
    """What the segments of all models hand on, of a row that is unfolded."""
    pictures = []
    for column in range(len(grid.entries)):
        place: Place = grid.places[GridCell(row.id, column)]
        model = place.entry.model
        if place.maps is None or not isinstance(model, LRPModel):
            continue
        for layer, one in segment_maps(model, place.maps.maps, **reporting.look_of(grid.visit.look)).items():
            if layer:
                title = f"{model.name}: {one.title[:1].lower()}{one.title[1:]}"
                pictures.append(ReportPicture(title, one.image, one.alt, "", one.limit, one.spectrum, one.dark))
    name = grid.network.classes[grid.targets[row.id]]
    return ReportPart(f"What the segments hand on: {widgets.image_title(row.image)}, “{name}”", pictures=tuple(pictures))


def _difference(grid: Grid, one: GridCell, other: GridCell) -> list[ReportPart]:
    """One map minus another, where both are there."""
    maps = scaled_pair(grid, one, other, grid.state.scaled) if one in grid.places and other in grid.places else ()
    if not maps:
        return []
    look = grid.visit.look
    both = heatmap.limit(list(maps), look.range)
    names = [cell_title(grid, cell) for cell in (one, other)]
    shown = [
        map_picture(title, values, limit=limit, **reporting.look_of(look))
        for title, values, limit in (
            (names[0], maps[0], both),
            (names[1], maps[1], both),
            ("Difference", maps[0] - maps[1], None),
        )
    ]
    scaled = "Both maps are divided by their sums of absolute relevance." if grid.state.scaled else "The maps as they are."
    return [ReportPart("Difference of two maps", (scaled,), tuple(shown))]
