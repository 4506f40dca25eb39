"""Ready-made sets of models: the guide's cases 1 and 2 (sections 3.1 and 3.2), on sample images with two objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from vislrp_core.adapt import adapt
from vislrp_core.architecture import ARCHITECTURES, DEFAULT
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.model import LRPModel, Segment
from vislrp_core.resources import model_store
from vislrp_core.rules import Rule
from vislrp_ui import state_compare
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef, Visit

TWO_OBJECTS = (
    "castle_on_lake",
    "drum_and_wine",
    "guitar_and_drums",
    "oranges_and_lemons",
    "wine_glass_and_bottle",
    "clownfish_in_anemone",
)
"""Sample images of two things; others have two names for one thing, such as tabby and tiger cat."""


@dataclass(frozen=True)
class ModelSet:
    """One set.

    Attributes
    ----------
    image : str
        Sample image it is shown on unless another is chosen.
    formulas : bool
        Whether the heads show formulas: they do where each model is one rule.
    """

    key: str
    title: str
    text: str
    image: str
    formulas: bool

    def models(self) -> tuple[LRPModel, ...]:
        """The models in order."""
        return {"rules": _rules, "configurations": _configurations, "zennit": _zennit}[self.key]()


SETS = {
    one.key: one
    for one in (
        ModelSet(
            "rules",
            "Popular rules",
            "Case 1: LRP-ε, LRP-γ, α1β0, α2β1 and α3β2, each on all layers.",
            "castle_on_lake",
            True,
        ),
        ModelSet(
            "configurations",
            "Configurations 1 to 5",
            "Case 2: two to four segments; which model tells two classes apart?",
            "guitar_and_drums",
            False,
        ),
        ModelSet(
            "zennit",
            "Zennit's composites",
            "Its six named composites with its conventions, and γ that falls with depth.",
            "castle_on_lake",
            False,
        ),
    )
}


@cache
def _rules() -> tuple[LRPModel, ...]:
    rules = (
        Rule.of("epsilon", epsilon=0.3),
        Rule.of("gamma", gamma1p=0.3),
        Rule.of("alpha1_beta0"),
        Rule.of("alpha_beta", alpha=2.0, beta=1.0),
        Rule.of("alpha_beta", alpha=3.0, beta=2.0),
    )
    names = ("LRP-ε 0.3", "LRP-γ 0.3", "LRP-α1β0", "LRP-α2β1", "LRP-α3β2")
    return tuple(
        LRPModel(name=name, segments=(Segment(first=1, last=ARCHITECTURES[DEFAULT].last, rule=rule),))
        for name, rule in zip(names, rules, strict=True)
    )


@cache
def _configurations() -> tuple[LRPModel, ...]:
    """Configuration 3 has the segments of Configuration 4 with their rules in the opposite order."""
    stored = {number: LRPModel.load(model_store() / f"configuration_{number}.json") for number in (1, 2, 4, 5)}
    low, middle, high = stored[4].segments
    third = stored[4].model_copy(
        update={
            "name": "Configuration 3",
            "description": "LRP-0 low, ε middle, γ high (guide, Figure 3.2).",
            "segments": (
                Segment(first=low.first, last=low.last, rule=high.rule),
                middle,
                Segment(first=high.first, last=high.last, rule=low.rule),
            ),
        }
    )
    return (stored[1], stored[2], third, stored[4], stored[5])


@cache
def _zennit() -> tuple[LRPModel, ...]:
    return tuple(composite(key) for key in COMPOSITES)


def two_object_samples() -> dict[str, tuple[str, str]]:
    """Sample images that show two objects, with the names of their two classes."""
    return {sample.id: (sample.objects[0], sample.objects[1]) for sample in samples().values() if sample.id in TWO_OBJECTS}


def load(visit: Visit, key: str, image: str | None, classes: Sequence[str]) -> Visit:
    """Show a set.

    Parameters
    ----------
    key : str
        Key of `SETS`.
    image : str or None
        Id of a sample image; None is the visit's own image with its class and the next one.
    classes : sequence of str
        Names of the network's classes; an object that is none of them is left to the prediction.
    """
    chosen = SETS[key]
    rows: list[tuple[ImageRef, int | None]]
    if image is None:
        rows = [(visit.image, visit.target), (visit.image, None)]
    else:
        objects = two_object_samples().get(image, ())
        targets = [classes.index(name) if name in classes else None for name in objects] or [None, None]
        rows = [(ImageRef("sample", image), target) for target in targets[:2]]
    models = tuple(adapt(model, visit.model.architecture) for model in chosen.models())
    return state_compare.load(visit, models, rows, formulas=chosen.formulas, based_on=chosen.title)
