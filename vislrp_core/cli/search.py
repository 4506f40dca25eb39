"""``search IMAGE|FOLDER ... --out DIR``: a composite is searched for, and held-out pictures decide; resumable."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vislrp_core import __version__, flipping
from vislrp_core.cli import common, measured_runs, measuring
from vislrp_core.cli.explain import make_folder
from vislrp_core.cli.measured_runs import RECORD
from vislrp_core.cli.pictures import find_images, printable
from vislrp_core.cli.progress import ProgressLine
from vislrp_core.errors import InputError
from vislrp_core.experiments import Record, Workspace
from vislrp_core.experiments.ray_pool import StandingRay
from vislrp_core.experiments.run import Pool
from vislrp_core.measures import MEASURES, Settings
from vislrp_core.measures.boxes import boxes_of
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.network import Network, class_index
from vislrp_core.search import study
from vislrp_core.search.presets import default_space
from vislrp_core.search.report import COLUMNS, Report, report
from vislrp_core.search.run import STORE_BYTES, Search, first_models
from vislrp_core.search.space import Space
from vislrp_core.search.trials import OBJECTIVES, ONE_MODEL, SearchPicture, SearchPlan, Trial, split
from vislrp_core.store import RelevanceStore

TRIALS = 60
FRONT = "front"
NUMBERED = re.compile(r"\d{2,}\.json(\.part)?")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("search", help="let a composite be found", allow_abbrev=False)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of pictures")
    parser.add_argument(
        "--objectives",
        type=common.some_of(OBJECTIVES, as_known=False),
        default=("srg",),
        metavar="srg,...",
        help=f"some of {', '.join(OBJECTIVES)} (srg); the first one orders the results",
    )
    parser.add_argument(
        "--space", metavar="FILE.json", help="what may be chosen (docs/search.md); a space for each architecture is built in"
    )
    parser.add_argument(
        "--trials",
        type=common.positive,
        default=TRIALS,
        metavar="N",
        help=f"models that are tried, ready-made ones first ({TRIALS})",
    )
    parser.add_argument(
        "--holdout",
        type=share,
        default=0.5,
        metavar="SHARE",
        help="share of the pictures that decide in the end and that no trial sees (0.5)",
    )
    measured_runs.add_arguments(parser)
    parser.set_defaults(run=run)


def share(text: str) -> float:
    """Argument type: a number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f'must be a number between 0 and 1, both excluded, got "{text[:40]}"')
    return number


def run(options: argparse.Namespace) -> None:
    """Write trials.csv, front/NN.json, report.csv, report.md, study.journal, skipped.csv and run.json; print the result."""
    measured_runs.check_workers(options)
    study.require()
    paths = find_images(options.images)
    space = Space.load(options.space) if options.space else None
    if space is not None and not space.varies:
        raise InputError(f"{options.space}: {ONE_MODEL}")
    flipping.order_of(None, options.patch, "random", 0)  # a patch that cannot be is refused before anything is loaded
    found = once(measuring.readable(paths, options.fit))
    try:
        searched, held = split(samples_of(options, found), options.holdout, options.seed)
    except InputError as error:
        left = "; ".join(f"{path} is left out: {reason}" for path, reason in found.skipped[:1])
        raise InputError(f"{error} ({left})" if left else str(error)) from None
    settings = Settings(options.target, options.seed, options.patch, options.steps, options.fill)
    if space is not None:
        plan_of(options, searched, held, space, settings)  # refused before the network is loaded
    network = common.open_network(options)
    if options.target != "top":
        class_index(network, options.target)
    ready = ready_of(Path(options.out), options.trials)
    plan = plan_of(options, searched, held, space or default_space(network.architecture), settings, ready)
    plan.space.require(network.architecture)
    folder = make_folder(options.out)
    if (folder / FRONT).exists() and not (folder / FRONT).is_dir():
        raise InputError(
            f"{folder / FRONT}: is a file, and the models found go into a folder of that name: choose another --out"
        )
    measuring.begin_folder(folder, stated(options, network, plan, found.skipped), versions(network))
    measuring.replace_file(folder / "skipped.csv", measuring.table(("image", "reason"), found.skipped))
    with Record(folder / RECORD) as record, workers(options, network) as (pool, lanes):
        files = Files(folder, plan)
        progress = ProgressLine("Tried") if sys.stderr.isatty() else None
        workspace = Workspace(network, batch=options.batch, store=RelevanceStore(STORE_BYTES))
        search = Search(network, plan, workspace=workspace, record=record, pool=pool, lanes=lanes, progress=progress)
        for _ in search.run():
            files.trials(search.trials)
        result = report(network, plan, search.trials, workspace=workspace, record=record, pool=pool)
        if progress is not None:
            progress.end()
        files.result(network, search, result)
    tell(options, network, plan, search, result, folder)


def once(found: measuring.Readable) -> measuring.Readable:
    """Pictures without those that are there under another name: one of the two could be searched on, the other held out."""
    first: dict[str, str] = {}
    kept, again = [], []
    for picture, size in zip(found.pictures, found.sizes, strict=True):
        if (known := first.setdefault(picture.digest, picture.path)) == picture.path:
            kept.append((picture, size))
        else:
            again.append((printable(picture.path), f"is the same picture as {printable(known)}"))
    pictures, sizes = zip(*kept, strict=True)
    return measuring.Readable(pictures, sizes, (*found.skipped, *again))


def samples_of(options: argparse.Namespace, found: measuring.Readable) -> list[SearchPicture]:
    """Pictures with their boxes; where boxes are given, the pictures that have some."""
    needed = [key for key in options.objectives if key in NEED_BOXES]
    boxes = measured_runs.boxes_for(options, options.objectives, [one.path for one in found.pictures])
    samples = [
        SearchPicture(picture, boxes_of(picture.path, boxes), size)
        for picture, size in zip(found.pictures, found.sizes, strict=True)
    ]
    if needed and not any(one.boxes for one in samples):
        raise measured_runs.names_none(options)
    return [one for one in samples if one.boxes] if needed else samples


def plan_of(
    options: argparse.Namespace,
    searched: Sequence[SearchPicture],
    held: Sequence[SearchPicture],
    space: Space,
    settings: Settings,
    ready: int | None = None,
) -> SearchPlan:
    """What the arguments ask for."""
    return SearchPlan(
        tuple(searched), tuple(held), options.objectives, space, options.trials, options.seed, settings, ready=ready
    )


def ready_of(folder: Path, trials: int) -> int | None:
    """With how many ready-made models the folder's search began: with more trials it goes on from there, not anew."""
    try:
        ready = json.loads((folder / measuring.SETTINGS).read_text(encoding="utf-8"))["settings"]["ready"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a new folder, or a damaged one, which `begin_folder` refuses
    return ready if isinstance(ready, int) and not isinstance(ready, bool) and 0 <= ready <= trials // 2 else None


def stated(
    options: argparse.Namespace, network: Network, plan: SearchPlan, skipped: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """What decides every trial: not how many there are, so that a search can be given more, but how many are ready-made."""
    boxes = hashlib.sha256(Path(options.boxes).read_bytes()).hexdigest() if options.boxes else None
    return {
        **asdict(plan.settings),
        "fit": options.fit,
        "objectives": list(plan.objectives),
        "holdout": options.holdout,
        "search": [[printable(one.picture.path), one.picture.digest] for one in plan.search],
        "held_out": [[printable(one.picture.path), one.picture.digest] for one in plan.held_out],
        "skipped": [path for path, _ in skipped],
        "boxes": boxes,
        "ready": len(first_models(plan)),
        "space": plan.space.to_data(),
        "network": measuring.stated_network(network),
    }


def versions(network: Network) -> dict[str, Any]:
    """What a result may need to be repeated."""
    return {
        "vislrp": __version__,
        "network": common.network_details(network),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "optuna": study.require().__version__,
    }


@contextmanager
def workers(options: argparse.Namespace, network: Network) -> Iterator[tuple[Pool | None, int]]:
    """Workers for the whole search, and how many."""
    pool = measured_runs.pool_of(options, network, STORE_BYTES)
    if pool is None:
        yield None, 1
        return
    with pool.standing() as standing:
        yield standing, standing.cores if isinstance(standing, StandingRay) else options.workers


@dataclass(frozen=True)
class Files:
    """The files of a search."""

    folder: Path
    plan: SearchPlan

    def trials(self, trials: Sequence[Trial]) -> None:
        """trials.csv so far."""
        columns = ("trial", "state", *self.plan.objectives, "seconds", "model")
        rows = [one.row(len(self.plan.objectives)) for one in trials]
        measuring.replace_file(self.folder / "trials.csv", measuring.table(columns, rows))

    def result(self, network: Network, search: Search, result: Report) -> None:
        """All others."""
        plan, folder = self.plan, self.folder
        self.trials(search.trials)
        (folder / FRONT).mkdir(exist_ok=True)
        for path in (folder / FRONT).iterdir():
            if NUMBERED.fullmatch(path.name):  # a model of before; what else somebody keeps there is left alone
                path.unlink()
        for place, trial in enumerate(result.front, start=1):
            model = trial.model
            if not trial.ready:
                model = model.model_copy(update={"description": described(network, plan, result, trial)})
            measuring.replace_file(folder / FRONT / f"{place:02d}.json", model.to_json().encode())
        rows = result.rows(plan.objectives, plan.settings.seed)
        measuring.replace_file(folder / "report.csv", measuring.table(COLUMNS, rows))
        measuring.replace_file(folder / "report.md", in_words(network, plan, search, result).encode())
        search.study.save(folder / "study.journal")
        stated = json.loads((folder / measuring.SETTINGS).read_text(encoding="utf-8"))
        stated |= {"trials": plan.trials, "conclusion": [one.sentence for one in result.conclusions]}
        measuring.replace_file(folder / measuring.SETTINGS, (json.dumps(stated, indent=1) + "\n").encode())


def described(network: Network, plan: SearchPlan, result: Report, trial: Trial) -> str:
    """Where a found model comes from, with its held-out means."""
    parts = []
    for objective in plan.objectives:
        own = list(result.values.get((trial.model.key, objective), {}).values())
        if own:
            parts.append(f"{MEASURES[objective].title} {sum(own) / len(own):.4f}")
    measured = f"; {', '.join(parts)} on {len(plan.held_out)} held-out pictures" if parts else ""
    return (
        f"Found by search: trial {trial.number} of {plan.trials}, seed {plan.seed}, {len(plan.search)} search pictures, "
        f"{network.title}{measured}."
    )


def in_words(network: Network, plan: SearchPlan, search: Search, result: Report) -> str:
    """The content of report.md."""
    states = Counter(one.state for one in search.trials)
    told = ", ".join(f"{states[state]} {state}" for state in ("complete", "pruned", "screened", "failed") if states[state])
    lines = [
        "# Search",
        "",
        f"{network.title}; {plan.trials} trials ({told}) on {len(plan.search)} search pictures, seed "
        f"{plan.seed}. All values below are from {len(plan.held_out)} held-out pictures.",
        "",
    ]
    lines += [f"- {one.sentence}" for one in result.conclusions]
    lines += [
        "",
        "| model | kind | objective | mean | 95 % interval | gain over the best ready-made model |",
        "|---|---|---|---|---|---|",
    ]
    for name, kind, file, objective, _, mean, low, high, *gain in result.rows(plan.objectives, plan.settings.seed):
        where = f"{name} (`{file}`)" if file else name
        values = [
            "-" if mean is None else f"{mean:.4f}",
            "-" if low is None else f"{low:.4f} to {high:.4f}",
            "-" if gain[0] is None else f"{gain[0]:+.4f} ({gain[1]:+.4f} to {gain[2]:+.4f})",
        ]
        lines.append(f"| {' | '.join([where.replace('|', '/'), kind, objective, *values])} |")
    if importance := search.study.importance():
        lines += [
            "",
            f"What matters for {MEASURES[plan.objectives[0]].title} (PED-ANOVA over complete trials): "
            + ", ".join(f"{name} {value:.0%}" for name, value in importance.items())
            + ".",
        ]
    return "\n".join(lines) + "\n"


def tell(
    options: argparse.Namespace, network: Network, plan: SearchPlan, search: Search, result: Report, folder: Path
) -> None:
    """The result on stdout."""
    rows = result.rows(plan.objectives, plan.settings.seed)
    if options.json:
        print(
            common.dump_json(
                {
                    "network": common.network_record(network),
                    "conclusion": [one.sentence for one in result.conclusions],
                    "states": dict(Counter(one.state for one in search.trials)),
                    "report": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
                }
            )
        )
        return
    print(f"{network.title}; seed {options.seed}; {len(plan.search)} search pictures, {len(plan.held_out)} held out")
    common.print_table(
        ["model", "kind", "file", "objective", "mean", "low", "high"],
        [[*map(str, row[:4]), *("-" if value is None else f"{value:.4g}" for value in row[5:8])] for row in rows],
    )
    for one in result.conclusions:
        print(one.sentence)
    print(f"Written to {folder}: trials.csv, front/, report.csv, report.md, run.json, study.journal, skipped.csv")
