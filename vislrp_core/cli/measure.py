"""``measure IMAGE|FOLDER ... --model FILE``: measures of many maps on many pictures, in files others read; resumable."""

from __future__ import annotations

import argparse
import hashlib
import math
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vislrp_core import flipping
from vislrp_core.baselines import METHODS
from vislrp_core.cli import common, measured_runs, measuring
from vislrp_core.cli.explain import make_folder
from vislrp_core.cli.measured_runs import RECORD
from vislrp_core.cli.pictures import find_images, printable
from vislrp_core.cli.progress import ProgressLine
from vislrp_core.composites import COMPOSITES
from vislrp_core.errors import InputError
from vislrp_core.experiments import Outcome, Record, Workspace, run_all
from vislrp_core.measures import MEASURES, Measured, MeasureTask, Settings, summary
from vislrp_core.measures.boxes import boxes_of, named
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.measures.mosaic import mosaics_with
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, class_index

COLUMNS = ("image", "target", "model", "metric", "value", "seed", "seconds")
SUMMARY = ("model", "metric", "images", "mean", "low", "high", "rank")
DEFAULT_METRICS = ("srg", "class_cosine", "gini")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("measure", help="measures of many maps on many pictures", allow_abbrev=False)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of pictures")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="FILE|NAME",
        help=f"LRP model (JSON), or a ready one ({', '.join(COMPOSITES)}); several times",
    )
    parser.add_argument(
        "--baselines",
        type=common.some_of(METHODS, as_known=False),
        default=(),
        metavar="gradient,...",
        help="maps to compare with, separated by commas",
    )
    parser.add_argument(
        "--metrics",
        type=common.some_of(MEASURES),
        default=DEFAULT_METRICS,
        metavar="srg,...",
        help=f"some of {', '.join(MEASURES)} ({','.join(DEFAULT_METRICS)})",
    )
    measured_runs.add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write measures.parquet, summary.csv, skipped.csv and run.json; print the means."""
    measured_runs.check_workers(options)
    paths = find_images(options.images)
    models = measuring.explainers(options.model, options.baselines, options.seed)
    boxes = measured_runs.boxes_for(options, options.metrics, paths)
    flipping.order_of(None, options.patch, "random", 0)  # a patch that cannot be is refused before anything is loaded
    found = measuring.readable(paths, options.fit)
    if "mosaic" in options.metrics:
        mosaics_with(found.pictures, 0)
    folder = make_folder(options.out)
    network = common.open_network(options)
    for model in models.values():
        if isinstance(model, LRPModel):
            model.require(network.architecture)
    if options.target != "top":
        class_index(network, options.target)
    settings = Settings(options.target, options.seed, options.patch, options.steps, options.fill)
    tasks = [
        (
            name,
            MeasureTask(
                picture,
                model,
                metric,
                settings,
                own if metric in NEED_BOXES else (),
                size if metric in NEED_BOXES else (0, 0),
                tuple(mosaics_with(found.pictures, place)) if metric == "mosaic" else (),
            ),
        )
        for place, (picture, size) in enumerate(zip(found.pictures, found.sizes, strict=True))
        for own in [boxes_of(picture.path, boxes)]
        for name, model in models.items()
        for metric in options.metrics
        if own or metric not in NEED_BOXES
    ]
    if not tasks:
        raise measured_runs.names_none(options)
    stated = {
        **asdict(settings),
        "fit": options.fit,
        "metrics": list(options.metrics),
        "images": [[printable(one.path), one.digest] for one in found.pictures],
        "skipped": [path for path, _ in found.skipped],
        "models": [[name, model.key] for name, model in models.items()],
        "boxes": hashlib.sha256(Path(options.boxes).read_bytes()).hexdigest() if options.boxes else None,
        "network": measuring.stated_network(network),
    }
    measuring.begin_folder(folder, stated, versions(network))
    measuring.replace_file(folder / "skipped.csv", measuring.table(("image", "reason"), found.skipped))
    with Record(folder / RECORD) as record:
        outcomes = gather(options, network, [task for _, task in tasks], record)
    rows = rows_of(tasks, outcomes, network, options.seed)
    failed = {f"{printable(one.task.picture.path)}: {one.error}" for one in outcomes.values() if one.error is not None}
    write_parquet(folder / "measures.parquet", rows)
    means = summarize(rows, list(models), options.metrics, options.seed)
    measuring.replace_file(folder / "summary.csv", measuring.table(SUMMARY, means))
    reused = sum(one.reused for one in outcomes.values())
    report(
        options,
        network,
        means,
        folder,
        reused,
        found.skipped,
        [name for name, own in named(paths, boxes).items() if not own],
    )
    if failed:
        shown = sorted(failed)
        raise InputError(
            f"{len(shown)} pictures and models could not be measured, the others are in {folder}: "
            + "; ".join(shown[:3])
            + ("; ..." if len(shown) > 3 else "")
        )


def versions(network: Network) -> dict[str, Any]:
    """What a result may need to be repeated, and what does not decide whether a run can go on."""
    return {
        "network": common.network_details(network),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def gather(
    options: argparse.Namespace, network: Network, tasks: Sequence[MeasureTask], record: Record
) -> dict[tuple[Any, ...], Outcome[Measured]]:
    """Run the tasks; outcomes by picture, model and metric."""
    pool = measured_runs.pool_of(options, network)
    progress = ProgressLine() if sys.stderr.isatty() else None
    outcomes = run_all(
        network, tasks, workspace=Workspace(network, batch=options.batch), record=record, pool=pool, progress=progress
    )
    found = {identity(one.task): one for one in outcomes}
    if progress is not None:
        progress.end()
    return found


def identity(task: Any) -> tuple[Any, ...]:
    """Which row of the result."""
    return (task.picture, task.model.key, task.metric)


Row = tuple[str, str, str, str, float, int, float]


def rows_of(
    tasks: Sequence[tuple[str, MeasureTask]], outcomes: dict[tuple[Any, ...], Outcome[Measured]], network: Network, seed: int
) -> list[Row]:
    """Rows of measures.parquet, in the order of pictures, models and metrics."""
    rows: list[Row] = []
    for name, task in tasks:
        found = outcomes[identity(task)].result
        if found is not None:
            rows.append(
                (
                    printable(task.picture.path),
                    network.classes[found.target],
                    name,
                    task.metric,
                    found.value,
                    seed,
                    found.seconds,
                )
            )
    return rows


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """measures.parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = (pa.string(), pa.string(), pa.string(), pa.string(), pa.float64(), pa.int64(), pa.float64())
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    arrays = [pa.array(column, type=kind) for column, kind in zip(columns, types, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, names=list(COLUMNS)), sink)
    measuring.replace_file(path, sink.getvalue().to_pybytes())


def summarize(rows: Sequence[Row], models: Sequence[str], metrics: Sequence[str], seed: int) -> list[tuple[Any, ...]]:
    """Rows of summary.csv: mean over pictures with a value, 95 % interval (percentile bootstrap), mean rank of the model."""
    values: dict[str, dict[str, dict[str, float]]] = {metric: {model: {} for model in models} for metric in metrics}
    for image, _, model, metric, value, _, _ in rows:
        if math.isfinite(value):
            values[metric][model][image] = value
    tables = [summary.summarize(values[metric], metric, seed) for metric in metrics]
    return [
        (one.model, one.metric, one.images, *((one.mean, one.low, one.high, one.rank) if one.images else (None,) * 4))
        for of_model in zip(*tables, strict=True)
        for one in of_model
    ]


def report(
    options: argparse.Namespace,
    network: Network,
    means: Sequence[Sequence[Any]],
    folder: Path,
    reused: int,
    skipped: Sequence[tuple[str, str]],
    unused: Sequence[str],
) -> None:
    """The result on stdout.

    Parameters
    ----------
    unused : sequence of str
        Names in the file of boxes that are those of no picture.
    """
    if options.json:
        print(
            common.dump_json(
                {
                    "network": common.network_record(network),
                    "summary": [dict(zip(SUMMARY, row, strict=True)) for row in means],
                }
            )
        )
        return
    print(f"{network.title}; seed {options.seed}")
    common.print_table(
        ["model", "metric", "images", "mean", "low", "high", "rank"],
        [
            [str(row[0]), str(row[1]), str(row[2]), *("-" if value is None else f"{value:.4g}" for value in row[3:])]
            for row in means
        ],
    )
    there = f", {reused} values were there already" if reused else ""
    left_out = f"; {len(skipped)} pictures could not be read, see skipped.csv" if skipped else ""
    if unused:
        shown = ", ".join(unused[:3]) + (", ..." if len(unused) > 3 else "")
        print(f"{options.boxes} has boxes of pictures that are not measured: {shown}")
    print(f"Written to {folder}: measures.parquet, summary.csv, run.json, skipped.csv{there}{left_out}")
