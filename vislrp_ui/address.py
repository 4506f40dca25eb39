"""Fields of an address: each function that reads returns what the text says, or raises ValueError where it is damaged.

A parameter that holds several values names them: ``v2~layer:31~value:mean``, in any order, and what has its default is left
out. Version 1 had all values in a fixed order, ``31~mean~...``; it is still read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_SHOWN = 40
"""Characters of a damaged field in the error: an address may be arbitrarily long."""


VERSION = "v2"


def write_fields(values: Mapping[str, str], defaults: Mapping[str, str] | None = None) -> str:
    """Named values as text.

    Parameters
    ----------
    values : mapping
        Texts by name; free text is to be percent-encoded.
    defaults : mapping, optional
        What is left out where the value is the same; by default the empty text of each.
    """
    told = {name: value for name, value in values.items() if value != (defaults or {}).get(name, "")}
    return "~".join([VERSION, *(f"{name}:{value.replace('~', '%7E')}" for name, value in told.items())])


def read_fields(text: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """Named values of a text of any version.

    Parameters
    ----------
    defaults : mapping
        All names with what counts where the text does not say it, in the order of version 1.

    Raises
    ------
    ValueError
        The text is damaged, or names a value that there is not.
    """
    version, *fields = text.split("~")
    if version != VERSION:
        return dict(zip(defaults, parts(text, len(defaults)), strict=True))
    found: dict[str, str] = {}
    for one in fields:
        name, colon, value = one.partition(":")
        if not colon or name not in defaults or name in found:
            raise ValueError(text[:_SHOWN])
        found[name] = value
    return {**defaults, **found}


def parts(text: str, count: int) -> list[str]:
    """The parts between tildes; the last one may hold tildes itself."""
    found = text.split("~", count - 1)
    if len(found) != count:
        raise ValueError(text[:_SHOWN])
    return found


def whole(text: str, low: int, high: int) -> int:
    """A whole number within bounds, at most seven digits."""
    if not (text.isascii() and text.isdigit() and len(text) < 8) or not low <= int(text) <= high:
        raise ValueError(text[:_SHOWN])
    return int(text)


def one_of(value: Any, allowed: Any) -> Any:
    """The value itself, which has to be one of those allowed."""
    if value not in allowed:
        raise ValueError(str(value)[:_SHOWN])
    return value


def model_ids(text: str) -> tuple[str, ...]:
    """Ids of models between full stops, 24 at most."""
    return tuple(unquote(id)[:80] for id in text.split(".")[:24] if id)
