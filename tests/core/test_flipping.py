"""Curves and scores against literal loops, and against Quantus' RegionPerturbation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.vgg import VGG

from tests.support.networks import random_image, small_vgg
from vislrp_core import flipping, masks
from vislrp_core.fills import FILLS, filled_image
from vislrp_core.flipping import FlippingError, PerturbationCurve
from vislrp_core.network import Network, forward


@pytest.fixture(scope="module")
def plain() -> VGG:
    module = small_vgg(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= 2.0
    return module


@pytest.fixture(scope="module")
def network(plain: VGG) -> Network:
    return Network.from_state_dict(plain.state_dict(), any_width=True)


@pytest.fixture(scope="module")
def x() -> Tensor:
    return random_image(11)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(224, 224))


def literal(
    plain: VGG, x: Tensor, filled: Tensor, values: np.ndarray, patch: int, steps: int, target: int, sign: int
) -> list[tuple[float, float, int]]:
    """Logit, probability and first class after every step, square by square as docs/numerics.md section 8 says."""
    squares = [
        (float(values[r : r + patch, c : c + patch].sum()), r, c) for r in range(0, 224, patch) for c in range(0, 224, patch)
    ]
    squares.sort(key=lambda square: sign * square[0])
    found = []
    for k in range(steps + 1):
        picture = x.clone()
        for _, r, c in squares[: round(k / steps * len(squares))]:
            picture[:, :, r : r + patch, c : c + patch] = filled[:, :, r : r + patch, c : c + patch]
        with torch.no_grad():
            logits = plain(picture)[0]
        found.append((float(logits[target]), float(logits.softmax(0)[target]), int(logits.argmax())))
    return found


@pytest.mark.parametrize(("order", "sign"), [("morf", -1), ("lerf", 1)])
@pytest.mark.parametrize(("patch", "steps", "fill"), [(16, 7, "invert"), (32, 5, "black"), (50, 4, "blur")])
def test_a_curve_equals_flipping_square_by_square(
    plain: VGG, network: Network, x: Tensor, values: np.ndarray, order: str, sign: int, patch: int, steps: int, fill: str
) -> None:
    filled = filled_image(x, network, fill)
    seen: list[int] = []
    curve = flipping.measure(
        network,
        x,
        filled,
        flipping.order_of(values, patch, order),
        3,
        patch=patch,
        steps=steps,
        kind=order,
        batch=3,
        checkpoint=seen.append,
    )
    expected = literal(plain, x, filled, values, patch, steps, 3, sign)
    np.testing.assert_allclose(curve.logits, [row[0] for row in expected], rtol=1e-9)
    np.testing.assert_allclose(curve.probabilities, [row[1] for row in expected], rtol=1e-9)
    assert curve.first_class.tolist() == [row[2] for row in expected]
    assert curve.shares[0] == 0 and curve.shares[-1] == 1 and len(curve.shares) == steps + 1
    assert seen[0] == 0 and seen[-1] == steps + 1


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_agrees_with_quantus_on_the_same_order_patches_and_fill(
    plain: VGG, network: Network, x: Tensor, values: np.ndarray, order: str
) -> None:
    patch, regions, target = 28, 20, 2

    class Single(nn.Module):
        """Quantus hands over single precision."""

        def forward(self, batch: Tensor) -> Tensor:
            return plain(batch.double())

    import quantus  # six seconds, which not every worker needs

    metric = quantus.RegionPerturbation(
        patch_size=patch,
        regions_evaluation=regions,
        order=order,
        normalise=False,
        perturb_baseline=0.0,
        disable_warnings=True,
    )
    drops = metric(
        model=Single().eval(),
        x_batch=x.numpy(),
        y_batch=np.array([target]),
        softmax=True,
        device="cpu",
        a_batch=np.broadcast_to(values, (1, 1, 224, 224)),
    )[0]
    curve = flipping.measure(
        network,
        x,
        filled_image(x, network, "mean"),
        flipping.order_of(values, patch, order),
        target,
        patch=patch,
        steps=64,
        kind=order,
    )
    np.testing.assert_allclose(curve.probabilities[0] - curve.probabilities[1 : regions + 1], drops, atol=1e-6)


def test_random_orders_flip_every_square_once_and_repeat_with_their_seed() -> None:
    one, again, other = (flipping.order_of(None, 8, "random", seed) for seed in (0, 0, 1))
    assert sorted(one.tolist()) == list(range(784))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_ties_go_by_position() -> None:
    flat = np.zeros((224, 224))
    flat[112:, :112] = 1
    assert flipping.order_of(flat, 112, "morf").tolist() == [2, 0, 1, 3]
    assert flipping.order_of(flat, 112, "lerf").tolist() == [0, 1, 3, 2]


def test_all_orders_begin_with_the_untouched_image_and_end_with_the_whole_one_flipped(
    network: Network, x: Tensor, values: np.ndarray
) -> None:
    filled = filled_image(x, network, "invert")
    curves = [
        flipping.measure(network, x, filled, flipping.order_of(values, 56, order, 1), 0, patch=56, steps=3, kind=order)
        for order in flipping.ORDERS
    ]
    for curve in curves[1:]:
        assert curve.logits[[0, -1]] == pytest.approx(curves[0].logits[[0, -1]])
    known = flipping.measure(
        network,
        x,
        filled,
        flipping.order_of(values, 56, "morf"),
        0,
        patch=56,
        steps=3,
        known={0: torch.zeros(7, dtype=torch.float64)},
    )
    assert known.logits[0] == 0 and known.logits[1:] == pytest.approx(curves[0].logits[1:])
    ends = flipping.ends(network, forward(network, x), filled, 56)
    assert sorted(ends) == [0, 16]
    shared = flipping.measure(network, x, filled, flipping.order_of(values, 56, "morf"), 0, patch=56, steps=3, known=ends)
    assert shared.logits == pytest.approx(curves[0].logits)


def test_more_steps_than_squares_repeat_pictures_without_computing_them_again(
    network: Network, x: Tensor, values: np.ndarray
) -> None:
    computed: list[int] = []
    filled = filled_image(x, network, "mean")
    curve = flipping.measure(
        network,
        x,
        filled,
        flipping.order_of(values, 112, "morf"),
        0,
        patch=112,
        steps=9,
        batch=1,
        checkpoint=computed.append,
    )
    assert len(computed) == 5 + 1 and len(curve.shares) == 10
    assert curve.shares.tolist() == [round(k / 9 * 4) / 4 for k in range(10)]


def test_the_mask_of_a_step_is_what_the_curve_flipped(values: np.ndarray) -> None:
    order = flipping.order_of(values, 8, "morf")
    for count in (0, 1, 196, 784):
        assert flipping.step_mask(order, 8, count).sum() == 64 * count
    assert np.array_equal(flipping.step_mask(order, 8, 196), masks.select(values, 0.25, "positive", 8))
    assert np.array_equal(
        flipping.step_mask(flipping.order_of(values, 8, "lerf"), 8, 196), masks.select(values, 0.25, "negative", 8)
    )


def curve(order: str, shares: list[float], probabilities: list[float], first: list[int]) -> PerturbationCurve:
    values = np.array(probabilities)
    return PerturbationCurve(order, None, np.array(shares), 10 * values, values, np.array(first))


def test_scores_by_hand() -> None:
    fall = curve("morf", [0, 0.25, 0.5, 1], [0.8, 0.4, 0.1, 0.0], [1, 1, 2, 2])
    late = curve("lerf", [0, 0.25, 0.5, 1], [0.8, 0.9, 0.6, 0.0], [1, 1, 1, 2])
    found = flipping.scores(fall, late)
    assert found.aopc == pytest.approx((0 + 0.4 + 0.7 + 0.8) / 4)
    assert found.abpc == pytest.approx((0 + 0.5 + 0.5 + 0) / 4)
    area_fall = 0.25 * 0.6 + 0.25 * 0.25 + 0.5 * 0.05
    area_late = 0.25 * 0.85 + 0.25 * 0.75 + 0.5 * 0.3
    assert found.srg == pytest.approx(area_late - area_fall)
    assert found.flips_to_change == 0.5
    assert found.srg_logit == pytest.approx(10 * (area_late - area_fall)) and found.aopc_logit == pytest.approx(4.75)
    assert flipping.scores(late, fall).srg == pytest.approx(-found.srg)


def test_scores_say_nothing_about_orders_that_were_not_measured() -> None:
    steady = curve("morf", [0, 1], [0.8, 0.7], [1, 1])
    alone = flipping.scores(steady, None)
    assert alone.aopc == pytest.approx(0.05) and alone.srg is None and alone.abpc is None and alone.flips_to_change is None
    assert all(value is None for value in vars(flipping.scores(None, steady)).values())


def test_a_checkpoint_that_raises_stops_the_measurement(network: Network, x: Tensor, values: np.ndarray) -> None:
    def stop(done: int) -> None:
        if done > 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        flipping.measure(
            network, x, -x, flipping.order_of(values, 56, "morf"), 0, patch=56, steps=16, batch=2, checkpoint=stop
        )


@pytest.mark.parametrize(("patch", "order", "steps"), [(0, "morf", 4), (224, "morf", 4), (8, "best", 4), (8, "morf", 0)])
def test_settings_that_cannot_be_measured_are_refused(values: np.ndarray, patch: int, order: str, steps: int) -> None:
    with pytest.raises(FlippingError):
        flipping.order_of(values, patch, order)
        flipping.flipped_counts(784, steps)


def test_a_map_that_is_not_finite_has_no_order(values: np.ndarray) -> None:
    damaged = values.copy()
    damaged[3, 3] = np.nan
    with pytest.raises(FlippingError, match="not finite"):
        flipping.order_of(damaged, 8, "morf")


def test_the_confidence_interval_covers_the_mean_at_its_level() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        sample = random.normal(size=30)
        low, high = flipping.bootstrap(sample.tolist(), resamples=400)
        assert low <= sample.mean() <= high
        covered += low <= 0 <= high
    assert 0.87 <= covered / 200 <= 0.99
    assert flipping.bootstrap([0.3]) == (0.3, 0.3) and flipping.bootstrap([1, 2, 3]) == flipping.bootstrap([1, 2, 3])
    with pytest.raises(FlippingError):
        flipping.bootstrap([])


def test_every_fill_has_its_words() -> None:
    assert list(FILLS) == ["invert", "mean", "black", "blur", "noise"]
    assert all(fill.title and fill.short and fill.sentence.endswith(".") for fill in FILLS.values())
