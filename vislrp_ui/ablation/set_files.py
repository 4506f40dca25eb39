"""Sets of neurons as a JSON file, and back; files are hostile until checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vislrp_core import texts
from vislrp_core.ablation import NO_MEAN
from vislrp_core.architecture import Architecture
from vislrp_core.errors import InputError
from vislrp_ui.neuron_sets import MAX_LAYERS, MAX_UNITS, as_sets
from vislrp_ui.state import StateError
from vislrp_ui.state_ablation import MAX_KEPT, Cut, KeptSet

FORMAT = "vislrp-neurons"
MAX_BYTES = 1_000_000


class _Set(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field("", max_length=200)
    value: str = Field("zero", pattern="^(zero|mean)$")
    layers: dict[str, list[int]] = Field(min_length=1, max_length=MAX_LAYERS)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: str = Field(pattern=f"^{FORMAT}$")
    version: int = Field(ge=1, le=1)
    network: str = Field("", max_length=200)
    sets: list[_Set] = Field(min_length=1, max_length=MAX_KEPT)


def write(rows: Iterable[KeptSet], network: str) -> bytes:
    """A file of kept sets: names, what outputs become, neurons by layer number."""
    sets = [
        {"name": row.name, "value": row.cut.value, "layers": {str(layer): list(neurons) for layer, neurons in row.cut.sets}}
        for row in rows
    ]
    return json.dumps(
        {"format": FORMAT, "version": 1, "network": network, "sets": sets}, ensure_ascii=False, indent=1
    ).encode()


def read(data: bytes, sizes: Mapping[int, int], rows: Architecture) -> Sequence[tuple[str, Cut]]:
    """Names and sets of a file.

    Parameters
    ----------
    sizes : mapping
        Number of neurons of every layer of the network that runs.
    rows : Architecture
        Its rows.

    Raises
    ------
    StateError
        One sentence: what is wrong, and where.
    """
    if len(data) > MAX_BYTES:
        raise StateError("The file is larger than 1 MB: it is not a file of neuron sets.")
    try:
        text = texts.decoded(data)
    except InputError as error:
        raise StateError(f"The file of neuron sets {error}.") from error
    try:
        file = _File.model_validate_json(text)
    except ValidationError as error:
        one = error.errors()[0]
        place = ".".join(str(part) for part in one["loc"])[:60] or "the file"
        raise StateError(
            f"The file holds no sets of neurons ({place}: {one['msg'].rstrip('.')[:90]}): export one here to see the format."
        ) from error
    for found in file.sets:
        unit = next(
            (
                rows.name(layer)
                for layer in map(int, filter(str.isdecimal, found.layers))
                if layer <= rows.last and not rows.has_positions(layer)
            ),
            None,
        )
        if found.value == "mean" and unit is not None:
            name = texts.one_line(found.name, 60) or "without a name"
            raise StateError(f"The set “{name}” of the file cannot be set to the mean at {unit}: {NO_MEAN}.")
    return [
        (
            one.name,
            Cut(
                as_sets({_layer(key, rows): _neurons(key, neurons, sizes, rows) for key, neurons in one.layers.items()}),
                one.value,
            ),
        )
        for one in file.sets
    ]


def _layer(key: str, rows: Architecture) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 4 and 1 <= int(key) <= rows.last):
        raise StateError(f"Layer “{key[:20]}” of the file has no neurons: layers run from 1 to {rows.last}.")
    return int(key)


def _neurons(key: str, neurons: list[int], sizes: Mapping[int, int], rows: Architecture) -> list[int]:
    layer = _layer(key, rows)
    size = min(sizes[layer], MAX_UNITS)
    wrong = next((neuron for neuron in neurons if not 0 <= neuron < size), None)
    if wrong is not None or not neurons:
        what = f"there is no {wrong}" if wrong is not None else "the file names none"
        raise StateError(f"{rows.name(layer)} has the neurons 0 to {size - 1} in this network, {what}.")
    return neurons
