"""Tasks of the experiments on a tiny network: three pictures, curves of both kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import tiny_state
from vislrp_core.experiments import AblationCurve, FlipCurve, Picture, Task
from vislrp_core.model import LRPModel

LAYER = 35


def fill(place: Path) -> Path:
    """Put a network of seven classes and three pictures into a folder."""
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    random = np.random.default_rng(2)
    for name in ("a.png", "b.png", "c.png"):
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((240, 230), Image.Resampling.BICUBIC).save(place / name)
    return place


def tasks_of(folder: Path) -> list[Task[Any]]:
    """Curves of both kinds over the three pictures."""
    found: list[Task[Any]] = []
    for name in ("a.png", "b.png", "c.png"):
        picture = Picture.of(str(folder / name))
        found += [
            FlipCurve(picture, 2, "morf", LRPModel.basic(), None, 56, "mean", 3),
            FlipCurve(picture, 2, "random", None, 1, 56, "mean", 3),
            AblationCurve(picture, 2, LAYER, (0, 1, 4, 12), "activation"),
        ]
    return found


def same(one: object, other: object) -> bool:
    """Whether two results hold equal arrays."""
    return all(np.array_equal(value, getattr(other, name)) for name, value in vars(one).items())
