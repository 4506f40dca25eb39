"""The engine against the literal second implementation: random composites of all presets and custom rules, all layers."""

from __future__ import annotations

import random

import pytest
import torch

from tests.core import reference
from tests.support.networks import VGG16
from tests.support.small import picture, small_network
from vislrp_core.model import PIXEL_RULES, STARTS, LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.propagation import propagate, step
from vislrp_core.rules import KEYS, PRESETS, Rule


def random_rule(dice: random.Random) -> Rule:
    """A preset with random own parameters, or a custom rule with some parameters away from LRP-0's."""
    preset = dice.choice(list(PRESETS))
    if preset != "custom":
        values = {key: round(dice.uniform(0.05, 1.0), 3) for key in PRESETS[preset].free}
        if preset == "alpha_beta":
            values["beta"] = round(dice.uniform(0.0, 2.0), 2)
            values["alpha"] = 1 + values["beta"]
        return Rule.of(preset, **values, epsilon_scale=dice.choice(["absolute", "relative"]))
    values = {key: round(dice.uniform(0.0, 1.0), 3) for key in dice.sample(KEYS, dice.randint(1, 6))}
    return Rule.of("custom", **values, epsilon_scale=dice.choice(["absolute", "relative"]))


def random_model(dice: random.Random) -> LRPModel:
    """A composite with up to five segments whose borders lie anywhere."""
    borders = [*sorted(dice.sample(range(1, VGG16.last), dice.randint(0, 4))), VGG16.last]
    firsts = [1, *(border + 1 for border in borders[:-1])]
    segments = tuple(
        Segment(first=first, last=last, rule=random_rule(dice)) for first, last in zip(firsts, borders, strict=True)
    )
    # Flat shares of a contrast add up to exactly nothing, so that only rounding would be compared.
    starts = [start for start in STARTS if start != "contrast" or segments[-1].rule.preset != "flat"]
    return LRPModel(
        segments=segments,
        pooling=dice.choice(["proportional", "winner-takes-all"]),
        pooling_epsilon=dice.choice(["none", "segment"]),
        bias=dice.choice(["ignore", "absorb"]),
        pixel_rule=dice.choice(list(PIXEL_RULES)),
        start=dice.choice(starts),
    )


@pytest.fixture(scope="module")
def small():
    network = small_network("vgg16", seed=3, divisor=32)
    x = picture(network.architecture, seed=3)
    return network, x, forward(network, x)


@pytest.mark.parametrize("seed", range(8))
def test_random_composites_at_every_layer(small, seed):
    network, x, trace = small
    model = random_model(random.Random(seed))
    target = seed % network.num_classes
    expected = reference.relevance(network, x, model, target)
    found = propagate(network, trace, model, target, layers="all")
    for k in range(VGG16.last + 1):
        assert float((found.at(k) - expected[k]).abs().max()) <= 1e-8 * float(expected[k].abs().max()), f"layer {k}"


def some_custom(name: str, **values: float) -> object:
    return pytest.param(Rule.of("custom", **values), id=name)


EVERY_RULE = [
    *(pytest.param(Rule.of(preset), id=preset) for preset in PRESETS),
    some_custom("constant input", theta0=0.4),
    some_custom("negative input", theta0=-0.2, theta1=-0.7, gamma1p=0.5),
    some_custom("constant weight", gamma0=0.3),
    some_custom("negative parts", gamma1=0, gamma1n=1, gamma1p=0),
    some_custom("positive parts and squares", gamma1=0, gamma1p=0.7, gamma2=0.4),
    some_custom("squares", gamma2=0.6),
    some_custom("negative epsilon", epsilon=-0.05),
    some_custom(
        "all ten",
        alpha=1.7,
        beta=0.4,
        theta0=0.1,
        theta1=0.9,
        gamma0=0.05,
        gamma1=0.8,
        gamma1p=0.6,
        gamma1n=0.2,
        gamma2=0.3,
        epsilon=0.15,
    ),
]


@pytest.mark.parametrize("bias", ["ignore", "absorb"])
@pytest.mark.parametrize("scale", ["absolute", "relative"])
@pytest.mark.parametrize("rule", EVERY_RULE)
def test_every_rule_through_one_layer_of_each_kind(small, rule, scale, bias):
    network, _, trace = small
    rule = rule.changed("epsilon_scale", scale)
    model = LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=rule),), bias=bias, pixel_rule="segment")
    dice = torch.Generator().manual_seed(5)
    # Above the pixels the deep, small layers: a dense tensor of every contribution stays small there.
    for layer in (25, 29, 32, 38):
        shape = trace.activation(layer).shape
        relevance = torch.randn(shape, generator=dice, dtype=torch.float64)
        expected = reference.weighted_step(network, layer, trace.activation(layer - 1), rule, bias == "absorb", relevance)
        found = step(network, trace, model, layer, relevance[None])[0]
        assert float((found - expected).abs().max()) <= 1e-8 * float(expected.abs().max()), VGG16.rows[layer].name


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_every_rule_at_the_pixels(small, rule):
    network, x, trace = small
    model = LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=rule),), pixel_rule="segment", bias="absorb")
    relevance = torch.randn(trace.activation(1).shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    expected = reference.weighted_step(network, 1, x[0], rule, True, relevance)
    found = step(network, trace, model, 1, relevance[None])[0]
    assert float((found - expected).abs().max()) <= 1e-8 * float(expected.abs().max())


def test_the_order_of_explanations_does_not_matter(small):
    """Denominators that one model left behind on the trace are the ones that another would have computed."""
    network, x, used = small
    for seed in range(20, 26):
        model = random_model(random.Random(seed))
        first = propagate(network, used, model, 1).at(0)
        fresh = propagate(network, forward(network, x), model, 1).at(0)
        assert float((first - fresh).abs().max()) <= 1e-9 * float(fresh.abs().max())
