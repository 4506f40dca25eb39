"""Networks by name or path: where weights come from, and how they are read without a second copy."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from vislrp_core import downloads
from vislrp_core.architecture import ARCHITECTURES, DEFAULT
from vislrp_core.checkpoints import is_zip, read_state_dict
from vislrp_core.network import IMAGENET_MEAN, IMAGENET_STD, Network, NetworkError
from vislrp_core.resources import model_store
from vislrp_core.state_dicts import TIED

EMBEDDED = model_store() / "embedded_vgg16.safetensors"
CLASS_NAMES = Path(__file__).with_name("imagenet_classes.txt")
IMAGENET_CLASSES = 1000
DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}
DEVICES = ("auto", "cpu", "cuda", "mps")


def default_network_name() -> str:
    """The network that runs: environment variable VISLRP_NETWORK, `auto` resolved.

    Returns
    -------
    str
        "imagenet", "embedded" or a path.
    """
    return resolve_name(os.environ.get("VISLRP_NETWORK", "").strip() or "auto")


def resolve_name(name: str) -> str:
    """`auto` is `imagenet` if its weights are on disk, otherwise `embedded`; other names stay."""
    if name != "auto":
        return name
    return "imagenet" if imagenet_on_disk() is not None else "embedded"


def imagenet_on_disk() -> Path | None:
    """torchvision's VGG16 weights in torch's cache (the copy for memory mapping, if there is one), or None."""
    file = downloads.weights_folder() / downloads.file_name(downloads.IMAGENET_URL)
    for path in (file.with_suffix(".safetensors"), file):
        if path.is_file():
            return path
    return None


def load_network(
    name_or_path: str | Path = "auto",
    *,
    device: str = "auto",
    dtype: str = "float32",
    progress: downloads.Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Network:
    """Load a network.

    Parameters
    ----------
    name_or_path : str or Path
        "auto" (`imagenet` if its weights are on disk, else `embedded`), "imagenet" (torchvision's
        IMAGENET1K_V1, downloaded where missing), "embedded" (ships in model_store), or the path of a state
        dict of any known architecture, ``.safetensors`` or ``.pth``. A JSON file of the same stem may give
        mean, std, classes, title, description.
    device : {"auto", "cpu", "cuda", "mps"}
        "auto" takes a GPU where there is one.
    dtype : {"float32", "float64"}
        Number format of weights and relevance.
    progress, cancel : callable, optional
        For a download, see `downloads.download_imagenet`.

    Returns
    -------
    Network

    Raises
    ------
    NetworkError
        One sentence: what is wrong with the name, file or device, and what to do.
    """
    if dtype not in DTYPES:
        raise NetworkError(f'dtype: must be {" or ".join(DTYPES)}, got "{dtype}"')
    place = find_device(device, dtype)
    name = resolve_name(str(name_or_path))
    if name == "embedded":
        network = _load_embedded()
    elif name == "imagenet":
        network = _load_imagenet(progress, cancel)
    else:
        network = _load_path(Path(name))
    return network.to(device=place, dtype=DTYPES[dtype])


def find_device(device: str, dtype: str = "float32") -> str:
    """The device to compute on.

    Raises
    ------
    NetworkError
        It is unknown, this machine has none, or it cannot compute in this number format.
    """
    if device not in DEVICES:
        raise NetworkError(f'device: must be one of {", ".join(DEVICES)}, got "{device}"')
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return "cuda" if has["cuda"] else "mps" if has["mps"] and dtype == "float32" else "cpu"
    if not has[device]:
        raise NetworkError(f'device "{device}" is not available on this machine: use "cpu" or "auto".')
    if device == "mps" and dtype == "float64":
        raise NetworkError('device "mps" cannot compute in float64: use "cpu" or float32.')
    return device


def _load_embedded() -> Network:
    if not EMBEDDED.is_file():
        raise NetworkError(
            f"The embedded network is missing ({EMBEDDED}): restore it, or choose another network with VISLRP_NETWORK."
        )
    return _load_file(EMBEDDED, "embedded", "embedded VGG16")


def _load_imagenet(progress: downloads.Progress | None, cancel: Callable[[], bool] | None) -> Network:
    file = imagenet_on_disk() or downloads.download_imagenet(progress=progress, cancel=cancel)
    state = read_state_dict(file if file.suffix == ".safetensors" else mapped_copy(file))
    return Network.from_state_dict(
        state,
        name="imagenet",
        classes=imagenet_classes(),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        title="VGG16, ImageNet weights",
        description="torchvision's VGG16 with its weights IMAGENET1K_V1.",
    )


def mapped_copy(file: Path) -> Path:
    """A safetensors copy beside a ``.pth`` of torch's legacy format, which cannot be mapped into memory.

    Returns the copy's path; where it cannot be written, that of the original.

    Raises
    ------
    NetworkError
        The original is damaged.
    """
    copy = file.with_suffix(".safetensors")
    if copy.is_file() or is_zip(file):
        return copy if copy.is_file() else file
    digits = downloads.expected_hash(file.name)
    if digits and not downloads.check_hash(file, digits):
        raise NetworkError(f'"{file}" is damaged (its SHA-256 differs from its name): delete it and start again.')
    state = read_state_dict(file)
    part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    try:
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, part)
        part.replace(copy)
    except (OSError, SafetensorError):
        # A read-only or full cache costs the mapping, nothing else.
        part.unlink(missing_ok=True)
        return file
    return copy


def imagenet_classes() -> tuple[str, ...]:
    """The names of the 1000 ImageNet classes as torchvision spells them."""
    return tuple(CLASS_NAMES.read_text(encoding="utf-8").splitlines())


def _load_path(path: Path) -> Network:
    try:
        present = path.is_file()
    except (OSError, ValueError):
        present = False
    if not present:
        known = "auto, imagenet, embedded, or the path of a .safetensors or .pth file"
        raise NetworkError(f'There is no network "{path}": give {known}.')
    return _load_file(path, path.stem, path.stem)


def _load_file(path: Path, name: str, title: str) -> Network:
    about = read_description(path.with_suffix(".json"))
    return from_content(read_state_dict(path), str(path), about, name=name, title=title)


def from_content(state: dict[str, Tensor], shown: str, about: Mapping[str, Any], *, name: str, title: str) -> Network:
    """A network from a file's tensors and what is known about it.

    Parameters
    ----------
    shown : str
        The file's name or path, for errors.
    about : mapping
        mean, std, classes, title, description, where they are given.

    Raises
    ------
    NetworkError
        One sentence that names the file and the place.
    """
    classes = about.get("classes")
    try:
        network = Network.from_state_dict(
            expand_tied(state, shown),
            name=name,
            classes=classes,
            mean=about.get("mean", IMAGENET_MEAN),
            std=about.get("std", IMAGENET_STD),
            title=about.get("title", title),
            description=about.get("description", ""),
            any_width=True,
        )
    except NetworkError as error:
        raise NetworkError(f'"{shown}": {error}') from error
    if classes is None and network.num_classes == IMAGENET_CLASSES:
        network = replace(network, classes=imagenet_classes())
    return network


def expand_tied(state: dict[str, Tensor], shown: str) -> dict[str, Tensor]:
    """Write out an fc6 that is stored tied over the positions of pool5.

    The file holds (H, channels); every position has the same weights, an equal share each, so that fc6 is a
    fully connected layer on the mean over positions.
    """
    if TIED not in state:
        return state
    tied = state[TIED]
    if tied.ndim != 2:
        raise NetworkError(f'"{shown}": {TIED} must have two dimensions, got {tuple(tied.shape)}')
    positions = ARCHITECTURES[DEFAULT].positions
    expanded = (tied.float() / positions).repeat_interleave(positions, dim=1)
    return {"classifier.0.weight": expanded, **{key: value for key, value in state.items() if key != TIED}}


def read_description(path: Path) -> dict[str, Any]:
    """Checked content of the JSON file beside a network: mean, std, classes, title, description.

    A network without such a file has an empty one.

    Raises
    ------
    NetworkError
        One sentence naming file and field.
    """
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise NetworkError(f'"{path}" is not readable JSON: correct or remove it.') from error
    return check_description(data, str(path))


def check_description(data: Any, path: str) -> dict[str, Any]:
    """What is said about a network, checked: mean, std, classes, title, description (Raises NetworkError)."""
    if not isinstance(data, dict):
        raise NetworkError(f'"{path}" must hold an object with mean, std and classes.')
    data = dict(data)
    for key in ("mean", "std"):
        if key in data:
            data[key] = _three_numbers(data[key], key, path)
    if "classes" in data:
        names = data["classes"]
        if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
            raise NetworkError(f'"{path}", classes: must be a list of names.')
        data["classes"] = tuple(names)
    for key in ("title", "description"):
        if not isinstance(data.get(key, ""), str):
            raise NetworkError(f'"{path}", {key}: must be text.')
    return data


def _three_numbers(value: Any, key: str, path: str) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    good = len(numbers) == 3 and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in numbers
    )
    if not good or (key == "std" and min(numbers) <= 0):
        kind = "positive numbers" if key == "std" else "numbers"
        raise NetworkError(f'"{path}", {key}: must be three finite {kind}, got {json.dumps(value)[:60]}')
    return tuple(float(one) for one in numbers)
