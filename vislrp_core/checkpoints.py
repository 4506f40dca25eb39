"""Files of weights: tensors by name from .safetensors and torch's formats, wrapped ones included; nothing is executed."""

from __future__ import annotations

import io
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load
from torch import Tensor

from vislrp_core.errors import NetworkError

TORCH_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".tar")
WRAPPERS = ("state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights", "params")
"""Under what a checkpoint of a training program may hold the state dict; the first that is there counts."""
DEEPEST = 3
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
ALONE = "save model.state_dict() alone, best as .safetensors."


def read_state_dict(source: Path | bytes, name: str | None = None, *, max_bytes: int | None = None) -> dict[str, Tensor]:
    """Tensors by name, in memory of their own: what happens to the file later does not touch them.

    Parameters
    ----------
    source : Path or bytes
        A file, or its content.
    name : str, optional
        What the file is called in errors; its ending gives the format.
    max_bytes : int, optional
        Refuse content that would take more memory than that.

    Raises
    ------
    NetworkError
        Not such a file, damaged, too large, or something else than tensors by name.
    """
    shown = name if name is not None else str(source)
    suffix = Path(shown).suffix.lower()
    if suffix not in (".safetensors", *TORCH_SUFFIXES):
        raise NetworkError(f'"{shown}" is neither .safetensors nor .pth: give a state dict in one of these formats.')
    if suffix != ".safetensors":
        _check_archive(source, shown, max_bytes)
    try:
        content = _read(source, suffix)
    except pickle.UnpicklingError as error:
        raise NetworkError(_of_pickle(shown, str(error))) from error
    # Readers of both formats raise any kind of exception for damaged files.
    except Exception as error:
        raise NetworkError(f'"{shown}" cannot be read as {suffix} (damaged or cut off): get it again.') from error
    state = unwrap(content)
    if state is None:
        raise NetworkError(f'"{shown}" is not a state dict (tensors by name): save model.state_dict() alone.')
    if max_bytes is not None and sum(tensor.numel() * tensor.itemsize for tensor in state.values()) > max_bytes:
        raise NetworkError(f'"{shown}" holds more than {max_bytes / 1e6:.0f} MB of weights, which is this server\'s limit.')
    return state


def _read(source: Path | bytes, suffix: str) -> Any:
    if suffix == ".safetensors":
        return load(source) if isinstance(source, bytes) else _read_safetensors(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old or odd pickles: what matters is whether they can be read
        if isinstance(source, bytes):
            return torch.load(io.BytesIO(source), map_location="cpu", weights_only=True)
        return torch.load(source, map_location="cpu", weights_only=True, mmap=False)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    """A file's tensors, read one by one.

    The library's own reader maps the file into memory: one that is cut off or rewritten while its weights are in use
    would end the whole process.
    """
    with safe_open(path, "pt"):  # checks sizes and offsets, and reads none of the tensors
        pass
    tensors = {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, about in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            tensor = torch.empty(about["shape"], dtype=_DTYPES[about["dtype"]])
            file.seek(8 + length + about["data_offsets"][0])
            if tensor.numel() and file.readinto(tensor.view(-1).view(torch.uint8).numpy().data) != tensor.nbytes:
                raise EOFError(name)
            tensors[name] = tensor
    return tensors


def is_zip(source: Path) -> bool:
    """Whether a .pth file is of torch's newer format, an archive."""
    return zipfile.is_zipfile(source)


def _check_archive(source: Path | bytes, shown: str, max_bytes: int | None) -> None:
    """Refuse an archive that holds code, or that unpacks to more than the limit."""
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    # A damaged archive makes zipfile raise errors of many kinds (names that are no text, unknown versions, wrong lengths).
    except Exception:
        return  # torch's own reader says so in its way
    if any("/code/" in member.filename or member.filename.endswith("/constants.pkl") for member in members):
        raise NetworkError(f'"{shown}" is a TorchScript archive, which holds code and was not loaded: {ALONE}')
    if max_bytes is not None and sum(member.file_size for member in members) > max_bytes:
        raise NetworkError(f'"{shown}" unpacks to more than {max_bytes / 1e6:.0f} MB, which is this server\'s limit.')


def _of_pickle(shown: str, message: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", message)
    if found is None:
        return (
            f'"{shown}" holds more than tensors, or is not a torch file; not loaded, because that could run code: ' + ALONE
        )
    named = found[1]
    what = (
        "a whole pickled network"
        if "models." in named or "nn.modules" in named or named.startswith("__main__")
        else "more than tensors"
    )
    return f'"{shown}" holds {what} ({named[:80]}); it was not loaded, because that could run code: {ALONE}'


def unwrap(content: Any, depth: int = DEEPEST) -> dict[str, Tensor] | None:
    """The tensors by name of a state dict, or of a checkpoint that holds one; None if there is none."""
    if not isinstance(content, Mapping):
        return None
    inner = [content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)]
    inner += [value for key, value in content.items() if key not in WRAPPERS and isinstance(value, Mapping)]
    own = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if depth and not _has_weights(own):
        for one in inner:
            found = unwrap(one, depth - 1)
            if found is not None and _has_weights(found):
                return found
    return own or None


def _has_weights(names: Iterable[str]) -> bool:
    return any(name.rsplit(".", 1)[-1] in ("weight", "tied_weight") for name in names)
