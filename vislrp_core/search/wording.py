"""What is wrong with a space, in one sentence."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from vislrp_core.errors import VisLRPError


class SpaceError(VisLRPError, ValueError):
    """A space that cannot be searched; the text is one sentence that names the place."""


def shown(value: Any) -> str:
    """A given value as it stood in the file, cut where it is long."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def sentence(error: ValidationError) -> str:
    """First finding of pydantic as one sentence that names the place."""
    first = error.errors()[0]
    place = ""
    for part in first["loc"]:
        if part != "values":  # stands in our type, not in the file
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    kind, given = first["type"], shown(first.get("input"))
    if kind == "value_error":
        text = str(first["ctx"]["error"])
        return f"{place}: {text}" if place else text
    if kind == "extra_forbidden":
        return f"{place}: is not a field of a space"
    if kind == "missing":
        return f"{place}: is missing"
    if kind == "literal_error":
        return f"{place}: must be one of {first['ctx']['expected']}, got {given}"
    if kind in ("too_short", "too_long"):
        return f"{place}: must hold {'1 to 12 segments' if place == 'segments' else 'at least one rule'}, got {given}"
    if kind.startswith("int") or kind == "greater_than_equal":
        return f"{place}: must be the number of a row, got {given}"
    if kind.startswith("float") or kind == "finite_number":
        return f"{place}: must be a finite number, got {given}"
    return f"{place or 'the space'}: must be of the right form, got {given}"
