"""Searches with several seeds as one study.

    for seed in 0 1 2; do vislrp search sample_images --network embedded --seed $seed --out study/$seed; done
    python -m tools.search_study study/0 study/1 study/2
    python -m tools.search_study study/0 study/1 study/2 --pictures FOLDER     # and measure the models on further pictures

Writes model_store/found_by_search_SEED.json, model_store/found_by_search/seed_SEED, and the parts of docs/search.md and
model_store/README.md between the marks ``study``. Without ``--pictures`` nothing is measured.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.search_study import section as text
from tools.search_study.runs import Run, read, together
from tools.search_study.ship import about, ship, write_between
from vislrp_core.cli.measuring import readable
from vislrp_core.cli.pictures import find_images
from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.experiments import Picture, Workspace, run_all
from vislrp_core.measures import MeasureTask
from vislrp_core.network import Network
from vislrp_core.networks import load_network

ROOT = Path(__file__).resolve().parents[2]


def gaps_on(runs: Sequence[Run], network: Network, pictures: Sequence[Picture]) -> list[dict[str, float]]:
    """For each search, by how much its found model is better than its ready-made one, by picture.

    Raises
    ------
    InputError
        A picture was searched on, so that it is no other picture.
    """
    seen = {one.picture.digest for run in runs for one in (*run.plan.search, *run.plan.held_out)}
    if known := [one.path for one in pictures if one.digest in seen]:
        raise InputError(f"{known[0]}: is a picture of the searches; give others")
    objective, settings = runs[0].plan.objectives[0], runs[0].plan.settings
    models = {trial.model.key: trial.model for run in runs for trial in (run.found, run.ready)}
    tasks = [MeasureTask(picture, model, objective, settings) for picture in pictures for model in models.values()]
    values: dict[tuple[str, str], float] = {}
    for outcome in run_all(network, tasks, workspace=Workspace(network)):
        if outcome.result is not None and math.isfinite(outcome.result.value):
            done = outcome.task
            values[done.model.key, done.picture.digest] = outcome.result.value  # type: ignore[attr-defined]
    sign = -1.0 if runs[0].plan.lower[0] else 1.0
    return [
        {
            one.digest: sign * (values[run.found.model.key, one.digest] - values[run.ready.model.key, one.digest])
            for one in pictures
            if all((trial.model.key, one.digest) in values for trial in (run.found, run.ready))
        }
        for run in runs
    ]


def study(folders: Sequence[Path], network: str, pictures: Sequence[str], root: Path) -> None:
    """Write all of it (VisLRPError: one sentence)."""
    loaded = load_network(network)
    runs = sorted((read(folder, loaded) for folder in folders), key=lambda run: run.plan.seed)
    together(runs)
    further: list[str] = []
    if pictures:
        found = readable(find_images(pictures), runs[0].stated["settings"]["fit"]).pictures
        further = text.measured(f"{len(found)} further pictures", gaps_on(runs, loaded, found), runs)
    files = ship(runs, root / "model_store")
    write_between(root / "model_store" / "README.md", about(runs), "## The embedded network")
    write_between(root / "docs" / "search.md", text.section(runs, files, further), "## Limits")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders of finished searches that differ in their seeds")
    parser.add_argument("--network", default="embedded", help="that they searched with (embedded)")
    parser.add_argument("--pictures", nargs="+", default=[], help="further pictures to measure the models on")
    options = parser.parse_args(arguments)
    try:
        study(options.folders, options.network, options.pictures, root)
    except VisLRPError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
