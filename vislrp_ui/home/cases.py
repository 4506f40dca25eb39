"""The four guided cases of the guide's chapter 3, on our own sample images: each opens its page with everything set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vislrp_core.network import Network
from vislrp_core.resources import assets
from vislrp_ui import service, state, state_ablation, state_flipping
from vislrp_ui.ablation import work
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.compare import sets
from vislrp_ui.state import ImageRef, Visit

FOLDER = assets() / "cases"
PICTURES = 4
ABLATED_LAYER, ABLATED_NEURONS, ABLATED_BY = 30, 14, "positive_relevance"


@dataclass(frozen=True)
class Case:
    """One card.

    Attributes
    ----------
    prepare : callable
        The visit with image, class, model and the page's own settings as the case needs them.
    """

    key: str
    title: str
    text: str
    page: str
    page_title: str
    prepare: Callable[[Visit, Network], Visit]

    def pictures(self, mode: str) -> list[Path]:
        """Four small pictures for the light or the dark page, made by `tools/make_case_pictures.py`."""
        return [FOLDER / f"{self.key}_{number}_{mode}.webp" for number in range(1, PICTURES + 1)]


def with_image(visit: Visit, sample: str, *, target: int | None = None, model: str | None = None) -> Visit:
    """A sample image with a class and an example model; the person's own models stay as they are."""
    visit = replace(visit, image=ImageRef("sample", sample), target=target, selected_layer=None)
    known = {entry.id for entry in visit.models}
    return state.activate(visit, model) if model in known and model is not None else visit


def _set(key: str) -> Callable[[Visit, Network], Visit]:
    return lambda visit, network: sets.load(visit, key, sets.SETS[key].image, network.classes)


def _flipping(visit: Visit, network: Network) -> Visit:
    visit = with_image(visit, "guitar_and_drums", model="configuration_4")
    return state_flipping.changed(visit, state_flipping.guided)


def _ablation(visit: Visit, network: Network) -> Visit:
    """The case that docs/ablation.md tells, with its neurons switched off already."""
    visit = with_image(visit, "german_shepherd", model="configuration_4")
    visit = state_ablation.changed(visit, state_ablation.set_layer, ABLATED_LAYER, visit.model.plan)
    asked = ExplanationKey(network, visit.image, visit.model, service.target_of(network, visit.image, None))
    order = work.scores_at(asked, ABLATED_LAYER).strongest(ABLATED_BY).tolist()
    visit = state_ablation.changed(visit, state_ablation.choose_top, order, ABLATED_NEURONS, ABLATED_BY)
    return state_ablation.changed(visit, state_ablation.ablate)


CASES: tuple[Case, ...] = (
    Case(
        "rules",
        "Popular rules compared",
        "LRP-ε, LRP-γ, α1β0, α2β1 and α3β2 on one photograph: what each rule hides and what it stresses.",
        "pages/2_Compare.py",
        "Compare",
        _set("rules"),
    ),
    Case(
        "configurations",
        "Five configurations, two classes",
        "The same layers with other rules, the same rules on other layers: which model can tell two classes apart?",
        "pages/2_Compare.py",
        "Compare",
        _set("configurations"),
    ),
    Case(
        "flipping",
        "Pixel flipping",
        "Brush away what speaks for a class and see whether the network agrees with the map.",
        "pages/3_Pixel_Flipping.py",
        "Pixel Flipping",
        _flipping,
    ),
    Case(
        "ablation",
        "Neuron ablation",
        "Silence the neurons that carry the relevance and see what the network then predicts.",
        "pages/4_Neuron_Ablation.py",
        "Neuron Ablation",
        _ablation,
    ),
)
