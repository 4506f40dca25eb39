"""Every preset that Zennit can express gives Zennit's relevance, at every layer."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tests.core import zennit_twin
from tests.support.networks import VGG16, for_pictures_of, real_network
from tests.support.small import SIDE, picture, small_network
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.networks import EMBEDDED
from vislrp_core.propagation import propagate, start_relevance
from vislrp_core.rules import Rule

ALL_PRESETS = [
    Rule.of("zero"),
    Rule.of("epsilon"),
    Rule.of("epsilon", epsilon=0.1, epsilon_scale="absolute"),
    Rule.of("gamma", gamma1p=0.3),
    Rule.of("alpha_beta"),
    Rule.of("alpha_beta", alpha=3.0, beta=2.0),
    Rule.of("alpha1_beta0"),
    Rule.of("z_plus"),
    Rule.of("w_square"),
    Rule.of("flat"),
    Rule.of("z_box"),
]


def composite(*segments, **fields) -> LRPModel:
    parts, first = [], 1
    for last, rule in segments:
        parts.append(Segment(first=first, last=last, rule=rule))
        first = last + 1
    return LRPModel(segments=tuple(parts), **fields)


COMPOSITES = {
    "overview": composite((17, Rule.of("gamma")), (31, Rule.of("epsilon")), (VGG16.last, Rule.of("zero"))),
    "one layer each": composite(
        (1, Rule.of("w_square")),
        (2, Rule.of("flat")),
        (3, Rule.of("z_box")),
        (4, Rule.of("zero")),
        (8, Rule.of("alpha_beta")),
        (VGG16.last, Rule.of("epsilon")),
        pixel_rule="segment",
    ),
    "borders at relu, pool and dropout": composite(
        (5, Rule.of("z_plus")),
        (12, Rule.of("gamma", gamma1p=0.1)),
        (24, Rule.of("alpha1_beta0")),
        (34, Rule.of("epsilon", epsilon=0.5)),
        (37, Rule.of("gamma", gamma1p=1.0)),
        (VGG16.last, Rule.of("zero")),
    ),
    "flat pixels": composite((9, Rule.of("alpha_beta")), (VGG16.last, Rule.of("zero")), pixel_rule="flat"),
    "squared pixels": composite((20, Rule.of("z_plus")), (VGG16.last, Rule.of("epsilon")), pixel_rule="w_square"),
}


@pytest.fixture(scope="module")
def tiny():
    network = small_network("vgg16", seed=1)
    return network, forward(network, picture(network.architecture, seed=1))


def worst_error(network, trace, model, target) -> float:
    """Largest difference at any layer, relative to the layer's largest value."""
    ours = propagate(network, trace, model, target, layers="all")
    theirs = zennit_twin.relevance(network, trace, model, start_relevance(trace, target, model.start))
    return max(float((ours.at(k) - theirs[k]).abs().max() / theirs[k].abs().max()) for k in range(VGG16.last + 1))


@pytest.mark.parametrize("pooling", ["proportional", "winner-takes-all"])
@pytest.mark.parametrize("bias", ["ignore", "absorb"])
@pytest.mark.parametrize("rule", ALL_PRESETS, ids=lambda rule: f"{rule.preset}-{rule.short}")
def test_every_preset_on_all_layers(tiny, rule, bias, pooling):
    network, trace = tiny
    model = composite((VGG16.last, rule), bias=bias, pooling=pooling, pixel_rule="segment")
    assert worst_error(network, trace, model, int(trace.logits.argmax())) < 1e-6


@pytest.mark.parametrize("pooling", ["proportional", "winner-takes-all"])
@pytest.mark.parametrize("bias", ["ignore", "absorb"])
@pytest.mark.parametrize("name", COMPOSITES)
def test_composites_with_borders_anywhere(tiny, name, bias, pooling):
    network, trace = tiny
    model = COMPOSITES[name].model_copy(update={"bias": bias, "pooling": pooling})
    assert worst_error(network, trace, model, int(trace.logits.argmax())) < 1e-6


@pytest.mark.parametrize("start", ["logit", "one", "probability"])
def test_starts(tiny, start):
    network, trace = tiny
    model = COMPOSITES["overview"].model_copy(update={"start": start})
    assert worst_error(network, trace, model, int(trace.logits.argmax())) < 1e-6


def test_real_convolutions_in_double_precision():
    network = for_pictures_of(real_network(torch.float64), SIDE)
    trace = forward(network, picture(network.architecture, seed=2))
    model = composite(
        (10, Rule.of("epsilon")), (24, Rule.of("z_plus")), (31, Rule.of("gamma")), (VGG16.last, Rule.of("zero"))
    )
    assert worst_error(network, trace, model, int(trace.logits.argmax())) < 1e-6


def test_real_convolutions_in_single_precision():
    network = for_pictures_of(real_network(torch.float32), SIDE)
    trace = forward(network, picture(network.architecture, seed=2, dtype=torch.float32))
    target = int(trace.logits.argmax())
    model = composite(
        (10, Rule.of("gamma")),
        (20, Rule.of("alpha_beta")),
        (VGG16.last, Rule.of("epsilon")),
        bias="absorb",
        pooling="winner-takes-all",
    )
    ours = propagate(network, trace, model, target).at(0).double().flatten()
    theirs = zennit_twin.relevance(network, trace, model, start_relevance(trace, target, "logit"))[0].double().flatten()
    assert float(torch.nn.functional.cosine_similarity(ours, theirs, dim=0)) > 0.9999


def test_real_convolutions_are_real_in_every_clone():
    """They are those of the network that ships, not random ones where a download is missing."""
    network, shipped = real_network(), load_file(EMBEDDED)
    convolutions = [row for row in network.architecture.rows if row.kind == "conv"]
    assert len(convolutions) == 13
    for row in convolutions:
        assert torch.equal(network.weights[row.index], shipped[f"{row.module}.weight"].float()), row.name
        assert torch.equal(network.biases[row.index], shipped[f"{row.module}.bias"].float()), row.name
    first = network.weights[1].flatten(1)
    assert float(torch.corrcoef(first).fill_diagonal_(0).abs().max()) > 0.9, "filters are alike, as no random ones are"
