"""R[layer - 1] from R[layer] at max pooling with any window, apart or overlapping (docs/numerics.md, sections 4 and 9)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.architecture import Layer
from vislrp_core.parameters import Values
from vislrp_core.shares import STABILIZER


def pool(row: Layer, a: Tensor, relevance: Tensor, pooling: str, damping: Values | None = None) -> Tensor:
    """Relevance through max pooling: to the maximum alone, or in proportion to the inputs of each window.

    Parameters
    ----------
    row : Layer
        The pooling row: kernel, stride, padding.
    a : Tensor
        Its input, (B, C, H, W), or (1, C, H, W) where all relevance is of one picture.
    relevance : Tensor
        R[layer], (B, C, H', W').
    pooling : str
        ``proportional`` or ``winner-takes-all``.
    damping : Rule, optional
        Whose epsilon is added to the window's mean (`pooling_epsilon` = ``segment``); none where it is None.

    Returns
    -------
    Tensor
        (B, C, H, W). What several windows give to one input adds up.
    """
    if pooling == "winner-takes-all":
        return _winner(row, a, relevance)
    apart = (
        row.stride == row.kernel
        and not row.padding
        and a.shape[-2:] == tuple(row.kernel * side for side in relevance.shape[-2:])
    )
    total = F.avg_pool2d(a, row.kernel, row.stride, row.padding, divisor_override=1)
    if damping is not None:
        size = row.kernel**2
        share, even = relevance / size / _stabilized(total / size, damping), None
    else:
        dead = total == 0
        share = torch.where(dead, 0.0, relevance / total)
        even = torch.where(dead, relevance / _inputs(row, a), 0.0)
        # A GPU would have to be waited for.
        even = even if even.device.type != "cpu" or bool(even.any()) else None
    if not apart:
        below = a * _spread(row, a, share)
        return below if even is None else below.add_(_spread(row, a, even))
    # Windows as dimensions of their own, channels last: the product needs no enlarged copy of the shares.
    batch, channels, height, width = relevance.shape
    side = row.kernel
    windows = a.permute(0, 2, 3, 1).reshape(len(a), height, side, width, side, channels)
    below = windows * share.permute(0, 2, 3, 1).reshape(batch, height, 1, width, 1, channels)
    if even is not None:
        below += even.permute(0, 2, 3, 1).reshape(batch, height, 1, width, 1, channels)
    return below.reshape(batch, side * height, side * width, channels).permute(0, 3, 1, 2)


def stabilizer(z: Tensor, damping: Values) -> float | Tensor:
    """Epsilon times its scale plus 1e-9 for the means z of all windows, (B, C, H', W'); the scale is taken per picture."""
    epsilon: float | Tensor = damping.epsilon
    if damping.epsilon_scale == "relative":
        epsilon = z.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() * damping.epsilon
    return epsilon + STABILIZER


def _stabilized(z: Tensor, damping: Values) -> Tensor:
    """z with its stabilizer, sign(0) = +1."""
    size = stabilizer(z, damping)
    return torch.where(z >= 0, z + size, z - size)


def _inputs(row: Layer, a: Tensor) -> float | Tensor:
    """Number of inputs in each window."""
    if not row.padding:
        return float(row.kernel**2)
    return F.avg_pool2d(torch.ones_like(a[:1, :1]), row.kernel, row.stride, row.padding, divisor_override=1)


def _spread(row: Layer, a: Tensor, values: Tensor) -> Tensor:
    """For each input the sum of the values of all windows that hold it."""
    height, width = (side + 2 * row.padding for side in a.shape[-2:])
    batch, channels, rows, columns = values.shape
    whole = values.new_zeros((batch, channels, height, width)).contiguous(memory_format=torch.channels_last)
    for down in range(row.kernel):
        for right in range(row.kernel):
            whole[
                ...,
                down : down + row.stride * (rows - 1) + 1 : row.stride,
                right : right + row.stride * (columns - 1) + 1 : row.stride,
            ] += values
    return whole[..., row.padding : height - row.padding, row.padding : width - row.padding]


def _winner(row: Layer, a: Tensor, relevance: Tensor) -> Tensor:
    """Relevance to the first maximum of each window, as torch's max pooling finds it."""
    _, places = F.max_pool2d(a, row.kernel, row.stride, row.padding, return_indices=True)
    places = places.expand(relevance.shape)
    if row.stride >= row.kernel:
        # What `F.max_unpool2d` calls once it has checked the size, for which it imports 2 s of symbolic algebra.
        return torch.ops.aten.max_unpool2d(relevance, places, a.shape[-2:])
    # One input may win several windows.
    below = relevance.new_zeros((*relevance.shape[:2], a.shape[-2] * a.shape[-1]))
    below.scatter_add_(2, places.flatten(2), relevance.flatten(2))
    return below.reshape(*relevance.shape[:2], *a.shape[-2:]).contiguous(memory_format=torch.channels_last)
