"""Features of crops, written block by block, so that training can start on what is there and a stop loses little."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .crops import Crop, CropMaker
from .networks import Convolutions, pool5, teacher_features, to_unit_range

BLOCK = 32


def extract_blocks(
    maker: CropMaker,
    convolutions: Convolutions,
    teacher: nn.Module,
    folder: Path,
    count: int,
    worker: int = 0,
    workers: int = 1,
) -> None:
    """Write the features of all crops for measuring and of ``count`` training crops.

    Blocks that are on disk already are passed over. Several workers share the blocks out among themselves.

    Parameters
    ----------
    maker : CropMaker
        Where crops come from.
    convolutions, teacher
        The networks of `networks`.
    folder : pathlib.Path
        Takes ``measure_NNNNN.npz`` and ``train_NNNNN.npz``.
    count : int
        Number of training crops, rounded up to whole blocks.
    worker, workers : int
        This worker's number and how many there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[tuple[str, int, int, Callable[[int], Crop]]] = []
    for name, total, crop in (
        ("measure", maker.measuring_count(), maker.measuring_crop),
        ("train", count, maker.training_crop),
    ):
        jobs += [(name, start, min(start + BLOCK, total), crop) for start in range(0, total, BLOCK)]
    for name, start, stop, crop in jobs[worker::workers]:
        path = folder / f"{name}_{start // BLOCK:05d}.npz"
        if not path.exists():
            _write(path, [crop(i) for i in range(start, stop)], convolutions, teacher)


def features_of(crops: list[Crop], convolutions: Convolutions, teacher: nn.Module) -> dict[str, np.ndarray]:
    """Features of some crops: ``pool5`` (N, 512, 7, 7) and ``teacher`` (N, 1280) in half precision, and their origin."""
    images = to_unit_range([crop.image for crop in crops])
    with torch.inference_mode():
        maps = [pool5(convolutions, part) for part in images.split(2)]
        target = teacher_features(teacher, images)
    return {
        "pool5": torch.cat(maps).half().numpy(),
        "teacher": target.half().numpy(),
        "picture": np.array([crop.picture for crop in crops]),
        "photo": np.array([crop.photo for crop in crops]),
    }


def _write(path: Path, crops: list[Crop], convolutions: Convolutions, teacher: nn.Module) -> None:
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, **features_of(crops, convolutions, teacher))
    partial.rename(path)
