"""Edits and echoes: which value of a message was given by hand, and which the browser merely sends along.

Each message of the browser carries the values of all widgets of its page. A widget that the server has set meanwhile is sent
with its old value until the browser has drawn the new one, so that a gesture which leaves before that seems to set it back.
The server therefore numbers what it sets, the browser names the last number that it has drawn (a hidden field of the page
that it sends along like any other), and a value that was on screen then is an echo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_SHOWN = 60
"""Values of one widget that are remembered while the browser does not say what it has drawn."""
NOTHING = object()


@dataclass
class HeldValue:
    """One widget.

    Attributes
    ----------
    shown : dict
        Values set by the server and not yet known to be drawn, by number, in order.
    base : object
        What the browser held when it last wrote.
    number : int
        Number of the last value set.
    reported : object
        What the last message said, `NOTHING` if it did not name the widget.
    drawn : bool
        Whether the browser had drawn all that was set when it wrote that message.
    limits : tuple
        Between which values it may move.
    raw : bytes
        The last message's own words: a value may read otherwise once the limits are others.
    """

    shown: dict[int, Any] = field(default_factory=dict)
    base: Any = NOTHING
    number: int = 0
    reported: Any = NOTHING
    drawn: bool = False
    limits: tuple[Any, ...] = ()
    raw: bytes = b""


class Ledger:
    """What one browser has been told, and what it has said."""

    def __init__(self) -> None:
        self.count = 0
        self._held: dict[str, HeldValue] = {}

    def show(self, key: str, value: Any) -> None:
        """The server sets a widget."""
        held = self._held.setdefault(key, HeldValue())
        self.count += 1
        held.number, held.drawn = self.count, False
        held.shown[self.count] = value
        while len(held.shown) > MAX_SHOWN:
            del held.shown[next(iter(held.shown))]

    def distrust(self) -> None:
        """The connection is another one: what was on its way is lost, and everything has to be shown again."""
        self.count += 1
        for held in self._held.values():
            held.number, held.drawn = self.count, False

    def same(self, key: str, limits: tuple[Any, ...]) -> bool:
        """Whether a widget has the limits that it had; remembers them."""
        held = self._held.setdefault(key, HeldValue())
        before, held.limits = held.limits, limits
        return before == limits

    def shows(self, key: str, value: Any) -> bool:
        """Whether the browser is known to show this value of a widget."""
        held = self._held.get(key)
        return held is not None and held.drawn and held.reported is not NOTHING and bool(held.reported == value)

    def knows(self, key: str) -> bool:
        """Whether the server sets this widget."""
        return key in self._held

    def begin(self) -> None:
        """A message begins: it names no widget so far."""
        for held in self._held.values():
            held.reported = NOTHING

    def is_echo(self, key: str, value: Any, drawn: int, raw: bytes = b"") -> bool:
        """Read one value of a message.

        Parameters
        ----------
        key : str
            The widget.
        value : object
            What the message says.
        drawn : int
            Number of the last value, of any widget, that the browser had drawn when it wrote.

        raw : bytes, optional
            The value as it was sent.

        Returns
        -------
        bool
            True for what was on screen without the browser's doing; always False for a widget that is not set from here.
        """
        held = self._held.get(key)
        if held is None:
            return False
        held.reported, held.drawn = value, drawn >= held.number
        come = [one for one in held.shown if one <= drawn]
        for number in come:
            held.base = held.shown.pop(number)
        unchanged, held.raw = bool(raw) and raw == held.raw and not come, raw
        if unchanged:
            return True
        # The field that names the number is drawn after the widgets: later values may be on screen already.
        coming = [number for number, shown in held.shown.items() if shown == value]
        if coming:
            held.drawn = held.drawn or coming[-1] == held.number
        echo = bool(coming) or (held.base is not NOTHING and held.base == value)
        held.base = value
        return echo
