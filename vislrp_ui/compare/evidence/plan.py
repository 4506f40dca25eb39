"""What is to be measured: pictures, models, measures, and the tasks that follow; nothing here draws or computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.experiments import Explainer, Picture
from vislrp_core.experiments.run import record_key
from vislrp_core.images import RESIZED, SIDE
from vislrp_core.measures import Box, Measured, MeasureTask, Settings
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.measures.mosaic import mosaics_with
from vislrp_core.network import Network
from vislrp_ui.caches import ByteCache, allotted
from vislrp_ui.evidence import Evidence
from vislrp_ui.state import ImageRef
from vislrp_ui.uploads import Upload

FLIPPING = ("srg", "aopc", "abpc")
COST = {"flipping": 12.0, "class_cosine": 3.0, "top_randomised": 0.7, "mosaic": 2.5, "sensitivity": 7.0, "faithfulness": 0.2}
"""Of a model on a picture, in maps (one forward pass and one propagation); measures not named need the map alone."""
SHARED = {"faithfulness": 40.0, "sensitivity": 8.0, "mosaic": 2.5}
"""Of a picture, whatever the number of models."""
BASELINE = {"smoothgrad": 25.0, "integrated_gradients": 50.0}
"""How many gradients the map of a baseline takes."""

values: ByteCache[dict[str, Any]] = ByteCache(allotted("evidence"), lambda packed: 300)
"""Measured values of all sessions, by everything that they depend on."""


@dataclass(frozen=True, eq=False)
class EvidenceSubject:
    """A picture and the class that is explained.

    Attributes
    ----------
    title : str
        Its name in tables, unlike all others of a plan.
    target : str
        As `Settings` takes it.
    row : int or None
        The row of the grid that it is.
    ref : ImageRef or None
        As pages name it; None for a picture of an own set.
    upload : Upload or None
        That picture.
    """

    title: str
    picture: Picture
    target: str = "top"
    row: int | None = None
    ref: ImageRef | None = None
    upload: Upload | None = None


Key = tuple[str, str, str]
"""Subject, model, measure."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A table that is to be filled.

    Attributes
    ----------
    models : mapping
        Models and baselines by the names that tables show.
    shown : Evidence
        What was asked for.
    """

    network: Network
    subjects: tuple[EvidenceSubject, ...]
    models: Mapping[str, Explainer]
    shown: Evidence
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Measures that can be computed of these pictures."""
        mosaic = len(self.pictures) >= 4
        return tuple(key for key in self.shown.measured() if key != "mosaic" or mosaic)

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """Each picture once: two rows may show one."""
        return tuple(dict.fromkeys(one.picture for one in self.subjects))

    def mosaics(self, picture: Picture) -> tuple[tuple[Picture, ...], ...]:
        """The four mosaics that show a picture, in the order of its quadrants."""
        return tuple(mosaics_with(self.pictures, self.pictures.index(picture)))

    @cached_property
    def tasks(self) -> dict[Key, MeasureTask]:
        """All tasks, those of a picture together."""
        found: dict[Key, MeasureTask] = {}
        for one in self.subjects:
            box = self.shown.box_of(one.row) if one.row is not None else None
            boxes, size = ((), (0, 0)) if box is None else as_seen(box.box, one.picture.fit)
            mosaics = self.mosaics(one.picture) if "mosaic" in self.metrics else ()
            settings = replace(self.settings, target=one.target)
            for name, model in self.models.items():
                for metric in self.metrics:
                    if metric in NEED_BOXES and not boxes:
                        continue
                    found[one.title, name, metric] = MeasureTask(
                        one.picture,
                        model,
                        metric,
                        settings,
                        boxes if metric in NEED_BOXES else (),
                        size if metric in NEED_BOXES else (0, 0),
                        mosaics if metric == "mosaic" else (),
                    )
        return found

    @cached_property
    def keys(self) -> dict[Key, str]:
        """Names of the results."""
        return {key: record_key(self.network, task) for key, task in self.tasks.items()}

    def known(self) -> dict[Key, Measured]:
        """What is measured, values that are not defined among it."""
        return {
            key: self.tasks[key].unpack(packed)
            for key, name in self.keys.items()
            if (packed := values.get(name)) is not None
        }

    def missing(self, metrics: Sequence[str] | None = None) -> dict[Key, MeasureTask]:
        """Tasks without a result."""
        return {
            key: task
            for key, task in self.tasks.items()
            if (metrics is None or key[2] in metrics) and values.get(self.keys[key]) is None
        }

    def table(self, metric: str, known: Mapping[Key, Measured]) -> dict[str, dict[str, float]]:
        """Defined values of a measure by model and subject."""
        found: dict[str, dict[str, float]] = {name: {} for name in self.models}
        for (subject, model, key), one in known.items():
            if key == metric and math.isfinite(one.value):
                found[model][subject] = one.value
        return found

    def subject(self, title: str) -> EvidenceSubject:
        """A subject by its title (KeyError if there is none)."""
        return {one.title: one for one in self.subjects}[title]


def as_seen(box: Box, fit: str) -> tuple[tuple[Box, ...], tuple[int, int]]:
    """A box of the network's view as boxes of a picture whose view is that: the size of such a picture beside it."""
    margin, side = ((RESIZED - SIDE) // 2, RESIZED) if fit == "crop" else (0, SIDE)
    return (Box(box.x0 + margin, box.y0 + margin, box.x1 + margin, box.y1 + margin),), (side, side)


def cost(tasks: Mapping[Key, MeasureTask]) -> dict[Key, float]:
    """What each task takes, in maps of an LRP model: what several share is put on the first of them."""
    found: dict[Key, float] = {}
    mapped: set[tuple[str, str]] = set()
    flipped: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    for (subject, name, metric), task in tasks.items():
        times = BASELINE.get(task.model.method, 1.0) if isinstance(task.model, Baseline) else 1.0
        own = COST["flipping"] if metric in FLIPPING and (subject, name) not in flipped else 0.0
        own += times * (COST.get(metric, 0.0) if metric not in FLIPPING else 0.0)
        own += times * ((subject, name) not in mapped) + SHARED.get(metric, 0.0) * ((subject, metric) not in seen)
        mapped.add((subject, name))
        flipped |= {(subject, name)} if metric in FLIPPING else set()
        seen.add((subject, metric))
        found[subject, name, metric] = max(own, 0.05)
    return found


def explainers(models: Sequence[tuple[str, Explainer]], baselines: Sequence[str]) -> dict[str, Explainer]:
    """Models and baselines by names that differ."""
    found: dict[str, Explainer] = {}
    for name, model in [*models, *((METHODS[key].title, Baseline(key)) for key in baselines)]:
        shown, number = name, 1
        while shown in found:
            number += 1
            shown = f"{name} ({number})"
        found[shown] = model
    return found


def unlike(titles: Sequence[str]) -> list[str]:
    """Titles that differ: equal ones get a number."""
    found: list[str] = []
    for title in titles:
        shown, number = title, 1
        while shown in found:
            number += 1
            shown = f"{title} ({number})"
        found.append(shown)
    return found
