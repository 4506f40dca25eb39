"""Exact relations between rules, and examples worked by hand (Bach et al. 2015; Montavon et al. 2017, 2019)."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from torch.nn import functional

from tests.support.networks import VGG16, random_image, tiny_network
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, Trace, forward, forward_from
from vislrp_core.propagation import propagate, propagate_from, step
from vislrp_core.rules import Rule

CLOSE = 1e-9


@pytest.fixture(scope="module")
def tiny():
    network = tiny_network(seed=4)
    return network, forward(network, random_image(seed=4))


def everywhere(rule: Rule, **fields) -> LRPModel:
    return LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=rule),), **fields)


def difference(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second).abs().max() / second.abs().max())


def chain(*layers: tuple[list, list], x: list) -> tuple[Network, Trace]:
    """A hand-made network: weighted layers 35 and 38 (or 38 alone) of VGG16 with matrices of any size."""
    numbers = (35, 38)[-len(layers) :]
    weights = {k: torch.tensor(w, dtype=torch.float64) for k, (w, _) in zip(numbers, layers, strict=True)}
    biases = {k: torch.tensor(b, dtype=torch.float64) for k, (_, b) in zip(numbers, layers, strict=True)}
    weights[1] = weights[numbers[0]]
    activations = {numbers[0] - 1: torch.tensor([x], dtype=torch.float64)}
    sums = {}
    for k in range(numbers[0], VGG16.last + 1):
        below = activations[k - 1]
        if k in biases:
            sums[k] = below @ weights[k].T
            activations[k] = sums[k] + biases[k]
        else:
            activations[k] = below.relu()
    return Network(weights, biases, ("class",)), Trace(activations[numbers[0] - 1], activations, sums, ("class",))


def through(network: Network, trace: Trace, model: LRPModel, relevance: list[float], down_to: int) -> list[float]:
    current = torch.tensor([relevance], dtype=torch.float64)
    for k in range(VGG16.last, down_to, -1):
        current = step(network, trace, model, k, current)
    return current[0].tolist()


TWOS, THREES = ([[2, 2, 2]] * 3, [0, 0, 0]), ([[3, 3, 3]], [0])
MIXED = ([[-2, 2, 2], [2, 2, 2], [2, 2, 2]], [0, 0, 0])


def test_lrp_0_by_hand():
    # Every hidden neuron is 12; the output is 108; input i contributes 2 i / 12 of each neuron's 36.
    network, trace = chain(TWOS, THREES, x=[1, 2, 3])
    result = through(network, trace, everywhere(Rule.of("zero")), [108.0], 34)
    assert result == pytest.approx([18, 36, 54])


def test_alpha1_beta0_by_hand():
    # Hidden neurons 8, 12, 12 give 24, 36, 36; the first one's positive part is 4 + 6 = 10.
    network, trace = chain(MIXED, THREES, x=[1, 2, 3])
    result = through(network, trace, everywhere(Rule.of("alpha1_beta0")), [96.0], 34)
    assert result == pytest.approx([12, 33.6, 50.4])


def test_gamma_by_hand():
    # gamma = 1 turns the first neuron's weights (-2, 2, 2) into (-2, 4, 4), its denominator into -2 + 8 + 12 = 18.
    network, trace = chain(MIXED, THREES, x=[1, 2, 3])
    model = LRPModel(
        segments=(
            Segment(first=1, last=35, rule=Rule.of("gamma", gamma1p=1.0)),
            Segment(first=36, last=VGG16.last, rule=Rule.of("gamma", gamma1p=0.25)),
        )
    )
    assert through(network, trace, model, [96.0], 34) == pytest.approx([28 / 3, 104 / 3, 52])


def test_absorbing_bias_by_hand():
    network, trace = chain(([[3, 4], [5, 6]], [7, 8]), x=[1, 2])
    model = everywhere(Rule.of("zero"), bias="absorb")
    # z = (18, 25): R_1 = 3/18 1/3 + 5/25 2/3, R_2 = 8/18 1/3 + 12/25 2/3.
    expected = [Fraction(17, 90), Fraction(316, 675)]
    assert through(network, trace, model, [1 / 3, 2 / 3], 37) == pytest.approx([float(value) for value in expected])


def test_alpha_beta_with_a_negative_bias_by_hand():
    # a = (1, 1), w = (1, -1), b = -1: positive part 1, negative part -1 with the bias -2.
    network, trace = chain(([[1, -1]], [-1]), x=[1, 1])
    one = everywhere(Rule.of("alpha1_beta0"), bias="absorb")
    two = everywhere(Rule.of("alpha_beta"), bias="absorb")
    assert through(network, trace, one, [-1.0], 37) == pytest.approx([-1, 0])
    assert through(network, trace, two, [-1.0], 37) == pytest.approx([-2, 0.5])


def test_vanishing_denominator_keeps_its_sign():
    # z = 0 exactly: sign(0) = +1, so the stabilizer 1e-9 divides and relevance (1e9, -1e9) leaves.
    network, trace = chain(([[1, -1]], [0]), x=[1, 1])
    result = through(network, trace, everywhere(Rule.of("epsilon", epsilon=0.5, epsilon_scale="absolute")), [1.0], 37)
    assert result == pytest.approx([2, -2])


def test_gamma_zero_is_lrp_0(tiny):
    network, trace = tiny
    gamma = propagate(network, trace, everywhere(Rule.of("gamma", gamma1p=0.0)), 2).at(0)
    zero = propagate(network, trace, everywhere(Rule.of("zero")), 2).at(0)
    assert difference(gamma, zero) < CLOSE


def test_large_gamma_approaches_z_plus(tiny):
    network, trace = tiny
    # Further down are neurons without any positive part, where the two differ.
    gamma = propagate(network, trace, everywhere(Rule.of("gamma", gamma1p=1e9)), 2, layers=(3,)).at(3)
    plus = propagate(network, trace, everywhere(Rule.of("z_plus")), 2, layers=(3,)).at(3)
    assert difference(gamma, plus) < 1e-7


@pytest.mark.parametrize("bias", ["ignore", "absorb"])
def test_alpha1_beta0_is_z_plus_is_alpha_beta(tiny, bias):
    network, trace = tiny
    plus = propagate(network, trace, everywhere(Rule.of("z_plus"), bias=bias, pixel_rule="segment"), 2).at(0)
    for rule in (Rule.of("alpha1_beta0"), Rule.of("alpha_beta", alpha=1.0, beta=0.0)):
        same = propagate(network, trace, everywhere(rule, bias=bias, pixel_rule="segment"), 2).at(0)
        assert difference(same, plus) < CLOSE


def test_lrp_0_with_winner_and_bias_is_gradient_times_input(tiny):
    network, trace = tiny
    model = everywhere(Rule.of("zero"), pooling="winner-takes-all", bias="absorb", pixel_rule="segment")
    relevance = propagate(network, trace, model, 3).at(0)
    x = trace.x.clone().requires_grad_()
    a = x
    with torch.enable_grad():
        for k in range(1, VGG16.last + 1):
            if k in network.weights:
                conv = k <= 31
                a = (
                    functional.conv2d(a, network.weights[k], network.biases[k], padding=1)
                    if conv
                    else functional.linear(a.flatten(1), network.weights[k], network.biases[k])
                )
            elif k in (5, 10, 17, 24, 31):
                a = functional.max_pool2d(a, 2)
            else:
                a = a.relu()
        (gradient,) = torch.autograd.grad(a[0, 3], x)
    # The stabilizer 1e-9 shows where an activation is itself hardly larger.
    assert difference(relevance, (gradient * x)[0].detach()) < 1e-4


@pytest.mark.parametrize("preset", ["w_square", "flat"])
def test_some_rules_do_not_depend_on_the_image(tiny, preset):
    network, trace = tiny
    other = forward(network, random_image(seed=99))
    model = everywhere(Rule.of(preset), start="one", pixel_rule="segment")
    # Max pooling still looks at activations; below it nothing does, so one block is compared.
    relevance = torch.rand(trace.activation(4).shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first = propagate_from(network, trace, model, 4, relevance).at(0)
    assert difference(propagate_from(network, other, model, 4, relevance).at(0), first) < CLOSE


def test_flat_spreads_evenly_over_a_fully_connected_layer(tiny):
    network, trace = tiny
    result = propagate(network, trace, everywhere(Rule.of("flat"), start="one"), 0, layers="all").at(37)
    assert result.tolist() == pytest.approx([1 / len(result)] * len(result))


def test_relevance_is_linear(tiny):
    network, trace = tiny
    model = LRPModel(
        segments=(
            Segment(first=1, last=20, rule=Rule.of("alpha_beta")),
            Segment(first=21, last=VGG16.last, rule=Rule.of("epsilon")),
        )
    )
    dice = torch.Generator().manual_seed(1)
    one, two = (torch.randn(trace.activation(31).shape, generator=dice, dtype=torch.float64) for _ in range(2))
    apart = 2 * propagate_from(network, trace, model, 31, one).at(0) - propagate_from(network, trace, model, 31, two).at(0)
    assert difference(propagate_from(network, trace, model, 31, 2 * one - two).at(0), apart) < CLOSE


def test_scaled_activations_leave_relative_epsilon_alone():
    rule = Rule.of("epsilon", epsilon=0.3)
    results = []
    for scale in (1, 1000):
        network, trace = chain(([[3, -4], [5, 6]], [0, 0]), x=[scale, 2 * scale])
        results.append(through(network, trace, everywhere(rule), [1.0, -0.5], 37))
    assert results[1] == pytest.approx(results[0], rel=1e-8)


@pytest.mark.parametrize(
    "rule", [Rule.of("gamma"), Rule.of("zero"), Rule.of("flat"), Rule.of("w_square")], ids=lambda rule: rule.preset
)
def test_relevance_is_conserved_without_epsilon_and_bias(tiny, rule):
    network, trace = tiny
    result = propagate(network, trace, everywhere(rule), 1)
    scale = (result.positive - result.negative).max()
    assert abs(result.total - float(trace.logits[1])).max() < 1e-5 * scale


def test_absorbing_bias_and_epsilon_take_relevance(tiny):
    network, trace = tiny
    target = int(trace.logits.argmax())
    kept = propagate(network, trace, everywhere(Rule.of("gamma")), target).total
    with_bias = propagate(network, trace, everywhere(Rule.of("gamma"), bias="absorb"), target).total
    with_epsilon = propagate(network, trace, everywhere(Rule.of("epsilon")), target).total
    assert kept[0] == pytest.approx(kept[VGG16.last], rel=1e-6)
    assert abs(with_bias[0] - with_bias[VGG16.last]) > 1e-3 * abs(with_bias[VGG16.last])
    assert abs(with_epsilon[1]) < abs(with_epsilon[VGG16.last])


def test_alpha_minus_beta_is_the_factor_per_layer():
    network, trace = chain(MIXED, THREES, x=[1, 2, 3])
    model = everywhere(Rule.of("alpha_beta", alpha=1.5, beta=0.0))
    assert sum(through(network, trace, model, [96.0], 34)) == pytest.approx(96 * 1.5**2)


def test_pooling_shares_in_proportion_or_gives_all_to_the_first_maximum(tiny):
    network, _ = tiny
    a = torch.tensor(
        [[[[1.0, 3.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0], [2.0, 2.0, 5.0, 1.0], [2.0, 2.0, 1.0, 1.0]]]], dtype=torch.float64
    )
    trace = Trace(a, {4: a}, {}, ())
    relevance = torch.tensor([[[[8.0, 4.0], [-1.0, 16.0]]]], dtype=torch.float64)
    shared = step(network, trace, everywhere(Rule.of("zero")), 5, relevance)
    assert shared[0, 0].tolist() == [[1, 3, 1, 1], [0, 4, 1, 1], [-0.25, -0.25, 10, 2], [-0.25, -0.25, 2, 2]]
    won = step(network, trace, everywhere(Rule.of("zero"), pooling="winner-takes-all"), 5, relevance)
    assert won[0, 0].tolist() == [[0, 0, 4, 0], [0, 8, 0, 0], [-1, 0, 16, 0], [0, 0, 0, 0]]


def test_starts(tiny):
    network, trace = tiny
    logits, target, count = trace.logits, 3, network.num_classes
    model, last = everywhere(Rule.of("zero")), VGG16.last
    starts = {
        name: propagate(network, trace, model.model_copy(update={"start": name}), target, layers=(last,)).at(last)
        for name in ("logit", "one", "probability", "contrast")
    }
    assert float(starts["logit"][target]) == float(logits[target]) and float(starts["one"][target]) == 1
    assert float(starts["probability"].sum()) == pytest.approx(float(torch.softmax(logits, 0)[target]))
    assert starts["contrast"].sum().item() == pytest.approx(0, abs=1e-12)
    assert starts["contrast"].tolist()[0] == pytest.approx(-float(logits[target]) / (count - 1))


def test_layers_above_reach_the_same_logits(tiny):
    network, trace = tiny
    for layer in (0, 17, 31, 34, 37):
        assert torch.allclose(forward_from(network, layer, trace.activation(layer)[None])[0], trace.logits)
