"""What the tasks of one network share: pictures, their forward passes and maps, the turns at the processor."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.baselines import Baseline
from vislrp_core.fills import filled_image
from vislrp_core.images import read_image, to_input
from vislrp_core.metrics import NOT_DEFINED, conservation
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, forward
from vislrp_core.propagation import propagate

T = TypeVar("T")
Explainer = LRPModel | Baseline
"""What makes a map of the pixels."""
KEPT = {"trace": 2, "mosaic trace": 4}
"""How many values of a kind are kept; of kinds that are not named, `KEPT_OTHERS`."""
KEPT_OTHERS = 16


@dataclass(frozen=True)
class Picture:
    """A picture as a task names it: never its pixels.

    Attributes
    ----------
    path : str
        Where its file is.
    digest : str
        SHA-256 of the file; what results depend on.
    fit : str
        How it becomes the network's input, see `images.FITS`.
    """

    path: str
    digest: str
    fit: str = "crop"

    @classmethod
    def of(cls, path: str, fit: str = "crop") -> Picture:
        """The picture of a file (OSError if it cannot be read)."""
        with open(path, "rb") as stream:
            return cls(path, hashlib.file_digest(stream, "sha256").hexdigest(), fit)

    def read(self) -> Image.Image:
        """The picture in RGB (ImageError, OSError)."""
        return read_image(self.path)


class Workspace:
    """Where tasks of one network find what they share; made again is what is no longer kept.

    Parameters
    ----------
    network : Network
    batch : int
        Pictures that run through the network at once.
    tell : callable, optional
        Called with the number of finished steps of the task that runs; may raise to stop.

    Notes
    -----
    A page gives its own: with the caches of the app, and turns at the compute gate.
    """

    def __init__(self, network: Network, *, batch: int = flipping.BATCH,
                 tell: Callable[[int], None] = lambda done: None) -> None:
        self.network, self.batch, self.tell = network, batch, tell
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}

    def turn(self, passes: int) -> AbstractContextManager[object]:
        """Held while so many pictures run through the network."""
        return nullcontext(passes)

    def remember(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """A kept value, or a new one."""
        kept = self._kept.setdefault(kind, OrderedDict())
        if key not in kept:
            kept[key] = make()
        kept.move_to_end(key)
        while len(kept) > KEPT.get(kind, KEPT_OTHERS):
            kept.popitem(last=False)
        return cast(T, kept[key])

    def trace(self, picture: Picture) -> Trace:
        """The picture's forward pass (ImageError, OSError)."""
        def see() -> Trace:
            x = to_input(read_image(picture.path), self.network, picture.fit)
            with self.turn(1):
                return forward(self.network, x)

        return self.remember("trace", picture, see)

    def values(self, picture: Picture, model: Explainer, target: int) -> NDArray[Any]:
        """Channel sum of R[0], (H, W) (NonFiniteRelevance)."""
        return self.explained(picture, model, target)[0]

    def explained(self, picture: Picture, model: Explainer, target: int) -> tuple[NDArray[Any], float]:
        """Channel sum of R[0], and the sum of R[0] divided by that of the logits' relevance; NaN for a baseline."""
        def explain() -> tuple[NDArray[Any], float]:
            if isinstance(model, Baseline):
                return model.relevance(self.network, self.trace(picture).x, target).sum(0).cpu().numpy(), NOT_DEFINED
            found = propagate(self.network, self.trace(picture), model, target, layers=(0,))
            return found.map(0), conservation(float(found.total[0]), float(found.total[-1]))

        return self.remember("values", (picture, model.key, target), explain)

    def relevance(self, picture: Picture, model: LRPModel, target: int, layer: int) -> Tensor:
        """R[layer] (NonFiniteRelevance)."""
        return propagate(self.network, self.trace(picture), model, target, layers=(layer,)).at(layer)

    def filled(self, picture: Picture, fill: str) -> Tensor:
        """The picture with every pixel flipped."""
        return self.remember("filled", (picture, fill), lambda: filled_image(self.trace(picture).x, self.network, fill))

    def ends(self, picture: Picture, fill: str, patch: int) -> dict[int, Tensor]:
        """Logits that all orders share, see `flipping.ends`."""
        def see() -> dict[int, Tensor]:
            trace, filled = self.trace(picture), self.filled(picture, fill)
            with self.turn(1):
                return flipping.ends(self.network, trace, filled, patch)

        return self.remember("ends", (picture, fill, patch), see)

    def order(self, key: Hashable, make: Callable[[], NDArray[np.intp]]) -> NDArray[np.intp]:
        """An order of squares or neurons."""
        return self.remember("order", key, make)
