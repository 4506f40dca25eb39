"""Every architecture, preset, bias and pooling: the engine against the literal implementation and against Zennit, at every
layer in double precision."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import torch

from tests.core import reference, zennit_twin
from tests.support.small import ALL, TOYS, picture, small_network, toy_network
from vislrp_core.architecture import ARCHITECTURES, Architecture
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, forward
from vislrp_core.propagation import Relevance, propagate, start_relevance
from vislrp_core.rules import KEYS, PRESETS, Rule
from vislrp_core.trace import Trace

CLOSE = 1e-6
CONVENTIONS = [(bias, pooling) for bias in ("ignore", "absorb") for pooling in ("proportional", "winner-takes-all")]


def name(one: object) -> str:
    return f"{one[0]}{'_bn' if one[1] else ''}" if isinstance(one, tuple) else str(one)


@pytest.fixture(scope="module", params=ALL, ids=name)
def known(request) -> Network:
    return small_network(*request.param, seed=3, divisor=32)


def everywhere(plan: Architecture, rule: Rule, **fields) -> LRPModel:
    return LRPModel(architecture=plan.key, segments=(Segment(first=1, last=plan.last, rule=rule),), **fields)


def composites(plan: Architecture) -> Iterator[LRPModel]:
    """Several composites with borders anywhere, custom rules among them."""
    for seed in range(6):
        dice = random.Random(seed)
        borders = [*sorted(dice.sample(range(1, plan.last), min(3, plan.last - 1))), plan.last]
        rules = [Rule.of(dice.choice(list(PRESETS))) for _ in borders]
        rules[seed % len(rules)] = Rule.of(
            "custom",
            epsilon_scale=dice.choice(["absolute", "relative"]),
            **{key: round(dice.uniform(0, 1), 2) for key in dice.sample(KEYS, 5)},
        )
        yield LRPModel(
            architecture=plan.key,
            bias=dice.choice(["ignore", "absorb"]),
            pooling=dice.choice(["proportional", "winner-takes-all"]),
            pooling_epsilon=dice.choice(["none", "segment"]),
            pixel_rule=dice.choice(["z_box", "w_square", "flat", "segment"]),
            segments=tuple(
                Segment(first=first, last=last, rule=rule)
                for first, last, rule in zip([1, *(border + 1 for border in borders[:-1])], borders, rules, strict=True)
            ),
        )


def explained(network: Network, model: LRPModel) -> tuple[torch.Tensor, Trace, Relevance]:
    """A picture, its forward pass, and the engine's relevance of its first class at every layer."""
    x = picture(network.architecture, seed=5)
    trace = forward(network, x)
    found = propagate(network, trace, model, int(trace.logits.argmax()), layers="all")
    assert len(found.layers) == network.architecture.last + 1
    return x, trace, found


def worst(found: Relevance, expected: list[torch.Tensor]) -> float:
    """Largest difference at any layer, relative to the layer's largest value."""
    return max(
        float((found.at(k) - expected[k].reshape(found.at(k).shape)).abs().max() / (expected[k].abs().max() + 1e-300))
        for k in found.layers
    )


def from_literal(network: Network, model: LRPModel) -> float:
    x, _, found = explained(network, model)
    return worst(found, reference.relevance(network, x, model, found.target))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_the_literal_one_and_zennits(known, preset):
    for bias, pooling in CONVENTIONS:
        model = everywhere(known.architecture, Rule.of(preset), bias=bias, pooling=pooling, pixel_rule="segment")
        x, trace, found = explained(known, model)
        assert worst(found, reference.relevance(known, x, model, found.target)) < CLOSE, (bias, pooling)
        if preset != "custom":
            start = start_relevance(trace, found.target, "logit")
            assert worst(found, zennit_twin.relevance(known, trace, model, start)) < CLOSE, (bias, pooling)


def test_composites_are_the_literal_ones(known):
    for model in composites(known.architecture):
        assert from_literal(known, model) < CLOSE, model.to_json()


@pytest.fixture(params=TOYS)
def toy(request, monkeypatch) -> Network:
    network = toy_network(request.param, seed=1)
    monkeypatch.setitem(ARCHITECTURES, "toy", network.architecture)
    return network


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_in_any_chain(toy, preset):
    for bias, pooling in CONVENTIONS:
        for pixels in ("segment", "z_box"):
            rule = (
                Rule.of("custom", theta0=0.3, gamma0=0.2, gamma1p=0.4, gamma2=0.1, beta=0.5)
                if preset == "custom"
                else (Rule.of(preset))
            )
            model = everywhere(toy.architecture, rule, bias=bias, pooling=pooling, pixel_rule=pixels)
            assert from_literal(toy, model) < CLOSE, (bias, pooling, pixels)


def test_composites_in_any_chain(toy):
    for model in composites(toy.architecture):
        assert from_literal(toy, model) < CLOSE, model.to_json()


def test_relevance_keeps_its_sum_in_any_chain(toy):
    model = everywhere(toy.architecture, Rule.of("gamma", gamma1p=0.5), pixel_rule="segment")
    trace = forward(toy, picture(toy.architecture, seed=2))
    target = int(trace.logits.argmax())
    total = propagate(toy, trace, model, target, layers="all").total
    torch.testing.assert_close(
        torch.tensor(total), torch.full((len(total),), float(trace.logits[target])).double(), rtol=1e-5, atol=1e-6
    )
