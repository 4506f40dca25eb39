"""Every table that leaves the program as CSV: read right by spreadsheets, and never run by them.

The files are UTF-8 with a mark at the start, without which spreadsheets take them for the encoding of the computer. A text
that a spreadsheet would run as a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ENCODING = "utf-8-sig"
"""Of all tables; reads files without the mark, too."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any, digits: int | None = None) -> str:
    """One value as text: floats with all or that many digits, what is unknown or not finite empty, formulas disarmed."""
    if value is None:
        return ""
    if isinstance(value, float) or hasattr(value, "dtype"):
        number = value.item() if hasattr(value, "dtype") else value
        if not isinstance(number, float):
            return cell(number)
        if not math.isfinite(number):
            return ""
        return repr(float(number)) if digits is None else f"{number:.{digits}g}"
    if not isinstance(value, str):
        return str(value)
    # A carriage return alone ends a row for some readers, quoted or not.
    text = value.replace("\r", " ")
    return f"'{text}" if value.startswith(_FORMULA) else text


def csv_bytes(header: Sequence[str], rows: Iterable[Iterable[Any]], digits: int | None = None) -> bytes:
    """A table as the content of a CSV file.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of rows
        Values in the order of the header, see `cell`.
    digits : int, optional
        Significant digits of floats; all by default.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value, digits) for value in row] for row in rows)
    return text.getvalue().encode(ENCODING, "backslashreplace")


class TableFile:
    """A CSV file that grows row by row, such as one of a long run; usable in ``with``.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    columns : sequence of str
        Keys of the rows, and the header.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._file = path.open("w", newline="", encoding=ENCODING, errors="backslashreplace")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow([cell(name) for name in columns])

    def write(self, *rows: Mapping[str, Any]) -> None:
        """Add rows; what a row lacks stays empty."""
        self._writer.writerows([cell(row.get(column)) for column in self._columns] for row in rows)
        self._file.flush()

    def __enter__(self) -> TableFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
