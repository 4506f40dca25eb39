"""What the grid shows: the class of each row, the map of each cell, the facts about both; nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vislrp_core import metrics
from vislrp_core.baselines import Baseline
from vislrp_core.images import ImageError
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Prediction
from vislrp_core.report import ReportPart
from vislrp_ui import service, state_compare, state_flipping
from vislrp_ui.baseline_maps import baseline_maps
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.service import Maps, MissingImage, Watch
from vislrp_ui.shared.flipping_job import known_scores
from vislrp_ui.state import ImageRef, Look, Visit
from vislrp_ui.state_compare import ColumnEntry, CompareState, GridCell, GridRow

SIMILARITIES = ("pearson", "spearman", "ssim")
PER_MAP = ("sum", "conservation", "gini", "positive_share", "entropy", "seconds")
Facts = dict[str, float]
Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class RankedPredictions:
    """All classes of a picture, the most probable first."""

    predictions: tuple[Prediction, ...]

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Class numbers."""
        return tuple(prediction.index for prediction in self.predictions)

    def of(self, target: int) -> tuple[int, Prediction]:
        """Rank (from 1) and prediction of a class."""
        place = self.order.index(target)
        return place + 1, self.predictions[place]


_ranked: ByteCache[RankedPredictions] = ByteCache(allotted("compare predictions"), lambda kept: 300 * len(kept.predictions))
_facts: ByteCache[Facts] = ByteCache(allotted("compare facts"), lambda facts: 120 * len(facts) + 200)


def ranked(net: Network, ref: ImageRef) -> RankedPredictions:
    """Predictions of a picture; kept when its activations are not (MissingImage, ImageError if there is no picture)."""
    service.view(ref)
    return _ranked.get_or_make(
        (net.digest, ref), lambda: RankedPredictions(tuple(service.predictions(net, ref, net.num_classes)))
    )


def undamped(model: LRPModel | Baseline) -> int:
    """Layers where nothing keeps a model's denominators from nearly vanishing: plain weights, no epsilon."""
    if isinstance(model, Baseline):
        return 0
    rules = [model.rule_at(layer) for layer in model.plan.weighted]
    return sum(rule.kind.may_cancel(rule) for rule in rules)


@dataclass(frozen=True, eq=False)
class Place:
    """One cell to show."""

    network: Network
    cell: GridCell
    row: GridRow
    target: int
    entry: ColumnEntry
    maps: Maps | None
    key: Key

    @property
    def values(self) -> NDArray[np.float32] | None:
        """Relevance of the pixels; None while it is not computed or where it is not finite."""
        return None if self.maps is None or self.maps.error is not None else self.maps.maps[0]


class Grid:
    """The comparison of a visit with all that is known of it.

    Parameters
    ----------
    network : Network
        Whose predictions and maps they are.
    visit : Visit

    Attributes
    ----------
    evidence : callable
        What Evidence shows beside it, as sections of a report; nothing until that has been drawn.
    """

    def __init__(self, network: Network, visit: Visit) -> None:
        self.network, self.visit = network, visit
        self.evidence: Callable[[], tuple[ReportPart, ...]] = tuple
        self.state: CompareState = state_compare.of(visit)
        self.entries = state_compare.entries(visit, self.state)
        self.broken: dict[int, str] = {}
        good = []
        for row in self.state.rows:
            try:
                ranked(network, row.image)
                good.append(row)
            except (MissingImage, ImageError) as error:
                self.broken[row.id] = str(error)
        classes = state_compare.targets(good, lambda ref: ranked(network, ref).order)
        self.targets = {row.id: target for row, target in zip(good, classes, strict=True)}
        self.rows = tuple(good)
        self.refresh()

    def refresh(self) -> None:
        """Look again which maps are there."""
        self.places = {
            GridCell(row.id, column): Place(
                self.network,
                GridCell(row.id, column),
                row,
                self.targets[row.id],
                entry,
                service.known_maps(self.network, row.image, entry.model, self.targets[row.id]),
                (self.network.digest, row.image, entry.model.key, self.targets[row.id]),
            )
            for row in self.rows
            for column, entry in enumerate(self.entries)
        }

    @property
    def signature(self) -> Key:
        """All that the maps depend on."""
        return tuple(place.key for place in self.places.values())

    def missing(self) -> list[Place]:
        """Cells without a map in the order in which they are computed.

        Rows of one image together, so that they share its forward pass, and those models last whose sums may nearly cancel:
        nobody waits for their second forward pass, in double precision, before the first map.
        """
        first: dict[ImageRef, int] = {}
        for place, row in enumerate(self.rows):
            first.setdefault(row.image, place)
        risks = [undamped(entry.model) for entry in self.entries]
        return sorted(
            (place for place in self.places.values() if place.maps is None),
            key=lambda place: (first[place.row.image], risks[place.cell.column]),
        )

    def compute(self, place: Place, watch: Watch | None = None) -> Maps:
        """The map of a cell."""
        if isinstance(place.entry.model, Baseline):
            return baseline_maps(self.network, place.row.image, place.entry.model, place.target, watch)
        return service.maps(self.network, place.row.image, place.entry.model, place.target, watch=watch)

    # --- facts --------------------------------------------------------------------------------------------------------

    def facts(self, cell: GridCell) -> Facts:
        """Facts of one cell; those that are not known (yet) are missing."""
        place, first = self.places[cell], self.places[GridCell(cell.row, 0)]
        maps, values, reference = place.maps, place.values, first.values
        if maps is None or values is None:
            return {}
        found = dict(_facts.get_or_make(("map", place.key), lambda: map_facts(maps)))
        found["seconds"] = maps.seconds
        if cell.column > 0 and reference is not None:
            found |= _facts.get_or_make(("pair", place.key, first.key), lambda: similarities(values, reference))
        score = self._flipping(place)
        if score is not None:
            found["srg"] = score
        others = [value for row in self.rows if (value := self.cosine(cell, GridCell(row.id, cell.column))) is not None]
        if others:
            found["cosine"] = float(np.mean(others))
        return found

    def _flipping(self, place: Place) -> float | None:
        """The flipping score of a map, if it is measured as Pixel Flipping is set."""
        settings = state_flipping.of(self.visit).measurement
        scores = known_scores(
            self.network, place.row.image, place.target, (settings.patch, settings.fill, settings.steps), place.entry.model
        )
        return None if scores is None else scores.srg

    def cosine(self, one: GridCell, other: GridCell) -> float | None:
        """Cosine of two cells of one column that show two classes of one image; None otherwise."""
        first, second = self.places[one], self.places[other]
        if one.row == other.row or first.row.image != second.row.image or first.target == second.target:
            return None
        if first.values is None or second.values is None:
            return None
        a, b = first.values, second.values
        return _facts.get_or_make(("cosine", first.key, second.key), lambda: {"cosine": metrics.cosine(a, b)})["cosine"]

    def pairs(self) -> list[tuple[GridRow, GridRow]]:
        """Pairs of rows that show two classes of one image."""
        return [
            (one, other)
            for place, one in enumerate(self.rows)
            for other in self.rows[place + 1 :]
            if one.image == other.image and self.targets[one.id] != self.targets[other.id]
        ]

    def column_facts(self, column: int) -> Facts:
        """Facts of a model over all rows: mean class sensitivity, means of the cells' facts, seconds in total."""
        cosines = [
            value
            for one, other in self.pairs()
            if (value := self.cosine(GridCell(one.id, column), GridCell(other.id, column))) is not None
        ]
        cells = [facts for row in self.rows if (facts := self.facts(GridCell(row.id, column)))]
        found: Facts = {"cosine": float(np.mean(cosines))} if cosines else {}
        for key in ("gini", "positive_share", "conservation", "srg"):
            values = [facts[key] for facts in cells if np.isfinite(facts.get(key, np.nan))]
            if values:
                found[key] = float(np.mean(values))
        seconds = [facts["seconds"] for facts in cells if np.isfinite(facts["seconds"])]
        if seconds:
            found["seconds"] = float(np.sum(seconds))
        return found

    # --- colours ------------------------------------------------------------------------------------------------------

    def own_limit(self, cell: GridCell, look: Look) -> float:
        """Value of the strongest colour of one map alone; 0 where there is no map."""
        place = self.places[cell]
        return 0.0 if place.values is None else _group_limit([(place.values, place.key)], look)

    def limits(self, look: Look) -> dict[GridCell, float]:
        """Value of the strongest colour of every cell that has a map."""
        known = {cell: place.values for cell, place in self.places.items() if place.values is not None}
        if self.state.share == "each":
            return {cell: self.own_limit(cell, look) for cell in known}
        return {
            cell: _group_limit([(known[one], self.places[one].key) for one in cells], look)
            for cells in self.groups()
            for cell in cells
        }

    def groups(self) -> list[list[GridCell]]:
        """Cells with a map that share a colour range."""
        groups: dict[object, list[GridCell]] = {}
        for cell, place in self.places.items():
            if place.values is not None:
                groups.setdefault({"row": cell.row, "all": 0}.get(self.state.share, cell), []).append(cell)
        return list(groups.values())


def _group_limit(maps: Sequence[tuple[NDArray[np.float32], Key]], look: Look) -> float:
    whole = ("limit", look.range, *(key for _, key in maps))
    found = _facts.get_or_make(whole, lambda: {"limit": service.limit_of([values for values, _ in maps], look)})
    return found["limit"]


def map_facts(maps: Maps) -> Facts:
    """Facts of one map alone."""
    values = maps.maps[0]
    return {
        "sum": float(maps.total[0]),
        "conservation": metrics.conservation(
            float(maps.total[0]), float(maps.total[-1]), float(maps.positive[-1] - maps.negative[-1])
        ),
        "gini": metrics.gini(values),
        "positive_share": metrics.positive_share(values),
        "entropy": metrics.entropy(values),
    }


def similarities(values: NDArray[np.float32], first: NDArray[np.float32]) -> Facts:
    """How alike a map and the first column's are."""
    return {
        "pearson": metrics.pearson(values, first),
        "spearman": metrics.spearman(values, first),
        "ssim": metrics.ssim(values, first),
    }


def scaled_pair(grid: Grid, one: GridCell, other: GridCell, scaled: bool) -> tuple[NDArray[np.float64], ...]:
    """The maps of two cells; empty while either is missing.

    Parameters
    ----------
    scaled : bool
        Divide each by its sum of absolute relevance, so that only the places of relevance count.
    """
    found = []
    for cell in (one, other):
        values = grid.places[cell].values if cell in grid.places else None
        if values is None:
            return ()
        exact = np.asarray(values, dtype=np.float64)
        found.append(exact / (np.abs(exact).sum() or 1.0) if scaled else exact)
    return tuple(found)


def difference(grid: Grid, one: GridCell, other: GridCell, scaled: bool) -> NDArray[np.float64] | None:
    """Map of one cell minus the map of another, see `scaled_pair`; None while either is missing."""
    maps = scaled_pair(grid, one, other, scaled)
    return maps[0] - maps[1] if maps else None
