"""Results that come with the program: what everybody sees first is there before anything is computed.

``model_store/known_maps.zip`` holds logits of the sample photographs and maps of their first classes under the models that a
visit begins with, for the embedded network (`tools.ship_maps` makes it). Where its results were computed by other code than
today's they must still be today's up to rounding: a test computes some of them again, and the file is made anew where a
change of the engine shows in them.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from vislrp_core.resources import model_store
from vislrp_ui.answers import Maps

FILE = "known_maps.zip"
LEVELS = 2047
"""A value is kept as the root of its share of the largest one, in so many levels: off by at most 5e-4 of the largest, a
hundredth of that where it is a ten-thousandth."""
_LARGEST = "largest of "
_log = logging.getLogger(__name__)


def maps(name: str, model_key: str, target: int) -> Maps | None:
    """Maps that come with the program; None where there are none of this name."""
    tensors = _read(name)
    return None if tensors is None else unpack(tensors, model_key, target)


def logits(name: str) -> NDArray[np.float32] | None:
    """Logits that come with the program, (classes,)."""
    tensors = _read(name)
    return None if tensors is None else tensors["logits"]


def has(name: str) -> bool:
    """Whether there is a result of this name."""
    archive = _archive(model_store() / FILE)
    return archive is not None and name in archive.NameToInfo


def pack(found: Maps) -> bytes:
    """Maps by layer, rounded, and the sums of all layers as they are."""
    tensors: dict[str, NDArray[Any]] = {"positive": found.positive, "negative": found.negative}
    for layer, values in found.maps.items():
        largest = np.float32(np.abs(values).max(initial=0))
        shares = values / (largest or np.float32(1))
        levels = np.rint(np.copysign(np.sqrt(np.abs(shares)), shares) * LEVELS).astype("<i2")
        # High bytes, which repeat, and low ones, which do not, each side by side: an eighth smaller once compressed.
        tensors[str(layer)] = np.ascontiguousarray(np.moveaxis(levels[..., None].view(np.uint8), -1, 0))
        tensors[_LARGEST + str(layer)] = largest.reshape(1)
    return save(tensors)


def unpack(tensors: Mapping[str, NDArray[Any]], model_key: str, target: int) -> Maps:
    """The inverse of `pack`, up to rounding."""
    found = {}
    for name, planes in tensors.items():
        if not name.isdigit():
            continue
        levels = np.ascontiguousarray(np.moveaxis(planes, 0, -1)).view("<i2")[..., 0]
        roots = levels.astype(np.float32) / np.float32(LEVELS)
        found[int(name)] = roots * np.abs(roots) * tensors[_LARGEST + name]
    return Maps(found, tensors["positive"], tensors["negative"], target, model_key)


def _read(name: str) -> dict[str, NDArray[Any]] | None:
    archive = _archive(model_store() / FILE)
    if archive is None or name not in archive.NameToInfo:
        return None
    try:
        return load(archive.read(name))
    except (OSError, BadZipFile, zlib.error, EOFError, SafetensorError, ValueError) as error:
        _log.warning("A result in %s is left out and computed anew (%s)", archive.filename, error)
        return None


@cache
def _archive(path: Path) -> ZipFile | None:
    """The file, open as long as the process lives; None where it cannot be read."""
    try:
        return ZipFile(path)
    except (OSError, BadZipFile) as error:
        _log.warning("%s is left out, what it holds is computed anew (%s)", path, error)
        return None
