"""``flip IMAGE... --model FILE``: measured flipping over many pictures and several models; resumable."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vislrp_core import flipping
from vislrp_core.cli import common
from vislrp_core.cli.debugging import show_traceback
from vislrp_core.cli.explain import make_folder
from vislrp_core.cli.pictures import find_images, printable
from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.experiments import FlipCurve, Outcome, Picture, Record, Workspace, run_all
from vislrp_core.experiments.run import record_key, wishes_of
from vislrp_core.experiments.workspace import together
from vislrp_core.fills import DEFAULT_FILL, FILLS
from vislrp_core.flipping import FlippingScores, PerturbationCurve
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, class_index
from vislrp_core.tables import TableFile

CURVE_COLUMNS = ("image", "target", "model", "order", "seed", "step", "flipped_share", "logit", "probability")
METRICS = ("aopc", "abpc", "srg", "flips_to_change", "aopc_logit", "abpc_logit", "srg_logit")
RECORD = "measurements.jsonl"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("flip", help="measured pixel flipping: curves, AOPC, ABPC, SRG", allow_abbrev=False)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of pictures")
    parser.add_argument("--model", action="append", required=True, metavar="FILE", help="LRP model (JSON); several times")
    parser.add_argument(
        "--target", default="top", metavar="NAME|INDEX|top", help="target class (top: each picture's first class)"
    )
    parser.add_argument(
        "--patch", type=common.positive, default=flipping.DEFAULT_PATCH, metavar="PIXELS", help="side of the squares (8)"
    )
    parser.add_argument("--fill", choices=list(FILLS), default=DEFAULT_FILL, help="what flipped pixels become (invert)")
    parser.add_argument(
        "--steps",
        type=common.positive,
        default=flipping.DEFAULT_STEPS,
        metavar="N",
        help="steps after the untouched image (28)",
    )
    parser.add_argument(
        "--orders",
        type=common.some_of(flipping.ORDERS),
        default=tuple(flipping.ORDERS),
        metavar="morf,lerf,random",
        help="orders of flipping (all three)",
    )
    parser.add_argument(
        "--seeds", type=common.positive, default=flipping.DEFAULT_SEEDS, metavar="N", help="number of random orders (3)"
    )
    common.add_run(parser)
    parser.set_defaults(run=run)


def orders_of(options: argparse.Namespace) -> list[tuple[str, int | None]]:
    """Orders with their seeds."""
    return [(order, seed) for order in options.orders for seed in (range(options.seeds) if order == "random" else [None])]


def tasks_of(
    picture: Picture, models: dict[str, LRPModel], options: argparse.Namespace, workspace: Workspace
) -> dict[str, list[FlipCurve]]:
    """Curves of one picture by model (VisLRPError, OSError)."""
    target = class_index(workspace.network, options.target, workspace.trace(picture))
    return {
        name: [
            FlipCurve(
                picture,
                target,
                order,
                None if order == "random" else model,
                seed,
                options.patch,
                options.fill,
                options.steps,
            )
            for order, seed in orders_of(options)
        ]
        for name, model in models.items()
    }


def curves_of(
    tasks: dict[str, list[FlipCurve]], workspace: Workspace, record: Record
) -> Iterator[tuple[str, str, list[Outcome[PerturbationCurve]]]]:
    """Target, model and curves of one picture, model by model (VisLRPError, OSError)."""
    for name, wanted in tasks.items():
        found = []
        for outcome in run_all(workspace.network, wanted, workspace=workspace, record=record):
            if outcome.error is not None:
                raise outcome.error
            found.append(outcome)
        yield workspace.network.classes[wanted[0].target], name, found


def prepare(
    images: Sequence[str], models: dict[str, LRPModel], options: argparse.Namespace, workspace: Workspace, record: Record
) -> None:
    """Forward passes of several pictures at once, and the maps by which curves that are missing are ordered.

    Where one cannot be made, each is made on its own, which says why.
    """
    try:
        pictures = [Picture.of(image, options.fit) for image in images]
        if workspace.see(pictures) is None:
            return
        tasks = [
            task
            for picture in pictures
            for group in tasks_of(picture, models, options, workspace).values()
            for task in group
        ]
    except (VisLRPError, OSError):
        return
    workspace.prepare(wishes_of(tasks, [task for task in tasks if record.get(record_key(workspace.network, task)) is None]))


def run(options: argparse.Namespace) -> None:
    """Write curves.csv, summary.csv and models.csv; print the models' means."""
    images = find_images(options.images)
    models = common.named_models(options.model)
    flipping.order_of(None, options.patch, "random", 0)  # a patch that cannot be is refused before anything is loaded
    folder = make_folder(options.out)
    network = common.open_network(options)
    for one in models.values():
        one.require(network.architecture)
    if options.target != "top":
        class_index(network, options.target)
    workspace = Workspace(network)
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    reused: list[bool] = []
    with (
        Record(folder / RECORD, "curve") as record,
        TableFile(folder / "curves.csv", CURVE_COLUMNS) as curves_file,
        TableFile(folder / "summary.csv", ("image", "target", "model", *METRICS)) as summary_file,
    ):
        size = together(len(images))
        for place, image in enumerate(images, start=1):
            show_progress(place, len(images), image)
            if size > 1 and place % size == 1:
                prepare(images[place - 1 : place - 1 + size], models, options, workspace, record)
            try:
                tasks = tasks_of(Picture.of(image, options.fit), models, options, workspace)
                for target, model, outcomes in curves_of(tasks, workspace, record):
                    curves = [outcome.result for outcome in outcomes if outcome.result is not None]
                    reused += [outcome.reused for outcome in outcomes]
                    curves_file.write(*curve_rows(printable(image), target, model, curves))
                    row = {"image": printable(image), "target": target, "model": model, **asdict(scores_of(curves))}
                    summary_file.write(row)
                    rows.append(row)
            except (VisLRPError, OSError) as error:
                show_traceback(options)
                failed.append(f"{image}: {error}" if image not in str(error) else str(error))
    models_rows = over_images(rows, list(models))
    columns = ("model", "images", *(f"{m}{s}" for m in METRICS for s in ("", "_low", "_high")))
    with TableFile(folder / "models.csv", columns) as models_file:
        models_file.write(*models_rows)
    report(options, network, rows, models_rows, reused, folder)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(images)} pictures could not be measured, the others are in {folder}: "
            + "; ".join(failed[:3])
            + ("; ..." if len(failed) > 3 else "")
        )


def curve_rows(image: str, target: str, model: str, curves: Sequence[PerturbationCurve]) -> Iterator[dict[str, Any]]:
    """Rows of curves.csv."""
    for curve in curves:
        for step, (share, logit, probability) in enumerate(
            zip(curve.shares.tolist(), curve.logits.tolist(), curve.probabilities.tolist(), strict=True)
        ):
            yield {
                "image": image,
                "target": target,
                "model": model,
                "order": curve.order,
                "seed": curve.seed,
                "step": step,
                "flipped_share": share,
                "logit": logit,
                "probability": probability,
            }


def scores_of(curves: Sequence[PerturbationCurve]) -> FlippingScores:
    """Scores of one picture and model."""
    by_order = {curve.order: curve for curve in curves}
    return flipping.scores(by_order.get("morf"), by_order.get("lerf"))


def over_images(rows: Sequence[dict[str, Any]], models: Sequence[str]) -> list[dict[str, Any]]:
    """Means over pictures with 95 % bootstrap confidence intervals.

    A picture without a value, because its first class never changes, does not count in that mean.
    """
    found = []
    for model in models:
        own = [row for row in rows if row["model"] == model]
        line: dict[str, Any] = {"model": model, "images": len(own)}
        for metric in METRICS:
            values = [row[metric] for row in own if row[metric] is not None]
            low, high = flipping.bootstrap(values) if values else (None, None)
            line |= {metric: float(np.mean(values)) if values else None, f"{metric}_low": low, f"{metric}_high": high}
        found.append(line)
    return found


def show_progress(place: int, count: int, image: str) -> None:
    """Which picture is measured, on a terminal's stderr."""
    if sys.stderr.isatty():
        end = "\n" if place == count else ""
        print(f"\r\033[KFlipping {place} of {count}: {Path(image).name}", end=end, file=sys.stderr, flush=True)


def report(
    options: argparse.Namespace,
    network: Network,
    rows: list[dict[str, Any]],
    models: list[dict[str, Any]],
    reused: list[bool],
    folder: Path,
) -> None:
    """The result on stdout."""
    settings = {
        "patch": options.patch,
        "fill": options.fill,
        "steps": options.steps,
        "orders": list(options.orders),
        "seeds": options.seeds,
        "target": options.target,
        "fit": options.fit,
    }
    if options.json:
        print(
            common.dump_json(
                {"network": common.network_record(network), "settings": settings, "summary": rows, "models": models}
            )
        )
        return
    print(
        f"{network.title}; {options.patch} x {options.patch} squares, fill {options.fill}, {options.steps} steps, "
        f"{len({row['image'] for row in rows})} pictures"
    )

    def interval(row: dict[str, Any], metric: str) -> str:
        if row[metric] is None:
            return "-"
        return f"{row[metric]:.3f} [{row[f'{metric}_low']:.3f}, {row[f'{metric}_high']:.3f}]"

    ranked = sorted(models, key=lambda row: -np.inf if row["srg"] is None else row["srg"], reverse=True)
    common.print_table(
        ["model", "AOPC", "ABPC", "SRG", "share to change"],
        [[row["model"], *(interval(row, metric) for metric in METRICS[:4])] for row in ranked],
    )
    there = f", {sum(reused)} of {len(reused)} curves were there already" if any(reused) else ""
    print(f"Written to {folder}: curves.csv, summary.csv, models.csv{there}")
