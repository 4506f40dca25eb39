"""``predict IMAGE``: the first classes of a picture."""

from __future__ import annotations

import argparse

from vislrp_core.cli import common
from vislrp_core.cli.debugging import add_debug
from vislrp_core.cli.pictures import one_picture
from vislrp_core.images import read_image


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("predict", help="predictions for a picture", allow_abbrev=False)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--top", type=common.positive, default=common.TOP, metavar="N", help="number of classes (10)")
    common.add_network(parser)
    common.add_json(parser)
    add_debug(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the first classes with logit and probability."""
    image = read_image(one_picture(options.image))
    network = common.open_network(options)
    predictions = common.see(network, image).predictions(options.top)
    if options.json:
        print(
            common.dump_json(
                {"network": common.network_record(network), "predictions": [one.to_dict() for one in predictions]}
            )
        )
    else:
        print(f"Network: {network.title}")
        common.print_table(common.PREDICTION_HEAD, common.prediction_rows(predictions))
