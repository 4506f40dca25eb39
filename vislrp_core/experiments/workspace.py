"""What the tasks of one network share: pictures, their forward passes and maps, the turns at the processor."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vislrp_core import flipping
from vislrp_core.baselines import Baseline
from vislrp_core.batches import Batch, forward_many, propagate_batch, trace_of
from vislrp_core.errors import VisLRPError
from vislrp_core.fills import filled_image
from vislrp_core.images import read_image, to_input
from vislrp_core.metrics import NOT_DEFINED, conservation
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, class_index, forward
from vislrp_core.propagation import propagate
from vislrp_core.relevance import Relevance
from vislrp_core.store import RelevanceStore

T = TypeVar("T")
Explainer = LRPModel | Baseline
"""What makes a map of the pixels."""
KEPT = {"trace": 2, "mosaic trace": 4, "randomised trace": 1, "values": 64}
"""How many values of a kind are kept; of kinds that are not named, `KEPT_OTHERS`."""
KEPT_OTHERS = 16
TOGETHER = 4
"""Most pictures of a folder whose maps are made at once: a forward pass of VGG16 keeps 60 MB of each."""
GROUPS = 16
"""Groups that a folder is parted into at least, so that workers have their share."""
Wish = tuple["Picture", Explainer, str]
"""A map that is going to be asked for: of a picture, under a model, for a class as `class_index` takes it."""


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


def together(pictures: int) -> int:
    """How many of a folder's pictures are explained at once.

    Single precision shows, in maps whose denominators cancel, which pictures were computed together: that follows from the
    folder alone, never from the batch, the number of workers, or an interruption.
    """
    return max(min(TOGETHER, pictures // GROUPS), 1)


class Workspace:
    """Where tasks of one network find what they share; made again is what is no longer kept.

    Parameters
    ----------
    network : Network
    batch : int
        Pictures that run through the network at once.
    tell : callable, optional
        Called with the number of finished steps of the task that runs; may raise to stop.
    store : RelevanceStore, optional
        Relevance at segment borders, for models that share their upper segments; it does not change a bit of the results.

    Notes
    -----
    A page gives its own: with the caches of the app, and turns at the compute gate.
    """

    def __init__(
        self,
        network: Network,
        *,
        batch: int = flipping.BATCH,
        tell: Callable[[int], None] = lambda done: None,
        store: RelevanceStore | None = None,
    ) -> None:
        self.network, self.batch, self.tell, self.store = network, batch, tell, store
        self.ahead: Sequence[Any] = ()
        """Tasks of the group that is run: one may do at once what several of them need."""
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}
        self._room = dict(KEPT)

    def turn(self, passes: int) -> AbstractContextManager[object]:
        """Held while that many pictures run through the network."""
        return nullcontext(passes)

    def remember(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """A kept value, or a new one."""
        kept = self._kept.setdefault(kind, OrderedDict())
        if key not in kept:
            while len(kept) >= self._room.get(kind, KEPT_OTHERS):
                kept.popitem(last=False)  # before a new one takes its memory
            kept[key] = make()
        kept.move_to_end(key)
        return cast(T, kept[key])

    def trace(self, picture: Picture) -> Trace:
        """The picture's forward pass (ImageError, OSError)."""

        def see() -> Trace:
            self._at_another_picture()
            x = to_input(picture.read(), self.network, picture.fit)
            with self.turn(1):
                return forward(self.network, x)

        return self.remember("trace", picture, see)

    def _at_another_picture(self) -> None:
        """Keep of the last picture its forward pass alone: what was computed beside it, and its mosaics, take far more."""
        for kind in ("mosaic trace", "randomised trace"):
            self._kept.pop(kind, None)
        for trace in self._kept.get("trace", {}).values():
            trace.cache.forget()

    def see(self, pictures: Sequence[Picture]) -> Batch | None:
        """Forward passes of several pictures at once, kept as traces; None if one has none, whose own task says why."""
        key = tuple(pictures)
        if key in self._kept.get("batch", ()):
            return self.remember("batch", key, lambda: None)
        for kind in ("batch", "trace", "mosaic trace", "randomised trace"):
            self._kept.pop(kind, None)  # before new ones take their memory
        self._room |= {"batch": 1, "trace": max(len(pictures), KEPT["trace"])}
        try:
            x = torch.cat([to_input(one.read(), self.network, one.fit) for one in pictures])
            with self.turn(len(pictures)):
                batch = forward_many(self.network, x)
        except (VisLRPError, OSError):
            return None
        for place, picture in enumerate(pictures):
            self.remember("trace", picture, partial(trace_of, self.network, batch, place))
        return self.remember("batch", key, lambda: batch)

    def prepare(self, wishes: Sequence[Wish]) -> None:
        """Make the maps that tasks are going to ask for, those of several pictures under one model at once.

        A map that cannot be made is left to the task, which says why.
        """
        pictures = list(dict.fromkeys(picture for picture, _, _ in wishes))
        batch = self.see(pictures) if len(pictures) > 1 else None
        if batch is None:
            return
        self._room["values"] = max(len(set(wishes)), KEPT["values"])
        asked: dict[str, tuple[LRPModel, dict[Picture, list[int]]]] = {}
        try:
            for picture, model, target in dict.fromkeys(wishes):
                if isinstance(model, LRPModel):
                    classes = asked.setdefault(model.key, (model, {}))[1].setdefault(picture, [])
                    classes.append(class_index(self.network, target, self.trace(picture)))
        except VisLRPError:
            return
        for model, by_picture in asked.values():
            # One class of each picture at a time.
            for row in zip(*(by_picture.get(picture, []) for picture in pictures), strict=False):
                self._explain(batch, pictures, model, row)
        for place, picture in enumerate(pictures):
            # With the pass in double precision, if a model has asked for it.
            self._kept["trace"][picture] = trace_of(self.network, batch, place)

    def _explain(self, batch: Batch, pictures: Sequence[Picture], model: LRPModel, classes: Sequence[int]) -> None:
        """Keep the map of one class of each picture, if all are finite."""
        try:
            with self.turn(len(pictures)):
                found = propagate_batch(self.network, batch, model, classes, layers=(0,))
        except VisLRPError:
            return
        for picture, one, relevance in zip(pictures, classes, found, strict=True):
            self.remember("values", (picture, model.key, one), partial(_explained, relevance))

    def values(self, picture: Picture, model: Explainer, target: int) -> NDArray[Any]:
        """Channel sum of R[0], (H, W) (NonFiniteRelevance)."""
        return self.explained(picture, model, target)[0]

    def explained(self, picture: Picture, model: Explainer, target: int) -> tuple[NDArray[Any], float]:
        """Channel sum of R[0], and the sum of R[0] divided by that of the logits' relevance; NaN for a baseline."""

        def explain() -> tuple[NDArray[Any], float]:
            if isinstance(model, Baseline):
                found = model.relevance(self.network, self.trace(picture).x, target, self.slopes(picture))
                return found.sum(0).cpu().numpy(), NOT_DEFINED
            return _explained(propagate(self.network, self.trace(picture), model, target, layers=(0,), store=self.store))

        return self.remember("values", (picture, model.key, target), explain)

    def slopes(self, *key: Hashable) -> dict[int, Tensor]:
        """Gradients of one input by class, which baselines share (`Baseline.relevance`): of a picture, or of what else."""
        return self.remember("slopes", key, dict)

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


def _explained(found: Relevance) -> tuple[NDArray[Any], float]:
    """The channel sum of R[0], and the share of relevance that arrives there."""
    # Where relevance of both signs nearly cancels, a sum in single precision would follow the number of threads.
    return found.map(0), conservation(float(found.at(0).sum(dtype=torch.float64)), float(found.total[-1]))
