"""What flipped pixels become (docs/numerics.md, section 8): always in the preprocessed image, all three channels alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vislrp_core.errors import VisLRPError
from vislrp_core.network import Network

BLUR_SIGMA = 8.0
_BLUR_KERNEL = 65  # four sigma to both sides: beyond, the Gaussian is below float32's resolution of a pixel


@dataclass(frozen=True)
class Fill:
    """One way to flip a pixel: its name, the short form next to pictures, and what it does."""

    title: str
    short: str
    sentence: str


FILLS: dict[str, Fill] = {
    "invert": Fill("× −1", "× −1", "The preprocessed value changes its sign: light becomes dark, a colour its complement."),
    "mean": Fill(
        "0 = mean colour", "0, the mean colour", "The preprocessed value becomes 0: the mean colour of the training images."
    ),
    "black": Fill("Black", "black", "The value that a black pixel becomes by preprocessing."),
    "blur": Fill("Blur", "blurred", "The image blurred with a Gaussian of sigma 8 pixels."),
    "noise": Fill("Noise", "noise", "Uniform random values between those of black and of white, the same in every run."),
}
DEFAULT_FILL = "invert"


class FillError(VisLRPError, ValueError):
    """There is no such fill; the text is one sentence."""


@torch.inference_mode()
def filled_image(x: Tensor, network: Network, fill: str = DEFAULT_FILL, seed: int = 0) -> Tensor:
    """The image as it would be with every pixel flipped.

    Parameters
    ----------
    x : Tensor
        Preprocessed image, (1, 3, H, W).
    network : Network
        Gives the preprocessed values of black and white.
    fill : str
        A key of `FILLS`.
    seed : int
        Of the noise.

    Returns
    -------
    Tensor
        Same shape, dtype and device as ``x``.

    Raises
    ------
    FillError
        Unknown fill.
    """
    if fill == "invert":
        return -x
    if fill == "mean":
        return torch.zeros_like(x)
    if fill == "blur":
        from torchvision.transforms.functional import gaussian_blur  # seconds at every start of the app otherwise

        # One direction after the other: the same Gaussian with 130 instead of 4225 products per pixel.
        across = gaussian_blur(x, [_BLUR_KERNEL, 1], [BLUR_SIGMA, BLUR_SIGMA])
        return gaussian_blur(across, [1, _BLUR_KERNEL], [BLUR_SIGMA, BLUR_SIGMA])
    if fill not in FILLS:
        raise FillError(f'fill: must be one of {", ".join(FILLS)}, got "{fill}"')
    low, high = (bound.to(x).expand_as(x) for bound in network.pixel_bounds())
    if fill == "black":
        return low.clone()
    # Drawn on the CPU in double precision: the same noise on every device and in every number format.
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return low + (high - low) * noise.to(x)


@torch.inference_mode()
def flip(x: Tensor, mask: Tensor, filled: Tensor) -> Tensor:
    """Flip the marked pixels in all three channels.

    Parameters
    ----------
    x, filled : Tensor
        The image and what its pixels become, (1, 3, H, W).
    mask : Tensor
        Marked pixels, bool, (H, W) or (B, H, W) for a batch of masks.

    Returns
    -------
    Tensor
        (1, 3, H, W) or (B, 3, H, W).
    """
    marked = mask.to(device=x.device, dtype=torch.bool)
    return torch.where(marked[None, None] if marked.ndim == 2 else marked[:, None], filled, x)
