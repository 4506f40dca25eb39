"""What pages measure on: pictures in memory, and a workspace whose every pass and map takes a turn at the compute gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.experiments import Explainer, Picture, Workspace
from vislrp_core.images import read_image
from vislrp_core.network import Network
from vislrp_ui import service
from vislrp_ui.gate import GATE
from vislrp_ui.samples import samples

BATCH = 2
Maps = Mapping[tuple[Picture, str, int], NDArray[Any]]


@dataclass(frozen=True)
class HeldPicture(Picture):
    """A picture in memory: that of a visitor is on no disk."""

    data: bytes = field(default=b"", compare=False, repr=False)

    def read(self) -> Image.Image:
        """The picture in RGB."""
        return read_image(self.data)


@cache
def sample_picture(id: str, fit: str = "crop") -> Picture:
    """A sample photograph (KeyError if there is none)."""
    return Picture.of(str(samples()[id].path), fit)


class MeasuringWorkspace(Workspace):
    """A workspace with pictures and known maps in memory, which waits at the gate and repeats forward passes.

    Parameters
    ----------
    maps : mapping
        Pixel maps that are already known, by picture, model key and class.
    """

    def __init__(self, network: Network, maps: Maps | None = None) -> None:
        super().__init__(network, batch=BATCH)
        self._maps = maps or {}

    @contextmanager
    def turn(self, passes: int) -> Iterator[None]:
        """A slot of the gate."""
        with GATE.slot(patient=True):
            service.counters.count("forward_passes", passes)
            yield

    def prepare(self, wishes: Sequence[Any]) -> None:
        """Compute nothing ahead: another visitor then waits for one map at most."""

    def values(self, picture: Picture, model: Explainer, target: int) -> NDArray[Any]:
        """The pixel map."""
        known = self._maps.get((picture, model.key, target))
        return np.asarray(known) if known is not None else super().values(picture, model, target)

    def explained(self, picture: Picture, model: Explainer, target: int) -> tuple[NDArray[Any], float]:
        """The pixel map and its conservation."""
        self.trace(picture)  # its own turn, before the one below
        with GATE.slot(patient=True):
            return super().explained(picture, model, target)
