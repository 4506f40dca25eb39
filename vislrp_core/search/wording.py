"""What is wrong with a space, in one sentence."""

from __future__ import annotations

from functools import partial

from pydantic import ValidationError

from vislrp_core.errors import VisLRPError
from vislrp_core.findings import Finding, dotted

_name = partial(dotted, hidden=("values",))


class SpaceError(VisLRPError, ValueError):
    """A space that cannot be searched; the text is one sentence that names the place."""


def sentence(error: ValidationError) -> str:
    """First finding of pydantic as one sentence that names the place."""
    found = Finding.first(error, _name)
    place, kind = found.place, found.kind
    if text := found.common("a space"):
        return f"{place}: {text}" if place else text
    if kind in ("too_short", "too_long"):
        text = f"must hold {'1 to 12 segments' if place == 'segments' else 'at least one rule'}"
    elif kind.startswith("int") or kind == "greater_than_equal":
        text = "must be the number of a row"
    elif kind.startswith("float") or kind == "finite_number":
        text = "must be a finite number"
    else:
        text = "must be of the right form"
    return f"{place or 'the space'}: {text}, got {found.given}"
