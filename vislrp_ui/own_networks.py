"""A network of the visitor's own: read from an uploaded file, held by their visit alone, freed when the visit ends."""

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
"""Key of such a network in its visit; an address with it means nothing to another visit."""
WEIGHT_TYPES = ("safetensors", "pth", "pt", "ckpt", "bin")
LABEL_TYPES = ("json", "txt")
MAX_LABEL_BYTES = 1_000_000
DEFAULT_MB = 600
_SLOT = "_own_network"
_SERVER_LIMIT = "server.maxUploadSize"
_CHOSEN_BY_NOBODY = ("<default>", "VISLRP_NETWORK_MB")
"""Where Streamlit says that its limit comes from as long as whoever runs the server has not set one."""
LOOK_SECONDS = 5.0
"""Between two looks whether the visits that hold networks have ended."""


@dataclass(frozen=True)
class Own:
    """The network and the file it came from."""

    network: Network
    file: str


@dataclass(eq=False)
class OwnPlace:
    """Where a session's state holds its network, so that it can be emptied from outside.

    What a session held lives on after its end until Python's collector comes to it, which may take minutes, and networks are
    large.
    """

    owner: Owner
    own: Own | None = None


_living: weakref.WeakSet[Network] = weakref.WeakSet()
"""All networks of visits that take memory: those held, and those that a measurement still runs on."""
_places: weakref.WeakSet[OwnPlace] = weakref.WeakSet()
_taking, _lock = threading.Lock(), threading.Lock()
_watching = False


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
    place: OwnPlace | None = st.session_state.get(_SLOT)
    return None if place is None else place.own


def take(data: bytes, filename: str) -> Own:
    """Read an uploaded network and let this visit hold it, in place of one that it held before.

    Raises
    ------
    NetworkError
        One sentence that names the file and the key or shape that is wrong, or the limit.
    """
    with _taking:  # one at a time: a file and what is read from it take their memory twice
        network, before = read(data, filename), own()
        taken = sum(nbytes(one) for one in list(_living) if before is None or one is not before.network)
        if nbytes(network) + taken > limit_mb() * 1_000_000:
            raise NetworkError(
                f'"{filename}" takes {nbytes(network) / 1e6:.0f} MB as 32-bit numbers; this server gives '
                f"{limit_mb()} MB to the networks of all visitors, of which {taken / 1e6:.0f} MB are in use: "
                "take a smaller one, or try again later."
            )
        _living.add(network)
        return _hold(Own(network, filename))


def name_classes(data: bytes, filename: str) -> None:
    """Let a file of class names say what the visit's own network cannot: classes, mean and std, title.

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
    """Look now and then, as long as there is anything to look at, whether visits have ended."""
    global _watching

    def work() -> None:
        while release_ended():
            time.sleep(LOOK_SECONDS)

    with _lock:
        if not _watching:
            _watching = True
            threading.Thread(target=work, name="vislrp-own-networks", daemon=True).start()


def release_ended() -> bool:
    """Empty the places of visits that have ended; whether there are others, or the watch ends."""
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
        Content and name of a file of class names: a JSON list, a JSON object as it may stand beside a network (mean, std,
        classes), or text with one name a line.

    Raises
    ------
    NetworkError
        One sentence that names the file.
    """
    limit = limit_mb() * 1_000_000
    if len(data) > file_mb() * 1_000_000:
        raise NetworkError(f'"{filename}" has {len(data) / 1e6:.0f} MB, this server takes up to {file_mb()} MB.')
    about = {} if labels is None else read_labels(*labels)
    state = read_state_dict(data, filename, max_bytes=limit)
    title = Path(filename).stem[:60] or "own network"
    network = from_content(state, filename, {}, name=title, title=title)
    network = described(network, about, "" if labels is None else labels[1])
    return network.to(device=find_device("auto"), dtype=torch.float32)


def described(network: Network, about: Mapping[str, Any], filename: str) -> Network:
    """A network with what a file says about it (NetworkError if that names another number of classes)."""
    classes = about.get("classes", network.classes)
    if len(classes) != network.num_classes:
        raise NetworkError(
            f'"{filename}", classes: {len(classes)} names for a network of {network.num_classes} classes, give one for each.'
        )
    known = {key: about[key] for key in ("mean", "std", "title") if key in about}
    words = f"{about.get('description', '')} {network.description}".strip()
    # Results are kept by digest and shared between visits; no other visit has this one.
    digest = f"{network.digest.partition('-')[0]}-{uuid4().hex[:12]}"
    return replace(network, classes=tuple(classes), description=words, digest=digest, **known)


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
