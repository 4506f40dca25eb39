"""Searches as tests run them: a folder of small pictures with the quickest network, and the command on it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import tiny_state

TRIALS = 26


def prepared(place: Path) -> Path:
    """Fill a folder with ten pictures, one of them broken, and a network of seven classes; returns the folder."""
    state = tiny_state(4, divisor=16, hidden=(12, 10), classes=7, architecture="alexnet")  # the quickest
    save_file(state, place / "net.safetensors")
    (place / "net.json").write_text(json.dumps({"classes": ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"]}))
    random = np.random.default_rng(3)
    (place / "pictures").mkdir()
    for name in "abdefghij":
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((240, 230), Image.Resampling.BICUBIC).save(place / "pictures" / f"{name}.png")
    (place / "pictures" / "c.png").write_bytes(b"no picture")
    return place


def command(folder: Path, *arguments: str, out: str = "out", trials: int = TRIALS, names: str = "") -> list[str]:
    """Search on three pictures, with six held out; or on half of the named ones."""
    pictures = [str(folder / "pictures" / f"{name}.png") for name in names] or [str(folder / "pictures")]
    share = "0.5" if names else "0.65"
    measured = ["--trials", str(trials), "--holdout", share, "--patch", "56", "--steps", "3"]
    places = ["--network", str(folder / "net.safetensors"), "--out", str(folder / out)]
    return ["search", *pictures, *measured, *places, *arguments]


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by their columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
