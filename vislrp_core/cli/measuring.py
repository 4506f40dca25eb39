"""What `measure` and `attribute` share: pictures that can be read, models and baselines, the settings of a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vislrp_core.baselines import Baseline
from vislrp_core.cli import common
from vislrp_core.cli.pictures import printable
from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.experiments import Explainer, Picture
from vislrp_core.experiments.record import naming
from vislrp_core.images import read_image
from vislrp_core.network import Network
from vislrp_core.tables import csv_bytes

SETTINGS = "run.json"


@dataclass(frozen=True)
class Readable:
    """Pictures in the order given, and those that cannot be read with the reason."""

    pictures: tuple[Picture, ...]
    sizes: tuple[tuple[int, int], ...]
    skipped: tuple[tuple[str, str], ...]


def readable(paths: Sequence[str], fit: str) -> Readable:
    """Try every picture once (InputError if none can be read)."""
    pictures, sizes, skipped = [], [], []
    for path in paths:
        try:
            size = read_image(path).size
            pictures.append(Picture.of(path, fit))
            sizes.append(size)
        except (VisLRPError, OSError) as error:
            skipped.append((printable(path), " ".join(str(error).split())))
    if not pictures:
        raise InputError(f"None of the {len(paths)} pictures can be read: {skipped[0][1]}")
    return Readable(tuple(pictures), tuple(sizes), tuple(skipped))


def explainers(models: Sequence[str], baselines: Sequence[str], seed: int) -> dict[str, Explainer]:
    """Models and baselines by name; models with the same name are distinguished by their files.

    Raises
    ------
    InputError
        There is neither.
    """
    found: dict[str, Explainer] = dict(common.named_models(models))
    found.update({method: Baseline(method, seed) for method in baselines})
    if not found:
        raise InputError("give at least one --model FILE, or --baselines")
    return found


def stated_network(network: Network) -> dict[str, str]:
    """What of the network decides results, for the settings of a folder."""
    return {
        "name": common.network_record(network),
        "digest": network.digest,
        "dtype": str(network.dtype).removeprefix("torch."),
    }


def begin_folder(folder: Path, settings: dict[str, Any], versions: dict[str, Any]) -> None:
    """Write run.json, or see that the folder's own has the same settings.

    Raises
    ------
    InputError
        The folder holds results of other settings; one sentence that names the first that differs.
    """
    file = folder / SETTINGS
    if file.exists():
        try:
            kept = dict(json.loads(file.read_text(encoding="utf-8"))["settings"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: is damaged, what the folder holds is unknown: choose another --out") from error
        wanted = json.loads(json.dumps(settings))
        for key in [*wanted, *kept]:
            if kept.get(key) != wanted.get(key):
                raise InputError(f"{folder} holds results of other settings ({key} differs): choose another --out")
        return
    replace_file(file, (json.dumps({"settings": settings, "versions": versions}, indent=1) + "\n").encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with naming(path), part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """The content of a CSV file, see `vislrp_core.tables`."""
    return csv_bytes(columns, rows)
