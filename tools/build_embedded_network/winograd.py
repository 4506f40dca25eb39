"""3 x 3 convolutions by Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray 2016), about twice as fast here.

A tile of 6 x 6 inputs gives 4 x 4 outputs with 36 multiplications per pair of channels instead of 144. All transforms are
plain matrix products with the Kronecker squares of the matrices in section 4.2 of the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

_B = torch.tensor(
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
     [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]], dtype=torch.float64
)  # fmt: skip
_G = torch.tensor(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
     [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64
)  # fmt: skip
_A = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)  # fmt: skip


class WinogradConvolution(nn.Module):
    """Stands in for a convolution with 3 x 3 kernels, stride 1 and padding 1."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        weight, bias = convolution.weight.detach(), convolution.bias
        if weight.shape[2:] != (3, 3) or convolution.stride != (1, 1) or convolution.padding != (1, 1) or bias is None:
            raise ValueError(f"only 3 x 3 convolutions with stride 1, padding 1 and a bias: {convolution}")
        kernels = torch.kron(_G, _G) @ weight.double().permute(2, 3, 0, 1).reshape(9, -1)
        self.register_buffer("kernels", kernels.view(36, *weight.shape[:2]).to(weight.dtype))
        self.register_buffer("bias", bias.detach().view(-1, 1, 1))
        self.register_buffer("inward", torch.kron(_B, _B).to(weight.dtype))
        self.register_buffer("outward", torch.kron(_A, _A).to(weight.dtype))

    def forward(self, inputs: Tensor) -> Tensor:
        """Convolve (N, C, H, W) to (N, D, H, W)."""
        count, channels, height, width = inputs.shape
        rows, columns = -(-height // 4), -(-width // 4)
        padded = pad(inputs, (1, 4 * columns - width + 1, 1, 4 * rows - height + 1))
        tiles = padded.unfold(2, 6, 4).unfold(3, 6, 4).permute(4, 5, 1, 0, 2, 3).reshape(36, -1)
        tiles = (self.inward @ tiles).view(36, channels, -1)
        outputs = torch.bmm(self.kernels, tiles)
        outputs = (self.outward @ outputs.view(36, -1)).view(4, 4, -1, count, rows, columns)
        outputs = outputs.permute(3, 2, 4, 0, 5, 1).reshape(count, -1, 4 * rows, 4 * columns)
        return outputs[:, :, :height, :width] + self.bias


def speed_up(features: nn.Sequential, fewest_channels: int = 64) -> nn.Sequential:
    """A copy of VGG's layers whose convolutions with at least that many input channels are Winograd's."""
    return nn.Sequential(
        *(
            WinogradConvolution(layer) if isinstance(layer, nn.Conv2d) and layer.in_channels >= fewest_channels else layer
            for layer in features
        )
    )
