"""Texts from elsewhere: files in the wrong encoding, signs that no file can hold, names that nobody sees."""

from __future__ import annotations

import codecs
import re
import unicodedata
from html import escape
from typing import Any

from vislrp_core.errors import InputError

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers that count as letters or symbols and draw nothing."""
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
"""Signs that turn the order of others round."""


def decoded(content: bytes) -> str:
    """Text of a file in UTF-8, with or without its mark.

    Raises
    ------
    InputError
        Another encoding, which is named, or none; the text begins with a verb.
    """
    name = next((name for mark, name in _MARKS if content.startswith(mark)), "") or _wide(content[:400])
    if not name:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            place = error.start + 1
            raise InputError(f"is not text in UTF-8 (byte {place} fits in no character): save it as UTF-8") from None
        if "\0" not in text:
            return text
        raise InputError("holds characters of the code 0: save it as plain text in UTF-8")
    raise InputError(f"is in {name}: save it as UTF-8")


def _wide(start: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, recognized by the zeros next to its ASCII characters; "" for neither."""
    if len(start) < 4 or b"\0" not in start:
        return ""
    wide = [start[place::4] for place in range(4)]
    if not any(wide[1] + wide[2]) and (not any(wide[0]) or not any(wide[3])):
        return "UTF-32"
    return "UTF-16" if not any(start[0::2]) or not any(start[1::2]) else ""


def half_character(data: Any) -> str:
    """The first half of a character (a lone surrogate) in a text, or in any key or value of parsed JSON; "" for none."""
    if isinstance(data, str):
        return next((f"\\u{ord(sign):04x}" for sign in data if 0xD800 <= ord(sign) <= 0xDFFF), "")
    parts = [*data.keys(), *data.values()] if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    return next((found for part in parts if (found := half_character(part))), "")


def is_visible(text: str) -> bool:
    """Whether a text draws anything: blanks, control and formatting signs and fillers alone do not."""
    return any(sign not in _INVISIBLE and unicodedata.category(sign)[0] in "LNPS" for sign in text)


def one_line(text: str, most: int) -> str:
    """A name as one line of bounded length, "" where nothing of it can be seen; halves of characters are left out."""
    whole = "".join(sign for sign in text if not 0xD800 <= ord(sign) <= 0xDFFF and sign != "\0")
    line = " ".join(whole.split())[:most]
    return line if is_visible(line) else ""


def as_html(value: object) -> str:
    """A text as HTML shows it, escaped; signs that no document may hold are replaced, those that turn others round go."""
    kept = "".join(
        "\ufffd" if sign in "\ufffe\uffff" or (sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs")) else sign
        for sign in _TURNING.sub("", str(value))
    )
    return escape(kept)
