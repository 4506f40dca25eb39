"""``python -m vislrp_ui.prepare``: compute now what every class looks at, before the server has to.

A server does the same while nobody asks for anything; one that starts together with the lesson has no such time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import vislrp_ui  # noqa: F401  first, see there
from vislrp_core.errors import VisLRPError
from vislrp_ui import beforehand, running, shelf, shelved


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the folder of results; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m vislrp_ui.prepare", description=__doc__)
    parser.add_argument(
        "--classes",
        type=int,
        default=beforehand.FIRST_CLASSES,
        help="first classes of each sample image that are explained (default %(default)s); what is there stays",
    )
    options = parser.parse_args(arguments)
    held, name = shelf.app_shelf(), running.default_network()
    if options.classes < 1:
        parser.error("--classes: at least 1")
    if held is None:
        parser.error("nothing is kept on disk while VISLRP_STORE_MB is 0: set it to the MB that results may take")
    if name not in shelved.NETWORKS:
        parser.error(f"results are kept for {' and '.join(shelved.NETWORKS)} alone, VISLRP_NETWORK is {name}")
    try:
        beforehand.fill(name, options.classes, lambda done, count: print(f"\r{done} of {count} maps", end="", flush=True))
    except VisLRPError as error:
        print(error, file=sys.stderr)
        return 2
    print(f" in {held.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
