"""Names of the files that pages offer for download."""

from __future__ import annotations

import re


def file_stem(text: str) -> str:
    """A file name without its ending, from what was typed."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[:80] or "model"
