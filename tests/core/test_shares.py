"""Division by stabilized denominators piece by piece equals the division at once, however tensors lie in memory."""

from __future__ import annotations

import pytest
import torch

from vislrp_core import shares
from vislrp_core.shares import divide, rms, signed_sums


def values(*shape: int, seed: int = 0, layout: str = "side by side") -> torch.Tensor:
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if layout == "side by side" and len(shape) == 4:
        return made.contiguous(memory_format=torch.channels_last)
    if layout == "cut out":
        return torch.nn.functional.pad(made, (0, 2))[..., :shape[-1]]
    return made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "PIECE", 37)


@pytest.mark.parametrize("layout", ["side by side", "plane by plane", "cut out"])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("doubtful", [False, True])
@pytest.mark.parametrize("epsilon", [0.25, -0.25, 1e-9])
@pytest.mark.parametrize("shape", [(1, 6, 5, 4), (1, 90)])
def test_pieces_make_the_whole(shape, epsilon, doubtful, own, layout):
    z, relevance = values(*shape, layout=layout), values(*shape, seed=1, layout=layout)
    z[0, 0] = 0
    before = z.clone()
    expected = relevance / (z + torch.where(z >= 0, epsilon, -epsilon))
    found, _ = divide(relevance, z, epsilon, own=own, doubtful=doubtful)
    torch.testing.assert_close(found, expected)
    assert own or torch.equal(z, before)


def test_several_targets_share_one_denominator():
    z, relevance = values(1, 6, 5, 4), values(3, 6, 5, 4, seed=1)
    torch.testing.assert_close(divide(relevance, z, 0.1)[0], relevance / (z + torch.copysign(torch.tensor(0.1), z)))


def test_a_sum_that_nearly_cancels_under_much_relevance_is_not_trusted():
    z, relevance = values(1, 6, 5, 4), values(1, 6, 5, 4, seed=1)
    assert divide(relevance, z, 1e-9, doubtful=True)[1]
    z[0, 2, 3, 1] = 1e-7
    assert not divide(relevance, z, 1e-9, doubtful=True)[1]
    assert divide(relevance, z, 1e-9)[1], "nobody asked"
    relevance[0, 2, 3, 1] = 0
    assert divide(relevance, z, 1e-9, doubtful=True)[1]
    assert divide(torch.zeros_like(relevance), z, 1e-9, doubtful=True)[1]


@pytest.mark.parametrize("shape", [(6, 5, 4), (90,)])
def test_sums_by_sign(shape):
    made = values(1, *shape)[0]
    positive, negative = signed_sums(made)
    assert positive == pytest.approx(float(made.clamp(min=0).sum()))
    assert negative == pytest.approx(float(made.clamp(max=0).sum()))
    assert rms(made) == pytest.approx(float(made.square().mean().sqrt()))
    assert not sum(signed_sums(torch.full(shape, float("nan")))) < 1
