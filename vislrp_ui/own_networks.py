"""A network of the visitor's own: read from an uploaded file, held by their visit alone, freed when the visit ends."""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st
import torch
from streamlit import config

from vislrp_core.checkpoints import read_state_dict
from vislrp_core.images import MAX_BYTES
from vislrp_core.network import Network, NetworkError
from vislrp_core.networks import check_description, find_device, from_content

OWN = "own"
"""Key of such a network in its visit; an address with it means nothing to another visit."""
WEIGHT_TYPES = ("safetensors", "pth", "pt", "ckpt", "bin")
LABEL_TYPES = ("json", "txt")
MAX_LABEL_BYTES = 1_000_000
DEFAULT_MB = 600
_SLOT = "_own_network"
_SERVER_LIMIT = "server.maxUploadSize"
_CHOSEN_BY_NOBODY = ("<default>", "VISLRP_NETWORK_MB")
"""Where Streamlit says that its limit comes from as long as whoever runs the server has not set one."""
_living: weakref.WeakSet[Network] = weakref.WeakSet()
_lock = threading.Lock()


@dataclass(frozen=True)
class Own:
    """The network and the file it came from."""

    network: Network
    file: str


def allowed() -> bool:
    """Whether visitors may bring their own networks: VISLRP_ALLOW_NETWORKS is not 0."""
    return os.environ.get("VISLRP_ALLOW_NETWORKS", "").strip() != "0"


def limit_mb() -> int:
    """Megabytes that the networks of all visits may take together: VISLRP_NETWORK_MB (default 600)."""
    named = os.environ.get("VISLRP_NETWORK_MB", "").strip()
    return max(int(named), 1) if named.isascii() and named.isdigit() else DEFAULT_MB


def open_door() -> None:
    """Let the server take files as large as networks may be, unless whoever runs it set a limit of their own.

    Streamlit refuses larger files by this one option, whatever an uploader says; pictures' uploaders state their own limit.
    """
    if config.get_where_defined(_SERVER_LIMIT) in _CHOSEN_BY_NOBODY:
        pictures = MAX_BYTES // 2**20
        config.set_option(_SERVER_LIMIT, max(limit_mb(), pictures) if allowed() else pictures, _CHOSEN_BY_NOBODY[1])


def file_mb() -> int:
    """Megabytes that one file of weights may have: what networks may take together, or what the server takes at all."""
    return min(limit_mb(), int(st.get_option(_SERVER_LIMIT)))


def nbytes(network: Network) -> int:
    """Bytes of a network's weights."""
    return sum(tensor.nbytes for group in (network.weights, network.biases) for tensor in group.values())


def own() -> Own | None:
    """The visit's own network."""
    found: Own | None = st.session_state.get(_SLOT)
    return found


def take(data: bytes, filename: str, labels: tuple[bytes, str] | None = None) -> Own:
    """Read an uploaded network and let this visit hold it, in place of one that it held before.

    Parameters
    ----------
    labels : (bytes, str), optional
        Content and name of a file of class names: a JSON list, a JSON object as it may stand beside a network (mean, std,
        classes), or text with one name a line.

    Raises
    ------
    NetworkError
        One sentence that names the file and the key or shape that is wrong, or the limit.
    """
    network, before = read(data, filename, labels), own()
    with _lock:
        taken = sum(nbytes(one) for one in _living if before is None or one is not before.network)
        if nbytes(network) + taken > limit_mb() * 1_000_000:
            raise NetworkError(f'"{filename}" takes {nbytes(network) / 1e6:.0f} MB as 32-bit numbers; this server gives '
                               f"{limit_mb()} MB to the networks of all visitors, of which {taken / 1e6:.0f} MB are in use.")
        _living.add(network)
        if before is not None:
            _living.discard(before.network)
    st.session_state[_SLOT] = kept = Own(network, filename)
    return kept


def read(data: bytes, filename: str, labels: tuple[bytes, str] | None = None) -> Network:
    """A network from uploaded files (NetworkError: one sentence)."""
    limit = limit_mb() * 1_000_000
    if len(data) > file_mb() * 1_000_000:
        raise NetworkError(f'"{filename}" has {len(data) / 1e6:.0f} MB, this server takes up to {file_mb()} MB.')
    about = {} if labels is None else read_labels(*labels)
    state = read_state_dict(data, filename, max_bytes=limit)
    title = Path(filename).stem[:60] or "own network"
    network = from_content(state, filename, about, name=title, title=title)
    # Results are kept by digest and shared between visits; no other visit has this one.
    network = replace(network, digest=f"{network.digest}-{uuid4().hex[:12]}")
    return network.to(device=find_device("auto"), dtype=torch.float32)


def read_labels(data: bytes, filename: str) -> Mapping[str, Any]:
    """What a file of class names says (NetworkError: one sentence that names it)."""
    if len(data) > MAX_LABEL_BYTES:
        raise NetworkError(f'"{filename}" is larger than 1 MB: give a list of class names.')
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NetworkError(f'"{filename}" is not text in UTF-8: save the class names as UTF-8.') from error
    if filename.lower().endswith(".json"):
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NetworkError(f'"{filename}" is not readable JSON: give a list of class names.') from error
        return check_description({"classes": content} if isinstance(content, list) else content, filename)
    names = [line.strip() for line in text.splitlines()]
    while names and not names[-1]:
        names.pop()
    if "" in names:
        raise NetworkError(f'"{filename}", line {names.index("") + 1}: is empty, give one class name a line.')
    return check_description({"classes": names}, filename)
