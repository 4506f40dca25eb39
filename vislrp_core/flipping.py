"""Measured pixel flipping: how fast a class is lost while patches flip in the order of a map (numerics.md, section 8).

Pixel flipping is due to Bach et al. 2015, its region form and AOPC to Samek et al. 2017 (IEEE TNNLS 28), SRG to Blücher
et al. 2024 (TMLR). One routine serves all three orders; they differ by the permutation of the squares alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vislrp_core import masks
from vislrp_core.batches import logits_of
from vislrp_core.errors import VisLRPError
from vislrp_core.fills import flip
from vislrp_core.images import SIDE
from vislrp_core.network import Network, Trace

ORDERS: dict[str, str] = {"morf": "most relevant first", "lerf": "least relevant first", "random": "random order"}
DEFAULT_PATCH, DEFAULT_STEPS, DEFAULT_SEEDS = 8, 28, 3
BATCH = 14
"""Changed pictures at once; only their logits are kept."""
RESAMPLES = 2000


class FlippingError(VisLRPError, ValueError):
    """Settings that cannot be measured; the text is one sentence."""


@dataclass(frozen=True, eq=False)
class PerturbationCurve:
    """The target during the flipping; entry 0 is the untouched image.

    Attributes
    ----------
    order : str
        A key of `ORDERS`.
    seed : int or None
        Of a random order.
    shares, logits, probabilities : ndarray
        (steps + 1,): share of the squares flipped, the target's logit and probability.
    first_class : ndarray
        (steps + 1,): number of the first class.
    """

    order: str
    seed: int | None
    shares: NDArray[np.float64]
    logits: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    first_class: NDArray[np.intp]


@dataclass(frozen=True)
class FlippingScores:
    """The summary of a map; None where an order that it needs was not measured, or the first class never changes."""

    aopc: float | None
    abpc: float | None
    srg: float | None
    flips_to_change: float | None
    aopc_logit: float | None
    abpc_logit: float | None
    srg_logit: float | None


def order_of(
    values: NDArray[Any] | None, patch: int, order: str, seed: int | None = None, shape: tuple[int, int] = (SIDE, SIDE)
) -> NDArray[np.intp]:
    """The squares in the order of flipping.

    Parameters
    ----------
    values : ndarray or None
        Channel sum of R[0], (H, W); a random order needs none.
    patch : int
        Side of a square in pixels.
    order : str
        A key of `ORDERS`. Ties are decided by position, row by row.
    seed : int, optional
        Of a random order.

    Returns
    -------
    ndarray
        Numbers of the squares, counted row by row.

    Raises
    ------
    FlippingError
        Unknown order, or a patch that is not smaller than the picture.
    """
    side = min(shape if values is None else values.shape[:2])
    if not 1 <= patch < side:
        raise FlippingError(f"patch: must be a whole number from 1 to {side - 1}, got {patch}")
    if order == "random":
        rows, columns = masks.grid_shape(shape, patch)
        return np.random.default_rng(seed).permutation(rows * columns)
    if order not in ORDERS or values is None:
        raise FlippingError(f'orders: must be some of {", ".join(ORDERS)}, got "{order}"')
    sums = masks.patch_sums(values, patch).reshape(-1)
    if not np.isfinite(sums).all():
        raise FlippingError("the map holds values that are not finite: raise ε or choose another rule")
    return np.argsort(-sums if order == "morf" else sums, kind="stable")


def flipped_counts(squares: int, steps: int) -> list[int]:
    """How many squares are flipped after steps 0 to ``steps``."""
    if steps < 1:
        raise FlippingError(f"steps: must be at least 1, got {steps}")
    return [round(k / steps * squares) for k in range(steps + 1)]


def step_mask(order: NDArray[np.intp], patch: int, count: int, shape: tuple[int, int] = (SIDE, SIDE)) -> masks.Mask:
    """Pixels flipped after the first ``count`` squares of an order."""
    flipped = masks.ranks_of(order).reshape(masks.grid_shape(shape, patch)) < count
    return masks.spread(flipped, patch, shape)


def measure(
    network: Network,
    x: Tensor,
    filled: Tensor,
    order: NDArray[np.intp],
    target: int,
    *,
    patch: int = DEFAULT_PATCH,
    steps: int = DEFAULT_STEPS,
    kind: str = "morf",
    seed: int | None = None,
    batch: int = BATCH,
    known: Mapping[int, Tensor] | None = None,
    checkpoint: Callable[[int], None] | None = None,
    guard: Callable[[int], AbstractContextManager[object]] = nullcontext,
) -> PerturbationCurve:
    """Flip square after square and watch one class.

    Parameters
    ----------
    x, filled : Tensor
        The preprocessed image and what its pixels become, (1, 3, H, W); see `fills.filled_image`.
    order : ndarray
        See `order_of`.
    target : int
        Class that is watched.
    kind : str
        Order, a key of `ORDERS`; written into the result.
    seed : int, optional
        Of a random order; written into the result.
    batch : int
        Pictures computed at once.
    known : mapping, optional
        Logits, (classes,), by number of flipped squares, where they are known: no square is the untouched image, all
        squares are ``filled``, whatever the order.
    checkpoint : callable, optional
        Called with the number of steps done before each batch; may raise to stop.
    guard : callable
        Called with the number of pictures of a batch, gives a context that is held during it, such as a compute slot.

    Returns
    -------
    PerturbationCurve
    """
    shape = (x.shape[-2], x.shape[-1])
    counts = flipped_counts(len(order), steps)
    grid = masks.ranks_of(order).reshape(masks.grid_shape(shape, patch))
    ranks = torch.from_numpy(masks.spread(grid, patch, shape).copy()).to(x.device)
    found = dict(known or {})
    # More steps than squares repeat a picture: it is computed once.
    wanted = [count for count in dict.fromkeys(counts) if count not in found]
    for first in range(0, len(wanted), batch):
        if checkpoint is not None:
            checkpoint(sum(count in found for count in counts))
        group = wanted[first : first + batch]
        limits = torch.tensor(group, device=x.device)
        with guard(len(group)):
            outputs = logits_of(network, flip(x, ranks[None] < limits[:, None, None], filled), size=batch)
        found.update(zip(group, outputs, strict=True))
    if checkpoint is not None:
        checkpoint(len(counts))
    rows = torch.stack([found[count] for count in counts]).double().cpu()
    return PerturbationCurve(
        kind,
        seed,
        np.array(counts) / len(order),
        rows[:, target].numpy(),
        rows.softmax(dim=1)[:, target].numpy(),
        rows.argmax(dim=1).numpy(),
    )


def ends(network: Network, trace: Trace, filled: Tensor, patch: int) -> dict[int, Tensor]:
    """Logits that all orders share, by number of flipped squares: none (the traced image) and all of them."""
    rows, columns = masks.grid_shape((filled.shape[-2], filled.shape[-1]), patch)
    return {0: trace.logits, rows * columns: logits_of(network, filled)[0]}


def scores(morf: PerturbationCurve | None, lerf: PerturbationCurve | None) -> FlippingScores:
    """AOPC, ABPC, SRG and the share at which the first class changes.

    With f the target's probability (or logit): AOPC is the mean over all steps of f(x_0) - f(x_k, MoRF), ABPC the mean of
    f(x_k, LeRF) - f(x_k, MoRF), SRG the area under LeRF minus the area under MoRF over the flipped share.
    """
    found: dict[str, float | None] = {}
    for suffix, field in (("", "probabilities"), ("_logit", "logits")):
        found |= {f"aopc{suffix}": None, f"abpc{suffix}": None, f"srg{suffix}": None}
        if morf is None:
            continue
        fall = getattr(morf, field)
        found[f"aopc{suffix}"] = float(np.mean(fall[0] - fall))
        if lerf is not None:
            late = getattr(lerf, field)
            found[f"abpc{suffix}"] = float(np.mean(late - fall))
            found[f"srg{suffix}"] = float(np.trapezoid(late, lerf.shares) - np.trapezoid(fall, morf.shares))
    return FlippingScores(flips_to_change=None if morf is None else share_to_change(morf), **found)


def share_to_change(curve: PerturbationCurve) -> float | None:
    """Share of squares at the first step whose first class differs from the untouched image's; None if it never does."""
    changed = np.flatnonzero(curve.first_class != curve.first_class[0])
    return float(curve.shares[changed[0]]) if len(changed) else None


def bootstrap(
    values: Sequence[float], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap confidence interval of the mean over images (Efron 1979).

    Returns
    -------
    tuple of float
        Lower and upper end; of a single value twice that value.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        raise FlippingError("a confidence interval needs at least one value")
    draws = np.random.default_rng(seed).integers(0, len(sample), size=(resamples, len(sample)))
    low, high = np.quantile(sample[draws].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
