"""What a study leaves in the repository: models for the app, the reports that made them, and text between marks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from tools.search_study.runs import Run
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.search.ready import FOUND

BEGIN, END = "<!-- study: begin -->", "<!-- study: end -->"
REPORTS = ("report.md", "report.csv", "trials.csv")


def name_of(run: Run) -> str:
    """Stem of the file of what a search found, and the end of its address."""
    return f"{FOUND}_{run.plan.seed}"


def ship(runs: Sequence[Run], store: Path) -> dict[int, str]:
    """Write the found models and their reports into a model store, in place of those of an earlier study.

    Returns
    -------
    dict
        Path of each model as the repository names it, by seed.
    """
    for old in store.glob(f"{FOUND}_*.json"):
        old.unlink()
    shutil.rmtree(store / FOUND, ignore_errors=True)
    for run in runs:
        name = name_of(run)
        (store / f"{name}.json").write_text(_model(run).to_json(), encoding="utf-8")
        folder = store / FOUND / f"seed_{run.plan.seed}"
        folder.mkdir(parents=True)
        shipped = run.front_file
        for file in REPORTS:
            text = (run.folder / file).read_bytes().replace(shipped.encode(), f"{name}.json".encode())
            (folder / file).write_bytes(text)
        (folder / "run.json").write_text(json.dumps(_without_folders(run), indent=1) + "\n", encoding="utf-8")
    return {run.plan.seed: f"model_store/{name_of(run)}.json" for run in runs}


def _model(run: Run) -> LRPModel:
    kept = LRPModel.load(run.folder / run.front_file)
    told = f"{kept.description} Its report: model_store/{FOUND}/seed_{run.plan.seed}."
    return kept.model_copy(update={"name": f"Found by search, seed {run.plan.seed}", "description": told})


def _without_folders(run: Run) -> dict[str, object]:
    """The settings with the names of the pictures alone: where they lay on a computer is nobody's business."""
    settings = dict(run.stated["settings"])
    for half in ("search", "held_out"):
        settings[half] = [[Path(path).name, digest] for path, digest in settings[half]]
    settings["skipped"] = [Path(path).name for path in settings["skipped"]]
    return {**run.stated, "settings": settings}


def write_between(document: Path, lines: Sequence[str], before: str) -> None:
    """Put lines between the marks of a document; where it has none, before a heading.

    Raises
    ------
    InputError
        The document has neither.
    """
    text = document.read_text(encoding="utf-8")
    block = "\n".join([BEGIN, *lines, END])
    if BEGIN in text and END in text:
        head, rest = text.split(BEGIN, 1)
        text = head + block + rest.split(END, 1)[1]
    elif f"\n{before}\n" in text:
        head, tail = text.split(f"\n{before}\n", 1)
        text = f"{head}\n{block}\n\n{before}\n{tail}"
    else:
        raise InputError(f'{document}: has neither the marks of a study nor the heading "{before}"')
    document.write_text(text, encoding="utf-8")


def seeds_of(runs: Sequence[Run]) -> str:
    """Seeds of some searches, such as "seeds 0, 1 and 2"."""
    seeds = [str(run.plan.seed) for run in runs]
    return f"seed{'s' if len(seeds) > 1 else ''} {' and '.join(filter(None, [', '.join(seeds[:-1]), seeds[-1]]))}"


def about(runs: Sequence[Run]) -> list[str]:
    """The sentence of model_store/README.md."""
    names = ", ".join(f"`{name_of(run)}.json`" for run in runs)
    return [
        f"{names}: what `vislrp search` found on the sample photographs with the {seeds_of(runs)}, with their "
        "held-out values.",
        f"The reports are in `{FOUND}`, the study is in docs/search.md.",
    ]
