"""The forward pass of a picture that differs from a known one inside a box: only what the box reaches is computed again.

A 3 x 3 convolution carries a change one position further to each side, a pooling halves it. A brush stroke therefore leaves
most of the expensive lower layers as they are in the trace of the untouched picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.architecture import Layer
from vislrp_core.network import Network, Trace, forward_from


@dataclass(frozen=True)
class PixelBox:
    """Rows ``top`` to ``bottom`` - 1, columns ``left`` to ``right`` - 1."""

    top: int
    bottom: int
    left: int
    right: int

    def reached(self, row: Layer, side: int) -> PixelBox:
        """Outputs of a convolution or pooling, ``side`` along each edge, whose windows hold a position of the box."""

        def along(first: int, behind: int) -> tuple[int, int]:
            start = max((first + row.padding - row.kernel) // row.stride + 1, 0)
            return start, max(min((behind - 1 + row.padding) // row.stride + 1, side), start)

        return PixelBox(*along(self.top, self.bottom), *along(self.left, self.right))

    def needed(self, row: Layer, side: int) -> tuple[PixelBox, list[int]]:
        """Inputs, of ``side`` along each edge, that outputs in the box look at, and what their windows reach beyond.

        Returns
        -------
        box : PixelBox
        beyond : list of int
            Positions to the left, right, top and bottom of the input.
        """

        def along(first: int, behind: int) -> tuple[int, int, int, int]:
            start, end = first * row.stride - row.padding, (behind - 1) * row.stride - row.padding + row.kernel
            return max(start, 0), min(end, side), max(-start, 0), max(end - side, 0)

        top, bottom, above, below = along(self.top, self.bottom)
        left, right, before, after = along(self.left, self.right)
        return PixelBox(top, bottom, left, right), [before, after, above, below]


def box_of(mask: Tensor) -> PixelBox | None:
    """The smallest box around the marked positions of (H, W); None where nothing is marked."""
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    if not len(rows):
        return None
    return PixelBox(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def _with_change(known: Tensor, part: Tensor, where: PixelBox, wanted: PixelBox) -> Tensor:
    """The region ``wanted`` of an activation, with the changed part in its place."""
    region = known[..., wanted.top : wanted.bottom, wanted.left : wanted.right].clone()
    region[..., where.top - wanted.top : where.bottom - wanted.top, where.left - wanted.left : where.right - wanted.left] = (
        part
    )
    return region


@torch.inference_mode()
def logits_of_changed(network: Network, trace: Trace, changed: Tensor, box: PixelBox | None) -> Tensor:
    """Logits of a picture that equals the traced one outside a box.

    Parameters
    ----------
    trace : Trace
        Forward pass of the untouched picture.
    changed : Tensor
        (1, 3, side, side).
    box : PixelBox or None
        Where it may differ, see `box_of`; None: nowhere.

    Returns
    -------
    Tensor
        (classes,).
    """
    if box is None:
        return trace.logits
    part = changed.to(trace.x)[..., box.top : box.bottom, box.left : box.right]
    plan = network.architecture
    for layer in range(1, plan.last_feature + 1):
        known, row = trace.activations[layer - 1], plan.rows[layer]
        if row.kind == "relu":
            part = part.relu()
        elif row.kind in ("conv", "pool"):
            reached = box.reached(row, plan.sides[layer])
            if reached.top == reached.bottom or reached.left == reached.right:
                return trace.logits  # no window holds a changed position
            whole, beyond = reached.needed(row, known.shape[-1])
            held = _union(whole, box)
            region = _with_change(known, part, box, held)[
                ..., whole.top - held.top : whole.bottom - held.top, whole.left - held.left : whole.right - held.left
            ]
            if row.kind == "pool":
                part = F.max_pool2d(F.pad(region, beyond, value=-torch.inf), row.kernel, row.stride)
            else:
                # Zeros are found beyond the picture alone; elsewhere the neighbours are part of the region.
                part = F.conv2d(F.pad(region, beyond), network.weights[layer], stride=row.stride)
                part = part + network.biases[layer].reshape(1, -1, 1, 1)
            box = reached
    last = trace.activations[plan.last_feature]
    whole = PixelBox(0, last.shape[-2], 0, last.shape[-1])
    return forward_from(network, plan.last_feature, _with_change(last, part, box, whole))[0]


def _union(one: PixelBox, other: PixelBox) -> PixelBox:
    """The smallest box around two."""
    return PixelBox(
        min(one.top, other.top), max(one.bottom, other.bottom), min(one.left, other.left), max(one.right, other.right)
    )
