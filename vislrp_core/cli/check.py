"""``check FILE``: whether it is a valid LRP model, and what it says."""

from __future__ import annotations

import argparse
import json

from vislrp_core.cli import common
from vislrp_core.cli.debugging import add_debug
from vislrp_core.imports import notes_of


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("check", help="check a model file", allow_abbrev=False)
    parser.add_argument("file", metavar="FILE")
    common.add_json(parser)
    add_debug(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the model's segments and conventions; a wrong file is an error."""
    model = common.open_model(options.file, notes=False)
    warnings = [
        f"segment {place}: {sentence}"
        for place, segment in enumerate(model.segments, start=1)
        for sentence in segment.rule.warnings()
    ] + list(notes_of(model))
    if options.json:
        print(
            common.dump_json(
                {"file": options.file, "valid": True, "model": json.loads(model.to_json()), "warnings": warnings}
            )
        )
        return
    print(f"{model.name}: valid LRP model")
    common.print_table(common.SEGMENT_HEAD, common.segment_rows(model))
    damped = ", ε of the segment at pooling" if model.pooling_epsilon == "segment" else ""
    print(f"pooling {model.pooling}{damped}, bias {model.bias}, pixel rule {model.pixel_rule}, start {model.start}")
    print(f"architecture {model.architecture} ({model.plan.title})")
    for warning in warnings:
        print(f"Warning: {warning}")
