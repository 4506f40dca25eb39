"""Numbers of a running result, as the texts of lessons write them. None of these computes what the page has not computed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vislrp_core.heatmap import format_value
from vislrp_core.network import Prediction
from vislrp_ui import service, state_compare
from vislrp_ui.compare.work import Facts, scaled_pair
from vislrp_ui.components.classbars import percent
from vislrp_ui.lessons.model import Number, Scene
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state_compare import GridCell


def share(value: float) -> str:
    """A probability or another share, in percent."""
    return f"{percent(value)}\u202f%"


def signed(value: float) -> str:
    """Two decimals with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


# --- predictions --------------------------------------------------------------------------------------------------------


def class_name(scene: Scene) -> str:
    """The class that the page explains."""
    return escaped(scene.network.classes[scene.target])


def probability(scene: Scene) -> str:
    """Its probability."""
    return share(
        of(service.predictions(scene.network, scene.visit.image, scene.network.num_classes), scene.target).probability
    )


def of(predictions: list[Prediction], target: int) -> Prediction:
    """The prediction of one class."""
    return next(one for one in predictions if one.index == target)


# --- Compare ------------------------------------------------------------------------------------------------------------


def column(scene: Scene, name: str) -> int | None:
    """Place of a model among the columns."""
    return next((place for place, entry in enumerate(scene.grid.entries) if entry.name == name), None)


def columns(visit_entries: tuple[state_compare.ColumnEntry, ...]) -> list[str]:
    """Names of the models of all columns, in order."""
    return [entry.name for entry in visit_entries]


def row_class(place: int) -> Number:
    """Name of the class of a row, from 0."""

    def read(scene: Scene) -> str | None:
        rows = scene.grid.rows
        return escaped(scene.network.classes[scene.grid.targets[rows[place].id]]) if place < len(rows) else None

    return read


def row_probability(place: int) -> Number:
    """Probability of the class of a row."""

    def read(scene: Scene) -> str | None:
        rows = scene.grid.rows
        if place >= len(rows):
            return None
        row = rows[place]
        found = service.predictions(scene.network, row.image, scene.network.num_classes)
        return share(of(found, scene.grid.targets[row.id]).probability)

    return read


def row_logit(place: int) -> Number:
    """Logit of the class of a row."""

    def read(scene: Scene) -> str | None:
        rows = scene.grid.rows
        if place >= len(rows):
            return None
        row = rows[place]
        return signed(float(service.logits(scene.network, row.image)[scene.grid.targets[row.id]]))

    return read


def cosine(model: str) -> Number:
    """How alike a model's maps of the two classes are."""

    def read(scene: Scene) -> str | None:
        place = column(scene, model)
        value = None if place is None else scene.grid.column_facts(place).get("cosine")
        return None if value is None else signed(value)

    return read


def cell_fact(model: str, tell: Callable[[Facts], float | None], write: Callable[[float], str] = signed) -> Number:
    """A fact about a model's map in the first row."""

    def read(scene: Scene) -> str | None:
        place = column(scene, model)
        if place is None or not scene.grid.rows:
            return None
        facts = scene.grid.facts(GridCell(scene.grid.rows[0].id, place))
        value = tell(facts) if facts else None
        return None if value is None or not math.isfinite(value) else write(value)

    return read


def pixel_sum(model: str) -> Number:
    """What the pixels of a model's map add up to."""
    return cell_fact(model, lambda facts: facts.get("sum"), format_value)


def negative_share(model: str) -> Number:
    """Which share of a map's absolute relevance is negative."""
    return cell_fact(model, lambda facts: 1 - facts["positive_share"], share)


def left_over(scene: Scene) -> str | None:
    """What the difference that is shown leaves, of all that its two maps hold: 0 where they are equal."""
    grid = scene.grid
    maps = () if grid.state.difference is None else scaled_pair(grid, *grid.state.difference, grid.state.scaled)
    if not maps:
        return None
    one, other = maps
    return share(float(np.abs(one - other).sum() / (np.abs(one).sum() + np.abs(other).sum())))


def most_selective(scene: Scene) -> str | None:
    """The model whose maps of the two classes are least alike."""
    found = {
        entry.name: value
        for place, entry in enumerate(scene.grid.entries)
        if (value := scene.grid.column_facts(place).get("cosine")) is not None
    }
    if len(found) < len(scene.grid.entries) or not found:
        return None
    return escaped(min(found, key=found.__getitem__))
