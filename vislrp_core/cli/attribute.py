"""``attribute IMAGE|FOLDER ... --model FILE``: R[0] of every picture, for ViRelAy or as .npz files; resumable."""

from __future__ import annotations

import argparse
import itertools
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vislrp_core.attributions import (
    PROJECT,
    VIRELAY,
    Attribution,
    names_of_files,
    probabilities,
    require_h5py,
    write_virelay,
)
from vislrp_core.batches import forward_many, propagate_batch
from vislrp_core.cli import common, measuring
from vislrp_core.cli.explain import make_folder
from vislrp_core.cli.pictures import find_images, printable
from vislrp_core.cli.progress import ProgressLine
from vislrp_core.composites import COMPOSITES
from vislrp_core.errors import InputError
from vislrp_core.experiments import Picture
from vislrp_core.images import network_view, read_image
from vislrp_core.measures.mosaic import as_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, class_index
from vislrp_core.propagation import NonFiniteRelevance

FORMATS = ("hdf5", "npz")
MAPS, PARTS, DONE = "maps", "parts", "parts.done"
"""Folder of the .npz files that were asked for, and of those that an HDF5 file is made of."""
PICTURES = ("index", "image", "file", "sha256", "target", "class", "logit", "probability", "relevance_sum")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("attribute", help="maps of many pictures, for ViRelAy or as arrays", allow_abbrev=False)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of pictures")
    parser.add_argument(
        "--model", required=True, metavar="FILE|NAME", help=f"LRP model (JSON), or a ready one ({', '.join(COMPOSITES)})"
    )
    parser.add_argument(
        "--target", default="top", metavar="NAME|INDEX|top", help="target class (top: each picture's first class)"
    )
    parser.add_argument(
        "--format",
        type=common.some_of(FORMATS),
        default=("hdf5",),
        metavar="hdf5,npz",
        help="a ViRelAy project, one .npz per picture, or both (hdf5)",
    )
    parser.add_argument(
        "--batch", type=common.positive, default=4, metavar="N", help="pictures that run through the network at once (4)"
    )
    common.add_run(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class AttributionJob:
    """Where the map of one picture goes."""

    picture: Picture
    file: Path


def run(options: argparse.Namespace) -> None:
    """Write the project, the arrays, pictures.csv, skipped.csv and run.json."""
    paths = find_images(options.images)
    model = common.open_model(options.model)
    if "hdf5" in options.format:
        require_h5py()
    found = measuring.readable(paths, options.fit)
    folder = make_folder(options.out)
    network = common.open_network(options)
    model.require(network.architecture)
    if options.target != "top":
        class_index(network, options.target)
    measuring.begin_folder(
        folder,
        settings_of(options, network, model, found),
        {
            "network": common.network_details(network),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    )
    measuring.replace_file(folder / "skipped.csv", measuring.table(("image", "reason"), found.skipped))
    place = folder / (MAPS if "npz" in options.format else PARTS)
    jobs = [
        AttributionJob(picture, place / name)
        for picture, name in zip(found.pictures, names_of_files([one.path for one in found.pictures]), strict=True)
    ]
    shutil.rmtree(folder / DONE, ignore_errors=True)
    written = ["pictures.csv", *(VIRELAY if "hdf5" in options.format else ())]
    whole = not place.exists() if place.name == PARTS else all(job.file.exists() for job in jobs)
    if whole and all((folder / name).exists() for name in written):
        report(options, network, model, folder, len(jobs), 0, len(found.skipped), {})
        return
    place.mkdir(exist_ok=True)
    missing = [job for job in jobs if not job.file.exists()]
    failed = attribute(network, model, jobs, options)
    good = [job for job in jobs if job.file.exists()]
    if not good:
        raise InputError(f"None of the {len(jobs)} pictures has a finite map: {next(iter(failed.values()))}")
    measuring.replace_file(folder / "pictures.csv", measuring.table(PICTURES, list(rows_of(good, network))))
    if "hdf5" in options.format:
        title = {
            "project": model.name,
            "network": network.title,
            "model": f"LRP: {model.name}",
            "dataset": ", ".join(printable(one) for one in options.images)[:200],
        }
        write_virelay(
            folder,
            [job.file for job in good],
            network.classes,
            title,
            "predicted_label" if options.target == "top" else "true_label",
        )
        if "npz" not in options.format and not failed:
            place.rename(folder / DONE)  # at once: a folder that is half removed would be filled again
            shutil.rmtree(folder / DONE)
    report(options, network, model, folder, len(good), len(missing), len(found.skipped), failed)
    if failed:
        shown = [f"{path}: {reason}" for path, reason in failed.items()]
        raise InputError(
            f"{len(shown)} pictures have no finite map, the others are in {folder}: "
            + "; ".join(shown[:3])
            + ("; ..." if len(shown) > 3 else "")
        )


def settings_of(options: argparse.Namespace, network: Network, model: LRPModel, found: measuring.Readable) -> dict[str, Any]:
    """What the files of a folder depend on."""
    return {
        "command": "attribute",
        "target": options.target,
        "fit": options.fit,
        "formats": list(options.format),
        "model": [model.name, model.key],
        "images": [[printable(one.path), one.digest] for one in found.pictures],
        "skipped": [path for path, _ in found.skipped],
        "network": measuring.stated_network(network),
    }


def attribute(
    network: Network, model: LRPModel, jobs: Sequence[AttributionJob], options: argparse.Namespace
) -> dict[str, str]:
    """Make the maps that are missing, each file whole or not there; pictures without a finite map, with the reason.

    Batches are the same whatever is there already: single precision shows which pictures were computed together.
    """
    failed: dict[str, str] = {}
    progress = ProgressLine("Attributed") if sys.stderr.isatty() else None
    done, waiting = 0, iter(jobs)
    while group := list(itertools.islice(waiting, options.batch)):
        if progress is not None:
            progress(done, len(jobs))
        if not all(job.file.exists() for job in group):
            failed |= _attribute_group(network, model, group, options.target)
        done += len(group)
    if progress is not None:
        progress.end()
    return failed


def _attribute_group(network: Network, model: LRPModel, group: Sequence[AttributionJob], target: str) -> dict[str, str]:
    side = network.architecture.input_size
    views = [network_view(read_image(job.picture.path), job.picture.fit, side) for job in group]
    with torch.inference_mode():
        batch = forward_many(network, torch.cat([as_input(view, network) for view in views]))
    targets = batch.top if target == "top" else [class_index(network, target)] * len(group)
    try:
        relevances = propagate_batch(network, batch, model, targets, layers=(0,))
    except NonFiniteRelevance as error:
        if len(group) == 1:
            return {printable(group[0].picture.path): str(error)}
        failed: dict[str, str] = {}
        for job in group:  # which of them it is shows one by one
            failed |= _attribute_group(network, model, [job], target)
        return failed
    for place, job in enumerate(group):
        one = Attribution(
            relevances[place].at(0).cpu().numpy(),
            np.asarray(views[place]).transpose(2, 0, 1),
            batch.logits[place].cpu().numpy(),
            targets[place],
        )
        measuring.replace_file(job.file, one.to_bytes())
    return {}


def rows_of(good: Sequence[AttributionJob], network: Network) -> Iterator[tuple[Any, ...]]:
    """Rows of pictures.csv; the index is that of the databases."""
    for index, job in enumerate(good):
        one = Attribution.load(job.file)
        name = network.classes[one.target]
        yield (
            index,
            printable(job.picture.path),
            job.file.name,
            job.picture.digest,
            one.target,
            name,
            float(one.logits[one.target]),
            float(probabilities(one.logits)[one.target]),
            float(one.relevance.sum(dtype=np.float64)),
        )


def report(
    options: argparse.Namespace,
    network: Network,
    model: LRPModel,
    folder: Path,
    count: int,
    fresh: int,
    skipped: int,
    failed: dict[str, str],
) -> None:
    """The result on stdout."""
    files = [
        *(VIRELAY if "hdf5" in options.format else ()),
        *([f"{MAPS}/*.npz"] if "npz" in options.format else ()),
        "pictures.csv",
        "run.json",
        "skipped.csv",
    ]
    if options.json:
        print(
            common.dump_json(
                {
                    "network": common.network_record(network),
                    "model": model.name,
                    "pictures": count,
                    "computed": fresh,
                    "skipped": skipped,
                    "failed": failed,
                    "files": files,
                }
            )
        )
        return
    there = f", {count - fresh + len(failed)} were there already" if fresh < count else ""
    left_out = f"; {skipped} pictures could not be read, see skipped.csv" if skipped else ""
    print(f"{count} maps of {model.name} under {network.title}{there}{left_out}")
    print(f"Written to {folder}: {', '.join(files)}")
    if "hdf5" in options.format:
        print(f"ViRelAy opens {folder / PROJECT}")
