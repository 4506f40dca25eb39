"""``python -m vislrp_core``: the command line."""

import sys

from vislrp_core.cli import start

if __name__ == "__main__":
    sys.exit(start())
