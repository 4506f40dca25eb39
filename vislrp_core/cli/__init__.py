"""The command line (docs/numerics.md, section 7): one module per command, each with ``register(subparsers)``.

Whatever is wrong with an argument, file or class ends in one line on stderr and exit status 2; a mistake in the program
itself shows its traceback, and so does every error with ``--debug``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from vislrp_core.cli.debugging import HELP, show_traceback
from vislrp_core.errors import VisLRPError

COMMANDS = {
    "explain": "explain",
    "predict": "predict",
    "check": "check",
    "flip": "flip",
    "neurons": "neurons",
    "ablate": "neurons",
    "measure": "measure",
    "attribute": "attribute",
    "adapt": "adapt",
    "search": "search",
    "app": "app",
}
"""Module of every command; only that of the command that was given is imported, so that each starts quickly."""


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End with one line and status 2."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def program() -> str:
    """What the person typed to get here: ``vislrp``, or ``python -m vislrp_core``."""
    return "vislrp" if Path(sys.argv[0]).stem == "vislrp" else "python -m vislrp_core"


def parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line: of the command that the arguments begin with, or of all commands."""
    whole = Parser(prog=program(), description="Layer-wise Relevance Propagation for chain networks.", allow_abbrev=False)
    whole.add_argument("--debug", action="store_true", help=HELP)
    subparsers = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = [word for word in arguments[:2] if word != "--debug"]
    known = [COMMANDS[name] for name in given[:1] if name in COMMANDS]
    for module in dict.fromkeys(known or COMMANDS.values()):
        importlib.import_module(f"vislrp_core.cli.{module}").register(subparsers)
    return whole


def start() -> int:
    """Run the command line as a program of its own: the entry point of ``vislrp`` and of ``python -m vislrp_core``.

    Returns
    -------
    int
        Exit status, see `main`.
    """
    if not sys.warnoptions:
        # What libraries warn about does not concern the reader, whose errors are one line.
        warnings.simplefilter("ignore")
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal without Greek letters shows another sign instead of failing.
        sys.stdout.reconfigure(errors="replace")
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        Exit status: 0, 2 for wrong input, 130 when interrupted.

    Raises
    ------
    Exception
        Whatever is no `VisLRPError` and no `OSError`: a mistake in the program.
    """
    given = sys.argv[1:] if arguments is None else arguments
    whole = parser(given)
    options, rest = whole.parse_known_args(given)
    options.rest = rest
    if rest and not getattr(options, "passes_on", False):
        whole.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        status = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        show_traceback(options)
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough; Python must not complain when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (VisLRPError, OSError) as error:
        show_traceback(options)
        print(f"{whole_line(error)}", file=sys.stderr)
        return 2
    return status or 0


def whole_line(error: BaseException) -> str:
    """An error as one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return " ".join(str(error).split()) or type(error).__name__
