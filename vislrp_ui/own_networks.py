"""A visitor's own network: read from an uploaded file, held by that visit only, freed when the visit ends."""

from __future__ import annotations

import json
import os
import threading
import time
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
from vislrp_ui.presence import Owner
from vislrp_ui.streamlit_inside import session_id

OWN = "own"
"""Key of such a network in its visit; an address that names it means nothing to another visit."""
WEIGHT_TYPES = ("safetensors", "pth", "pt", "ckpt", "bin")
LABEL_TYPES = ("json", "txt")
MAX_LABEL_BYTES = 1_000_000
DEFAULT_MB = 600
_SLOT = "_own_network"
_SERVER_LIMIT = "server.maxUploadSize"
_CHOSEN_BY_NOBODY = ("<default>", "VISLRP_NETWORK_MB")
"""The origins that Streamlit states for its limit as long as the operator of the server has not set one."""
LOOK_SECONDS = 5.0
"""Interval between checks for visits that have ended while holding a network."""


@dataclass(frozen=True)
class Own:
    """The network and the file it came from."""

    network: Network
    file: str


@dataclass(eq=False)
class OwnPlace:
    """The place in a session's state that holds its network; it can be emptied from outside.

    After a session ends, its objects stay in memory until Python's garbage collector reaches them. That may take minutes,
    and networks are large.
    """

    owner: Owner
    own: Own | None = None


_living: weakref.WeakSet[Network] = weakref.WeakSet()
"""All visitors' networks that occupy memory: those held, and those that a measurement is still using."""
_places: weakref.WeakSet[OwnPlace] = weakref.WeakSet()
_taking, _lock = threading.Lock(), threading.Lock()
_watching = False


def allowed() -> bool:
    """Whether visitors may upload their own networks: VISLRP_ALLOW_NETWORKS is not 0."""
    return os.environ.get("VISLRP_ALLOW_NETWORKS", "").strip() != "0"


def limit_mb() -> int:
    """Megabytes that the networks of all visits may occupy together: VISLRP_NETWORK_MB (default 600)."""
    named = os.environ.get("VISLRP_NETWORK_MB", "").strip()
    return max(int(named), 1) if named.isascii() and named.isdigit() else DEFAULT_MB


def open_door() -> None:
    """Let the server accept files as large as a network may be, unless its operator has set a limit.

    Streamlit applies this one option to every upload, whatever an uploader allows; uploaders of pictures set their own,
    lower limit.
    """
    if config.get_where_defined(_SERVER_LIMIT) in _CHOSEN_BY_NOBODY:
        pictures = MAX_BYTES // 2**20
        config.set_option(_SERVER_LIMIT, max(limit_mb(), pictures) if allowed() else pictures, _CHOSEN_BY_NOBODY[1])


def file_mb() -> int:
    """Largest file of weights in megabytes: the limit for all networks together, or the server's limit if that is lower."""
    return min(limit_mb(), int(st.get_option(_SERVER_LIMIT)))


def nbytes(network: Network) -> int:
    """Bytes of a network's weights."""
    return sum(tensor.nbytes for group in (network.weights, network.biases) for tensor in group.values())


def own() -> Own | None:
    """The visit's own network."""
    place: OwnPlace | None = st.session_state.get(_SLOT)
    return None if place is None else place.own


def take(data: bytes, filename: str) -> Own:
    """Read an uploaded network and hold it for this visit, replacing the one it held before.

    Raises
    ------
    NetworkError
        One sentence that names the file and the wrong key or shape, or the limit.
    """
    with _taking:  # one at a time: while a file is read, its weights are in memory twice
        network, before = read(data, filename), own()
        taken = sum(nbytes(one) for one in list(_living) if before is None or one is not before.network)
        if nbytes(network) + taken > limit_mb() * 1_000_000:
            raise NetworkError(
                f'"{filename}" needs {nbytes(network) / 1e6:.0f} MB as 32-bit numbers; this server has '
                f"{limit_mb()} MB for the networks of all visitors, of which {taken / 1e6:.0f} MB are in use: "
                "upload a smaller network, or try again later."
            )
        _living.add(network)
        return _hold(Own(network, filename))


def name_classes(data: bytes, filename: str) -> None:
    """Take from a file what the visit's own network does not contain: class names, mean and std, title.

    Raises
    ------
    NetworkError
        One sentence that names the file; the network stays as it is.
    """
    held = own()
    if held is not None:
        network = described(held.network, read_labels(data, filename), filename)
        _living.add(network)
        _living.discard(held.network)  # the same weights
        _hold(Own(network, held.file))


def _hold(held: Own) -> Own:
    place: OwnPlace | None = st.session_state.get(_SLOT)
    if place is None:
        owner = Owner(session_id(), seconds=float(config.get_option("server.disconnectedSessionTTL")))
        place = st.session_state[_SLOT] = OwnPlace(owner)
    place.own = held
    with _lock:
        _places.add(place)
    _watch()
    return held


def _watch() -> None:
    """Check regularly, as long as any visit holds a network, which visits have ended."""
    global _watching

    def work() -> None:
        while release_ended():
            time.sleep(LOOK_SECONDS)

    with _lock:
        if not _watching:
            _watching = True
            threading.Thread(target=work, name="vislrp-own-networks", daemon=True).start()


def release_ended() -> bool:
    """Empty the places of visits that have ended; returns whether any others are left to watch."""
    global _watching
    with _lock:
        for place in list(_places):
            if not place.owner():
                place.own = None
                _places.discard(place)
        _watching = bool(_places)
        return _watching


def read(data: bytes, filename: str, labels: tuple[bytes, str] | None = None) -> Network:
    """A network from uploaded files.

    Parameters
    ----------
    labels : (bytes, str), optional
        Content and name of a file of class names: a JSON list, a JSON object like the one that may accompany a network
        (mean, std, classes), or text with one name per line.

    Raises
    ------
    NetworkError
        One sentence that names the file.
    """
    limit = limit_mb() * 1_000_000
    if len(data) > file_mb() * 1_000_000:
        raise NetworkError(f'"{filename}" has {len(data) / 1e6:.0f} MB; this server accepts up to {file_mb()} MB.')
    about = {} if labels is None else read_labels(*labels)
    state = read_state_dict(data, filename, max_bytes=limit)
    title = Path(filename).stem[:60] or "own network"
    network = from_content(state, filename, {}, name=title, title=title)
    network = described(network, about, "" if labels is None else labels[1])
    return network.to(device=find_device("auto"), dtype=torch.float32)


def described(network: Network, about: Mapping[str, Any], filename: str) -> Network:
    """A network with the information of a file about it (NetworkError if the number of class names is wrong)."""
    classes = about.get("classes", network.classes)
    if len(classes) != network.num_classes:
        raise NetworkError(
            f'"{filename}", classes: {len(classes)} names for a network of {network.num_classes} classes; '
            "give one name per class."
        )
    known = {key: about[key] for key in ("mean", "std", "title") if key in about}
    words = f"{about.get('description', '')} {network.description}".strip()
    # Results are kept by digest and shared between visits; this digest is unique to one visit.
    digest = f"{network.digest.partition('-')[0]}-{uuid4().hex[:12]}"
    return replace(network, classes=tuple(classes), description=words, digest=digest, **known)


def read_labels(data: bytes, filename: str) -> Mapping[str, Any]:
    """The content of a file of class names (NetworkError: one sentence that names the file)."""
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
        raise NetworkError(f'"{filename}", line {names.index("") + 1} is empty: give one class name per line.')
    return check_description({"classes": names}, filename)
