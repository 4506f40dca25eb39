"""``adapt FILE --architecture KEY --out FILE``: a model carried over to another architecture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from vislrp_core.adapt import adapt
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.cli import common
from vislrp_core.cli.debugging import add_debug
from vislrp_core.errors import InputError


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("adapt", help="carry a model over to another architecture", allow_abbrev=False)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--architecture", required=True, choices=list(ARCHITECTURES), help="what the new model is for")
    parser.add_argument("--out", required=True, metavar="FILE", help="the new model file")
    common.add_json(parser)
    add_debug(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the model, print its segments."""
    model = common.open_model(options.file)
    adapted = adapt(model, options.architecture)
    write(Path(options.out), adapted.to_json())
    if options.json:
        print(common.dump_json({"file": options.out, "model": json.loads(adapted.to_json())}))
        return
    lost = len(model.segments) - len(adapted.segments)
    note = "" if not lost else f", {lost} segment{'' if lost == 1 else 's'} left no layer"
    print(f"{adapted.name}: from {model.plan.title} to {adapted.plan.title}{note}")
    common.print_table(common.SEGMENT_HEAD, common.segment_rows(adapted))
    print(f"Written to {options.out}")


def write(path: Path, text: str) -> None:
    """The file, in a folder that is made where it is missing (Raises InputError: it cannot be written)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"--out {path}: the file cannot be written ({reason})") from error
