"""A model carried over to another architecture (docs/numerics.md, section 9)."""

from __future__ import annotations

from collections.abc import Sequence

from vislrp_core.architecture import ARCHITECTURES, Architecture
from vislrp_core.model import LRPModel, ModelError, Segment


def adapt(model: LRPModel, architecture: str) -> LRPModel:
    """The same rules over the rows of another architecture.

    A border after a block's last layer stays after that block's last layer; one inside a block keeps its relative place in
    it, rounded up. Segments that become empty vanish.

    Parameters
    ----------
    architecture : str
        Key of a known architecture.

    Raises
    ------
    ModelError
        There is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(f'there is no architecture "{architecture[:40]}": choose one of {", ".join(ARCHITECTURES)}')
    if architecture == model.architecture:
        return model
    places = _Places(model.plan, ARCHITECTURES[architecture])
    segments: list[Segment] = []
    for segment in model.segments:
        first, last = segments[-1].last + 1 if segments else 1, places.of(segment.last)
        if first <= last:
            segments.append(Segment(first=first, last=last, rule=segment.rule))
    return model.model_copy(update={"architecture": architecture, "segments": tuple(segments)})


class _Places:
    """Where the rows of one architecture are in another."""

    def __init__(self, here: Architecture, there: Architecture) -> None:
        ends, others = [block.last for block in here.blocks], [block.last for block in there.blocks]
        count = min(len(ends), len(others))
        self._here, self._there = _joined(ends, count), _joined(others, count)

    def of(self, row: int) -> int:
        """The row at the same relative place of the same block, rounded up."""
        begin = begin_there = 0
        for end, end_there in zip(self._here, self._there, strict=True):
            if row <= end:
                return begin_there - (begin - row) * (end_there - begin_there) // (end - begin)
            begin, begin_there = end, end_there
        return begin_there


def _joined(ends: Sequence[int], count: int) -> list[int]:
    """Last rows of that many blocks: the first ones and the last one as they are, those between them joined into one."""
    lower = max(count - 2, 0)
    return [*ends[:lower], *ends[-2:][: count - lower - 1], ends[-1]]
