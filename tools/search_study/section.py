"""What a study found, as a section of docs/search.md: every number and every sentence follows from the searches."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from tools.search_study.runs import Run, gain_of, title
from tools.search_study.ship import seeds_of
from vislrp_core.architecture import Block
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.model import LRPModel, Segment
from vislrp_core.search.report import Gain
from vislrp_core.search.trials import Trial
from vislrp_ui.components.comparegrid import rule_name

WORTHWHILE = 0.01
"""A gain that one would like to see."""
CONVENTIONS = {"pixel_rule": "pixel rule", "pooling": "pooling", "bias": "bias"}


def section(runs: Sequence[Run], files: Mapping[int, str], further: Sequence[str] = ()) -> list[str]:
    """Its lines.

    Parameters
    ----------
    runs : sequence of Run
        In the order of their seeds.
    files : mapping
        Path of the model that each seed found, in the repository.
    further : sequence of str
        Lines about further pictures, see `measured`.
    """
    return [
        "## A study on the sample photographs",
        "",
        *_what(runs),
        "",
        *_results(runs),
        "",
        "### What the found models have in common",
        "",
        *_common([run.found.model for run in runs], [f"seed {run.plan.seed}" for run in runs]),
        "",
        "### On other pictures, and on the full VGG16",
        "",
        *_elsewhere(runs, files, further),
    ]


def _what(runs: Sequence[Run]) -> list[str]:
    plan, settings = runs[0].plan, runs[0].stated["settings"]
    seeds = " ".join(str(run.plan.seed) for run in runs)
    trials = _one([run.plan.trials for run in runs])
    search, held = (_one([len(getattr(run.plan, half)) for run in runs]) for half in ("search", "held_out"))
    network = runs[0].stated["versions"]["network"]["title"]
    objectives = "" if plan.objectives == ("srg",) else f" --objectives {','.join(plan.objectives)}"
    return [
        f"{len(runs)} searches with different seeds, {network}: {trials} trials each, {settings['ready']} of them "
        f"ready-made models; {search} pictures to search on and {held} put aside, other halves for each seed; "
        f"{title(runs[0])} with squares of "
        f"{plan.settings.patch} pixels and {plan.settings.steps} steps. Each model is in the app's list of examples "
        "as *Found by search*, and the report that made it is in `model_store/found_by_search`. Searches leave these "
        "models out of what has to be beaten, because they were chosen on some of the same pictures. To repeat all of it:",
        "",
        "```bash",
        f"for seed in {seeds}; do",
        f"  vislrp search sample_images --network {settings['network']['name']}{objectives} --trials {trials} --seed $seed "
        "--out study/$seed",
        "done",
        f"python -m tools.search_study {' '.join(f'study/{run.plan.seed}' for run in runs)}",
        "```",
    ]


def _results(runs: Sequence[Run]) -> list[str]:
    name = title(runs[0])
    lines = [
        f"| seed | found | best ready-made | {name} found | {name} ready-made | gain, paired 95 % interval | trials "
        "| measured in |",
        "|---|---|---|---:|---:|---|---|---:|",
    ]
    for run in runs:
        states = Counter(one.state for one in run.trials)
        told = ", ".join(f"{states[one]} {one}" for one in ("complete", "pruned", "screened", "failed") if states[one])
        found, ready = (float(np.mean(list(run.held_out(one).values()))) for one in (run.found, run.ready))
        lines.append(
            f"| {run.plan.seed} | trial {run.found.number} | {run.ready.model.name} | {_number(found)} | {_number(ready)} | "
            f"{_gain(run.gain)} | {told} | {run.seconds / 60:.0f} min |"
        )
    found, ready = (_mean(runs, which) for which in ("found", "ready"))
    gain = gain_of([run.gaps() for run in runs])
    lines.append(f"| mean | | | {_number(found)} | {_number(ready)} | {_gain(gain)} | | |")
    return [
        "All values are from pictures that the search in question never saw; the best ready-made model was chosen on the "
        "same search pictures as the found one. The interval of the mean draws whole pictures, since some are held out by "
        "several seeds. Time is that of all measurements added up, the comparison on the held-out pictures included.",
        "",
        *lines,
        "",
        _verdict(runs, gain),
        "",
        _optimism(runs),
        "",
        _why(runs),
    ]


def _mean(runs: Sequence[Run], which: str) -> float:
    return float(np.mean([np.mean(list(run.held_out(getattr(run, which)).values())) for run in runs]))


def _verdict(runs: Sequence[Run], gain: Gain) -> str:
    name = title(runs[0])
    if gain.mean >= 0:
        begin = (
            f"Over the {len(runs)} seeds the found models are {gain.mean:.4f} {name} better than the best ready-made ones"
        )
    else:
        begin = (
            f"Over the {len(runs)} seeds the found models are {-gain.mean:.4f} {name} worse than the best ready-made ones"
        )
    if gain.low > 0:
        end = ", and the interval leaves 0: searching paid."
    elif gain.high < 0:
        end = ", and the interval leaves 0: searching found nothing better."
    else:
        end = ", and the interval holds 0: on these pictures neither is shown to be better."
    better = sum(run.gain.low > 0 for run in runs)
    return f"{begin}{end} Taken alone, the interval of {better} of {len(runs)} searches lies above 0."


def _optimism(runs: Sequence[Run]) -> str:
    seen = [run.ahead() for run in runs]
    held = [run.gain.mean for run in runs]
    pairs = "; ".join(
        f"seed {run.plan.seed} {_signed(one)} there, {_signed(other)} held out"
        for run, one, other in zip(runs, seen, held, strict=True)
    )
    return (
        "What is best of many on the search pictures is partly luck. The same gain on the pictures that were searched on: "
        f"{pairs}."
    )


def _why(runs: Sequence[Run]) -> str:
    """What keeps a search from finding more: the space, chance, or too few pictures."""
    within = [run for run in runs if run.plan.space.coordinates(run.ready.model) is not None]
    if len(within) == len(runs):
        inside = "The space is no obstacle: it holds every best ready-made model, and the search begins with them."
    elif within:
        inside = (
            f"The space holds the best ready-made model of {seeds_of(within)}, with which those searches begin, and not "
            "that of the others."
        )
    else:
        inside = "The space holds none of the best ready-made models: a search that only comes close to them is behind."
    spreads = [spread for run in runs if (spread := run.spread()) > 0]
    if not spreads:
        return inside
    spread, pictures = float(np.mean(spreads)), float(np.mean([len(run.plan.search) for run in runs]))
    tried, error = round(float(np.mean([run.tried() for run in runs]))), spread / pictures**0.5
    luck, ahead = best_of(tried) * error, float(np.mean([run.ahead() for run in runs]))
    compared = (
        "all that the searches saw there may be luck"
        if ahead <= luck
        else "what the searches saw there is more than luck explains"
    )
    needed = math.ceil((1.96 * spread / WORTHWHILE) ** 2)
    return (
        f"{inside} Chance is one: from picture to picture the gain varies by {spread:.3f} (standard deviation), so its mean "
        f"over {pictures:.0f} pictures is off by {error:.3f}, and the best of {tried} models without any gain would seem up "
        f"to {luck:.3f} better on the search pictures (expected largest of as many independent normal errors). The mean "
        f"gain there is {ahead:.3f}: {compared}. And pictures are few: for a gain of {WORTHWHILE} to leave 0, it takes "
        f"about {needed} held-out ones."
    )


def best_of(count: int) -> float:
    """Expected largest of some independent standard normal values (Blom's quantile, right within two hundredths)."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if count > 1 else 0.0


# --- what they have in common -------------------------------------------------------------------------------------------


def _common(models: Sequence[LRPModel], names: Sequence[str]) -> list[str]:
    plan = models[0].plan
    blocks = [block for block in plan.blocks if any(block.first <= k <= block.last for k in plan.weighted)]
    rows = {block.title: [rules_of(model, block.first, block.last) for model in models] for block in blocks}
    rows["borders after"] = [", ".join(plan.name(one.last) for one in model.segments[:-1]) or "none" for model in models]
    rows |= {told: [getattr(model, field).replace("_", " ") for model in models] for field, told in CONVENTIONS.items()}
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    lines += [f"| {row} | {' | '.join(cells)} |" for row, cells in rows.items()]
    return [*lines, "", _shared(models, blocks)]


def rules_of(model: LRPModel, first: int, last: int) -> str:
    """Rules of the weighted layers of a block, from below; where there are several, with the layer at which each ends."""
    runs: list[tuple[str, int]] = []
    for k in (k for k in model.plan.weighted if first <= k <= last):
        name = _named(_segment(model, k))
        runs = [*(runs[:-1] if runs and runs[-1][0] == name else runs), (name, k)]
    if len(runs) == 1:
        return runs[0][0]
    return ", ".join(f"{name} to {model.plan.name(k)}" for name, k in runs)


def _segment(model: LRPModel, layer: int) -> Segment:
    return next(one for one in model.segments if one.first <= layer <= one.last)


def _named(segment: Segment) -> str:
    rule = segment.rule
    return rule_name(segment) + (" relative" if rule.epsilon and rule.epsilon_scale == "relative" else "")


def _shared(models: Sequence[LRPModel], blocks: Sequence[Block]) -> str:
    """What is the same in all models, in words."""
    plan, all_of = models[0].plan, f"all {len(models)}" if len(models) > 2 else "both"
    equal: list[str] = []
    for block in blocks:
        own = [k for k in plan.weighted if block.first <= k <= block.last]
        kinds = [{_segment(model, k).rule.title for k in own} for model in models]
        if len(set.union(*kinds)) == 1:
            equal.append(f"{next(iter(kinds[0]))} in {block.title[:1].lower() + block.title[1:]}")
    for field, told in CONVENTIONS.items():
        values = {getattr(model, field) for model in models}
        if len(values) == 1:
            equal.append(f"{told} {values.pop().replace('_', ' ')}")
    if not equal:
        return f"No block has the same rule in {all_of}, and no convention is the same."
    return f"The same in {all_of}, whatever the parameters: {', '.join(equal)}."


# --- other pictures, other weights --------------------------------------------------------------------------------------


def _elsewhere(runs: Sequence[Run], files: Mapping[int, str], further: Sequence[str]) -> list[str]:
    held = len({one.picture.digest for run in runs for one in run.plan.held_out})
    models = " ".join(f"--model {files[run.plan.seed]}" for run in runs)
    ready = " ".join(f"--model {word}" for word in dict.fromkeys(_word(run.ready) for run in runs))
    return [
        f"The other pictures are the {held} that were put aside by one seed or another: each found model was measured on "
        "pictures that played no part in its choice, and the first table says how it does there.",
        *(["", *further] if further else []),
        "",
        "Whether the models carry over to torchvision's VGG16 takes its weights (528 MB) and one command, which compares "
        "them with the ready-made ones that they had to beat here:",
        "",
        "```bash",
        f"vislrp measure sample_images --network imagenet --metrics {runs[0].plan.objectives[0]} --out full \\",
        f"  {models} \\",
        f"  {ready}",
        "```",
        "",
        "A search on that network is `vislrp search sample_images --network imagenet --out found_on_full`.",
    ]


def _word(trial: Trial) -> str:
    """How a command names a ready-made model: a composite's name, or its file in the model store."""
    for key in COMPOSITES:
        if composite(key, trial.model.architecture).key == trial.model.key:
            return key
    return f"model_store/{trial.model.name.lower().replace(' ', '_')}.json"


def measured(pictures: str, gaps: Sequence[dict[str, float]], runs: Sequence[Run]) -> list[str]:
    """Lines about further pictures.

    Parameters
    ----------
    pictures : str
        What they are, in words.
    gaps : sequence of dict
        For each run, by how much its found model is better than its ready-made one, by picture.
    """
    lines = [f"| seed | gain on {pictures}, paired 95 % interval |", "|---|---|"]
    lines += [f"| {run.plan.seed} | {_gain(gain_of([one]))} |" for run, one in zip(runs, gaps, strict=True)]
    return [*lines, f"| mean | {_gain(gain_of(gaps))} |"]


def _one(values: Sequence[int]) -> str:
    return " or ".join(str(value) for value in sorted(set(values)))


def _number(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _gain(gain: Gain) -> str:
    return f"{_signed(gain.mean)} ({_signed(gain.low)} to {_signed(gain.high)})"
