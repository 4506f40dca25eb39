"""The grid as the browser gets it: facts as text with their definitions, maps as small WebP files."""

from __future__ import annotations

import base64
import io
import math
from functools import partial
from typing import Any

from PIL import Image

from vislrp_core import heatmap
from vislrp_core.baselines import Baseline
from vislrp_core.metrics import FACTS, Fact
from vislrp_core.model import LRPModel
from vislrp_ui import service
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.compare.work import Facts, Grid, Place, ranked
from vislrp_ui.components.comparegrid import baseline_head, head
from vislrp_ui.shared import large, terms, views
from vislrp_ui.state import Look
from vislrp_ui.state_compare import GridCell

SMALL_SIDE = 112
SHOWN = ("sum", "conservation", "gini", "positive_share", "pearson", "spearman", "ssim", "srg", "seconds")
_OF_ROWS = {"seconds": "", "gini": "mean Gini", "srg": "mean SRG"}
PERCENT = ("conservation", "positive_share")
LOWER_IS_BETTER = "Lower: the model tells the classes apart."

_pictures: ByteCache[str] = ByteCache(allotted("compare pictures"), len)


def number(key: str, value: float) -> str:
    """A fact as text; a dash where it is not defined."""
    if not math.isfinite(value):
        return "–"
    if key in PERCENT:
        return f"{100 * value:.0f}\u2009%".replace("-", "−")
    if key in ("sum", "range", "limit"):
        return heatmap.format_value(value)
    if key == "seconds":
        return f"{value:.2f}\u2009s"
    return f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")


def tip(fact: Fact) -> str:
    """What appears when the pointer rests on a fact."""
    return f"{fact.title}. {fact.definition}" + (f" ({fact.reference})" if fact.reference else "")


def fact_items(facts: Facts, limit: float, shared: bool) -> list[dict[str, str]]:
    """The line below a map; its own range is given even where maps share one: a pale map may be a weak one."""
    items = [
        {
            "symbol": "" if key == "seconds" else FACTS[key].symbol,
            "text": number(key, facts[key]),
            "tip": tip(FACTS[key]),
            "term": terms.place(key),
        }
        for key in SHOWN
        if key in facts and not (key == "seconds" and not math.isfinite(facts[key]))
    ]
    own = "Range of this map alone; the colours show the shared range." if shared else tip(FACTS["range"])
    symbol = "own ±" if shared else FACTS["range"].symbol
    return [*items, {"symbol": symbol, "text": number("range", limit), "tip": own, "term": terms.place("range")}]


def heads(grid: Grid) -> list[dict[str, Any]]:
    """Heads of all columns."""
    return [
        baseline_head(entry.model) if isinstance(entry.model, Baseline) else head(entry.model, entry.id == grid.visit.active)
        for entry in grid.entries
    ]


def row_cells(grid: Grid, row: int, limits: dict[GridCell, float], note: str) -> list[dict[str, Any]]:
    """The cells of one row; `note` is shown where a map is still missing."""
    visit = grid.visit
    cells = []
    for column, entry in enumerate(grid.entries):
        place = grid.places[GridCell(row, column)]
        active = (
            entry.id == visit.active
            and place.row.image == visit.image
            and place.target
            == service.target_of(
                grid.network,
                visit.image,
                visit.target if visit.target is not None else ranked(grid.network, visit.image).order[0],
            )
        )
        cells.append(_cell(grid, place, limits, visit.look, active, note))
    return cells


def _cell(grid: Grid, place: Place, limits: dict[GridCell, float], look: Look, active: bool, note: str) -> dict[str, Any]:
    name = grid.network.classes[place.target]
    made: dict[str, Any] = {
        "picture": None,
        "alt": f"Relevance for {name} under {place.entry.name}",
        "note": note,
        "view": "",
        "failed": False,
        "active": active,
        "facts": [],
        "small": [],
    }
    if place.maps is None:
        return made
    if place.maps.error is not None:
        return made | {"failed": True, "note": f"{place.maps.error}."}
    limit = limits[place.cell]
    made["picture"] = map_picture(place, 0, look, limit)
    made["view"] = _offer(place, 0, look, limit if grid.state.share != "each" else None)
    made["facts"] = fact_items(grid.facts(place.cell), grid.own_limit(place.cell, look), grid.state.share != "each")
    model = place.entry.model
    layers = [] if isinstance(model, Baseline) else [one.first - 1 for one in model.segments if one.first > 1]
    unfolded = place.row.unfolded
    made["small"] = [_small(place, layer, look) if unfolded else {} for layer in reversed(layers)]
    return made


def _small(place: Place, layer: int, look: Look) -> dict[str, Any]:
    assert place.maps is not None
    values = place.maps.maps[layer]
    limit = service.limit_of(values, look)
    assert isinstance(place.entry.model, LRPModel)
    name = place.entry.model.plan.name(layer)
    return {
        "picture": map_picture(place, layer, look, limit),
        "view": _offer(place, layer, look),
        "name": name,
        "pixels": values.shape[0] < SMALL_SIDE,
        "tip": f"Relevance passed on at {name}, {values.shape[0]} × {values.shape[1]}, range ± {number('range', limit)}",
    }


def _offer(place: Place, layer: int, look: Look, limit: float | None = None) -> str:
    """Let a map of a cell be opened large; returns its id."""
    name, model = f"map-{place.cell.row}-{place.cell.column}-{layer}", place.entry.model
    if isinstance(model, Baseline):
        title = f"{model.title} of “{place.network.classes[place.target]}”"
        assert place.maps is not None
        values = place.maps.maps[0]
        return large.offer(name, partial(views.values_view, title, values, look, limit=limit, below=place.row.image))
    return large.offer(
        name, partial(views.map_view, place.network, place.row.image, model, place.target, layer, look, limit=limit)
    )


def map_picture(place: Place, layer: int, look: Look, limit: float) -> str:
    """A coloured map as an address that needs no server; that of the pixels is drawn over the image where `look` says so."""
    assert place.maps is not None
    values = place.maps.maps[layer]
    over = look.overlay and layer == 0
    return encoded((place.key, layer), values, look, limit, service.view(place.row.image) if over else None)


def encoded(key: tuple[object, ...], values: Any, look: Look, limit: float, below: Image.Image | None = None) -> str:
    """A map as WebP in a data address, cached under what it shows."""
    dark = service.dark_maps(look)

    def draw() -> str:
        pixels = heatmap.colour(values, limit, look.spectrum, dark)
        if below is not None:
            pixels = heatmap.overlay(pixels, below, look.opacity)
        buffer = io.BytesIO()
        image = Image.fromarray(pixels)
        if image.width < SMALL_SIDE:
            image.save(buffer, "WEBP", lossless=True, method=1)
        else:
            image.save(buffer, "WEBP", quality=90, method=2)
        return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

    whole = (key, look.spectrum, dark, limit, look.opacity if below is not None else None)
    return _pictures.get_or_make(whole, draw)


def feet(grid: Grid) -> list[dict[str, Any]]:
    """Facts of the models over all rows; the lowest cosine is marked where it is the only lowest."""
    facts = [grid.column_facts(column) for column in range(len(grid.entries))]
    cosines = [one["cosine"] for one in facts if math.isfinite(one.get("cosine", math.nan))]
    best = min(cosines) if len(cosines) > 1 else None
    pairs = len(grid.pairs())
    title = "cosine of the two classes" if pairs == 1 else f"cosine, mean of {pairs} pairs" if pairs else "class sensitivity"
    none = "not measured" if pairs else "needs two classes of one image"
    return [
        {
            "measures": [
                {
                    "title": title,
                    "none": none,
                    "text": number("cosine", one["cosine"]) if "cosine" in one else "",
                    "share": min(abs(one.get("cosine", 0.0)), 1.0) if math.isfinite(one.get("cosine", 0.0)) else 0.0,
                    "negative": one.get("cosine", 0.0) < 0,
                    "term": terms.place("cosine"),
                    "best": best is not None and one.get("cosine") == best,
                    "tip": tip(FACTS["cosine"])
                    + (
                        " Negative: the two maps are opposite; the bar shows its size from the right."
                        if one.get("cosine", 0.0) < 0
                        else ""
                    ),
                }
            ],
            "facts": [
                {
                    "symbol": _OF_ROWS.get(key, FACTS[key].symbol),
                    "text": number(key, one[key]),
                    "tip": ("Total of the rows. " if key == "seconds" else "Mean of the rows. ") + tip(FACTS[key]),
                    "term": terms.place(key),
                }
                for key in ("srg", "gini", "positive_share", "conservation", "seconds")
                if key in one
            ],
        }
        for one in facts
    ]
