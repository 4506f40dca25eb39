"""``explain IMAGE --model FILE``: relevance, heatmap and summary of one class."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from vislrp_core.cli import common
from vislrp_core.cli.debugging import add_debug
from vislrp_core.cli.pictures import one_picture, printable
from vislrp_core.cli.reporting import report_file, write_report
from vislrp_core.errors import InputError
from vislrp_core.export import relevance_npz
from vislrp_core.heatmap import DEFAULT_RANGE, RANGES, figure_png, limit
from vislrp_core.images import FIT_HELP, FITS, read_image
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, class_index
from vislrp_core.propagation import Relevance, default_layers, propagate
from vislrp_core.report_explained import explained_report


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("explain", help="relevance of one class for a picture", allow_abbrev=False)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--model", required=True, metavar="FILE", help="LRP model (JSON)")
    parser.add_argument("--target", default="top", metavar="NAME|INDEX|top", help="target class (top)")
    parser.add_argument("--out", default="out", metavar="DIR", help="folder for the results (out)")
    parser.add_argument(
        "--layers",
        type=common.parse_layers,
        default=(),
        metavar="0,17,31|all",
        help="layers whose relevance is written (0 and what each segment hands on)",
    )
    parser.add_argument("--report", metavar="FILE.html", help="also write a report of one file, to read and to print")
    parser.add_argument("--fit", choices=list(FITS), default="crop", help=FIT_HELP)
    common.add_network(parser)
    common.add_json(parser)
    add_debug(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write relevance.npz, heatmap.png, summary.json and the report if it is asked for; print a short table."""
    begin = time.perf_counter()
    model = common.open_model(options.model)
    picture = one_picture(options.image)
    image = read_image(picture)
    page = None if options.report is None else report_file(options.report)
    folder = make_folder(options.out)
    network = common.open_network(options)
    model.require(network.architecture)
    asked = common.find_layers(options.layers, network.architecture)
    loaded = time.perf_counter()
    trace = common.see(network, image, options.fit)
    target = class_index(network, options.target, trace)
    seen = time.perf_counter()
    written = asked or tuple(sorted(default_layers(model)))
    # The heatmap needs the pixels, whatever is written.
    needed = {0, *written} if page is None else default_layers(model).union(written)
    relevance = propagate(network, trace, model, target, layers="all" if options.layers is None else needed)
    done = time.perf_counter()
    summary = summarize(network, trace, model, relevance, written)
    summary["image"] = printable(picture)
    summary["seconds"] = done - begin
    summary["seconds_of"] = {"loading": loaded - begin, "forward": seen - loaded, "propagation": done - seen}
    text = common.dump_json(summary)
    (folder / "relevance.npz").write_bytes(relevance_npz(relevance, written))
    (folder / "heatmap.png").write_bytes(draw(network, model, relevance, target))
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    if page is not None:
        name = printable(Path(picture).name)
        made = explained_report(network, image, trace, model, relevance, name=name, fit=options.fit, page="vislrp explain")
        write_report(page, made)
    if options.json:
        print(text)
    else:
        report(summary, folder, page)


def make_folder(path: str) -> Path:
    """The folder for results, made before anything is computed.

    Raises
    ------
    InputError
        It cannot be made; one sentence.
    """
    if not path.strip():
        raise InputError("--out: is empty, give a folder")
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--out {path}: the folder cannot be made ({reason})") from error
    return folder


def draw(network: Network, model: LRPModel, relevance: Relevance, target: int) -> bytes:
    """heatmap.png."""
    pixels = relevance.map(0)
    caption = f"Network: {network.title} · range: {RANGES[DEFAULT_RANGE]} · sum {relevance.total[0]:.4g}"
    return figure_png(pixels, limit=limit(pixels), title=f"{network.classes[target]} · {model.name}", caption=caption)


def summarize(
    network: Network, trace: Trace, model: LRPModel, relevance: Relevance, written: tuple[int, ...]
) -> dict[str, Any]:
    """summary.json without image and seconds."""
    target = int(relevance.target) if relevance.target is not None else 0
    return {
        "network": common.network_record(network),
        "network_details": common.network_details(network),
        "model": model.name,
        "target": {
            "index": target,
            "name": network.classes[target],
            "logit": float(trace.logits[target]),
            "probability": float(trace.probabilities[target]),
        },
        "predictions": [one.to_dict() for one in trace.predictions(common.TOP)],
        "written_layers": list(written),
        "layers": [
            {
                "layer": layer.index,
                "name": layer.name,
                "positive": float(relevance.positive[layer.index]),
                "negative": float(relevance.negative[layer.index]),
                "total": float(relevance.total[layer.index]),
            }
            for layer in network.architecture.rows
        ],
    }


def report(summary: dict[str, Any], folder: Path, page: Path | None = None) -> None:
    """The short table on stdout: written layers from the network's top down to the pixels."""
    target = summary["target"]
    print(
        f"{target['name']} (class {target['index']}): logit {target['logit']:.3f}, "
        f"probability {target['probability']:.4f}; network {summary['network_details']['title']}, "
        f"model {summary['model']}"
    )
    sums = summary["layers"]
    rows = [
        [str(layer), sums[layer]["name"], *(f"{sums[layer][key]:.4g}" for key in ("positive", "negative", "total"))]
        for layer in sorted(summary["written_layers"], reverse=True)
    ]
    common.print_table(["layer", "name", "positive", "negative", "total"], rows)
    print(f"Written to {folder}: relevance.npz, heatmap.png, summary.json ({summary['seconds']:.1f} s)")
    if page is not None:
        print(f"Report: {page}")
