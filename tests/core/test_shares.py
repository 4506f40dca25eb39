"""Division by stabilized denominators piece by piece equals the division at once, however tensors lie in memory."""

from __future__ import annotations

import pytest
import torch

from vislrp_core import shares
from vislrp_core.shares import Denominator, divide, signed_sums


def values(*shape: int, seed: int = 0, layout: str = "side by side") -> torch.Tensor:
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if layout == "side by side" and len(shape) == 4:
        return made.contiguous(memory_format=torch.channels_last)
    if layout == "cut out":
        return torch.nn.functional.pad(made, (0, 2))[..., : shape[-1]]
    return made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "PIECE", 37)


def whole(z: torch.Tensor) -> Denominator:
    return Denominator(((z, 1.0),))


@pytest.mark.parametrize("layout", ["side by side", "plane by plane", "cut out"])
@pytest.mark.parametrize("disposable", [False, True])
@pytest.mark.parametrize("doubtful", [False, True])
@pytest.mark.parametrize("epsilon", [0.25, -0.25, 1e-9])
@pytest.mark.parametrize("shape", [(1, 6, 5, 4), (1, 90)])
def test_pieces_make_the_whole(shape, epsilon, doubtful, disposable, layout):
    z, relevance = values(*shape, layout=layout), values(*shape, seed=1, layout=layout)
    z[0, 0] = 0
    before = z.clone(), relevance.clone()
    expected = 3 * relevance / (z + torch.where(z >= 0, epsilon, -epsilon))
    found, _ = divide(relevance, whole(z), epsilon, factor=3, disposable=disposable, doubtful=doubtful)
    torch.testing.assert_close(found, expected)
    assert torch.equal(z, before[0])
    assert disposable or torch.equal(relevance, before[1])
    assert not doubtful or torch.equal(relevance, before[1]), "it may be needed once more"


@pytest.mark.parametrize("layout", ["side by side", "plane by plane"])
@pytest.mark.parametrize("shape", [(1, 6, 5, 4), (1, 90)])
def test_a_denominator_is_what_its_parts_and_offset_make(shape, layout):
    parts = [values(*shape, seed=seed, layout=layout) for seed in range(3)]
    before = [part.clone() for part in parts]
    offset = values(shape[1], seed=3)
    along = offset.reshape(1, -1, 1, 1) if len(shape) == 4 else offset
    expected = 2 * parts[0] + parts[1] - 0.5 * parts[2] + along
    z = Denominator(((parts[0], 2.0), (parts[1], 1.0), (parts[2], -0.5)), offset)
    torch.testing.assert_close(z.whole(), expected)
    assert z.rms() == pytest.approx(float(expected.square().mean().sqrt()))
    relevance = values(*shape, seed=4, layout=layout)
    torch.testing.assert_close(divide(relevance, z, 0.5)[0], relevance / (expected + torch.where(expected >= 0, 0.5, -0.5)))
    assert all(map(torch.equal, parts, before))


def test_several_targets_share_one_denominator():
    z, relevance = values(1, 6, 5, 4), values(3, 6, 5, 4, seed=1)
    expected = relevance / (z + torch.copysign(torch.tensor(0.1), z))
    torch.testing.assert_close(divide(relevance, whole(z), 0.1)[0], expected)


def test_a_sum_that_nearly_cancels_under_much_relevance_is_not_trusted():
    z, relevance = values(1, 6, 5, 4), values(1, 6, 5, 4, seed=1)
    assert divide(relevance, whole(z), 1e-9, doubtful=True)[1]
    z[0, 2, 3, 1] = 1e-7
    assert not divide(relevance, whole(z), 1e-9, doubtful=True)[1]
    assert divide(relevance, whole(z), 1e-9)[1], "nobody asked"
    relevance[0, 2, 3, 1] = 0
    assert divide(relevance, whole(z), 1e-9, doubtful=True)[1]
    assert divide(torch.zeros_like(relevance), whole(z), 1e-9, doubtful=True)[1]


@pytest.mark.parametrize("shape", [(6, 5, 4), (90,)])
def test_sums_by_sign(shape):
    made = values(1, *shape)[0]
    positive, negative = signed_sums(made)
    assert positive == pytest.approx(float(made.clamp(min=0).sum()))
    assert negative == pytest.approx(float(made.clamp(max=0).sum()))
    assert not sum(signed_sums(torch.full(shape, float("nan")))) < 1
