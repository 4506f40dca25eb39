"""``python -m vislrp_core``: the command line."""

import sys
import warnings
from io import TextIOWrapper

from vislrp_core.cli import main

if __name__ == "__main__":
    if not sys.warnoptions:
        # What libraries warn about is no concern of the reader, whose errors are one line.
        warnings.simplefilter("ignore")
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal without Greek letters shows another sign instead of failing.
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
