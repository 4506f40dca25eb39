"""Relevance through max pooling: any window, both conventions, epsilon of the segment, against windows written out."""

from __future__ import annotations

import pytest
import torch

from tests.core import reference
from vislrp_core.architecture import Layer
from vislrp_core.pooling import pool
from vislrp_core.rules import Rule

WINDOWS = {
    "2 by 2": (2, 2, 0),
    "3 by 3 every 2": (3, 2, 0),
    "3 by 3 apart": (3, 3, 0),
    "with a border": (3, 2, 1),
    "5 by 5 every 3, border 2": (5, 3, 2),
    "gaps": (2, 3, 0),
}
DAMPED = {
    "exact": None,
    "absolute": Rule.of("epsilon", epsilon=0.2, epsilon_scale="absolute"),
    "relative": Rule.of("epsilon", epsilon=0.3),
    "none in the segment": Rule.of("zero"),
    "negative": Rule.of("custom", epsilon=-0.4),
}


def window(name: str) -> Layer:
    kernel, stride, padding = WINDOWS[name]
    return Layer(5, "pool", "pool", "block", "features.4", kernel, stride, padding)


def case(row: Layer, side: int, batch: int = 1, pictures: int = 1):
    """Activations with zeros, dead windows and ties, and relevance."""
    dice = torch.Generator().manual_seed(side)
    a = torch.randn((pictures, 4, side, side), generator=dice, dtype=torch.float64).clamp(min=0)
    a[:, 0], a[:, 1, :6, :6], a[:, 2, :4] = 0, 0, 1
    out = (side + 2 * row.padding - row.kernel) // row.stride + 1
    relevance = torch.randn((batch, 4, out, out), generator=dice, dtype=torch.float64)
    return a.contiguous(memory_format=torch.channels_last), relevance.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("side", [12, 13, 15])
@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("damping", DAMPED)
def test_proportional_pooling(name, damping, side):
    row = window(name)
    a, relevance = case(row, side)
    found = pool(row, a, relevance, "proportional", DAMPED[damping])
    torch.testing.assert_close(found[0], reference.pool_step(a[0], "proportional", relevance[0], row, DAMPED[damping]))


@pytest.mark.parametrize("side", [12, 13, 15])
@pytest.mark.parametrize("name", WINDOWS)
def test_the_winner_takes_all(name, side):
    row = window(name)
    a, relevance = case(row, side)
    found = pool(row, a, relevance, "winner-takes-all")
    torch.testing.assert_close(found[0], reference.pool_step(a[0], "winner-takes-all", relevance[0], row))
    probe = a.clone().requires_grad_()
    by_torch = torch.nn.functional.max_pool2d(probe, row.kernel, row.stride, row.padding)
    torch.testing.assert_close(found, torch.autograd.grad(by_torch, probe, relevance)[0])


@pytest.mark.parametrize("damping", DAMPED)
@pytest.mark.parametrize("pooling", ["proportional", "winner-takes-all"])
@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("pictures", [1, 3])
def test_a_batch_is_its_pictures_one_by_one(name, pooling, damping, pictures):
    row = window(name)
    a, relevance = case(row, 12, batch=3, pictures=pictures)
    together = pool(row, a, relevance, pooling, DAMPED[damping])
    for place in range(3):
        own = a[place % pictures][None]
        torch.testing.assert_close(together[place][None], pool(row, own, relevance[place][None], pooling, DAMPED[damping]))


def test_what_all_windows_share_is_what_arrives():
    row = window("3 by 3 every 2")
    a, relevance = case(row, 13)
    assert float(pool(row, a, relevance, "proportional").sum()) == pytest.approx(float(relevance.sum()))
    assert float(pool(row, a, relevance, "winner-takes-all").sum()) == pytest.approx(float(relevance.sum()))


def test_damped_pooling_by_hand():
    # The mean of (1, 3, 0, 4) is 2; with an epsilon of 2 half of the relevance is left.
    row = window("2 by 2")
    a = torch.tensor([[[[1.0, 3.0], [0.0, 4.0]]]], dtype=torch.float64)
    rule = Rule.of("epsilon", epsilon=2.0, epsilon_scale="absolute")
    found = pool(row, a, torch.tensor([[[[16.0]]]], dtype=torch.float64), "proportional", rule)
    torch.testing.assert_close(found, torch.tensor([[[[1.0, 3.0], [0.0, 4.0]]]], dtype=torch.float64))
