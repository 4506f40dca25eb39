"""Several LRP models in one JSON file, such as the models that were compared."""

from __future__ import annotations

import json
from collections.abc import Iterable

from vislrp_core import texts
from vislrp_core.imports import read_model
from vislrp_core.model import LRPModel, ModelError, parse_json

FORMAT, VERSION = "vislrp-models", 1
MAX_MODELS = 40


def write_bundle(models: Iterable[LRPModel]) -> str:
    """Text of one file that holds the models in order; each is written as in its own file.

    Raises
    ------
    ModelError
        If there is none, or more than a bundle holds.
    """
    files = [model.to_json().strip() for model in models]
    _check_count(len(files))
    body = ",\n".join(files)
    return f'{{"format": {json.dumps(FORMAT)}, "version": {VERSION}, "models": [\n{body}\n]}}\n'


def read_models(content: bytes | str, filename: str = "models") -> tuple[LRPModel, ...]:
    """Models of a file: a bundle, one model of this app, or one of the original program.

    Parameters
    ----------
    content : bytes or str
        The file, unchecked.
    filename : str
        Named in errors.

    Raises
    ------
    ModelError
        One sentence that names the file, the model and the place; a bundle is read wholly or not at all.
    """
    where = texts.one_line(filename, 80) or "the file"
    try:
        data = parse_json(content)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None
    if not (isinstance(data, dict) and data.get("format") == FORMAT):
        return (read_model(content, filename),)
    try:
        if data.get("version") != VERSION or isinstance(data.get("version"), bool):
            raise ModelError(f"version: must be {VERSION}")
        if foreign := sorted(data.keys() - {"format", "version", "models"}):
            raise ModelError(f"{foreign[0][:80]}: is not a field of a file of models")
        entries = data.get("models")
        if not isinstance(entries, list):
            raise ModelError("models: must be a list of LRP models")
        _check_count(len(entries))
        return tuple(_read(entry, place) for place, entry in enumerate(entries))
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None


def _read(entry: object, place: int) -> LRPModel:
    try:
        return LRPModel.from_data(entry)
    except ModelError as error:
        raise ModelError(f"models[{place}]: {error}") from None


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_MODELS:
        raise ModelError(f"models: must be 1 to {MAX_MODELS} LRP models, got {count}")
