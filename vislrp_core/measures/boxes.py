"""Localisation: how much relevance is in the box of an object, and whether the most relevant pixel does."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vislrp_core.errors import InputError
from vislrp_core.images import before_the_cut

TOLERANCE = 15
"""Pixels outside the box that still count as found (Zhang et al. 2018)."""
COLUMNS = ("image", "x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Box:
    """A rectangle in a picture's own pixels, upright as it is seen: from x0, y0 (in it) to x1, y1 (beyond it)."""

    x0: float
    y0: float
    x1: float
    y1: float

    def seen(self, size: tuple[int, int], side: int, fit: str = "crop") -> Box:
        """The box as the network sees it; where the picture's edges are cut off, beyond the view.

        Parameters
        ----------
        size : tuple of int
            Width and height of the picture.
        side : int
            Side of the network's input.
        fit : {"crop", "squash"}
            How the picture becomes the input, see `images.network_view`.
        """
        if fit == "squash":
            scales, offsets = [side / length for length in size], [0, 0]
        else:
            lengths = [before_the_cut(side) * length // min(size) for length in size]
            scales = [new / old for new, old in zip(lengths, size, strict=True)]
            offsets = [round((length - side) / 2) for length in lengths]
        ends = [
            value * scales[axis] - offsets[axis] for value, axis in ((self.x0, 0), (self.y0, 1), (self.x1, 0), (self.y1, 1))
        ]
        return Box(*ends)

    def pixels(self, side: int, wider: int = 0) -> NDArray[np.bool_]:
        """Pixels of the input whose centres are in the box, made wider by some pixels on each side; (side, side)."""
        centres = np.arange(side) + 0.5
        across, down = (
            (centres >= low - wider) & (centres < high + wider) for low, high in ((self.x0, self.x1), (self.y0, self.y1))
        )
        return down[:, None] & across[None, :]


def read_boxes(path: str | Path) -> dict[str, tuple[Box, ...]]:
    """Boxes by picture from a CSV file with the columns image, x0, y0, x1, y1; several rows of a picture are several boxes.

    Raises
    ------
    InputError
        The file cannot be read, holds no boxes, or a line is not a box; one sentence that names the place.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(f"--boxes {path}: cannot be read ({reason})") from error
    rows = csv.DictReader(io.StringIO(text))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise InputError(
            f"--boxes {path}: the first line must name the columns {', '.join(COLUMNS)}; {', '.join(missing)} is missing"
        )
    found: dict[str, list[Box]] = {}
    for row in rows:
        try:
            box = Box(*(float(row[column] or "") for column in COLUMNS[1:]))
        except (TypeError, ValueError) as error:
            raise InputError(f"--boxes {path}, line {rows.line_num}: x0, y0, x1 and y1 must be numbers") from error
        if not all(map(math.isfinite, vars(box).values())) or box.x1 <= box.x0 or box.y1 <= box.y0:
            raise InputError(f"--boxes {path}, line {rows.line_num}: x1 must be larger than x0, and y1 than y0")
        found.setdefault(row["image"] or "", []).append(box)
    if not found:
        raise InputError(f"--boxes {path}: holds no boxes, give one line of {','.join(COLUMNS)} for each")
    return {image: tuple(boxes) for image, boxes in found.items()}


def name_of(image: str, boxes: Mapping[str, Sequence[Box]]) -> str | None:
    """What the boxes call a picture, its path or its file's name; None if they do not name it."""
    return next((name for name in (image, Path(image).name) if name in boxes), None)


def boxes_of(image: str, boxes: Mapping[str, Sequence[Box]]) -> tuple[Box, ...]:
    """Boxes of a picture, named by its path or by its file's name."""
    name = name_of(image, boxes)
    return () if name is None else tuple(boxes[name])


def named(images: Sequence[str], boxes: Mapping[str, Sequence[Box]]) -> dict[str, list[str]]:
    """The pictures that each name of the boxes means: none, one, or by a file's name several of different folders."""
    found: dict[str, list[str]] = {name: [] for name in boxes}
    for image in images:
        name = name_of(image, boxes)
        if name is not None:
            found[name].append(image)
    return found


def _union(boxes: Sequence[Box], side: int, wider: int = 0) -> NDArray[np.bool_]:
    return np.logical_or.reduce([box.pixels(side, wider) for box in boxes])


def box_mass(values: NDArray[np.float64], boxes: Sequence[Box]) -> float:
    """Share of positive relevance inside the boxes (as the network sees them); NaN if none is positive."""
    positive = np.maximum(values, 0)
    total = positive.sum()
    return float(positive[_union(boxes, len(values))].sum() / total) if total > 0 else math.nan


def pointing(values: NDArray[np.float64], boxes: Sequence[Box], tolerance: int = TOLERANCE) -> float:
    """1 if the largest value (the first of equals) is in a box or at most that many pixels outside, else 0."""
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return float(_union(boxes, len(values), tolerance)[row, column])
