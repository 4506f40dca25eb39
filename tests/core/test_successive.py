"""Pictures one after the other have the numbers that each has alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.small import picture, small_network
from vislrp_core import batches, propagation, successive, winograd
from vislrp_core.batches import logits_of
from vislrp_core.network import Network, forward, logits
from vislrp_core.successive import Successive
from vislrp_core.winograd import Winograd


@pytest.fixture
def renewed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """All layers gain; how many tiles were computed again is noted."""
    noted: list[int] = []
    direct = Winograd.renew

    def renew(self: Winograd, made: Any, a: Tensor, places: Tensor) -> None:
        noted.append(len(places))
        direct(self, made, a, places)

    monkeypatch.setattr(Winograd, "renew", renew)
    for module, name in ((winograd, "LEAST_TILES"), (winograd, "LEAST"), (successive, "LEAST")):
        monkeypatch.setattr(module, name, 1)
    return noted


def row_of_pictures(network: Network) -> Tensor:
    """The same picture with more and more squares of 8 x 8 replaced, then without them, then another one."""
    first, other = picture(network.architecture), picture(network.architecture, seed=1)
    found = [first]
    for top, left in ((0, 0), (56, 56), (24, 40)):
        found.append(found[-1].clone())
        found[-1][..., top : top + 8, left : left + 8] = 0.3
    return torch.cat([*found, found[-1], first, other])


@pytest.mark.parametrize("joint", [2, 3, 5, 9, 17])
def test_each_activation_is_that_of_the_picture_alone(joint: int, renewed: list[int]) -> None:
    exact = small_network("vgg16")
    lower, x = Successive(exact.to(dtype=torch.float32), 0, joint), row_of_pictures(exact)
    found = [lower(one).clone() if joint == 5 else lower(one) for one in x.float().split(1)]
    for one, seen in zip(x.split(1), found, strict=True):
        whole = forward(exact, one).activation(joint)
        assert seen.shape[1:] == whole.shape[-3:]
        assert float((seen - whole).abs().max()) <= 2e-5 * float(whole.abs().max())
    if joint == 3:
        # 8 x 8 pixels and two rings around: 3 x 3 tiles at the corners, 4 x 4 inside; nothing; all three squares back.
        assert renewed == [9, 9, 9, 9, 16, 16, 34, 34]  # in both convolutions


def test_logits_of_a_curve(renewed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propagation, "BATCH_VALUES", 3_000)
    exact = small_network("vgg16")
    network, x = exact.to(dtype=torch.float32), row_of_pictures(exact)
    assert batches.joint_of(network) > 0
    whole = logits(exact, x)
    assert float((logits_of(network, x, size=4) - whole).abs().max()) <= 1e-5 * float(whole.abs().max())
    assert renewed
    renewed.clear()
    logits_of(network, x[:1])
    logits_of(exact, x)
    assert not renewed  # a picture alone, and double precision
