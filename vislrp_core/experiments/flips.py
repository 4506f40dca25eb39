"""One curve of measured flipping as a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vislrp_core import flipping
from vislrp_core.experiments.curves import packed, unpacked
from vislrp_core.experiments.workspace import Explainer, Picture, Wish, Workspace
from vislrp_core.flipping import PerturbationCurve
from vislrp_core.network import Network


@dataclass(frozen=True)
class FlipCurve:
    """Flip the squares of one picture in one order and watch one class (docs/numerics.md, section 8).

    Attributes
    ----------
    target : int
        Class whose map orders the squares, and which is watched.
    order : str
        A key of `flipping.ORDERS`.
    model : LRPModel, Baseline or None
        Whose map orders the squares; a random order needs none.
    seed : int or None
        Of a random order.
    """

    picture: Picture
    target: int
    order: str
    model: Explainer | None = None
    seed: int | None = None
    patch: int = flipping.DEFAULT_PATCH
    fill: str = "invert"
    steps: int = flipping.DEFAULT_STEPS

    @property
    def key(self) -> tuple[Any, ...]:
        """All that the curve depends on besides the network; the model's name is not among it."""
        return (
            self.picture.digest,
            self.picture.fit,
            self.target,
            self.patch,
            self.fill,
            self.steps,
            self.order,
            self.seed if self.model is None else self.model.key,
        )

    @property
    def size(self) -> int:
        """Steps."""
        return self.steps

    @property
    def wish(self) -> Wish | None:
        """The map that orders the squares."""
        return None if self.model is None else (self.picture, self.model, str(self.target))

    def squares(self, workspace: Workspace) -> NDArray[np.intp]:
        """The squares in the order of flipping."""

        def sort() -> NDArray[np.intp]:
            values = None if self.model is None else workspace.values(self.picture, self.model, self.target)
            return flipping.order_of(values, self.patch, self.order, self.seed)

        which = self.seed if self.model is None else self.model.key
        return workspace.order((self.picture, self.target, self.patch, self.order, which), sort)

    def run(self, network: Network, workspace: Workspace | None = None) -> PerturbationCurve:
        """Measure it.

        Raises
        ------
        VisLRPError, OSError
            The picture cannot be read, the map is not finite, settings that cannot be.
        """
        space = workspace or Workspace(network)
        space.tell(0)
        squares = self.squares(space)
        known = space.ends(self.picture, self.fill, self.patch)
        return flipping.measure(
            network,
            space.trace(self.picture).x,
            space.filled(self.picture, self.fill),
            squares,
            self.target,
            patch=self.patch,
            steps=self.steps,
            kind=self.order,
            seed=self.seed,
            batch=space.batch,
            known=known,
            guard=space.turn,
            checkpoint=lambda done: space.tell(max(done - 1, 0)),
        )

    def pack(self, result: PerturbationCurve) -> dict[str, Any]:
        """A curve as JSON."""
        return packed(result)

    def unpack(self, data: Mapping[str, Any]) -> PerturbationCurve:
        """A curve from JSON."""
        return unpacked(PerturbationCurve, data)
