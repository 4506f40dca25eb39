"""Lower layers of pictures that follow each other and differ in places: only what a difference reaches is computed again.

Two pictures of a perturbation curve differ in a few squares. A 3 x 3 convolution carries a difference one position further
to each side, a pooling halves it: in the lowest blocks, where convolutions take most of the time, most tiles stay.
`partial` does the same for one box in a known picture; here differences lie anywhere, and each picture is the next one's
known picture.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from vislrp_core.architecture import Layer
from vislrp_core.network import Network, layer_output
from vislrp_core.winograd import TILE, Made, Scratch, Winograd, suits

LEAST = 64 * 64
"""Pairs of channels from which some tiles are faster than the whole layer directly."""
MOST = 0.9
"""Share of the tiles above which all are computed, without looking for them."""


class Successive:
    """The layers above ``first`` up to ``joint``, one picture after the other.

    Parameters
    ----------
    network : Network
    first : int
        The layer whose activations are given; 0 for pictures.
    joint : int
        The last layer to compute.
    """

    def __init__(self, network: Network, first: int, joint: int) -> None:
        self.network, self.first, self.joint = network, first, joint
        rows, room = network.architecture.rows, Scratch()
        self._turned = {
            k: Winograd(
                network.weights[k],
                network.biases[k],
                room,
                f"kernels {k}",
                positive=k < joint and rows[k + 1].kind == "relu",
            )
            for k in range(first + 1, joint + 1)
            if suits(network, k, 1, LEAST)
        }
        self._made: dict[int, Made] = {}
        self._before: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Activation of ``joint`` from that of ``first``, (1, C, H, W); the pictures before do not change its numbers."""
        changed = None if self._before is None or not self._turned else (x != self._before).any(dim=1, keepdim=True).float()
        self._before, a = x, x
        taken = 0
        for layer in range(self.first + 1, self.joint + 1):
            row = self.network.architecture.rows[layer]
            changed = None if changed is None else _reached(changed, row)
            if layer in self._turned:
                a = self._convolved(layer, a, changed)
                taken = layer + 1 if self._turned[layer].positive else 0
            elif layer != taken:
                a = layer_output(self.network, layer, a)
        # What is kept changes with the next picture.
        return a.clone() if self.joint in (taken, *self._turned) else a

    def _convolved(self, layer: int, a: Tensor, changed: Tensor | None) -> Tensor:
        """A convolution's outputs, those that a difference does not reach from the picture before."""
        turned, made = self._turned[layer], self._made.get(layer)
        tiles = None if changed is None else F.max_pool2d(changed, TILE, ceil_mode=True)[0, 0] > 0
        if made is None or tiles is None or float(tiles.float().mean()) > MOST:
            made = self._made[layer] = turned.made(a)
        elif bool(tiles.any()):
            turned.renew(made, a, tiles.nonzero())
        return made.activation


def _reached(changed: Tensor, row: Layer) -> Tensor | None:
    """Outputs of a layer whose windows hold a changed position, as 0 and 1; None where that is not looked for."""
    if row.kind not in ("conv", "pool"):
        return changed
    if 2 * row.padding > row.kernel:
        return None  # more padding than pooling knows
    return F.max_pool2d(changed, row.kernel, row.stride, row.padding)
