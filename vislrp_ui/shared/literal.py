"""Text that Streamlit's markdown shows as it is: names of models, pictures, networks and classes, and sentences about files.

Streamlit renders labels, tooltips, captions and messages as markdown. Whatever a visitor or a file has named passes through
`escaped` on its way there.
"""

from __future__ import annotations

import re

import streamlit as st

_ALWAYS = re.compile(r"[\\`*\[\]$~<|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[^\s:])|&(?=#?\w+;)")
_LINE_START = re.compile(r"^[ \t]*([#+>=-]|\d+(?=[.)]))", re.MULTILINE)
_LATER = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@\w)|(?<=\\:)(?=[\w+-]+[:/])", re.IGNORECASE)
_ARROWS = re.compile(r"(?<=<)(?=-)|(?<=-)(?=[->])|(?<=[<>~])(?==)")
JOINER = "\u2060"
"""Word joiner, which takes no room and cannot be seen."""


def escaped(text: str) -> str:
    """Markdown that shows a text as it is.

    Sentences without markup stay as they are. Addresses, shortcodes of emoji and icons, and arrows are replaced only after
    the markdown is parsed, where no backslash is left: a character that cannot be seen parts them.
    """
    parted = _ARROWS.sub(JOINER, text)
    marked = _ALWAYS.sub(lambda found: "\\" + found[0], parted)
    lines = _LINE_START.sub(lambda found: found[1] + "\\" if found[1].isdigit() else "\\" + found[1], marked)
    return _LATER.sub(JOINER, lines)


def warning(text: str, icon: str | None = None) -> None:
    """A warning in plain text."""
    st.warning(escaped(text), icon=icon)


def error(text: str, icon: str | None = None) -> None:
    """An error in plain text."""
    st.error(escaped(text), icon=icon)
