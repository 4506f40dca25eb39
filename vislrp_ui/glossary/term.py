"""A word of the glossary."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GlossaryTerm:
    """One word.

    Attributes
    ----------
    word : str
        As it is written on screen.
    meaning : str
        One or two sentences of plain text.
    pages : tuple of str
        Keys of the pages where it stands (`rooms.Room`); empty where it occurs in the documentation alone.
    code : str
        Its name in the code, as markdown.
    reading, caveat : str
        Of a measured number: its range and what a high value means; what it does not prove.
    """

    word: str
    meaning: str
    pages: tuple[str, ...] = ()
    code: str = ""
    reading: str = ""
    caveat: str = ""

    @property
    def measured(self) -> bool:
        """Whether it is a number that is measured."""
        return bool(self.reading)
