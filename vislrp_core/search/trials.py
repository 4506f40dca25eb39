"""Trials: what was measured of one model, which no other beats, and in which order they are cheap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from vislrp_core.compact import encode
from vislrp_core.errors import InputError
from vislrp_core.experiments import Explainer, Picture
from vislrp_core.measures import MEASURES, Box, MeasureTask, Settings
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.measures.mosaic import mosaics_with
from vislrp_core.model import LRPModel
from vislrp_core.search.space import CONVENTIONS, Space

OBJECTIVES = tuple(key for key, one in MEASURES.items() if one.better)
"""Measures that know which values are better."""
ONE_MODEL = "the space holds one model: let a border, a rule, a parameter or a convention vary"
State = Literal["complete", "pruned", "screened", "failed"]
Origin = Literal["example", "composite", "found"]


@dataclass(frozen=True)
class SearchPicture:
    """A picture with the boxes of its objects, if there are any, and its size in pixels."""

    picture: Picture
    boxes: tuple[Box, ...] = ()
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class SearchPlan:
    """What is searched: the same plan makes the same trials.

    Attributes
    ----------
    search, held_out : tuple of SearchPicture
        Pictures that trials are measured on, and those that decide in the end.
    objectives : tuple of str
        Keys of `OBJECTIVES`; the first one orders the results.
    space : Space
    trials : int
        Models that are tried, ready ones included.
    seed : int
        Of the suggestions.
    settings : Settings
        Of the measures.
    prunes, screens : bool
        Whether hopeless trials end after some pictures, or before an expensive measure.
    ready : int or None
        Ready-made models that come first, as in a search that goes on with more trials; None: half of all trials at most.
    """

    search: tuple[SearchPicture, ...]
    held_out: tuple[SearchPicture, ...]
    objectives: tuple[str, ...]
    space: Space
    trials: int = 60
    seed: int = 0
    settings: Settings = field(default_factory=Settings)
    prunes: bool = True
    screens: bool = True
    ready: int | None = None

    def __post_init__(self) -> None:
        if not self.objectives or not set(self.objectives) <= set(OBJECTIVES):
            raise InputError(
                f"objectives: must be some of {', '.join(OBJECTIVES)}, got {', '.join(self.objectives) or 'none'}"
            )
        if not self.space.varies:
            raise InputError(ONE_MODEL)
        for name, samples in (("searched on", self.search), ("held out", self.held_out)):
            if "mosaic" in self.objectives and len(samples) < 4:
                raise InputError(f"mosaic: needs at least 4 pictures, {len(samples)} are {name}")
            if set(NEED_BOXES) & set(self.objectives) and not all(one.boxes for one in samples):
                raise InputError("box_mass, pointing: every picture needs the box of its object")

    @property
    def lower(self) -> tuple[bool, ...]:
        """For each objective, whether low values are better."""
        return tuple(MEASURES[key].better == "low" for key in self.objectives)


@dataclass(frozen=True)
class Trial:
    """What became of one model.

    Attributes
    ----------
    number : int
        From 0.
    state : {"complete", "pruned", "screened", "failed"}
        Measured on all search pictures; ended after some of them; ended by the cheap measures; without a finite map.
    kind : {"example", "composite", "found"}
    values : tuple of float
        Means over the search pictures, one for each objective; empty unless complete.
    seconds : float
        That its measurements took; of one that was tried before, those of that time.
    reason : str
        Why it failed.
    """

    number: int
    state: State
    model: LRPModel
    kind: Origin
    values: tuple[float, ...] = ()
    seconds: float = 0.0
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether it is a ready-made model."""
        return self.kind != "found"

    def row(self, objectives: int) -> list[Any]:
        """A row of trials.csv."""
        return [self.number, self.state, *(self.values or [None] * objectives), round(self.seconds, 3), encode(self.model)]


Pictures = tuple[SearchPicture, ...]


def split(pictures: Sequence[SearchPicture], holdout: float, seed: int) -> tuple[Pictures, Pictures]:
    """Pictures to search on, and those held out: by the names of the files, so that no order of arguments changes it.

    Raises
    ------
    InputError
        One of the two would be empty, or a picture could be in both.
    """
    known: dict[str, str] = {}
    for one in pictures:
        other = known.setdefault(one.picture.digest, one.picture.path)
        if other != one.picture.path:
            raise InputError(f"{other} and {one.picture.path} are the same picture: leave one out")
    named = sorted(pictures, key=lambda one: (one.picture.path.replace("\\", "/").rsplit("/", 1)[-1], one.picture.path))
    held = round(holdout * len(named))
    if not 0 < held < len(named):
        raise InputError(
            f"holdout: {holdout:g} of {len(named)} picture{'s' * (len(named) != 1)} leaves {len(named) - held} to search on "
            f"and {held} to decide: both need at least one"
        )
    order = np.random.default_rng(seed).permutation(len(named))
    return tuple(named[k] for k in order[held:]), tuple(named[k] for k in order[:held])


def task(samples: Sequence[SearchPicture], place: int, model: Explainer, metric: str, settings: Settings) -> MeasureTask:
    """One measure of a model, or a baseline, on one of the pictures."""
    one = samples[place]
    boxed = metric in NEED_BOXES
    mosaics = tuple(mosaics_with([other.picture for other in samples], place)) if metric == "mosaic" else ()
    return MeasureTask(
        one.picture, model, metric, settings, one.boxes if boxed else (), one.size if boxed else (0, 0), mosaics
    )


def from_the_top(model: LRPModel) -> list[str]:
    """Sorts models so that those that share their upper segments stand together: their relevance is kept at the borders."""
    plan = model.plan
    return [
        *(getattr(model, name) for name in reversed(CONVENTIONS) if name != "pixel_rule"),
        *(model.rule_at(k).model_dump_json() for k in reversed(plan.weighted)),
    ]


def front(trials: Sequence[Trial], lower: Sequence[bool]) -> tuple[Trial, ...]:
    """Complete trials that no other beats in all objectives, each model once, the best of the first objective first."""
    done = list({one.model.key: one for one in reversed(trials) if one.state == "complete"}.values())[::-1]
    gains = {
        one.number: tuple(-value if low else value for value, low in zip(one.values, lower, strict=True)) for one in done
    }
    kept = [
        one
        for one in done
        if not any(all(a > b for a, b in zip(gains[other.number], gains[one.number], strict=True)) for other in done)
    ]
    return tuple(sorted(kept, key=lambda one: (tuple(-value for value in gains[one.number]), one.number)))


def best(trials: Sequence[Trial], objective: int, low: bool, *, ready: bool) -> Trial | None:
    """The complete ready-made or found model that is best on the search pictures; the first of equals."""
    done = [one for one in trials if one.state == "complete" and one.ready == ready]
    return min(done, key=lambda one: one.values[objective] * (1 if low else -1), default=None)
