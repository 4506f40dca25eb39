"""Relevance divided by stabilized denominators, and whether single precision is enough for that.

In pieces that fit the processor's cache: in the lowest blocks new tensors and passes over them take longer than what is
computed.
"""

from __future__ import annotations

import torch
from torch import Tensor

PIECE = 1 << 18
"""Values that are worked on at a time on the CPU."""
SUM_ERROR = 5e-7
"""Usual error of a weighted sum in single precision, relative to the root mean square of its layer."""
MAX_ERROR = 1e-3
"""Estimated relative error of relevance, per layer, above which sums in double precision are used."""


def in_memory_order(values: Tensor) -> Tensor:
    """A view of all values of (B, C, H, W), (C, H, W) or (N,) one after the other; a copy where they lie apart."""
    return (values.movedim(-3, -1) if values.ndim > 2 else values).reshape(-1)


def pieces(values: Tensor) -> tuple[Tensor, ...]:
    """`in_memory_order` cut into pieces; one piece on a GPU."""
    flat = in_memory_order(values)
    return flat.split(PIECE if flat.device.type == "cpu" else max(flat.numel(), 1))


def _lies_flat(values: Tensor) -> bool:
    """Whether `in_memory_order` is a view."""
    return values.is_contiguous(memory_format=torch.channels_last if values.ndim == 4 else torch.contiguous_format)


def signed_sums(relevance: Tensor) -> tuple[float, float]:
    """Sum of positive and sum of negative relevance of a layer, (C, H, W) or (N,)."""
    parts = pieces(relevance)
    room = torch.empty_like(parts[0])
    above = torch.stack([torch.clamp(part, min=0, out=room[:len(part)]).sum() for part in parts]).sum()
    total, positive = torch.stack([relevance.sum(), above]).tolist()
    return max(positive, 0.0), min(total - positive, 0.0)


def times_positive_part_(values: Tensor, z: Tensor) -> Tensor:
    """``values`` times max(z, 0), in place."""
    if values.shape != z.shape or not (_lies_flat(values) and _lies_flat(z)):
        return values.mul_(z.relu())
    parts = pieces(z)
    room = torch.empty_like(parts[0])
    for part, part_of_values in zip(parts, pieces(values), strict=True):
        part_of_values.mul_(torch.clamp(part, min=0, out=room[:len(part)]))
    return values


def rms(z: Tensor) -> float:
    """Root mean square over a layer."""
    return float(torch.linalg.vector_norm(in_memory_order(z))) / z.numel() ** 0.5


def _stabilized(z: Tensor, epsilon: float, room: Tensor) -> Tensor:
    """z + sign(z) epsilon with sign(0) = +1, in ``room``."""
    # copysign sees -0 as negative, but sums that begin at +0 never are -0.
    torch.copysign(z.new_tensor(abs(epsilon)), z, out=room)
    return room.add_(z) if epsilon >= 0 else torch.sub(z, room, out=room)


def divide(relevance: Tensor, z: Tensor, epsilon: float, *, own: bool = False,
           doubtful: bool = False) -> tuple[Tensor, bool]:
    """R / (z + sign(z) epsilon), and whether rounding errors of z may be neglected in it.

    An error e of z changes a share by e s / z: the few neurons whose contributions nearly cancel decide.

    Parameters
    ----------
    relevance : Tensor
        (B, C, H, W) or (B, N).
    z : Tensor
        The same with B = 1.
    own : bool
        Whether z may be overwritten.
    doubtful : bool
        Whether to look at rounding errors at all; if not, the second value is True.
    """
    if relevance.shape != z.shape or not (_lies_flat(relevance) and _lies_flat(z)):
        denominator = _stabilized(z, epsilon, torch.empty_like(z))
        found = relevance / denominator
        seen = (z, found, found / denominator) if doubtful else ()
        return found, _trusted([torch.stack([torch.linalg.vector_norm(part) for part in seen])] if seen else [], z.numel())
    result = z if own else torch.empty_like(z)
    norms = []
    parts = pieces(z)
    room = torch.empty_like(parts[0])
    for part, arriving, share in zip(parts, pieces(relevance), pieces(result), strict=True):
        scale = torch.linalg.vector_norm(part) if doubtful else None  # before it may be overwritten
        denominator = _stabilized(part, epsilon, room[:len(part)])
        torch.div(arriving, denominator, out=share)
        if scale is not None:
            change = torch.linalg.vector_norm(torch.div(share, denominator, out=denominator))
            norms.append(torch.stack([scale, torch.linalg.vector_norm(share), change]))
    return result, _trusted(norms, z.numel())


def _trusted(norms: list[Tensor], count: int) -> bool:
    """Whether errors of single precision stay small, from the norms of z, shares, and shares / z of each piece."""
    if not norms:
        return True
    z, shares, changes = torch.linalg.vector_norm(torch.stack(norms), dim=0).tolist()
    return shares == 0 or changes * SUM_ERROR * z / count ** 0.5 <= MAX_ERROR * shares
