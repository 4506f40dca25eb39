"""Case 4: neuron ablation on a confident picture: few neurons, as many at random, what they pass on, other layers."""

from __future__ import annotations

from vislrp_core.ablation import random_order
from vislrp_core.network import Network
from vislrp_ui import service, state, state_ablation
from vislrp_ui.ablation import work
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.lessons import numbers
from vislrp_ui.lessons.model import Lesson, Number, Scene, Step
from vislrp_ui.neuron_sets import Cut
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import ImageRef, Visit

SAMPLE, MODEL = "coffee_cup", "configuration_4"
LAYER, NEURONS, BY = 30, 6, "positive_relevance"
"""relu5_3, where six channels of 512 decide, see docs/ablation.md."""
LOW_LAYER, FEWER, SEED = 9, 2, 0
"""relu2_2; the number tried in the step about fewer neurons; the seed of the random set."""


def _top(visit: Visit, network: Network, layer: int, count: int) -> Visit:
    """The strongest neurons of a layer, switched off."""
    visit = state_ablation.changed(visit, state_ablation.set_layer, layer, visit.model.plan)
    asked = ExplanationKey(network, visit.image, visit.model, service.target_of(network, visit.image, None))
    order = work.scores_at(asked, layer).strongest(BY).tolist()
    visit = state_ablation.changed(visit, state_ablation.forget_all)
    visit = state_ablation.changed(visit, state_ablation.choose_top, order, count, BY)
    return state_ablation.changed(visit, state_ablation.ablate)


def laid(visit: Visit, network: Network) -> Visit:
    """Picture, model, layer and neurons; switched off already."""
    visit = state.choose_target(state.choose_image(visit, ImageRef("sample", SAMPLE)), None)
    visit = state.activate(visit, MODEL) if any(entry.id == MODEL for entry in visit.models) else visit
    visit = visit.with_page(state_ablation.KEY, None)
    return _top(visit, network, LAYER, NEURONS)


def random_neurons(size: int, known: tuple[int, ...]) -> list[int]:
    """As many neurons drawn at random, none of them among those."""
    return [int(neuron) for neuron in random_order(size, SEED) if int(neuron) not in known][: len(known)]


def _control(visit: Visit, network: Network) -> Visit:
    """The strongest ones kept as set A, as many others at random kept as B and switched off."""
    visit = state_ablation.changed(laid(visit, network), state_ablation.keep)
    held = state_ablation.of(visit)
    drawn = random_neurons(work.sizes(network)[held.layer], held.neurons)
    visit = state_ablation.changed(visit, state_ablation.choose, drawn)
    visit = state_ablation.changed(visit, state_ablation.keep)
    return state_ablation.changed(visit, state_ablation.ablate)


def _is_control(visit: Visit) -> bool:
    """Two sets of one size are kept or shown, of which none shares a neuron with the other."""
    held = state_ablation.of(visit)
    cuts = [*(row.cut for row in held.kept), *((held.ablated,) if held.ablated is not None else ())]
    return any(
        one.count == other.count and dict(one.sets).keys() == dict(other.sets).keys() and not _shared(one, other)
        for place, one in enumerate(cuts)
        for other in cuts[place + 1 :]
    )


def _shared(one: Cut, other: Cut) -> bool:
    return any(set(neurons) & set(dict(other.sets).get(layer, ())) for layer, neurons in one.sets)


def _rest(visit: Visit, network: Network) -> Visit:
    return state_ablation.changed(laid(visit, network), state_ablation.show_part, "remainder")


def _fewer(visit: Visit, network: Network) -> Visit:
    return _top(laid(visit, network), network, LAYER, FEWER)


def _is_fewer(visit: Visit) -> bool:
    cut = state_ablation.of(visit).ablated
    return cut is not None and 0 < cut.count < NEURONS


def _low(visit: Visit, network: Network) -> Visit:
    return _top(laid(visit, network), network, LOW_LAYER, NEURONS)


def _is_low(visit: Visit) -> bool:
    cut = state_ablation.of(visit).ablated
    return cut is not None and all(layer < LAYER for layer, _ in cut.sets)


# --- numbers ------------------------------------------------------------------------------------------------------------


def _probability_without(cut: Cut | None, scene: Scene) -> str | None:
    if cut is None or not cut.sets:
        return None
    return numbers.share(numbers.of(work.without(scene.network, scene.visit.image, cut), scene.target).probability)


def _after(scene: Scene) -> str | None:
    return _probability_without(state_ablation.of(scene.visit).ablated, scene)


def _first_after(scene: Scene) -> str | None:
    cut = state_ablation.of(scene.visit).ablated
    return None if cut is None else escaped(work.without(scene.network, scene.visit.image, cut)[0].name)


def _kept_after(scene: Scene) -> str | None:
    kept = state_ablation.of(scene.visit).kept
    return _probability_without(kept[0].cut, scene) if kept else None


def _count(scene: Scene) -> str | None:
    cut = state_ablation.of(scene.visit).ablated
    return None if cut is None else str(cut.count)


def _size(scene: Scene) -> str:
    return str(work.sizes(scene.network)[state_ablation.of(scene.visit).layer])


def _rest_size(scene: Scene) -> str:
    held = state_ablation.of(scene.visit)
    return str(work.sizes(scene.network)[held.layer] - len(held.neurons))


def _layer(scene: Scene) -> str:
    return escaped(scene.visit.model.plan.name(state_ablation.of(scene.visit).layer))


def _held(scene: Scene) -> str | None:
    """Share of the shown layer's positive relevance that its ablated neurons hold."""
    shown = state_ablation.of(scene.visit)
    neurons = () if shown.ablated is None else dict(shown.ablated.sets).get(shown.layer, ())
    scores = work.known_scores(work.asked_by(scene.network, scene.visit), shown.layer)
    if scores is None or not neurons:
        return None
    positive = scores.column(BY)
    return numbers.share(float(positive[list(neurons)].sum() / positive.sum()))


_KNOWN: dict[str, Number] = {
    "class": numbers.class_name,
    "before": numbers.probability,
    "after": _after,
    "first": _first_after,
    "count": _count,
    "size": _size,
    "rest": _rest_size,
    "layer": _layer,
    "held": _held,
}

LESSON = Lesson(
    "ablation",
    "Neuron ablation",
    "Silence the neurons that carry the relevance and see what the network then predicts.",
    "ablation",
    laid,
    (
        Step(
            "Few neurons",
            "Look at *Predictions* on the right. In {layer}, {count} of {size} channels are set to 0: those with the "
            "most positive relevance for “{class}”.",
            "“{class}” goes from {before} to {after}; “{first}” comes first.",
            "The network was sure of its class, and a handful of channels held it: {held} of the layer's positive "
            "relevance. LRP found them in one backward pass, without trying any.",
            laid,
            numbers=_KNOWN,
        ),
        Step(
            "As many at random",
            "Press **Keep** beside *Kept sets*. In the menu beside *of positive relevance* type {count} other channel "
            "numbers and press Enter; then press **Ablate** at the top, and **Keep** once more.",
            "Two chips side by side, both {count} of {size} channels. A, the most relevant: “{class}” {before} → {top}. "
            "B, at random: {before} → {after}.",
            "Without this control the first step proves nothing: perhaps any few channels would do. They do not. Try "
            "other numbers, one draw is only one draw.",
            _control,
            _is_control,
            {**_KNOWN, "top": _kept_after},
        ),
        Step(
            "What they pass on",
            "Below the predictions choose **by the other {rest}** as the part that is shown.",
            "Left what flows through all channels but the chosen ones, right the whole map for “{class}”.",
            "Relevance is linear: the part through the chosen channels and the part through the others add up to the "
            "whole map, pixel by pixel. What the left map lacks is what the chosen channels contribute.",
            _rest,
            lambda visit: state_ablation.of(visit).part == "remainder",
            _KNOWN,
        ),
        Step(
            "Even fewer",
            "Type a smaller number into the field left of *of positive relevance*, press Enter, then press **Ablate**.",
            "{count} of {size} channels: “{class}” {before} → {after}, first is “{first}”.",
            "Find the smallest number at which another class wins. It tells how much of the decision rests on single "
            "channels, for this picture. The guitar of case 3, where the network is undecided, turns with a single one.",
            _fewer,
            _is_fewer,
            _KNOWN,
        ),
        Step(
            "Another layer",
            "In the menu beside *of positive relevance* press **None**. Choose a lower layer in the list at the left, such "
            "as relu2_2, type a number in the same field as before, and press **Ablate**.",
            "In {layer}, {count} of {size} channels with {held} of its positive relevance: “{class}” {before} → {after}.",
            "Lower channels see edges and colours, which many things share: relevance is spread over more of them, and "
            "silencing some at random costs a little, too. Channels for single things are found further up. Next: do it all "
            "by hand, on the page *By hand*.",
            _low,
            _is_low,
            _KNOWN,
        ),
    ),
)
