"""What leaves the page: the grid as a figure, the facts as a table, the models as one file."""

from __future__ import annotations

import math

import streamlit as st

from vislrp_core import figure, heatmap
from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.bundle import write_bundle
from vislrp_core.heatmap import RANGES
from vislrp_core.model import LRPModel
from vislrp_core.tables import csv_bytes
from vislrp_ui import service, session, theme
from vislrp_ui.compare import payload, report
from vislrp_ui.compare.work import Grid, ranked
from vislrp_ui.components.classbars import percent
from vislrp_ui.components.comparegrid import layer_span, rule_name
from vislrp_ui.shared import widgets
from vislrp_ui.state_compare import GridCell

HEADER = (
    "row",
    "column",
    "image",
    "fit",
    "class_index",
    "class",
    "model",
    "rules",
    "network",
    "sum",
    "conservation",
    "gini",
    "positive_share",
    "entropy",
    "pearson_to_first",
    "spearman_to_first",
    "ssim_to_first",
    "cosine_to_other_class",
    "flipping_srg",
    "seconds",
)
_FACTS = (
    "sum",
    "conservation",
    "gini",
    "positive_share",
    "entropy",
    "pearson",
    "spearman",
    "ssim",
    "cosine",
    "srg",
    "seconds",
)


def export(grid: Grid) -> None:
    """Five downloads."""
    models = [entry.model for entry in grid.entries if isinstance(entry.model, LRPModel)]
    if grid.missing():
        st.caption("Maps that are still being computed are left empty.")
    st.download_button(
        "Figure (PNG, 2×)",
        session.with_pictures(lambda: figure.comparison_png(comparison(grid))),
        "comparison.png",
        "image/png",
        key="compare-png",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
        help="Light, unless the background of the maps is set to dark under Colours",
    )
    st.download_button(
        "Figure (SVG)",
        session.with_pictures(lambda: figure.comparison_svg(comparison(grid)).encode()),
        "comparison.svg",
        "image/svg+xml",
        key="compare-svg",
        icon=":material/shapes:",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Facts (CSV)",
        session.with_pictures(lambda: facts(grid)),
        "comparison.csv",
        "text/csv",
        key="compare-csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Models (JSON)",
        lambda: write_bundle(models).encode(),
        "models.json",
        "application/json",
        key="compare-json",
        icon=":material/data_object:",
        on_click="ignore",
        width="stretch",
        disabled=not models,
        help="All compared LRP models in one file; Models imports it again",
    )
    report.offer(grid)


def rules_text(model: LRPModel | Baseline) -> str:
    """All segments in one line; what a baseline computes."""
    if isinstance(model, Baseline):
        return f"Baseline. {METHODS[model.method].sentence}"
    return "; ".join(f"{rule_name(segment)} {layer_span(segment, model.plan)}" for segment in model.segments)


def facts(grid: Grid) -> bytes:
    """One line per cell."""
    classes = grid.network.classes
    table = []
    for cell, place in grid.places.items():
        found = grid.facts(cell)
        table.append(
            [
                grid.state.place(cell.row) + 1,
                cell.column + 1,
                widgets.image_title(place.row.image),
                place.row.image.fit,
                place.target,
                classes[place.target],
                place.entry.name,
                rules_text(place.entry.model),
                grid.network.title,
                *(found.get(key, math.nan) for key in _FACTS),
            ]
        )
    return csv_bytes(HEADER, table, digits=6)


def comparison(grid: Grid) -> figure.Comparison:
    """The grid as the figure shows it."""
    look, share = grid.visit.look, grid.state.share
    dark = look.paper == "dark"
    limits = grid.limits(look)
    columns = tuple(
        figure.FigureColumn(entry.name, _parts(entry.model), _column_facts(grid, place))
        for place, entry in enumerate(grid.entries)
    )
    rows = []
    for row in grid.rows:
        cells = tuple(_cell(grid, GridCell(row.id, place), limits, dark) for place in range(len(grid.entries)))
        rank, prediction = ranked(grid.network, row.image).of(grid.targets[row.id])
        known = [limits[cell] for cell in limits if cell.row == row.id]
        rows.append(
            figure.FigureRow(
                service.view(row.image),
                prediction.name,
                f"rank {rank}, {percent(prediction.probability)} %",
                cells,
                known[0] if share == "row" and known else None,
            )
        )
    whole = next(iter(limits.values())) if share == "all" and limits else None
    shared = {
        "each": "each map has its own range",
        "row": "the maps of a row share a range",
        "all": "all maps share a range",
    }
    return figure.Comparison(
        columns,
        tuple(rows),
        look.spectrum,
        dark,
        whole,
        f"{grid.network.title}; range: {RANGES[look.range]}, {shared[share]}",
    )


def _parts(model: LRPModel | Baseline) -> tuple[figure.Part, ...]:
    if isinstance(model, Baseline):
        muted = theme.MUTED["light"]
        return (figure.Part(1, muted, "#FFFFFF", "baseline", "baseline, not LRP"),)
    return tuple(
        figure.Part(
            s.last - s.first + 1,
            theme.segment_colour(place),
            theme.segment_text(place),
            s.rule.short,
            f"{rule_name(s)}  {layer_span(s, model.plan)}",
        )
        for place, s in enumerate(model.segments)
    )


def _column_facts(grid: Grid, column: int) -> str:
    found = grid.column_facts(column)
    return f"cosine of classes {payload.number('cosine', found['cosine'])}" if "cosine" in found else ""


def _cell(grid: Grid, cell: GridCell, limits: dict[GridCell, float], dark: bool) -> figure.FigureCell:
    place, look = grid.places[cell], grid.visit.look
    if place.maps is None:
        return figure.FigureCell(None, "not computed")
    if place.values is None:
        return figure.FigureCell(None, "not finite")
    pixels = heatmap.colour(place.values, limits[cell], look.spectrum, dark)
    if look.overlay:
        pixels = heatmap.overlay(pixels, service.view(place.row.image), look.opacity)
    found = grid.facts(cell)
    note = f"Σ {payload.number('sum', found['sum'])} · Gini {payload.number('gini', found['gini'])}"
    if "pearson" in found:
        note += f" · r {payload.number('pearson', found['pearson'])}"
    return figure.FigureCell(pixels, note, limits[cell] if grid.state.share == "each" else None)
