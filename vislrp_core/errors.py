"""The one family of errors that say: what was given cannot be used."""

from __future__ import annotations


class VisLRPError(Exception):
    """Wrong input: a file, a value, a setting; the text is one sentence that says what, where, and what to do.

    Everything that this library raises for wrong input is a subclass, which also inherits the built-in error that fits
    (`ValueError`, `ArithmeticError`, `LookupError`). Any other exception, but `OSError`, is a mistake in the program.
    """


class InputError(VisLRPError, ValueError):
    """An argument or option that cannot be used."""


class ImageError(VisLRPError, ValueError):
    """A picture cannot be used; the message says in one sentence why and what to do."""


class NetworkError(VisLRPError, ValueError):
    """A network that cannot be used; the text is one sentence that names what and where."""
