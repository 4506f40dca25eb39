"""The forward pass of a picture that differs from a known one inside a box: only what the box reaches is computed again.

A convolution carries a change one position further to each side, a pooling halves it. A brush stroke therefore leaves most
of the expensive lower layers as they are in the trace of the untouched picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.layers import LAST_FEATURE, LAYERS
from vislrp_core.network import Network, Trace, forward_from


@dataclass(frozen=True)
class Box:
    """Rows ``top`` to ``bottom`` - 1, columns ``left`` to ``right`` - 1."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, side: int) -> Box:
        """One position more to each side, within a square of that side."""
        return Box(max(self.top - 1, 0), min(self.bottom + 1, side), max(self.left - 1, 0), min(self.right + 1, side))

    def even(self) -> Box:
        """The smallest box around it whose edges are even."""
        return Box(self.top // 2 * 2, -(-self.bottom // 2) * 2, self.left // 2 * 2, -(-self.right // 2) * 2)

    def halved(self) -> Box:
        """The box after 2 x 2 pooling; its edges are even."""
        return Box(self.top // 2, self.bottom // 2, self.left // 2, self.right // 2)


def box_of(mask: Tensor) -> Box | None:
    """The smallest box around the marked positions of (H, W); None where nothing is marked."""
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    if not len(rows):
        return None
    return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def _with_change(known: Tensor, part: Tensor, where: Box, wanted: Box) -> Tensor:
    """The region ``wanted`` of an activation, with the changed part in its place."""
    region = known[..., wanted.top:wanted.bottom, wanted.left:wanted.right].clone()
    region[..., where.top - wanted.top:where.bottom - wanted.top, where.left - wanted.left:where.right - wanted.left] = part
    return region


@torch.inference_mode()
def logits_of_changed(network: Network, trace: Trace, changed: Tensor, box: Box | None) -> Tensor:
    """Logits of a picture that equals the traced one outside a box.

    Parameters
    ----------
    trace : Trace
        Forward pass of the untouched picture.
    changed : Tensor
        (1, 3, 224, 224).
    box : Box or None
        Where it may differ, see `box_of`; None: nowhere.

    Returns
    -------
    Tensor
        (classes,).
    """
    if box is None:
        return trace.logits
    part = changed.to(trace.x)[..., box.top:box.bottom, box.left:box.right]
    for layer in range(1, LAST_FEATURE + 1):
        known, kind = trace.activations[layer - 1], LAYERS[layer].kind
        side = known.shape[-1]
        if kind == "relu":
            part = part.relu()
        elif kind == "pool":
            whole = box.even()
            part, box = F.max_pool2d(_with_change(known, part, box, whole), 2), whole.halved()
        else:
            reached = box.grown(side)
            needed = reached.grown(side)
            # Zeros stand beyond the picture alone; elsewhere the neighbours are part of the region.
            edges = (reached.left == 0, reached.right == side, reached.top == 0, reached.bottom == side)
            region = F.pad(_with_change(known, part, box, needed), [int(edge) for edge in edges])
            part = F.conv2d(region, network.weights[layer]) + network.biases[layer].reshape(1, -1, 1, 1)
            box = reached
    last = trace.activations[LAST_FEATURE]
    whole = Box(0, last.shape[-2], 0, last.shape[-1])
    return forward_from(network, LAST_FEATURE, _with_change(last, part, box, whole))[0]
