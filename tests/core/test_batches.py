"""Several pictures at once give the maps of single calls, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.core.test_history import MODELS
from tests.support.small import picture, small_network
from vislrp_core import batches, propagation
from vislrp_core.batches import explain_each, forward_many, logits_above, logits_of, propagate_batch
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.network import Network, NetworkError, forward, logits
from vislrp_core.propagation import NonFiniteRelevance, propagate, propagate_many
from vislrp_core.rules import PRESETS, Rule

COUNT = 5


MOST = {"all layers together": 500_000, "joined in the middle": 3_000, "joined at the top": 100}


@pytest.fixture(params=MOST.values(), ids=MOST)
def most(request, monkeypatch) -> int:
    monkeypatch.setattr(propagation, "BATCH_VALUES", request.param)
    return request.param


def prepared(dtype: torch.dtype, key: str = "vgg16") -> tuple[Network, torch.Tensor]:
    network = small_network(key, seed=4, dtype=dtype)
    x = picture(network.architecture, seed=3, count=COUNT, dtype=dtype)
    x[1] *= 0.1  # a relative epsilon taken over all pictures would show
    return network, x


def everywhere(network: Network, rule: Rule, **fields) -> LRPModel:
    plan = network.architecture
    return LRPModel(architecture=plan.key, segments=(Segment(first=1, last=plan.last, rule=rule),), **fields)


def compared(network: Network, x: torch.Tensor, model: LRPModel, targets: list[int]):
    """Maps at all layers, together and alone, wherever layers are joined."""
    apart = [
        propagate(network, forward(network, one[None]), model, target, layers="all")
        for one, target in zip(x, targets, strict=True)
    ]
    pairs = []
    for most in MOST.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(propagation, "BATCH_VALUES", most)
            together = propagate_batch(network, forward_many(network, x), model, targets, layers="all")
        for alone, target, found in zip(apart, targets, together, strict=True):
            assert found.layers == alone.layers and found.target == target
            scale = (alone.positive - alone.negative).max() + 1e-300
            assert abs(found.positive - alone.positive).max() <= 1e-3 * scale
            pairs += [(found.at(k), alone.at(k)) for k in found.layers]
    return pairs


def alike(one: torch.Tensor, other: torch.Tensor, least: float) -> bool:
    """Whether the cosine of two maps is at least this."""
    return float(torch.nn.functional.cosine_similarity(one.double().flatten(), other.double().flatten(), dim=0)) >= least


@pytest.mark.parametrize("pooling", ["proportional", "winner-takes-all"])
@pytest.mark.parametrize("bias", ["ignore", "absorb"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_in_double_precision(preset, bias, pooling):
    network, x = prepared(torch.float64)
    model = everywhere(network, Rule.of(preset), bias=bias, pooling=pooling, pixel_rule="segment", pooling_epsilon="segment")
    for together, alone in compared(network, x, model, [0, 3, 3, 1, 9]):
        assert float((together - alone).abs().max()) <= 1e-9 * float(alone.abs().max())


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_single_precision(number):
    network, x = prepared(torch.float32)
    for together, alone in compared(network, x, MODELS[number], [0, 3, 3, 1, 9]):
        assert alike(together, alone, 0.99999)


@pytest.mark.parametrize("key", ["vgg11", "alexnet"])
def test_other_architectures(key):
    network, x = prepared(torch.float64, key)
    for rule in (Rule.of("gamma"), Rule.of("z_box"), Rule.of("epsilon")):
        for together, alone in compared(network, x, everywhere(network, rule), [2] * COUNT):
            assert float((together - alone).abs().max()) <= 1e-9 * float(alone.abs().max())


def test_the_same_batch_gives_the_same_bits_whatever_went_before(most):
    network, x = prepared(torch.float32)
    targets = [1, 2, 3, 4, 5]
    fresh = [propagate_batch(network, forward_many(network, x), model, targets) for model in MODELS]
    batch = forward_many(network, x)
    for number in (3, 0, 5, 1, 1, 4, 2, 0):
        again = propagate_batch(network, batch, MODELS[number], targets)
        assert all(torch.equal(one.at(0), other.at(0)) for one, other in zip(again, fresh[number], strict=True))


def test_maps_hold_no_other_pictures_memory(most):
    network, x = prepared(torch.float32)
    for found in propagate_batch(network, forward_many(network, x), MODELS[1], [0] * COUNT, layers="all"):
        assert all(found.at(k).untyped_storage().nbytes() == found.at(k).nbytes for k in found.layers if k > 0)


def test_any_number_of_pictures_a_few_at_a_time(most, monkeypatch):
    network, x = prepared(torch.float64)
    sizes, whole = [], batches.forward_many
    monkeypatch.setattr(batches, "forward_many", lambda network, group: sizes.append(len(group)) or whole(network, group))
    seen = list(explain_each(network, (one for one in x), MODELS[:2], size=2))
    assert sizes == [2, 2, 1]
    for one, found in zip(x, seen, strict=True):
        trace = forward(network, one[None])
        torch.testing.assert_close(found.logits, trace.logits)
        assert found.target == int(trace.logits.argmax()) and len(found.relevances) == 2
        for model, relevance in zip(MODELS, found.relevances, strict=False):
            alone = propagate(network, trace, model, found.target)
            assert float((relevance.at(0) - alone.at(0)).abs().max()) <= 1e-9 * float(alone.at(0).abs().max())
    chosen = list(explain_each(network, x.split(1), MODELS[:1], targets=[4] * COUNT, layers=(0, 20), size=3))
    assert all(found.target == 4 and found.relevances[0].layers == (0, 20) for found in chosen)
    with pytest.raises(ValueError, match="size: must be at least 1"):
        next(explain_each(network, x, MODELS, size=0))


def test_logits_of_many_pictures(most):
    network, x = prepared(torch.float64)
    torch.testing.assert_close(logits_of(network, x, size=2), logits(network, x))
    batch = forward_many(network, x)
    torch.testing.assert_close(batch.logits, logits(network, x))
    assert len(batch) == COUNT and batch.top == logits(network, x).argmax(dim=1).tolist() and batch.nbytes > x.nbytes


@pytest.mark.parametrize("layer", [0, 3, 20, 31, 35])
def test_logits_from_many_activations_of_a_layer(most, layer):
    network, x = prepared(torch.float64)
    traces = [forward(network, one[None]) for one in x]
    found = logits_above(network, layer, (trace.activation(layer) for trace in traces), size=2)
    torch.testing.assert_close(found, logits(network, x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1])
def test_a_picture_of_a_batch_is_a_trace_of_its_own(most, number):
    for dtype in (torch.float64, torch.float32):
        network, x = prepared(dtype)
        batch = forward_many(network, x)
        propagate_batch(network, batch, MODELS[number], batch.top)
        for place, picture_of_it in enumerate(x):
            own, alone = batches.trace_of(network, batch, place), forward(network, picture_of_it[None])
            assert own.key == alone.key and own.cache.has_double == batch.cache.has_double
            torch.testing.assert_close(own.logits, alone.logits)
            found, expected = (propagate(network, trace, MODELS[number], 3).at(0) for trace in (own, alone))
            assert alike(found, expected, 1 - 1e-12 if dtype == torch.float64 else 0.99999)


def test_wrong_input_is_one_sentence(most):
    network, x = prepared(torch.float64)
    batch = forward_many(network, x)
    with pytest.raises(ValueError, match="2 classes for 5 pictures"):
        propagate_batch(network, batch, MODELS[0], [1, 2])
    with pytest.raises(ModelError, match="alexnet"):
        propagate_batch(network, batch, LRPModel.basic(architecture="alexnet"), [0] * COUNT)
    with pytest.raises(NetworkError, match="an image of shape"):
        forward_many(network, x[:, :2])
    x[3] = torch.inf
    with pytest.raises(NetworkError, match="not finite for picture 4 of 5"):
        forward_many(network, x)


def test_relevance_that_is_not_finite_is_named(most):
    network, x = prepared(torch.float32)
    with pytest.raises(NonFiniteRelevance, match="a parameter of the rule is very large"):
        propagate_batch(network, forward_many(network, x), everywhere(network, Rule.of("custom", alpha=1e30)), [0] * COUNT)


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_sums_that_a_device_is_asked_for_at_the_end_are_those_asked_for_on_the_way(monkeypatch, number):
    """As a GPU does, here on the CPU."""
    network, x = prepared(torch.float64)
    trace = forward(network, x[:1])
    expected = propagate_many(network, trace, MODELS[number], [1, 3], layers="all")
    monkeypatch.setattr(propagation, "_waits", lambda current, columns: False)
    found = propagate_many(network, trace, MODELS[number], [1, 3], layers="all")
    for one, other in zip(found, expected, strict=True):
        assert one.layers == other.layers and all(torch.equal(one.at(k), other.at(k)) for k in one.layers)
        np.testing.assert_allclose(one.positive, other.positive, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(one.negative, other.negative, rtol=1e-9, atol=1e-12)


def test_relevance_that_is_not_finite_is_named_also_when_a_device_is_asked_at_the_end(monkeypatch):
    network, x = prepared(torch.float32)
    endless = everywhere(network, Rule.of("custom", alpha=1e30))
    errors = []
    for waits in (True, False):
        monkeypatch.setattr(propagation, "_waits", lambda current, columns, waits=waits: waits)
        with pytest.raises(NonFiniteRelevance, match="a parameter of the rule is very large") as caught:
            propagate(network, forward(network, x[:1]), endless, 0, layers="all")
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1]) and errors[0].layer == errors[1].layer
