"""Parts of relevance add up to what the propagation has, and are the numbers of the literal implementation."""

from __future__ import annotations

import itertools

import pytest
import torch

from tests.core import reference
from tests.support.small import TOYS, picture, small_network, toy_network
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.contributions import balance, contributions, source_row
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.propagation import propagate, relevance_at
from vislrp_core.rules import PRESETS, Rule
from vislrp_core.store import RelevanceStore

RULES = [
    *(Rule.of(preset) for preset in PRESETS if preset != "custom"),
    Rule.of("epsilon", epsilon=0.3, epsilon_scale="absolute"),
    Rule.of("custom", alpha=1.5, beta=0.7, theta0=0.1, theta1=0.8, gamma0=0.05, gamma1p=0.4, gamma1n=0.2, gamma2=0.3),
]


@pytest.mark.parametrize("bias", ["ignore", "absorb"])
@pytest.mark.parametrize("name", ["odd windows", "no padding, no ReLU between", "vectors alone"])
def test_parts_add_up_at_every_weighted_layer_under_every_rule(monkeypatch, name, bias):
    network = toy_network(name, seed=3)
    plan = network.architecture
    monkeypatch.setitem(ARCHITECTURES, "toy", plan)
    trace = forward(network, picture(plan, seed=3))
    dice = torch.Generator().manual_seed(1)
    for rule in RULES:
        model = LRPModel(
            architecture="toy", segments=(Segment(first=1, last=plan.last, rule=rule),), bias=bias, pixel_rule="segment"
        )
        found = propagate(network, trace, model, 1, layers="all")
        for layer in plan.weighted:
            below = found.at(layer - 1)
            places = [tuple(int(torch.randint(size, (), generator=dice)) for size in below.shape) for _ in range(2)]
            for place in places:
                parts = contributions(network, trace, model, layer, found.at(layer), place)
                scale = 1 + abs(parts.value)
                assert parts.value == pytest.approx(float(below[place]), abs=1e-9 * scale)
                assert float(parts.parts.sum()) == pytest.approx(parts.value, abs=1e-9 * scale), (rule.preset, layer)
                chosen, rest = parts.strongest(2)
                assert float(parts.parts[chosen].sum()) + rest == pytest.approx(parts.value, abs=1e-12 * scale)
            kept = balance(network, trace, model, layer, found.at(layer))
            assert kept.above == pytest.approx(float(found.total[layer])) and kept.below == pytest.approx(
                float(found.total[layer - 1]), abs=1e-9
            )
            scale = 1 + float(below.abs().sum() + found.at(layer).abs().sum()) + abs(kept.bias) + abs(kept.stabilizer)
            assert kept.below + kept.bias + kept.stabilizer + kept.factors == pytest.approx(kept.above, abs=1e-9 * scale)


@pytest.mark.parametrize("name", ["odd windows", "vectors alone"])
def test_each_part_is_what_one_output_alone_hands_down(monkeypatch, name):
    """The literal implementation, given the relevance of one output alone."""
    network = toy_network(name, seed=5)
    plan = network.architecture
    monkeypatch.setitem(ARCHITECTURES, "toy", plan)
    trace = forward(network, picture(plan, seed=5))
    activations = reference.forward(network, trace.x)
    for rule, layer in itertools.product(RULES, plan.weighted):
        model = LRPModel(
            architecture="toy", segments=(Segment(first=1, last=plan.last, rule=rule),), bias="absorb", pixel_rule="segment"
        )
        relevance = torch.randn(activations[layer].shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        below = activations[layer - 1]
        place = tuple(size // 2 for size in below.shape)
        parts = contributions(network, trace, model, layer, relevance, place)
        for number in range(0, len(parts.outputs), max(1, len(parts.outputs) // 4)):
            where = tuple(parts.outputs[number].tolist())
            alone = torch.zeros_like(relevance)
            alone[where] = relevance[where]
            expected = reference.weighted_step(network, layer, below, rule, True, alone)[place]
            assert float(parts.parts[number]) == pytest.approx(float(expected), rel=1e-7, abs=1e-9), (rule.preset, layer)


@pytest.mark.parametrize(
    ("pooling", "damping"), [("proportional", "none"), ("proportional", "segment"), ("winner-takes-all", "none")]
)
def test_windows_of_pooling_add_up_apart_and_overlapping(monkeypatch, pooling, damping):
    network = toy_network("odd windows", seed=4)
    plan = network.architecture
    monkeypatch.setitem(ARCHITECTURES, "toy", plan)
    trace = forward(network, picture(plan, seed=4))
    for rule in (
        Rule.of("flat"),
        Rule.of("epsilon", epsilon=0.3),
        Rule.of("epsilon", epsilon=0.2, epsilon_scale="absolute"),
    ):
        segments = (Segment(first=1, last=plan.last, rule=rule),)
        model = LRPModel(architecture="toy", segments=segments, pooling=pooling, pooling_epsilon=damping)
        found = propagate(network, trace, model, 1, layers="all")
        several = 0
        for layer in plan.pools:
            below = found.at(layer - 1)
            for place in itertools.product((0, 3), range(below.shape[1]), range(below.shape[2])):
                parts = contributions(network, trace, model, layer, found.at(layer), place)
                assert parts.value == pytest.approx(float(below[place]), rel=1e-9, abs=1e-12), (rule.preset, layer, place)
                several += len(parts.outputs) > 1
        assert several > 50


@pytest.mark.parametrize(("key", "normalised"), [("vgg16", False), ("vgg11", True), ("alexnet", False)])
def test_a_pixel_is_followed_up_to_the_logit(key, normalised):
    """Each step explains what the step before named, up to the start."""
    network = small_network(key, normalised)
    plan = network.architecture
    trace = forward(network, picture(plan, seed=2))
    mixed = (Rule.of("flat"), Rule.of("gamma"), Rule.of("epsilon"), Rule.of("zero"))
    bounds = [0, plan.pools[0], plan.pools[1], plan.last_feature, plan.last]
    model = LRPModel(
        architecture=key,
        segments=tuple(
            Segment(first=a + 1, last=b, rule=rule) for a, b, rule in zip(bounds, bounds[1:], mixed, strict=False)
        ),
        bias="absorb",
    )
    whole = propagate(network, trace, model, 2, layers="all")
    layer, place = 0, (1, 20, 33)
    expected = float(whole.at(0)[place])
    seen = []
    while (above := source_row(plan, layer)) is not None:
        found = relevance_at(network, trace, model, 2, {layer, above})
        assert set(found) == {layer, above}
        parts = contributions(network, found[layer].trace(network, trace), model, above, found[above].relevance, place)
        assert parts.value == pytest.approx(expected, rel=1e-9) == float(whole.at(above - 1)[place])
        chosen, rest = parts.strongest(3)
        assert float(parts.parts[chosen].sum()) + rest == pytest.approx(expected, rel=1e-9)
        strongest = int(chosen[0])
        layer, place = above, tuple(parts.outputs[strongest].tolist())
        expected = float(parts.relevance[strongest])
        seen.append(above)
    assert seen == [row.index for row in plan.rows if row.is_weighted or row.kind == "pool"]
    assert (layer, place) == (plan.last, (2,)) and expected == float(trace.logits[2])


@pytest.mark.parametrize("rule", ["zero", "gamma", "z_box", "flat", "gamma_generalized"])
def test_single_precision_states_what_the_propagation_has(rule):
    """By the sums that the propagation took, in single or double precision; the store changes nothing."""
    network = small_network("vgg16", dtype=torch.float32)
    plan = network.architecture
    trace = forward(network, picture(plan, seed=3).float())
    model = LRPModel(segments=(Segment(first=1, last=plan.last, rule=Rule.of(rule)),))
    whole, store = propagate(network, trace, model, 1, layers="all"), RelevanceStore(10_000_000)
    propagate(network, trace, model, 1, store=store)
    for layer in (36, 31, 26, 10, 4, 1, 0):
        above = source_row(plan, layer)
        found = relevance_at(network, trace, model, 1, {layer, above}, store=store)
        assert torch.equal(found[layer].relevance, whole.at(layer)) and torch.equal(found[above].relevance, whole.at(above))
        place = tuple(int(one) for one in (whole.at(layer).abs() == whole.at(layer).abs().max()).nonzero()[0])
        parts = contributions(network, found[layer].trace(network, trace), model, above, found[above].relevance, place)
        scale = float(parts.parts.abs().sum())
        assert parts.value == pytest.approx(float(whole.at(layer)[place]), abs=1e-5 * scale), layer


def test_what_there_is_not_is_named(monkeypatch):
    network = toy_network("vectors alone")
    monkeypatch.setitem(ARCHITECTURES, "toy", network.architecture)
    trace, model = forward(network, picture(network.architecture)), LRPModel.basic(architecture="toy")
    with pytest.raises(InputError, match="layer 2 shares no relevance out: give one of 1, 3, 5"):
        contributions(network, trace, model, 2, torch.zeros(5), (0,))
    with pytest.raises(InputError, match="layer 2 has no weights: give one of 1, 3, 5"):
        balance(network, trace, model, 2, torch.zeros(5))
    for place in ((3,), (-1,), (0, 0)):
        with pytest.raises(InputError, match=r"its inputs have the shape \(3,\)"):
            contributions(network, trace, model, 1, torch.zeros(5), place)
    assert set(TOYS) >= {"vectors alone"}
