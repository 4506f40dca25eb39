"""The network as weights: what is refused, what a trace holds, which device and number format tensors are in."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.support.networks import VGG16, random_image, tiny_network, tiny_state
from vislrp_core import shares
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, NetworkError, Trace, class_index, forward, logits, refine
from vislrp_core.propagation import propagate, step
from vislrp_core.rules import PRESETS, Rule


def test_classes_by_name_number_and_rank():
    state = tiny_state(classes=4)
    network = Network.from_state_dict(state, any_width=True, classes=["tabby cat", "castle", "church", "guitar"])
    trace = forward(network, random_image(dtype=torch.float32))
    assert class_index(network, "Castle") == 1 and class_index(network, " 3 ") == 3 and class_index(network, 2) == 2
    assert class_index(network, "top", trace) == int(trace.logits.argmax()) == trace.predictions(1)[0].index
    with pytest.raises(NetworkError, match='"castel": the network has no such class; did you mean castle'):
        class_index(network, "castel")
    for wrong in ("4", "-1"):
        with pytest.raises(NetworkError, match="class numbers run from 0 to 3"):
            class_index(network, wrong)
    with pytest.raises(NetworkError, match=r'"zzzz": the network has no such class$'):
        class_index(network, "zzzz")


def test_predictions_are_ordered_and_add_up():
    network = tiny_network()
    trace = forward(network, random_image())
    found = trace.predictions(10)
    assert [p.logit for p in found] == sorted(trace.logits.tolist(), reverse=True)
    assert sum(p.probability for p in found) == pytest.approx(1)
    assert found[0].to_dict() == {
        "index": found[0].index,
        "name": found[0].name,
        "logit": found[0].logit,
        "probability": found[0].probability,
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s.pop("features.0.weight"), r"features\.0\.weight \(conv1_1\) is missing"),
        (lambda s: s.update({"classifier.6.bias": [1]}), r"classifier\.6\.bias is not a floating-point tensor"),
        (lambda s: s.update({"features.2.bias": torch.zeros(4, dtype=torch.int64)}), r"features\.2\.bias is not a float"),
        (
            lambda s: s.update({"features.2.weight": torch.zeros(4, 4, 5, 5)}),
            r"has shape \(4, 4, 5, 5\), expected \(4, 4, 3",
        ),
        (lambda s: s.update({"classifier.3.weight": torch.zeros(20, 7)}), r"classifier\.3\.weight \(fc7\) has shape"),
        (lambda s: s["features.0.bias"].fill_(float("nan")), r"features\.0 \(conv1_1\) holds values that are not finite"),
    ],
)
def test_state_dicts_that_are_no_vgg16(change, sentence):
    state = tiny_state()
    change(state)
    with pytest.raises(NetworkError, match=sentence):
        Network.from_state_dict(state, any_width=True)


def test_narrow_convolutions_and_wrong_class_lists_are_refused():
    with pytest.raises(NetworkError, match=r"conv1_1\) has shape \(4, 3, 3, 3\), expected \(64, 3, 3, 3\)"):
        Network.from_state_dict(tiny_state())
    with pytest.raises(NetworkError, match="2 names for a network of 10 classes"):
        Network.from_state_dict(tiny_state(), any_width=True, classes=["a", "b"])


def test_weights_are_taken_without_a_copy():
    state = tiny_state()
    network = Network.from_state_dict(state, any_width=True)
    assert network.weights[32].data_ptr() == state["classifier.0.weight"].data_ptr()
    assert network.digest == Network.from_state_dict(tiny_state(), any_width=True).digest
    assert network.digest != Network.from_state_dict(tiny_state(1), any_width=True).digest


def test_wrong_images_are_refused():
    with pytest.raises(NetworkError, match=r"an image of shape \(3, 224, 224\) was given"):
        forward(tiny_network(), random_image()[0])
    with pytest.raises(NetworkError, match="logits are not finite"):
        forward(tiny_network(), random_image() * float("inf"))


def test_a_trace_holds_no_more_than_it_needs():
    network = tiny_network(dtype=torch.float32)
    trace = forward(network, random_image(dtype=torch.float32))
    assert len(trace.sums) == 0 and torch.equal(trace.activations[33], trace.activations[34])
    sums = trace.sums[1][0] + network.biases[1].reshape(-1, 1, 1)
    assert torch.allclose(sums, trace.activation(1), atol=1e-6)
    assert torch.equal(trace.activation(1).relu(), trace.activation(2))
    assert trace.activation(38).shape == (10,) and trace.activation(0).shape == (3, 224, 224)
    assert {2, 4, 33, 34}.isdisjoint(trace.activations), "made again when asked for"
    before = trace.nbytes
    for rule in ("gamma", "w_square", "flat", "alpha_beta"):
        propagate(network, trace, LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of(rule)),)), 0)
    grown = trace.nbytes
    for weight in range(30):
        rule = Rule.of("custom", gamma1p=0.5, theta0=-0.1 - weight / 100)
        propagate(network, trace, LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=rule),)), 0)
    assert before < grown and trace.nbytes <= 5 * before


def test_a_batch_has_the_logits_of_its_images():
    network = tiny_network()
    batch = torch.cat([random_image(1), random_image(2)])
    one_by_one = torch.stack([forward(network, image[None]).logits for image in batch])
    assert torch.allclose(logits(network, batch), one_by_one)


def test_refined_sums_are_those_of_double_precision():
    network = tiny_network(dtype=torch.float32)
    x = random_image(dtype=torch.float32)
    trace, double = forward(network, x), forward(network.to(dtype=torch.float64), x.double())
    assert not trace.exact and double.exact
    before = {layer: activation.clone() for layer, activation in trace.activations.items()}
    refined = refine(network, trace)
    assert refined.exact and not trace.exact and refined.cache.tensors() == []
    assert all(torch.equal(trace.activations[layer], activation) for layer, activation in before.items())
    for layer, total in refined.sums.items():
        assert total.dtype == torch.float32 and torch.allclose(total, double.sums[layer].float(), rtol=1e-6, atol=1e-12)
        assert torch.allclose(refined.activation(layer), double.activation(layer).float(), atol=1e-6)


def test_nearly_cancelling_sums_do_not_spoil_single_precision():
    """LRP-0 without the bias divides by sums near zero: rounding errors of a plain forward pass would show."""
    network = tiny_network(seed=2, dtype=torch.float32)
    double = network.to(dtype=torch.float64)
    x = random_image(seed=2, dtype=torch.float32)
    model = LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of("zero")),))
    trace, exact = forward(network, x), forward(double, x.double())
    expected = propagate(double, exact, model, 1).at(0).flatten()
    found = propagate(network, trace, model, 1).at(0).double().flatten()
    assert trace.cache.has_double and not trace.exact
    assert float(torch.nn.functional.cosine_similarity(found, expected, dim=0)) > 0.9999


def test_well_conditioned_rules_stay_in_single_precision():
    network = tiny_network(seed=2, dtype=torch.float32)
    trace = forward(network, random_image(seed=2, dtype=torch.float32))
    for rule, bias in (
        ("z_plus", "ignore"),
        ("epsilon", "ignore"),
        ("alpha_beta", "absorb"),
        ("zero", "absorb"),
        ("gamma", "absorb"),
        ("flat", "ignore"),
        ("w_square", "absorb"),
    ):
        propagate(network, trace, LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of(rule)),), bias=bias), 1)
        assert not trace.cache.has_double, rule


class _Places(TorchDispatchMode):
    """Notes device and number format of every tensor that an operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, torch.dtype]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, torch.Tensor) and value.numel() > 100:
                self.seen.add((value.device.type, value.dtype))
        return result


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("pooling", ["proportional", "winner-takes-all"])
def test_every_tensor_is_made_where_the_network_is(monkeypatch, preset, pooling):
    """On the meta device an operation that mixes devices fails; what is made elsewhere is seen by the dispatcher."""
    here = tiny_network(dtype=torch.float32)
    trace = forward(here, random_image(dtype=torch.float32))
    shapes = {layer: trace.activations[layer].shape for layer in range(VGG16.last + 1)}
    network = here.to(device="meta")
    activations = {layer: trace.activations[layer].to("meta") for layer in range(VGG16.last + 1)}
    trace = Trace(activations[0], activations, {layer: activations[layer] for layer in network.weights}, trace.classes)
    # Meta tensors have no values to read.
    monkeypatch.setattr(shares.Denominator, "rms", lambda z: torch.ones(1))
    monkeypatch.setattr(shares, "_trusted", lambda *arguments: True)
    monkeypatch.setattr(torch.Tensor, "any", lambda tensor: True)
    model = LRPModel(
        segments=(Segment(first=1, last=VGG16.last, rule=Rule.of(preset)),), pooling=pooling, pixel_rule="segment"
    )
    with torch.inference_mode(), _Places() as places:
        for layer in range(VGG16.last, 0, -1):
            step(network, trace, model, layer, torch.empty(shapes[layer], device="meta"))
    assert {device for device, _ in places.seen} == {"meta"}


def test_no_double_precision_on_the_way_unless_it_is_needed():
    """Apple's GPUs have none, and elsewhere it is slow."""
    network = tiny_network(dtype=torch.float32)
    model = LRPModel(
        segments=(
            Segment(first=1, last=20, rule=Rule.of("gamma")),
            Segment(first=21, last=VGG16.last, rule=Rule.of("epsilon")),
        ),
        bias="absorb",
    )
    image = random_image(dtype=torch.float32)
    with torch.inference_mode(), _Places() as places:
        propagate(network, forward(network, image), model, 1)
    assert torch.float64 not in {dtype for _, dtype in places.seen}
