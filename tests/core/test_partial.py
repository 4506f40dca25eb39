"""The forward pass of a locally changed picture against the whole forward pass."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.networks import random_image, tiny_network
from tests.support.small import picture, small_network, toy_network
from vislrp_core.network import Network, Trace, forward, logits
from vislrp_core.partial import PixelBox as Box
from vislrp_core.partial import box_of, logits_of_changed

NETWORK: Network = tiny_network(2)
TRACE: Trace = forward(NETWORK, random_image(1))


def compare(box: Box) -> None:
    changed = TRACE.x.clone()
    changed[..., box.top : box.bottom, box.left : box.right] *= -1
    found = logits_of_changed(NETWORK, TRACE, changed, box)
    torch.testing.assert_close(found, logits(NETWORK, changed)[0], rtol=1e-9, atol=1e-11)
    assert not torch.equal(found, TRACE.logits)


@pytest.mark.parametrize(
    "box",
    [
        Box(0, 224, 0, 224),
        Box(0, 1, 0, 1),
        Box(223, 224, 223, 224),
        Box(0, 224, 100, 101),
        Box(31, 97, 0, 55),
        Box(100, 133, 200, 224),
    ],
)
def test_equals_the_whole_forward_pass_in_the_middle_and_at_every_edge(box: Box) -> None:
    compare(box)


@settings(max_examples=12)
@given(rows=st.tuples(st.integers(0, 223), st.integers(1, 90)), columns=st.tuples(st.integers(0, 223), st.integers(1, 90)))
def test_equals_the_whole_forward_pass_for_any_box(rows: tuple[int, int], columns: tuple[int, int]) -> None:
    compare(Box(rows[0], min(sum(rows), 224), columns[0], min(sum(columns), 224)))


@pytest.mark.parametrize("key", ["vgg11", "alexnet"])
@pytest.mark.parametrize(
    "box", [Box(0, 64, 0, 64), Box(0, 1, 0, 1), Box(62, 64, 61, 64), Box(20, 33, 0, 9), Box(63, 64, 63, 64)]
)
def test_other_architectures(key: str, box: Box) -> None:
    network = small_network(key, seed=2)
    trace = forward(network, picture(network.architecture, seed=1))
    changed = trace.x.clone()
    changed[..., box.top : box.bottom, box.left : box.right] *= -1
    torch.testing.assert_close(
        logits_of_changed(network, trace, changed, box), logits(network, changed)[0], rtol=1e-9, atol=1e-11
    )


@pytest.mark.parametrize("name", ["odd windows", "no padding, no ReLU between", "wider padding than picture"])
def test_any_chain(name: str) -> None:
    network = toy_network(name)
    side = network.architecture.input_size
    trace = forward(network, picture(network.architecture, seed=1))
    for top in range(0, side, 2):
        for left in (0, side // 2, side - 1):
            box = Box(top, min(top + 3, side), left, min(left + 2, side))
            changed = trace.x.clone()
            changed[..., box.top : box.bottom, box.left : box.right] *= -1
            torch.testing.assert_close(
                logits_of_changed(network, trace, changed, box), logits(network, changed)[0], rtol=1e-9, atol=1e-11
            )


def test_nothing_changed_is_the_trace_itself_and_the_trace_stays_whole() -> None:
    before = {layer: activation.clone() for layer, activation in TRACE.activations.items()}
    assert torch.equal(logits_of_changed(NETWORK, TRACE, TRACE.x, None), TRACE.logits)
    logits_of_changed(NETWORK, TRACE, -TRACE.x, Box(10, 60, 20, 90))
    assert all(torch.equal(before[layer], TRACE.activations[layer]) for layer in before)


def test_the_box_of_a_mask() -> None:
    mask = torch.zeros(224, 224, dtype=torch.bool)
    assert box_of(mask) is None
    mask[5, 7] = mask[40, 3] = True
    assert box_of(mask) == Box(5, 41, 3, 8)
