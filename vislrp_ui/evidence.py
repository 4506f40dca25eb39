"""What Compare's "Evidence" is asked for, as one value and as part of an address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from vislrp_core.baselines import METHODS
from vislrp_core.images import SIDE
from vislrp_core.measures import MEASURES, Box
from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_ui.address import one_of, read_fields, whole, write_fields

Over = Literal["rows", "samples", "uploads"]
OVER: dict[str, str] = {"rows": "Rows shown", "samples": "All samples", "uploads": "Own pictures"}
FREE = ("class_cosine", "gini", "box_mass")
"""Measures that come at once: no picture is changed for them."""
OFFERED = tuple(key for key in MEASURES if key != "seconds")


@dataclass(frozen=True)
class Boxed:
    """The box of an object in a row's picture, in pixels of the network's view."""

    row: int
    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def box(self) -> Box:
        """As measures take it."""
        return Box(self.x0, self.y0, self.x1, self.y1)


@dataclass(frozen=True)
class Evidence:
    """Which measures, over what, along with which baselines.

    Attributes
    ----------
    over : str
        A key of `OVER`.
    metrics, baselines : tuple of str
        Keys of `MEASURES` and of `baselines.METHODS`.
    boxes : tuple of Boxed
        At most one for each row.
    """

    over: Over = "rows"
    metrics: tuple[str, ...] = FREE
    baselines: tuple[str, ...] = ()
    boxes: tuple[Boxed, ...] = ()

    def box_of(self, row: int) -> Boxed | None:
        """The box drawn on a row's picture."""
        return next((one for one in self.boxes if one.row == row), None)

    def measured(self) -> tuple[str, ...]:
        """The measures that can be computed: those of boxes only over rows with one."""
        boxed = self.over == "rows" and bool(self.boxes)
        return tuple(key for key in MEASURES if key in self.metrics and (boxed or key not in NEED_BOXES))

    def to_param(self) -> str:
        """As part of an address."""
        boxes = ".".join(f"{one.row}_{one.x0}_{one.y0}_{one.x1}_{one.y1}" for one in self.boxes)
        return write_fields(
            {"over": self.over, "metrics": ".".join(self.metrics), "baselines": ".".join(self.baselines), "boxes": boxes},
            _FIELDS,
        )


_FIELDS = {"over": "rows", "metrics": "", "baselines": "", "boxes": ""}
"""Fields of an address with their defaults, in the order of its first version."""


def with_box(shown: Evidence, row: int, ends: tuple[int, int, int, int] | None) -> Evidence:
    """Another box on a row's picture, or none."""
    others = tuple(one for one in shown.boxes if one.row != row)
    return replace(shown, boxes=others if ends is None else (*others, Boxed(row, *ends)))


def from_param(text: str) -> Evidence:
    """What an address says (ValueError if it is damaged)."""
    over, measured, besides, marked = read_fields(text, _FIELDS).values()
    metrics, baselines = (tuple(one for one in part.split(".") if one) for part in (measured, besides))
    if set(metrics) - set(OFFERED) or set(baselines) - METHODS.keys():
        raise ValueError(text[:40])
    boxes = []
    for one in (part for part in marked.split(".") if part):
        numbers = [whole(number, 0, 99_999) for number in one.split("_")]
        if len(numbers) != 5 or max(numbers[1:]) > SIDE or numbers[3] <= numbers[1] or numbers[4] <= numbers[2]:
            raise ValueError(one[:40])
        boxes.append(Boxed(*numbers))
    if len({one.row for one in boxes}) < len(boxes):
        raise ValueError(text[:40])
    return Evidence(one_of(over, OVER), metrics, baselines, tuple(boxes))
