"""What a search has found: models side by side on pictures that it never saw, and the result in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vislrp_core import flipping
from vislrp_core.experiments import Recorder, Workspace, run_all
from vislrp_core.experiments.run import Pool
from vislrp_core.measures import MEASURES
from vislrp_core.measures.summary import FEWEST
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.search.ready import ready_models
from vislrp_core.search.trials import SearchPlan, Trial, best, front, task

COLUMNS = ("model", "kind", "file", "objective", "images", "mean", "low", "high", "gain", "gain_low", "gain_high")
Values = Mapping[tuple[str, str], Mapping[str, float]]
"""Held-out values by the model's key and objective, each by picture."""


@dataclass(frozen=True)
class Candidate:
    """A model of the report.

    Attributes
    ----------
    kind : str
        ``found``, ``example`` or ``composite``.
    file : str
        Where it was written, such as ``front/01.json``; empty where it is not on the front.
    """

    model: LRPModel
    kind: str
    file: str = ""


@dataclass(frozen=True)
class Gain:
    """By how much one model is better than another on the held-out pictures: positive is better, whatever the measure.

    Attributes
    ----------
    mean, low, high : float
        Mean over pictures that both have a value for, and its 95 % interval (paired percentile bootstrap); NaN without any.
    """

    images: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Conclusion:
    """One objective: the best found model against the best ready-made one, both chosen on the search pictures.

    Attributes
    ----------
    found, ready : Trial or None
        None where no such model was measured in full.
    gain : Gain or None
    sentence : str
        The result in words.
    """

    objective: str
    found: Trial | None
    ready: Trial | None
    gain: Gain | None
    sentence: str


@dataclass(frozen=True)
class Report:
    """Held-out values of the front, the best found models, the examples and the composites."""

    candidates: tuple[Candidate, ...]
    values: Values
    conclusions: tuple[Conclusion, ...]
    front: tuple[Trial, ...]

    def rows(self, objectives: Sequence[str], seed: int) -> list[list[Any]]:
        """Rows of report.csv; a gain is against the best ready-made model."""
        found: list[list[Any]] = []
        for one in self.candidates:
            for objective, conclusion in zip(objectives, self.conclusions, strict=True):
                own = list(self.values.get((one.model.key, objective), {}).values())
                low, high = flipping.bootstrap(own, seed=seed) if own else (None, None)
                gained: list[float | None] = [None, None, None]
                if conclusion.ready is not None and conclusion.ready.model.key != one.model.key:
                    gain = gain_of(self.values, one.model, conclusion.ready.model, objective, seed)
                    gained = [gain.mean, gain.low, gain.high] if gain.images else gained
                found.append(
                    [
                        one.model.name,
                        one.kind,
                        one.file,
                        objective,
                        len(own),
                        float(np.mean(own)) if own else None,
                        low,
                        high,
                        *gained,
                    ]
                )
        return found


def gain_of(values: Values, one: LRPModel, other: LRPModel, objective: str, seed: int = 0) -> Gain:
    """By how much one model is better than another, picture by picture."""
    sign = -1.0 if MEASURES[objective].better == "low" else 1.0
    own, others = values.get((one.key, objective), {}), values.get((other.key, objective), {})
    gaps = [sign * (own[picture] - others[picture]) for picture in own if picture in others]
    if not gaps:
        return Gain(0, math.nan, math.nan, math.nan)
    low, high = flipping.bootstrap(gaps, seed=seed)
    return Gain(len(gaps), float(np.mean(gaps)), low, high)


def files_of(trials: Sequence[Trial], plan: SearchPlan) -> dict[int, str]:
    """File of each model of the front, by the number of its trial."""
    return {one.number: f"front/{place:02d}.json" for place, one in enumerate(front(trials, plan.lower), start=1)}


def candidates_of(trials: Sequence[Trial], plan: SearchPlan) -> tuple[Candidate, ...]:
    """Models to be compared on the held-out pictures, each once: the front, the best found ones, all ready-made ones."""
    files = files_of(trials, plan)
    chosen = list(front(trials, plan.lower))
    for place, low in enumerate(plan.lower):
        chosen += [one for one in [best(trials, place, low, ready=False)] if one is not None]
    found = [Candidate(one.model, one.kind, files.get(one.number, "")) for one in chosen]
    found += [Candidate(one.model, one.kind) for one in ready_models(plan.space.architecture)]
    return tuple({one.model.key: one for one in reversed(found)}.values())[::-1]


def report(
    network: Network,
    plan: SearchPlan,
    trials: Sequence[Trial],
    *,
    workspace: Workspace | None = None,
    record: Recorder | None = None,
    pool: Pool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure what was found, and what it has to beat, on the held-out pictures alone.

    Parameters
    ----------
    trials : sequence of Trial
        All of a search.
    workspace, record, pool, progress
        As for `experiments.run_all`.
    """
    candidates = candidates_of(trials, plan)
    tasks = [
        task(plan.held_out, place, one.model, objective, plan.settings)
        for place in range(len(plan.held_out))
        for one in candidates
        for objective in plan.objectives
    ]
    values: dict[tuple[str, str], dict[str, float]] = {}
    for outcome in run_all(network, tasks, workspace=workspace, record=record, pool=pool, progress=progress):
        done = outcome.task
        if outcome.result is not None and math.isfinite(outcome.result.value):
            values.setdefault((done.model.key, done.metric), {})[done.picture.path] = outcome.result.value  # type: ignore[attr-defined]
    conclusions = tuple(_conclude(trials, plan, values, place) for place in range(len(plan.objectives)))
    return Report(candidates, values, conclusions, front(trials, plan.lower))


def _conclude(trials: Sequence[Trial], plan: SearchPlan, values: Values, place: int) -> Conclusion:
    objective, low = plan.objectives[place], plan.lower[place]
    found, ready = (best(trials, place, low, ready=ready) for ready in (False, True))
    gain = gain_of(values, found.model, ready.model, objective, plan.settings.seed) if found and ready else None
    return Conclusion(objective, found, ready, gain, sentence(objective, found, ready, gain, values))


def sentence(objective: str, found: Trial | None, ready: Trial | None, gain: Gain | None, values: Values) -> str:
    """Whether the best found model beats the best ready-made one, by how much, and whether the interval leaves 0."""
    title = MEASURES[objective].title
    if found is None:
        return f"{title}: no found model was measured in full; give the search more trials."
    if ready is None:
        return f"{title}: no ready-made model was measured in full, so there is nothing to beat; give it more trials."
    names = f"{found.model.name} against {ready.model.name}, the best ready-made model on the search pictures"
    if gain is None or not gain.images:
        return f"{title}: {names}: they share no held-out picture with a value, so nothing is known."
    means = [float(np.mean(list(values[one.model.key, objective].values()))) for one in (found, ready)]
    pictures = "1 held-out picture" if gain.images == 1 else f"{gain.images} held-out pictures"
    interval = f"95 % interval of the paired difference {_signed(gain.low)} to {_signed(gain.high)}"
    begin = f"{title}: {names}: {means[0]:.4f} against {means[1]:.4f} on {pictures}, "
    way = "better" if gain.mean > 0 else "worse"
    by = f"{abs(gain.mean):.4f} {way}" if gain.mean else "no difference"
    if gain.images < FEWEST:
        return f"{begin}{by} ({interval}); with fewer than {FEWEST} pictures neither is called better."
    if gain.low > 0:
        return f"{begin}{by} ({interval}, which leaves 0): the found model beats it."
    if gain.high < 0:
        return f"{begin}{by} ({interval}, which leaves 0): the search found nothing that beats it."
    return f"{begin}{by} ({interval}, which holds 0): the found model is not shown to beat it."


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")
