"""What pydantic finds wrong in a file, as the part of a sentence that names the place."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vislrp_core import texts

Location = tuple[int | str, ...]


def shown(value: Any) -> str:
    """A given value as it stood in the file, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    if texts.half_character(text):
        text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(place: Location, hidden: Collection[str] = ()) -> str:
    """A place as in a program: ``segments[0].rule``.

    Parameters
    ----------
    place : tuple
        Names and numbers on the way to it.
    hidden : collection of str
        Names that stand in our types and not in the file.
    """
    name = ""
    for part in place:
        if part not in hidden:
            name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


@dataclass(frozen=True)
class Finding:
    """What is wrong first.

    Attributes
    ----------
    place : str
        Where, in the words of the file's readers; empty where it is the file as a whole.
    kind : str
        Pydantic's name of the error.
    context : mapping
        What the error tells besides.
    given : str
        The value that stands there (`shown`).
    """

    place: str
    kind: str
    context: Mapping[str, Any]
    given: str

    @classmethod
    def first(cls, error: ValidationError, name: Callable[[Location], str] = dotted) -> Finding:
        """The first one of an error.

        Parameters
        ----------
        name : callable
            Makes the place's name of its location.
        """
        one = error.errors()[0]
        return cls(name(one["loc"]), one["type"], one.get("ctx", {}), shown(one.get("input")))

    def common(self, whole: str) -> str:
        """What is wrong, where it is said alike of every kind of file; empty for what its reader says itself.

        Parameters
        ----------
        whole : str
            What the file is, with its article: "a space".
        """
        if self.kind == "value_error":
            return str(self.context["error"])
        if self.kind == "extra_forbidden":
            return f"is not a field of {whole}"
        if self.kind == "missing":
            return "is missing"
        if self.kind == "literal_error":
            expected = str(self.context["expected"])
            return f"must be {'one of ' if ' or ' in expected else ''}{expected}, got {self.given}"
        return ""
