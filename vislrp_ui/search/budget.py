"""How long the server lets a search run."""

from __future__ import annotations

import math
import os

from vislrp_ui.state_search import MAX_MINUTES

OFF = "Searching is switched off on this server (VISLRP_SEARCH_MINUTES is 0): run “vislrp search” on a computer of your own."


def limit() -> int:
    """Minutes that the trials of one search may take: VISLRP_SEARCH_MINUTES; 0 switches searching off."""
    named = os.environ.get("VISLRP_SEARCH_MINUTES", "").strip()
    return min(int(named), MAX_MINUTES) if named.isascii() and named.isdigit() else MAX_MINUTES


def minutes_left(used: float) -> int:
    """Whole minutes that a search which took so many seconds may be given yet."""
    return max(0, math.ceil(limit() - used / 60))


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{max(math.ceil(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
