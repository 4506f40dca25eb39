"""Ready-made models: what a search begins with, and what it has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vislrp_core.adapt import adapt
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.resources import model_store

FOUND = "found_by_search"
"""Beginning of the names of example files that a search found."""


def is_found(example: str) -> bool:
    """Whether an example of this name is what a search found."""
    return example.startswith(FOUND)


@dataclass(frozen=True)
class ReadyModel:
    """A model that stands in the program: an example of the model store, or a composite of Zennit's."""

    model: LRPModel
    kind: Literal["example", "composite"]


def ready_models(architecture: str) -> tuple[ReadyModel, ...]:
    """Ready models for an architecture, each once.

    Examples, which are written for VGG16, are carried over to others. Composites come first, and examples that are
    composites, too, go by their names. Examples that a search found are left out: they were chosen on some of the sample
    photographs, so on these they are no competition that is fair.
    """
    found = [ReadyModel(composite(key, architecture), "composite") for key in COMPOSITES]
    for path in sorted(model_store().glob("*.json")):
        if is_found(path.name):
            continue
        try:
            found.append(ReadyModel(adapt(LRPModel.load(path), architecture), "example"))
        except ModelError:
            continue  # a description of a network, not a model
    unique = {one.model.key: one for one in reversed(found)}
    return tuple(one for one in found if unique[one.model.key] is one)
