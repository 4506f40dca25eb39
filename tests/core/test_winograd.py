"""Convolutions with fewer products give the sums of the direct ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.support.small import picture, small_network
from vislrp_core import propagation, successive, winograd
from vislrp_core.batches import logits_above, logits_of
from vislrp_core.network import forward, logits
from vislrp_core.winograd import Scratch, Winograd, suits

SIZES = {"one tile": (1, 4, 4), "cut at the edge": (3, 7, 5), "less than a tile": (2, 1, 3), "several rounds": (2, 70, 37)}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_sums_of_the_direct_convolution(size: tuple[int, int, int]) -> None:
    count, height, width = size
    torch.manual_seed(0)
    weight, bias = torch.randn(6, 5, 3, 3), torch.randn(6)
    a = torch.randn(count, 5, height, width).contiguous(memory_format=torch.channels_last)
    direct = F.conv2d(a.double(), weight.double(), bias.double(), padding=1)
    layer = Winograd(weight, bias, Scratch())
    for found in (layer(a), layer(a.contiguous())):
        assert found.shape == direct.shape and found.dtype == torch.float32
        assert float((found - direct).abs().max()) <= 2e-5 * float(direct.abs().max())


def test_layers_share_a_room_and_keep_their_kernels() -> None:
    torch.manual_seed(1)
    room = Scratch()
    weights = [torch.randn(4, 4, 3, 3) for _ in range(2)]
    layers = [Winograd(weight, torch.zeros(4), room, f"kernels {k}") for k, weight in enumerate(weights)]
    a = torch.randn(1, 4, 9, 9)
    for weight, layer in zip(weights, layers, strict=True):
        torch.testing.assert_close(layer(a), F.conv2d(a, weight, padding=1), rtol=1e-4, atol=1e-4)


def test_logits_of_a_network_whose_layers_all_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = small_network("vgg16")
    network, x = exact.to(dtype=torch.float32), picture(exact.architecture, count=5)
    whole = logits(exact, x)
    assert not any(suits(network, k, 5) for k in network.weights)  # far too narrow
    monkeypatch.setattr(winograd, "LEAST", 1)
    monkeypatch.setattr(successive, "LEAST", 1)
    assert suits(network, 3, 1) and suits(network, 29, 48) and not suits(network, 29, 1)  # 8 x 8 tiles below, 1 above
    monkeypatch.setattr(winograd, "LEAST_TILES", 1)
    calls: list[int] = []
    direct = Winograd.made
    monkeypatch.setattr(Winograd, "made", lambda self, a: calls.append(len(a)) or direct(self, a))
    for most in (500_000, 3_000):  # all layers together, and joined in the middle
        monkeypatch.setattr(propagation, "BATCH_VALUES", most)
        calls.clear()
        found = logits_of(network, x, size=3)
        assert float((found - whole).abs().max()) <= 1e-5 * float(whole.abs().max())
        assert sum(calls) == 13 * 5
    calls.clear()
    lower = [forward(network, one[None].float()).activation(20) for one in x]
    above = logits_above(network, 20, lower, size=5)
    assert float((above - whole).abs().max()) <= 1e-5 * float(whole.abs().max())
    assert calls == [5] * 4
    assert torch.equal(logits_of(exact, x), whole) and calls == [5] * 4  # double precision stays as it is


def test_only_plain_convolutions_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "LEAST", 1)
    monkeypatch.setattr(winograd, "LEAST_TILES", 1)
    alexnet = small_network("alexnet", dtype=torch.float32, side=96)
    chosen = [k for k in range(1, alexnet.architecture.last + 1) if suits(alexnet, k, 1)]
    kernels = [tuple(alexnet.weights[k].shape[2:]) for k in chosen]
    assert kernels == [(3, 3)] * 3  # not the 11 x 11 with stride 4, not the 5 x 5, no matrix
