"""Parts of relevance add up to what the propagation has, and are the numbers of the literal implementation."""

from __future__ import annotations

import itertools

import pytest
import torch

from tests.core import reference
from tests.support.small import TOYS, picture, toy_network
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.contributions import balance, contributions
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.propagation import propagate
from vislrp_core.rules import PRESETS, Rule

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


def test_single_precision_states_what_the_propagation_has(monkeypatch):
    network = toy_network("odd windows", seed=3, dtype=torch.float32)
    plan = network.architecture
    monkeypatch.setitem(ARCHITECTURES, "toy", plan)
    trace = forward(network, picture(plan, seed=3).float())
    model = LRPModel.basic(architecture="toy")
    found = propagate(network, trace, model, 1, layers="all")
    parts = contributions(network, trace, model, 4, found.at(4), (1, 2, 3))
    assert parts.value == pytest.approx(float(found.at(3)[1, 2, 3]), rel=1e-5, abs=1e-6)
    assert float(parts.parts.sum()) == pytest.approx(parts.value, rel=1e-3, abs=1e-5)


def test_what_there_is_not_is_named(monkeypatch):
    network = toy_network("vectors alone")
    monkeypatch.setitem(ARCHITECTURES, "toy", network.architecture)
    trace, model = forward(network, picture(network.architecture)), LRPModel.basic(architecture="toy")
    with pytest.raises(InputError, match="layer 2 has no weights: give one of 1, 3, 5"):
        contributions(network, trace, model, 2, torch.zeros(5), (0,))
    for place in ((3,), (-1,), (0, 0)):
        with pytest.raises(InputError, match=r"its inputs have the shape \(3,\)"):
            contributions(network, trace, model, 1, torch.zeros(5), place)
    assert set(TOYS) >= {"vectors alone"}
