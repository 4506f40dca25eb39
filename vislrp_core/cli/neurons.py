"""``neurons IMAGE --layer K``: scores of a layer's neurons; ``ablate IMAGE --ablate K:57,58``: predictions without some."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vislrp_core.ablation import VALUES, Sets, ablate, check_value
from vislrp_core.architecture import Architecture
from vislrp_core.cli import common
from vislrp_core.cli.debugging import add_debug
from vislrp_core.cli.pictures import one_picture
from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.images import FIT_HELP, FITS, read_image
from vislrp_core.network import Prediction, class_index, rank
from vislrp_core.neurons import SCORES, NeuronScores, check_layer, format_neurons, score, split_set
from vislrp_core.propagation import propagate

SHOWN = 10


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    scores = subparsers.add_parser("neurons", help="relevance and activation of every neuron of a layer", allow_abbrev=False)
    scores.add_argument("image", metavar="IMAGE")
    scores.add_argument("--layer", type=common.layer_text, required=True, metavar="K", help="layer by number or name")
    scores.add_argument("--model", required=True, metavar="FILE", help="LRP model (JSON)")
    scores.add_argument("--target", default="top", metavar="NAME|INDEX|top", help="target class (top)")
    scores.add_argument("--out", required=True, metavar="FILE.csv", help="table: one row per neuron")
    scores.set_defaults(run=run_neurons)
    ablation = subparsers.add_parser(
        "ablate", help="predictions before and after neurons are switched off", allow_abbrev=False
    )
    ablation.add_argument("image", metavar="IMAGE")
    ablation.add_argument(
        "--ablate",
        action="append",
        required=True,
        type=parse_neuron_set,
        metavar="K:57,58,60-63",
        help="layer and neurons; several times for several layers",
    )
    ablation.add_argument(
        "--value",
        choices=list(VALUES),
        default="zero",
        help="what takes the place of a neuron's output: 0, or its own mean over positions (zero)",
    )
    ablation.add_argument("--top", type=common.positive, default=common.TOP, metavar="N", help="number of classes (10)")
    ablation.set_defaults(run=run_ablate)
    for parser in (scores, ablation):
        parser.add_argument("--fit", choices=list(FITS), default="crop", help=FIT_HELP)
        common.add_network(parser)
        common.add_json(parser)
        add_debug(parser)


def parse_neuron_set(text: str) -> tuple[str, tuple[int, ...]]:
    """Argument type: ``LAYER:NEURONS``, the layer as it was given."""
    try:
        place, neurons = split_set(text)
    except VisLRPError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return common.layer_text(place), neurons


def join_sets(given: list[tuple[str, tuple[int, ...]]], architecture: Architecture) -> Sets:
    """Sets by layer; what is named twice for a layer is joined (Raises InputError: the network has no such layer)."""
    joined: dict[int, set[int]] = {}
    for place, neurons in given:
        joined.setdefault(check_layer(architecture.resolve(place), architecture), set()).update(neurons)
    return {layer: tuple(sorted(neurons)) for layer, neurons in sorted(joined.items())}


def run_neurons(options: argparse.Namespace) -> None:
    """Write the table, print the neurons with most relevance."""
    model = common.open_model(options.model)
    image = read_image(one_picture(options.image))
    network = common.open_network(options)
    model.require(network.architecture)
    layer = check_layer(network.architecture.resolve(options.layer), network.architecture)
    name = network.architecture.name(layer)
    trace = common.see(network, image, options.fit)
    target = class_index(network, options.target, trace)
    relevance = propagate(network, trace, model, target, layers=(layer,)).at(layer)
    found = score(layer, relevance, trace.activation(layer))
    write(Path(options.out), found)
    if options.json:
        rows = [
            {"neuron": neuron, **{key: float(found.column(key)[neuron]) for key in SCORES}} for neuron in range(len(found))
        ]
        print(
            common.dump_json(
                {
                    "network": common.network_record(network),
                    "model": model.name,
                    "target": {"index": target, "name": network.classes[target]},
                    "layer": {"index": layer, "name": name},
                    "neurons": rows,
                }
            )
        )
        return
    print(f"{name} (layer {layer}): {len(found)} neurons; {network.classes[target]}, {model.name}, {network.title}")
    common.print_table(
        ["neuron", *(one.title for one in SCORES.values())],
        [
            [str(neuron), *(f"{found.column(key)[neuron]:.4g}" for key in SCORES)]
            for neuron in found.strongest("total_relevance")[:SHOWN]
        ],
    )
    print(f"Written to {options.out}: all {len(found)} neurons")


def write(path: Path, found: NeuronScores) -> None:
    """The table as a file.

    Raises
    ------
    InputError
        It cannot be written; one sentence.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found.to_csv())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--out {path}: the file cannot be written ({reason})") from error


def run_ablate(options: argparse.Namespace) -> None:
    """Print the first classes with and without the neurons."""
    image = read_image(one_picture(options.image))
    network = common.open_network(options)
    sets = join_sets(options.ablate, network.architecture)
    check_value(network, sets, options.value)
    trace = common.see(network, image, options.fit)
    before = trace.predictions(options.top)
    after = rank(ablate(network, trace, sets, options.value), network.classes, options.top)
    if options.json:
        print(
            common.dump_json(
                {
                    "network": common.network_record(network),
                    "value": options.value,
                    "ablated": {str(layer): list(neurons) for layer, neurons in sets.items()},
                    "before": [one.to_dict() for one in before],
                    "after": [one.to_dict() for one in after],
                }
            )
        )
        return
    print(f"Network: {network.title}")
    for layer, neurons in sets.items():
        print(f"Ablated ({options.value}): {network.architecture.name(layer)} {format_neurons(list(neurons))}")
    rows: list[list[Any]] = [
        [str(place), *cells(one), *cells(other)]
        for place, (one, other) in enumerate(zip(before, after, strict=True), start=1)
    ]
    common.print_table(["", "before", "logit", "probability", "after", "logit", "probability"], rows)
    if before[0].index != after[0].index:
        print(f"The first class changes from {before[0].name} to {after[0].name}.")


def cells(one: Prediction) -> list[str]:
    """Name, logit and probability of a prediction."""
    return [one.name, f"{one.logit:.3f}", f"{one.probability:.4f}"]
