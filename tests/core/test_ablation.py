"""Ablation against a plain torchvision forward pass, and relevance through sets of neurons."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.vgg import VGG

from tests.support.networks import VGG16, small_vgg
from vislrp_core.ablation import (
    ablate,
    area_between,
    check_value,
    curve,
    mean_curve,
    pass_on,
    random_order,
    ranking,
    steps,
    switch_off,
)
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, forward
from vislrp_core.neurons import NeuronError, score
from vislrp_core.propagation import propagate


@pytest.fixture(scope="module")
def plain() -> VGG:
    return small_vgg(3)


@pytest.fixture(scope="module")
def network(plain: VGG) -> Network:
    return Network.from_state_dict(plain.state_dict(), any_width=True)


@pytest.fixture(scope="module")
def trace(network: Network) -> Trace:
    x = torch.randn(1, 3, 224, 224, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    return forward(network, x)


def reference(plain: VGG, x: Tensor, sets: dict[int, tuple[int, ...]], value: str) -> Tensor:
    """Logits of the torchvision module with forward hooks that overwrite the neurons."""

    def overwrite(neurons: tuple[int, ...]):  # type: ignore[no-untyped-def]
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            changed = output.clone()
            for neuron in neurons:
                changed[:, neuron] = 0 if value == "zero" else changed[:, neuron].mean()
            return changed

        return hook

    handles = [
        plain.get_submodule(VGG16.rows[layer].module or "").register_forward_hook(overwrite(neurons))
        for layer, neurons in sets.items()
    ]
    try:
        with torch.no_grad():
            return plain(x)[0]
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("value", ["zero", "mean"])
@pytest.mark.parametrize("layer", range(1, VGG16.last + 1))
def test_ablation_is_zeroing_in_a_torchvision_forward_pass_at_every_layer(
    plain: VGG, network: Network, trace: Trace, layer: int, value: str
) -> None:
    sets = {layer: (1, 3)}
    found = ablate(network, trace, sets, value)  # type: ignore[arg-type]
    torch.testing.assert_close(found, reference(plain, trace.x, sets, value), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("value", ["zero", "mean"])
def test_sets_at_several_layers_are_ablated_from_the_bottom_up(
    plain: VGG, network: Network, trace: Trace, value: str
) -> None:
    sets = {33: (0, 2, 5), 1: (0,), 13: (1, 2), 31: (3,)}
    found = ablate(network, trace, sets, value)  # type: ignore[arg-type]
    torch.testing.assert_close(found, reference(plain, trace.x, sets, value), rtol=1e-10, atol=1e-12)
    assert not torch.allclose(found, trace.logits)


def test_nothing_ablated_changes_nothing_and_the_trace_stays_whole(network: Network, trace: Trace) -> None:
    before = trace.activation(23).clone()
    assert torch.equal(ablate(network, trace, {}), trace.logits)
    assert torch.equal(ablate(network, trace, {23: ()}), trace.logits)
    ablate(network, trace, {23: range(6)})
    assert torch.equal(trace.activation(23), before)


@pytest.mark.parametrize("sets", [{0: (1,)}, {39: (1,)}, {23: (6,)}, {23: (-1,)}, {38: (7,)}])
def test_layers_and_neurons_that_do_not_exist_are_refused(
    network: Network, trace: Trace, sets: dict[int, tuple[int, ...]]
) -> None:
    with pytest.raises(NeuronError):
        ablate(network, trace, sets)


def test_unknown_value_is_refused() -> None:
    with pytest.raises(NeuronError, match="zero or mean"):
        switch_off(torch.zeros(3), (0,), "median")  # type: ignore[arg-type]


def test_the_mean_of_a_single_unit_is_itself_so_that_it_is_refused(network: Network, trace: Trace) -> None:
    units = torch.tensor([1.0, 2.0])
    assert torch.equal(switch_off(units, (1,), "mean"), units)
    assert torch.equal(ablate(network, trace, {35: (1,)}, "mean"), ablate(network, trace, {}))
    for layer, name in ((32, "fc6"), (34, "dropout6"), (38, "fc8")):
        with pytest.raises(NeuronError, match=f"{name}: a single unit has no positions, its mean is its own value"):
            check_value(network, {23: (1,), layer: (1,)}, "mean")
        check_value(network, [layer], "zero")
    check_value(network, [1, 31], "mean")


@pytest.mark.parametrize("layer", [1, 5, 15, 23, 31, 33, 38])
def test_relevance_through_sets_adds_up_to_the_whole_map(network: Network, trace: Trace, layer: int) -> None:
    model = LRPModel.basic()
    whole = propagate(network, trace, model, 2, layers=(0, layer))
    size = trace.activation(layer).shape[0]
    through = pass_on(network, trace, model, layer, whole.at(layer), (0, 2))
    rest = pass_on(network, trace, model, layer, whole.at(layer), (0, 2), complement=True)
    torch.testing.assert_close(through + rest, whole.at(0), rtol=1e-7, atol=1e-9)
    each = sum(pass_on(network, trace, model, layer, whole.at(layer), (neuron,)) for neuron in range(size))
    torch.testing.assert_close(each, whole.at(0), rtol=1e-7, atol=1e-9)
    assert torch.count_nonzero(pass_on(network, trace, model, layer, whole.at(layer), ())) == 0


def test_scores_of_a_layer_equal_direct_sums_over_its_relevance(network: Network, trace: Trace) -> None:
    relevance = propagate(network, trace, LRPModel.basic(), 2, layers=(22,)).at(22)
    found = score(22, relevance, trace.activation(22))
    arrays = relevance.numpy()
    np.testing.assert_allclose(found.positive_relevance, [np.maximum(r, 0).sum() for r in arrays])
    np.testing.assert_allclose(found.negative_relevance, [np.minimum(r, 0).sum() for r in arrays])
    np.testing.assert_allclose(found.total_relevance, [r.sum() for r in arrays], atol=1e-12)
    np.testing.assert_allclose(found.active_share, [(a > 0).mean() for a in trace.activation(22).numpy()])


def test_a_curve_is_one_ablation_per_point(network: Network, trace: Trace) -> None:
    order = random_order(12, seed=1)
    counts = np.array([0, 1, 4, 7, 12])
    seen: list[int] = []
    found = curve(network, trace, 33, order, 2, counts, batch=2, checkpoint=seen.append)
    for place, count in enumerate(counts):
        single = ablate(network, trace, {33: order[:count].tolist()})
        assert found.logits[place] == pytest.approx(float(single[2]))
        assert found.probabilities[place] == pytest.approx(float(single.softmax(0)[2]))
        assert found.first_class[place] == int(single.argmax())
    assert seen == [0, 2, 4]
    changed = [int(c) for c, first in zip(counts, found.first_class, strict=True) if first != found.first_class[0]]
    assert found.neurons_to_change == (changed[0] if changed else None)


def test_area_between_two_curves(network: Network, trace: Trace) -> None:
    counts = np.array([0, 2, 12])
    one = curve(network, trace, 33, random_order(12, 1), 2, counts)
    two = curve(network, trace, 33, random_order(12, 2), 2, counts)
    difference = two.probabilities - one.probabilities
    by_hand = ((difference[0] + difference[1]) / 2 * 2 + (difference[1] + difference[2]) / 2 * 10) / 12
    assert area_between(one, two) == pytest.approx(by_hand)
    assert mean_curve([one, two]).area == pytest.approx((one.area + two.area) / 2)
    with pytest.raises(ValueError, match="different numbers"):
        area_between(one, curve(network, trace, 33, random_order(12, 2), 2, np.array([0, 12])))


def test_a_checkpoint_that_raises_stops_the_curve(network: Network, trace: Trace) -> None:
    def stop(done: int) -> None:
        if done:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        curve(network, trace, 33, random_order(12, 1), 2, np.arange(13), batch=4, checkpoint=stop)


def test_steps_run_from_nothing_to_everything_and_are_denser_at_the_start() -> None:
    found = steps(512, 16)
    assert found[0] == 0 and found[-1] == 512 and len(found) <= 16
    assert (np.diff(found) > 0).all() and np.diff(found)[0] < np.diff(found)[-1]
    assert steps(512, 16, most=64)[-1] == 64 and steps(3, 16).tolist() == [0, 1, 2, 3]


def test_ranking_starts_with_the_largest_total_relevance() -> None:
    found = score(33, torch.tensor([1.0, 5.0, -7.0]), torch.zeros(3))
    assert ranking(found).tolist() == [1, 0, 2]
