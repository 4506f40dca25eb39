"""``app``: the designer in the browser; every argument is passed on to `streamlit run`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys

from vislrp_core.errors import VisLRPError
from vislrp_core.resources import app_script

EPILOG = """Every option is passed on to `streamlit run`, for example:
  vislrp app --server.port 8600
  vislrp app --server.address 0.0.0.0 --server.headless true    (other computers of the network may open it)
Settings of the designer itself are environment variables; docs/deploy.md lists them."""
NEEDED = ("streamlit", "streamlit_drawable_canvas", "altair", "vislrp_ui")


class NotInstalled(VisLRPError, RuntimeError):
    """The designer needs a package that is not there."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "app",
        help="start the designer in the browser",
        allow_abbrev=False,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="vislrp app [STREAMLIT OPTION ...]",
    )
    parser.set_defaults(run=run, passes_on=True)


def run(options: argparse.Namespace) -> int:
    """Start streamlit in place of this process, so that it gets the signals meant for it.

    Raises
    ------
    NotInstalled
        A package of the pages is not installed.
    FileNotFoundError
        The pages are not where they belong.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise NotInstalled(f"The designer needs the package {missing[0]}: install it with `pip install vislrp-designer`.")
    script = app_script()
    if not script.is_file():
        raise FileNotFoundError(f"{script} is missing: install VisLRP Designer again, or restore it in the clone.")
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options.rest]
    if os.name == "nt":
        # Windows has no exec that keeps the console waiting.
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(sys.executable, command)
