"""The pictures that a command is given: files, folders, and wildcards that no shell has expanded."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from vislrp_core.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def expand(argument: str) -> list[str]:
    """What a name with wildcards (``*``, ``?``, ``[...]``, ``**``) matches, sorted; any other name as it is.

    Windows' shells hand wildcards on as they are. A file whose own name has such signs is that file.

    Raises
    ------
    InputError
        Nothing matches.
    """
    if not glob.has_magic(argument) or os.path.lexists(argument):
        return [argument]
    found = sorted(glob.glob(argument, recursive=True))
    if not found:
        raise InputError(f"{argument}: no file matches")
    return found


def one_picture(argument: str) -> str:
    """The picture of a command that takes one.

    Raises
    ------
    InputError
        Wildcards that match none or several.
    """
    found = expand(argument)
    if len(found) > 1:
        raise InputError(f"{argument}: {len(found)} files match, name one of them")
    return found[0]


def find_images(arguments: Sequence[str]) -> list[str]:
    """Pictures as named, and those of the folders in the order of their names; each once, however its path is written.

    Raises
    ------
    InputError
        A path that does not exist, or a folder without pictures.
    """
    found: list[str] = []
    for argument in (one for given in arguments for one in expand(given)):
        path = Path(argument)
        if os.path.isdir(argument):
            inside = sorted(str(one) for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
            if not inside:
                raise InputError(f"{argument}: the folder holds no pictures ({', '.join(SUFFIXES)})")
            found += inside
        elif os.path.isfile(argument):
            found.append(argument)
        else:
            raise InputError(f"{argument}: there is no such file")
    each: dict[str, str] = {}
    for one in found:
        each.setdefault(os.path.abspath(one), one)
    return list(each.values())


def printable(path: str) -> str:
    r"""A file's name for a table: bytes that are not UTF-8 as ``\xe9``, so that the table stays UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
