"""The grid pointing game (Böhle et al. 2021): of four pictures in one, does the map find the one whose class it explains."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vislrp_core.errors import InputError
from vislrp_core.experiments.workspace import Picture
from vislrp_core.images import network_view
from vislrp_core.network import Network

PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Row and column of the quadrants in the order of the pictures."""


def mosaics_with(pictures: Sequence[Picture], place: int) -> list[tuple[Picture, ...]]:
    """The four mosaics that show a picture, in the order of its quadrants: mosaic m shows pictures m to m + 3, cyclic.

    Raises
    ------
    InputError
        There are fewer than four pictures.
    """
    if len(pictures) < 4:
        raise InputError(f"mosaic: needs at least 4 pictures, got {len(pictures)}")
    return [tuple(pictures[(place - quadrant + one) % len(pictures)] for one in range(4)) for quadrant in range(4)]


def compose(pictures: Sequence[Picture], side: int) -> Image.Image:
    """Four pictures as the network sees them, each at half its size."""
    sheet = Image.new("RGB", (side, side))
    for picture, (row, column) in zip(pictures, PLACES, strict=True):
        view = network_view(picture.read(), picture.fit, side)
        half = view.resize((side // 2, side // 2), Image.Resampling.BILINEAR)
        sheet.paste(half, (column * (side // 2), row * (side // 2)))
    return sheet


def as_input(view: Image.Image, network: Network) -> Tensor:
    """Pixels that already have the input's size, preprocessed: (1, 3, side, side)."""
    pixels = torch.from_numpy(np.array(view)).permute(2, 0, 1).contiguous()
    mean, std = (torch.tensor(tuple(values), dtype=torch.float32).reshape(3, 1, 1) for values in (network.mean, network.std))
    return ((pixels.to(torch.float32) / 255 - mean) / std)[None].to(device=network.device, dtype=network.dtype)


def quadrant_share(values: NDArray[np.float64], quadrant: int) -> float:
    """Share of positive relevance in a quadrant: 0.25 by chance; NaN if none is positive."""
    positive = np.maximum(values, 0)
    half = len(values) // 2
    row, column = PLACES[quadrant]
    total = positive.sum()
    inside = positive[row * half : (row + 1) * half, column * half : (column + 1) * half].sum()
    return float(inside / total) if total > 0 else math.nan
