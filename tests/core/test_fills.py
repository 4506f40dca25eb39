"""Every fill against a direct computation on the tensor."""

from __future__ import annotations

import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from tests.support.networks import random_image, tiny_network
from vislrp_core.fills import FILLS, FillError, filled_image, flip
from vislrp_core.images import to_input
from vislrp_core.network import Network

MARKED = torch.zeros(224, 224, dtype=torch.bool)
MARKED[10:30, 50:90] = True
MARKED[223, 0] = True


@pytest.fixture(scope="module")
def network() -> Network:
    return tiny_network()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return random_image(3)


def direct(x: torch.Tensor, fill: str, network: Network) -> torch.Tensor:
    """What every pixel becomes, written down channel by channel without the module under test."""
    plain = x.clone()
    for channel in range(3):
        if fill == "invert":
            plain[0, channel] *= -1
        elif fill == "mean":
            plain[0, channel] = 0
        elif fill == "black":
            plain[0, channel] = (0 - network.mean[channel]) / network.std[channel]
        elif fill == "blur":
            plain[0, channel] = torch.from_numpy(gaussian_filter(x[0, channel].numpy(), 8, mode="mirror", truncate=4))
    return plain


@pytest.mark.parametrize("fill", ["invert", "mean", "black", "blur"])
def test_marked_pixels_become_what_the_fill_says_in_all_channels_and_others_stay(
    x: torch.Tensor, network: Network, fill: str
) -> None:
    flipped = flip(x, MARKED, filled_image(x, network, fill))
    expected = torch.where(MARKED, direct(x, fill, network), x)
    torch.testing.assert_close(flipped, expected, rtol=0, atol=1e-6 if fill != "blur" else 1e-4)
    assert torch.equal(flipped[:, :, ~MARKED], x[:, :, ~MARKED])
    assert (flipped[:, :, MARKED] != x[:, :, MARKED]).any(dim=2).all(), "all three channels flip"


def test_black_is_what_preprocessing_makes_of_a_black_picture(x: torch.Tensor, network: Network) -> None:
    black = to_input(Image.new("RGB", (224, 224), "black"), network)
    torch.testing.assert_close(filled_image(x, network, "black"), black, rtol=0, atol=1e-6)


def test_noise_is_uniform_between_black_and_white_and_repeats_with_its_seed(x: torch.Tensor, network: Network) -> None:
    noise = filled_image(x, network, "noise", seed=4)
    low, high = network.pixel_bounds()
    share = (noise - low) / (high - low)
    assert share.min() >= 0 and share.max() <= 1
    quantiles = torch.quantile(share.flatten(), torch.tensor([0.1, 0.5, 0.9], dtype=share.dtype))
    torch.testing.assert_close(quantiles, torch.tensor([0.1, 0.5, 0.9], dtype=share.dtype), rtol=0, atol=0.01)
    assert torch.equal(noise, filled_image(x, network, "noise", seed=4))
    assert not torch.equal(noise, filled_image(x, network, "noise", seed=5))
    single = filled_image(x.float(), network.to(dtype=torch.float32), "noise", seed=4)
    torch.testing.assert_close(single, noise.float())


@pytest.mark.parametrize("fill", list(FILLS))
def test_a_fill_changes_neither_the_image_nor_its_format(x: torch.Tensor, network: Network, fill: str) -> None:
    before = x.float()
    kept = before.clone()
    filled = filled_image(before, network, fill)
    with torch.inference_mode():
        filled += 1
    assert filled.shape == x.shape and filled.dtype == torch.float32
    assert torch.equal(before, kept)


def test_a_batch_of_masks_gives_a_batch_of_pictures(x: torch.Tensor, network: Network) -> None:
    filled = filled_image(x, network, "invert")
    several = flip(x, torch.stack([MARKED, ~MARKED, torch.zeros_like(MARKED)]), filled)
    assert several.shape == (3, 3, 224, 224)
    assert torch.equal(several[0], flip(x, MARKED, filled)[0])
    assert torch.equal(several[0] + several[1], torch.zeros_like(x[0])), "x and -x share the picture between them"
    assert torch.equal(several[2], x[0])


def test_unknown_fill_is_refused(x: torch.Tensor, network: Network) -> None:
    with pytest.raises(FillError, match="invert, mean, black, blur, noise"):
        filled_image(x, network, "white")
