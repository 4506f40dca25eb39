"""What the questions claim holds in the engine, on a small network in double precision, with the very models they show."""

from __future__ import annotations

import pytest
import torch

from tests.support.networks import random_image, tiny_network, tiny_state
from vislrp_core.baselines import Baseline
from vislrp_core.heatmap import colour, limit
from vislrp_core.metrics import cosine
from vislrp_core.network import Network, Trace, forward, logits
from vislrp_core.pooling import pool
from vislrp_core.propagation import propagate
from vislrp_core.rules import Rule
from vislrp_ui.components.rule_panel import ASKS
from vislrp_ui.lessons.questions import models
from vislrp_ui.lessons.questions.catalogue import QUESTIONS
from vislrp_ui.lessons.questions.model import everywhere
from vislrp_ui.state import Look

PLACES = {"rule", "class", "map", "convention", "measure", "flipping", "ablation", *ASKS.values()}


@pytest.fixture(scope="module")
def net() -> Network:
    return tiny_network(seed=4)


@pytest.fixture(scope="module")
def trace(net: Network) -> Trace:
    return forward(net, random_image(seed=4))


@pytest.fixture(scope="module")
def ends(trace: Trace) -> tuple[int, int]:
    """The classes with the highest and the lowest logit, above and below 0."""
    highest, lowest = int(trace.logits.argmax()), int(trace.logits.argmin())
    assert trace.logits[highest] > 0 > trace.logits[lowest]
    return highest, lowest


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


def test_there_are_fourteen_each_with_a_place_and_one_right_choice() -> None:
    assert len(QUESTIONS) == 14 and {place for one in QUESTIONS.values() for place in one.places} == PLACES
    for one in QUESTIONS.values():
        assert 0 <= one.right < len(one.choices) == len(set(one.choices)) == 3 and len(one.reason) < 420


def test_negative_alpha1_beta0_keeps_the_sign_that_it_gets(net, trace, ends) -> None:
    highest, lowest = ends
    assert propagate(net, trace, models.plus(net), highest).at(0).min() >= 0
    assert propagate(net, trace, models.plus(net), lowest).at(0).max() <= 0
    mixed = propagate(net, trace, models.plus_below(net), highest).at(0)
    assert mixed.min() < 0 < mixed.max()


def test_sign_red_and_blue_add_up_to_the_score(net, trace, ends) -> None:
    found = propagate(net, trace, models.plus_below(net), ends[0]).at(0)
    assert found.min() < 0 < found.max()
    assert found.clamp(min=0).sum() + found.clamp(max=0).sum() == pytest.approx(float(trace.logits[ends[0]]), rel=1e-4)


def test_conserve_and_layers_the_bias_and_epsilon_keep_what_is_missing(net, trace, ends) -> None:
    ignored, absorbed = (propagate(net, trace, one.model, ends[0]) for one in models.kept(net))
    assert ignored.total[0] == pytest.approx(ignored.total[-1], rel=1e-4)
    assert absorbed.total[0] != pytest.approx(absorbed.total[-1], rel=1e-3)
    gamma, biased, damped = (propagate(net, trace, one.model, ends[0]).total for one in models.biases(net))
    assert gamma == pytest.approx([gamma[-1]] * len(gamma), rel=1e-4)  # less where a sum of contributions nearly vanishes
    assert max(abs(biased - biased[-1])) > 1e-3 and abs(damped[0]) < abs(damped[-1])


def test_epsilon_at_the_last_layer_shrinks_the_map_and_keeps_its_pattern(net, trace, ends) -> None:
    plain, small, large = (propagate(net, trace, one.model, ends[0]).at(0) for one in models.epsilons(net))
    for damped in (small, large):
        assert cosine(damped.numpy(), plain.numpy()) == pytest.approx(1, abs=1e-9)
    assert abs(large.sum()) < abs(small.sum()) < abs(plain.sum())


def test_softmax_starts_differ_by_a_factor_but_for_contrast(net, trace, ends) -> None:
    for target in ends:
        logit, one, probability, contrast = (propagate(net, trace, p.model, target).at(0) for p in models.starts(net))
        assert far(one * trace.logits[target], logit) < 1e-9
        assert far(one * trace.logits.softmax(0)[target], probability) < 1e-9
        assert abs(cosine(contrast.numpy(), logit.numpy())) < 1 - 1e-6


def test_pooling_the_numbers_of_the_window(net) -> None:
    row = net.architecture.rows[net.architecture.pools[0]]
    window, six = torch.tensor([[[[3.0, 1.0], [0.0, 2.0]]]]), torch.tensor([[[[6.0]]]])
    assert pool(row, window, six, "winner-takes-all").flatten().tolist() == [6, 0, 0, 0]
    assert pool(row, window, six, "proportional").flatten().tolist() == pytest.approx([3, 1, 0, 2])


def test_gradient_times_input_is_lrp_0_with_its_conventions_alone(net, trace, ends) -> None:
    gradient, same, other = models.gradients(net)
    assert isinstance(gradient.model, Baseline)
    wanted = gradient.model.relevance(net, trace.x, ends[0]).squeeze()
    assert far(propagate(net, trace, same.model, ends[0]).at(0).squeeze(), wanted) < 1e-5
    assert far(propagate(net, trace, other.model, ends[0]).at(0).squeeze(), wanted) > 1e-2


def test_gamma_comes_closer_to_alpha1_beta0_the_larger_it_is(net, trace, ends) -> None:
    *maps, plus = (propagate(net, trace, one.model, ends[0]).map(0) for one in models.gammas(net))
    near = [cosine(one, plus) for one in maps]
    assert near == sorted(near) and near[-1] > 0.99


def test_classes_alpha1_beta0_hardly_tells_them_apart(net, trace) -> None:
    first, second = trace.logits.argsort(descending=True)[:2].tolist()

    def alike(model) -> float:
        return cosine(*(propagate(net, trace, model, target).map(0) for target in (first, second)))

    plus, _, composite, _ = models.classes(net)
    assert alike(plus.model) > 0.99 > alike(composite.model)


def test_lowest_the_sum_has_the_sign_of_the_start(net, trace, ends) -> None:
    logit, one = (propagate(net, trace, panel.model, ends[1]) for panel in models.lowest(net))
    assert logit.total[-1] < 0 < one.total[-1]
    assert far(one.at(0) * trace.logits[ends[1]], logit.at(0)) < 1e-9


def test_score_flipping_may_lower_the_logit_and_raise_the_probability(net, trace) -> None:
    batch = trace.x.repeat(49, 1, 1, 1)
    for place in range(49):
        row, column = 32 * (place // 7), 32 * (place % 7)
        batch[place, :, row : row + 32, column : column + 32] = 0
    after, before = logits(net, batch), trace.logits.flatten()
    logit, probability = after - before, after.softmax(1) - before.softmax(0)
    assert ((logit < 0) & (probability > 0)).any() and ((logit < 0) & (probability < 0)).any()
    assert torch.allclose((before - 3).softmax(0), before.softmax(0)), "unchanged if all fall alike"


def test_colours_one_array_three_pictures(net, trace, ends) -> None:
    panels = models.looks(net)
    assert len({panel.model.key for panel in panels}) == 1
    values = propagate(net, trace, panels[0].model, ends[0]).map(0)
    values[5, 5] = 50 * abs(values).max()  # one pixel
    paler, shown, other = (
        colour(values, limit(values, look.range), look.spectrum) for look in (panel.look or Look() for panel in panels)
    )
    rest = abs(values) < abs(values).max()
    assert (255 - paler[rest].min(1)).mean() < 0.2 * (255 - shown[rest].min(1)).mean()
    assert not (shown[rest] == other[rest]).all()


def test_scale_a_relative_epsilon_means_the_same_in_layers_of_any_scale(net, trace, ends) -> None:
    arrived = [abs(propagate(net, trace, one.model, ends[0]).total[0]) for one in models.scales(net)]
    assert arrived == sorted(arrived, reverse=True), "the larger, the more is absorbed"
    # The same function: the sums of one layer are a hundred times as large, and the next one takes that back.
    state = tiny_state(4, dtype=torch.float64)
    one, other = [key for key in state if key.endswith(".weight") and state[key].ndim == 4][1:3]
    state |= {key: 100 * state[key] for key in (one, one.replace("weight", "bias"))} | {other: state[other] / 100}
    scaled = Network.from_state_dict(state, name="scaled", any_width=True)
    passed = forward(scaled, trace.x)

    def change(scale: str) -> float:
        model = everywhere(net, "LRP-ε", Rule.of("epsilon", epsilon=0.5, epsilon_scale=scale))
        return far(propagate(scaled, passed, model, ends[0]).at(0), propagate(net, trace, model, ends[0]).at(0))

    assert change("relative") < 1e-9 and change("absolute") > 0.01
