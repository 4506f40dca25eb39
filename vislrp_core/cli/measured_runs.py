"""What `measure` and `search` share: arguments of measures, boxes, and the workers that measure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vislrp_core import flipping
from vislrp_core.cli import common
from vislrp_core.cli.pictures import printable
from vislrp_core.errors import InputError
from vislrp_core.experiments import NetworkSource, ProcessPool
from vislrp_core.experiments.ray_pool import LOCAL, RayPool
from vislrp_core.fills import FILLS
from vislrp_core.measures import read_boxes
from vislrp_core.measures.boxes import Box, named
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.network import Network
from vislrp_core.networks import default_network_name

RECORD = "measures.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say on what and how measures are taken, and by whom."""
    parser.add_argument(
        "--target", default="top", metavar="NAME|INDEX|top", help="target class (top: each picture's first class)"
    )
    parser.add_argument("--boxes", metavar="FILE.csv", help="image,x0,y0,x1,y1 in the picture's own pixels")
    parser.add_argument("--patch", type=common.positive, default=16, metavar="PIXELS", help="side of the squares (16)")
    parser.add_argument("--steps", type=common.positive, default=14, metavar="N", help="steps of flipping (14)")
    parser.add_argument("--fill", choices=list(FILLS), default="mean", help="what flipped pixels become (mean)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of all random numbers (0)")
    parser.add_argument(
        "--batch",
        type=common.positive,
        default=flipping.BATCH,
        metavar="N",
        help="pictures that run through the network at once (14)",
    )
    parser.add_argument("--workers", type=common.positive, default=1, metavar="N", help="processes (1)")
    parser.add_argument(
        "--ray",
        nargs="?",
        const=LOCAL,
        metavar="ADDRESS",
        help="workers on Ray: of the cluster at ADDRESS (auto, host:6379), or started here without one",
    )
    common.add_run(parser)


def seed(text: str) -> int:
    """Argument type: a whole number of at least 0."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f'must be a whole number of at least 0, got "{text[:40]}"')
    return int(text)


def boxes_for(options: argparse.Namespace, measures: Sequence[str], images: Sequence[str]) -> dict[str, tuple[Box, ...]]:
    """The boxes by picture that `--boxes` gives, empty without it.

    Raises
    ------
    InputError
        A measure needs them, or a name may be that of several pictures.
    """
    needed = [key for key in measures if key in NEED_BOXES]
    if needed and not options.boxes:
        raise InputError(f"{', '.join(needed)}: give the boxes of the pictures' objects with --boxes FILE.csv")
    found = read_boxes(options.boxes) if options.boxes else {}
    for name, paths in named(images, found).items():
        if len(paths) > 1:
            shown = ", ".join(printable(one) for one in paths[:3])
            raise InputError(
                f"--boxes {options.boxes}: {name} may be any of {len(paths)} pictures ({shown}), write its path"
            )
    return found


def names_none(options: argparse.Namespace) -> InputError:
    """The error that no picture is among those with boxes."""
    return InputError(f"--boxes {options.boxes}: names none of the pictures")


def check_workers(options: argparse.Namespace) -> None:
    """Refuse two kinds of workers (Raises InputError)."""
    if options.ray is not None and options.workers > 1:
        raise InputError("choose --workers or --ray: Ray has as many workers as it has cores")


def pool_of(options: argparse.Namespace, network: Network, store_bytes: int = 0) -> ProcessPool | RayPool | None:
    """The workers that were asked for; None where this process does it alone.

    Parameters
    ----------
    store_bytes : int
        Of relevance at segment borders that each worker process keeps.
    """
    if options.ray is not None:
        return RayPool(network, options.ray, batch=options.batch)
    if options.workers == 1:
        return None
    name = options.network if options.network is not None else default_network_name()
    source = NetworkSource(name, str(network.device), options.dtype)
    return ProcessPool(source, options.workers, options.batch, store_bytes)
