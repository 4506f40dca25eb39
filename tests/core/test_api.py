"""From a picture to relevance in one call; relevance that is not finite is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.networks import VGG16, random_image, tiny_network
from vislrp_core import LRPModel, NetworkError, NonFiniteRelevance, Rule, Segment, explain, forward, propagate
from vislrp_core.network import Trace


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    pixels = np.random.default_rng(0).integers(0, 255, (300, 260, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    Image.fromarray(pixels).save(path)
    return path


def test_one_call(picture):
    network = tiny_network(dtype=torch.float32)
    model = LRPModel(
        segments=(
            Segment(first=1, last=10, rule=Rule.of("gamma")),
            Segment(first=11, last=VGG16.last, rule=Rule.of("epsilon")),
        )
    )
    result = explain(network, picture, model)
    assert result.target == result.predictions[0].index == result.relevance.target
    assert result.relevance.layers == (0, 10) and result.relevance.at(10).shape == (8, 56, 56)
    assert result.relevance.map().shape == (224, 224) and result.relevance.model_key == model.key
    assert result.relevance.total.shape == (39,) and result.relevance.nbytes > 0
    opened = explain(network, Image.open(picture), model, "class 3", layers=(0, 34, 38), fit="squash")
    assert opened.target == 3 and opened.relevance.map(38).shape == (1, 10)
    with pytest.raises(NetworkError, match="no such class"):
        explain(network, picture, model, "castle")


def test_sums_are_those_of_the_maps():
    network = tiny_network(dtype=torch.float32)
    trace = forward(network, random_image(dtype=torch.float32))
    result = propagate(
        network, trace, LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of("gamma")),)), 0, layers="all"
    )
    for k in range(VGG16.last + 1):
        relevance = result.at(k).double()
        scale = float(relevance.abs().sum())
        assert result.positive[k] == pytest.approx(float(relevance.clamp(min=0).sum()), abs=1e-5 * scale)
        assert result.negative[k] == pytest.approx(float(relevance.clamp(max=0).sum()), abs=1e-5 * scale)


@pytest.mark.parametrize(
    ("rule", "cause"),
    [
        (Rule.of("custom", alpha=1e30), "a parameter of the rule is very large"),
        (Rule.of("custom", alpha=1e5), "denominators of the rule nearly vanish there"),
    ],
)
def test_relevance_that_is_not_finite_is_named(rule, cause):
    network = tiny_network(dtype=torch.float32)
    trace = forward(network, random_image(dtype=torch.float32))
    model = LRPModel(
        segments=(Segment(first=1, last=31, rule=rule), Segment(first=32, last=VGG16.last, rule=Rule.of("gamma")))
    )
    with pytest.raises(NonFiniteRelevance) as error:
        propagate(network, trace, model, 0, layers="all")
    found = error.value
    assert found.layer <= 31 and found.rule == "Custom" and "\n" not in str(found)
    assert "raise ε" in found.suggestion and found.cause == cause
    assert set(found.relevance.layers) == set(range(found.layer, VGG16.last + 1))
    assert np.isnan(found.relevance.positive[found.layer - 1]) and np.isfinite(found.relevance.positive[found.layer :]).all()


def test_activations_that_are_not_finite_are_the_cause():
    network = tiny_network(dtype=torch.float32)
    trace = forward(network, random_image(dtype=torch.float32))
    broken = {layer: trace.activations[layer] * (float("nan") if layer == 30 else 1) for layer in range(VGG16.last + 1)}
    trace = Trace(trace.x, broken, trace.sums, trace.classes)
    with pytest.raises(NonFiniteRelevance, match="activations are not finite"):
        propagate(network, trace, LRPModel.basic(), 0)


def test_a_checkpoint_can_stop_the_work():
    network = tiny_network(dtype=torch.float32)
    trace = forward(network, random_image(dtype=torch.float32))

    def stop(layer: int) -> None:
        if layer == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        propagate(network, trace, LRPModel.basic(), 0, checkpoint=stop)
