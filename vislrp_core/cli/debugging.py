"""``--debug``: where in the program an error arose."""

from __future__ import annotations

import argparse
import traceback

HELP = "show where in the program an error arose"


def add_debug(parser: argparse.ArgumentParser) -> None:
    """``--debug`` after the command; what comes before it counts as well."""
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=HELP)


def show_traceback(options: argparse.Namespace) -> None:
    """Where the error at hand arose, if it was asked for."""
    if options.debug:
        traceback.print_exc()
