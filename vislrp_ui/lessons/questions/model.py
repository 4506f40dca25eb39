"""A question as data: what to predict, the maps that answer it, and the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vislrp_core.baselines import Baseline
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network
from vislrp_core.rules import Rule
from vislrp_ui import service
from vislrp_ui.state import ImageRef, Look


@dataclass(frozen=True)
class Panel:
    """One live map of an answer.

    Attributes
    ----------
    target : int
        Place of its class in the prediction: 0 is the most probable one, -1 the one with the lowest logit.
    look : Look or None
        Colours of its own; None is the visit's.
    """

    caption: str
    model: LRPModel | Baseline
    target: int = 0
    look: Look | None = None


@dataclass(frozen=True, eq=False)
class LearnerQuestion:
    """One question.

    Attributes
    ----------
    choices, right : tuple of str, int
        What could happen, and which of it does.
    reason : str
        Why; markdown. Numbers stand below the maps, from the running network.
    panels : callable
        The maps for a network.
    places : tuple of str
        Where a question mark offers it.
    shared : bool
        Whether the maps share one colour range.
    note : callable or None
        One more line, computed from the network and the picture.
    """

    key: str
    title: str
    choices: tuple[str, ...]
    right: int
    reason: str
    panels: Callable[[Network], tuple[Panel, ...]]
    places: tuple[str, ...]
    sample: str = "castle_on_lake"
    shared: bool = False
    note: Callable[[Network, ImageRef], str] | None = None

    @property
    def image(self) -> ImageRef:
        """The picture that it is shown on."""
        return ImageRef("sample", self.sample)


def class_at(network: Network, ref: ImageRef, place: int) -> int:
    """The class at a place of the prediction."""
    return int(service.logits(network, ref).argsort(descending=True)[place])


def everywhere(network: Network, name: str, rule: Rule, **conventions: str) -> LRPModel:
    """One rule on all layers."""
    return layered(network, name, ((network.architecture.last, rule),), **conventions)


def layered(network: Network, name: str, parts: tuple[tuple[int, Rule], ...], **conventions: str) -> LRPModel:
    """Rules up to the given layers."""
    first, segments = 1, []
    for last, rule in parts:
        segments.append(Segment(first=first, last=last, rule=rule))
        first = last + 1
    plan = network.architecture.key
    return LRPModel.model_validate({"name": name, "architecture": plan, "segments": tuple(segments), **conventions})
