"""Maps of many pictures in files that others read: a ViRelAy project, or one .npz per picture.

ViRelAy (Anders et al. 2021) opens a project file that names a data set, a database of attributions and a label map. Its
layout: https://virelay.readthedocs.io, "Database Specification" and "Project File Format".
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vislrp_core.errors import InputError

if TYPE_CHECKING:
    from types import ModuleType

    import h5py

INPUTS, ATTRIBUTIONS, LABELS, PROJECT = "input.h5", "attribution.h5", "label_map.json", "project.yaml"
VIRELAY = (INPUTS, ATTRIBUTIONS, LABELS, PROJECT)


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map of one picture.

    Attributes
    ----------
    relevance : ndarray
        R[0], (3, H, W).
    view : ndarray
        The picture as the network sees it, (3, H, W), 0 to 255.
    logits : ndarray
        Of all classes.
    target : int
        The class that the map is of.
    """

    relevance: NDArray[Any]
    view: NDArray[np.uint8]
    logits: NDArray[Any]
    target: int

    def to_bytes(self) -> bytes:
        """An .npz file: ``0`` (R[0], named by its layer as in `explain`), ``view``, ``logits``, ``target``."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            "0": self.relevance,
            "view": self.view,
            "logits": self.logits,
            "target": np.int64(self.target),
        }
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path) -> Attribution:
        """The map of a file that `to_bytes` made.

        Raises
        ------
        InputError
            The file is damaged.
        """
        try:
            with np.load(path) as kept:
                return cls(kept["0"], kept["view"], kept["logits"], int(kept["target"]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InputError(f"{path}: is damaged, remove it and run the command again") from error


def probabilities(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Softmax of the logits."""
    exact = np.exp(np.asarray(logits, dtype=np.float64) - np.max(logits))
    return np.asarray(exact / exact.sum())


def names_of_files(paths: Sequence[str]) -> list[str]:
    """A name for each picture's .npz: that of the picture, with a number where several are alike on some disk."""
    found: list[str] = []
    taken: set[str] = set()
    for path in paths:
        stem = name = Path(path).stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\ufffd", "_")
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        found.append(f"{name}.npz")
    return found


def require_h5py() -> ModuleType:
    """The library that writes HDF5 (InputError if it is not installed)."""
    try:
        import h5py
    except ImportError as error:
        raise InputError("--format hdf5 needs h5py: pip install h5py, or choose --format npz") from error
    return h5py


def write_virelay(
    folder: Path, maps: Sequence[Path], classes: Sequence[str], title: Mapping[str, str], strategy: str
) -> None:
    """A ViRelAy project of maps in .npz files: one at a time is in memory, each file is whole or not there.

    Parameters
    ----------
    maps : sequence of Path
        One file per picture, in the order of the samples.
    classes : sequence of str
        Names by class number.
    title : mapping
        ``project``, ``network``, ``dataset`` and ``model``: what the project file calls them.
    strategy : {"predicted_label", "true_label"}
        Whether each map is of the picture's first class, or of a class that was asked for.
    """
    h5py = require_h5py()
    first = Attribution.load(maps[0])
    parts = {name: folder / f"{name}.part" for name in (INPUTS, ATTRIBUTIONS)}
    with h5py.File(parts[INPUTS], "w") as inputs, h5py.File(parts[ATTRIBUTIONS], "w") as attributions:
        count = len(maps)
        data = _rows(inputs, "data", count, first.view.shape, np.uint8)
        relevance = _rows(attributions, "attribution", count, first.relevance.shape, np.float32)
        prediction = _rows(attributions, "prediction", count, first.logits.shape, np.float32)
        labels = np.zeros(count, dtype=np.uint32)
        for place, path in enumerate(maps):
            one = Attribution.load(path)
            data[place], relevance[place], prediction[place] = one.view, one.relevance, probabilities(one.logits)
            labels[place] = one.target
        for file in (inputs, attributions):
            file["label"] = labels
            file["index"] = np.arange(count, dtype=np.uint32)
    for name, part in parts.items():
        _settled(part, folder / name)
    label_map = [{"index": index, "word_net_id": f"class_{index:05d}", "name": name} for index, name in enumerate(classes)]
    _write(folder / LABELS, json.dumps(label_map, indent=1))
    project = {
        "project": {
            "name": title["project"],
            "model": title["network"],
            "label_map": LABELS,
            "dataset": {
                "name": title["dataset"],
                "type": "hdf5",
                "path": INPUTS,
                "input_width": first.view.shape[2],
                "input_height": first.view.shape[1],
            },
            "attributions": {
                "attribution_method": title["model"],
                "attribution_strategy": strategy,
                "sources": [ATTRIBUTIONS],
            },
            "analyses": [],
        }
    }
    # JSON is YAML, and needs no library. The project file comes last: where it is, everything is.
    _write(folder / PROJECT, json.dumps(project, indent=1))


def _rows(file: h5py.File, name: str, count: int, shape: tuple[int, ...], kind: Any) -> h5py.Dataset:
    return file.create_dataset(name, (count, *shape), kind, chunks=(1, *shape))


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    _settled(part, path)


def _settled(part: Path, path: Path) -> None:
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.replace(path)
