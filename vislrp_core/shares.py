"""Relevance divided by stabilized denominators, and whether single precision is enough for that.

In pieces that fit the processor's cache: in the lowest blocks new tensors and passes over them take longer than what is
computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

STABILIZER = 1e-9
"""What keeps every denominator from vanishing."""
PIECE = 1 << 18
"""Values that are worked on at a time on the CPU."""
SUM_ERROR = 5e-7
"""Usual error of a weighted sum in single precision, relative to the root mean square of its layer."""
MAX_ERROR = 1e-3
"""Estimated relative error of relevance, per layer, above which sums in double precision are used."""


def in_memory_order(values: Tensor) -> Tensor:
    """A view of all values of (B, C, H, W), (C, H, W) or (N,) one after the other; a copy where they are apart."""
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
    above = torch.stack([torch.clamp(part, min=0, out=room[: len(part)]).sum() for part in parts]).sum()
    total, positive = torch.stack([relevance.sum(), above]).tolist()
    return max(positive, 0.0), min(total - positive, 0.0)


def times_positive_part_(values: Tensor, z: Tensor) -> Tensor:
    """``values`` times max(z, 0), in place."""
    if values.shape != z.shape or not (_lies_flat(values) and _lies_flat(z)):
        return values.mul_(z.relu())
    parts = pieces(z)
    room = torch.empty_like(parts[0])
    for part, part_of_values in zip(parts, pieces(values), strict=True):
        part_of_values.mul_(torch.clamp(part, min=0, out=room[: len(part)]))
    return values


def _positions(values: Tensor) -> Tensor:
    """(B, C, H, W) as (B H W, C), (B, N) as it is; a view where values are in that order."""
    return values.movedim(1, -1).reshape(-1, values.shape[1])


@dataclass(frozen=True, eq=False)
class Denominator:
    """Factors times sums of one layer, plus a value for each of its channels: z of a rule, which is made piece by piece.

    Parameters
    ----------
    parts : sequence of (Tensor, float)
        Each tensor (B, C, H, W) or (B, N), with its factor.
    offset : Tensor, optional
        (C,) or (N,).
    """

    parts: tuple[tuple[Tensor, float], ...]
    offset: Tensor | None = None

    @property
    def shape(self) -> torch.Size:
        """Shape of z."""
        return self.parts[0][0].shape

    @property
    def lies_flat(self) -> bool:
        """Whether all parts have the channels of a position side by side."""
        return all(_lies_flat(part) for part, _ in self.parts)

    def _combined(self, parts: tuple[Tensor, ...], out: Tensor | None = None) -> Tensor:
        """Values of z from values of the parts, channels last; one of the parts itself where that is all."""
        factors = [factor for _, factor in self.parts]
        found = parts[0]
        if factors[0] != 1:
            found = torch.mul(found, factors[0], out=out)
        for part, factor in zip(parts[1:], factors[1:], strict=True):
            found = torch.add(found, part, alpha=factor, out=out)
        return found if self.offset is None else torch.add(found, self.offset, out=out)

    def whole(self) -> Tensor:
        """z as one tensor; one of the parts itself where that is all."""
        if len(self.shape) != 4:
            return self._combined(tuple(part for part, _ in self.parts))
        return self._combined(tuple(part.movedim(1, -1) for part, _ in self.parts)).movedim(-1, 1)

    def at(self, places: tuple[Tensor, ...]) -> Tensor:
        """z of some neurons of the first picture, in double precision, (n,).

        Parameters
        ----------
        places : tuple of Tensor
            Their channels, rows and columns, or their numbers, each (n,).
        """
        values = [part[0][places].to("cpu", torch.float64) * factor for part, factor in self.parts]
        if self.offset is not None:
            values.append(self.offset[places[0]].to("cpu", torch.float64))
        return torch.stack(values).sum(dim=0)

    def pieces(self) -> Iterator[Tensor]:
        """z, some positions at a time as (positions, C), in memory that is used again for the next ones."""
        rows = [_positions(part) for part, _ in self.parts]
        positions, channels = rows[0].shape
        count = max(PIECE // channels, 1) if rows[0].device.type == "cpu" else positions
        room = rows[0].new_empty((min(count, positions), channels))
        for parts in zip(*(row.split(count) for row in rows), strict=True):
            yield self._combined(parts, room[: len(parts[0])])

    def of_picture(self, place: int) -> Denominator:
        """z of one picture of a batch."""
        return Denominator(tuple((part[place : place + 1], factor) for part, factor in self.parts), self.offset)

    def rms(self) -> Tensor:
        """Root mean square over the layer, (B,): each picture has its own."""
        count = self.shape.numel() // self.shape[0]
        if self.parts[0][0].device.type != "cpu":
            return torch.linalg.vector_norm(self.whole().flatten(1), dim=1) / count**0.5
        if self.shape[0] > 1:
            return torch.cat([self.of_picture(place).rms() for place in range(self.shape[0])])
        norms = torch.stack([torch.linalg.vector_norm(piece) for piece in self.pieces()])
        return torch.linalg.vector_norm(norms)[None] / count**0.5


def _stabilized(z: Tensor, epsilon: float | Tensor, room: Tensor) -> Tensor:
    """z + sign(z) epsilon with sign(0) = +1, in ``room``."""
    if isinstance(epsilon, Tensor):
        epsilon = epsilon.reshape(-1, *(1 for _ in z.shape[1:]))
        return torch.where(z >= 0, z + epsilon, z - epsilon, out=room)
    # copysign sees -0 as negative, but sums that begin at +0 never are -0.
    torch.copysign(z.new_full((), abs(epsilon)), z, out=room)
    return room.add_(z) if epsilon >= 0 else torch.sub(z, room, out=room)


def divide(
    relevance: Tensor,
    z: Denominator,
    epsilon: float | Tensor,
    *,
    factor: float = 1.0,
    disposable: bool = False,
    doubtful: bool = False,
) -> tuple[Tensor, bool]:
    """Factor times R / (z + sign(z) epsilon), and whether rounding errors of z may be neglected in it.

    An error e of z changes a share by e s / z: the few neurons whose contributions nearly cancel decide.

    Parameters
    ----------
    relevance : Tensor
        (B, C, H, W) or (B, N).
    z : Denominator
        Of the same shape, a picture each; or with B = 1, several classes of one picture.
    epsilon : float or Tensor
        For all, or (B,), one for each picture.
    disposable : bool
        Whether relevance may be overwritten; it is not where rounding errors are looked at, since it may be needed again.
    doubtful : bool
        Whether to look at rounding errors at all; if not, the second value is True.
    """
    if len(relevance) > 1 and relevance.shape == z.shape and relevance.device.type == "cpu":
        # As if each came alone: what is worked on fits the cache, and the numbers are the same.
        each = epsilon.tolist() if isinstance(epsilon, Tensor) else [epsilon] * len(relevance)
        kept = relevance if disposable and not doubtful else torch.empty_like(relevance)
        trusted = True
        for place, one in enumerate(each):
            own = relevance[place : place + 1]
            found, good = divide(own, z.of_picture(place), one, factor=factor, disposable=disposable, doubtful=doubtful)
            if found.data_ptr() != kept[place : place + 1].data_ptr():
                kept[place : place + 1] = found
            trusted &= good
        return kept, trusted
    if isinstance(epsilon, Tensor) or relevance.shape != z.shape or not (_lies_flat(relevance) and z.lies_flat):
        sums = z.whole()
        denominator = _stabilized(sums, epsilon, torch.empty_like(sums))
        found = relevance / denominator
        seen = (sums, found, found / denominator) if doubtful else ()
        norms = [torch.stack([torch.linalg.vector_norm(part) for part in seen])] if seen else []
        return found if factor == 1 else found.mul_(factor), _trusted(norms, sums.numel())
    result = relevance if disposable and not doubtful else torch.empty_like(relevance)
    arriving, shares = _positions(relevance), _positions(result)
    norms, first = [], 0
    room: Tensor | None = None
    for piece in z.pieces():
        room = torch.empty_like(piece) if room is None else room
        denominator = _stabilized(piece, epsilon, room[: len(piece)])
        span = slice(first, first + len(piece))
        share = torch.div(arriving[span], denominator, out=shares[span])
        if doubtful:
            scale = torch.linalg.vector_norm(piece)
            change = torch.linalg.vector_norm(torch.div(share, denominator, out=denominator))
            norms.append(torch.stack([scale, torch.linalg.vector_norm(share), change]))
        if factor != 1:
            share.mul_(factor)
        first = span.stop
    return result, _trusted(norms, relevance.numel())


def _trusted(norms: list[Tensor], count: int) -> bool:
    """Whether errors of single precision stay small, from the norms of z, shares, and shares / z of each piece."""
    if not norms:
        return True
    z, shares, changes = torch.linalg.vector_norm(torch.stack(norms), dim=0).tolist()
    return shares == 0 or changes * SUM_ERROR * z / count**0.5 <= MAX_ERROR * shares
