"""One measure of one model on one picture as a task."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vislrp_core.errors import InputError
from vislrp_core.experiments.workspace import Explainer, Picture, Wish, Workspace
from vislrp_core.measures.boxes import Box
from vislrp_core.measures.catalogue import MEASURES, NEED_BOXES, WITHOUT_MAP, Question
from vislrp_core.measures.subject import Settings, Subject
from vislrp_core.network import Network


@dataclass(frozen=True)
class Measured:
    """A value: NaN where the measure is not defined for this map.

    Attributes
    ----------
    target : int
        The class explained: of ``mosaic`` always the picture's first.
    seconds : float
        That it took; what several models share is among those of the one that came first.
    """

    target: int
    value: float
    seconds: float


DEFAULTS = Settings()


@dataclass(frozen=True)
class MeasureTask:
    """Measure one model on one picture.

    Attributes
    ----------
    metric : str
        A key of `MEASURES`.
    boxes : tuple of Box
        In the picture's own pixels (`box_mass`, `pointing`).
    size_of_picture : tuple of int
        Width and height, where there are boxes.
    mosaics : tuple
        See `mosaic.mosaics_with` (`mosaic`).
    """

    picture: Picture
    model: Explainer
    metric: str
    settings: Settings = DEFAULTS
    boxes: tuple[Box, ...] = ()
    size_of_picture: tuple[int, int] = (0, 0)
    mosaics: tuple[tuple[Picture, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.metric not in MEASURES:
            raise InputError(f'metrics: must be some of {", ".join(MEASURES)}, got "{self.metric[:40]}"')
        if self.metric in NEED_BOXES and not self.boxes:
            raise InputError(f"{self.metric}: needs the boxes of the picture's objects")
        if self.metric == "mosaic" and len(self.mosaics) != 4:
            raise InputError("mosaic: needs the four mosaics that show the picture")

    @property
    def key(self) -> tuple[Any, ...]:
        """All that the value depends on besides the network."""
        boxes = [list(vars(box).values()) for box in self.boxes] if self.metric in NEED_BOXES else []
        mosaics = [[one.digest for one in mosaic] for mosaic in self.mosaics] if self.metric == "mosaic" else []
        return (
            "measure",
            self.metric,
            self.picture.digest,
            self.picture.fit,
            self.model.key,
            *self.settings.key,
            boxes,
            mosaics,
        )

    @property
    def size(self) -> int:
        """One step."""
        return 1

    @property
    def wish(self) -> Wish | None:
        """The map of the picture, which most measures look at."""
        return None if self.metric in WITHOUT_MAP else (self.picture, self.model, self.settings.target)

    def run(self, network: Network, workspace: Workspace | None = None) -> Measured:
        """Measure it (VisLRPError, OSError)."""
        space = workspace or Workspace(network)
        space.tell(0)
        begin = time.perf_counter()
        subject = Subject(space, self.picture, self.settings)
        seen = tuple(box.seen(self.size_of_picture, network.architecture.input_size, self.picture.fit) for box in self.boxes)
        tell = space.tell
        space.tell = lambda done: tell(0)  # steps within are none of this task's
        try:
            value = MEASURES[self.metric].compute(subject, self.model, Question(seen, self.mosaics))
        finally:
            space.tell = tell
        target = subject.first if self.metric == "mosaic" else subject.target
        return Measured(target, value, time.perf_counter() - begin)

    def pack(self, result: Measured) -> dict[str, Any]:
        """A value as JSON."""
        return vars(result).copy()

    def unpack(self, data: Mapping[str, Any]) -> Measured:
        """A value from JSON."""
        return Measured(**data)
