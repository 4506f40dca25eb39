"""Reading the extracted features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


@dataclass
class Features:
    """Features of many crops.

    Attributes
    ----------
    maps : Tensor
        pool5 (N, 512, 49) in half precision.
    teacher : Tensor
        The teacher's features (N, 1280).
    picture : Tensor
        Number of the picture shown.
    photo : Tensor
        Whether the crop is of a photograph alone.
    """

    maps: Tensor
    teacher: Tensor
    picture: Tensor
    photo: Tensor

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def pooled(self) -> Tensor:
        """Means of pool5 over the positions (N, 512)."""
        return torch.cat([part.float().mean(2) for part in self.maps.split(512)])


def read_features(folder: Path, name: str, most: int | None = None) -> Features:
    """Read all blocks ``name_NNNNN.npz`` that are there.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    paths = sorted(folder.glob(f"{name}_*.npz"))[:most]
    if not paths:
        raise FileNotFoundError(f"no {name}_*.npz in {folder}: run the step 'extract' first")
    blocks = [dict(np.load(path)) for path in paths]
    joined = {key: torch.from_numpy(np.concatenate([block[key] for block in blocks])) for key in blocks[0]}
    return Features(joined["pool5"].flatten(2), joined["teacher"].float(), joined["picture"], joined["photo"])
