"""Which network is running: the visit's, or the server's default; each is loaded once per process."""

from __future__ import annotations

import threading
from functools import cache

from vislrp_core.architecture import Architecture
from vislrp_core.network import Network, NetworkError
from vislrp_core.networks import default_network_name, imagenet_on_disk, load_network
from vislrp_ui import own_networks, session, shelved
from vislrp_ui.own_networks import OWN

_networks: dict[str, Network] = {}
_loading: dict[str, threading.Lock] = {}
_loading_lock = threading.Lock()


def network_key(key: str | None = None) -> str:
    """Name of the network that runs: the one given, the visit's, or the server's default."""
    return key or session.get_visit().network or _default_key()


def default_network() -> str:
    """Name of the network that the server itself runs."""
    return _default_key()


@cache
def _default_key() -> str:
    # Resolved once: a download that ends later must not switch running visits by itself.
    return default_network_name()


def network(key: str | None = None) -> Network:
    """The running network, loaded once per process (NetworkError if that fails)."""
    name = network_key(key)
    if name == OWN:
        held = own_networks.own()
        if held is None:
            raise NetworkError(
                "This view needs a network that was uploaded, and this visit does not hold it: upload its "
                "file in the network menu, or choose another network there."
            )
        return held.network
    if name in _networks:
        return _networks[name]
    with _loading_lock:
        loading = _loading.setdefault(name, threading.Lock())
    with loading:  # a lock per network: one that loads slowly does not delay the visitors of another
        if name not in _networks:
            if name == "imagenet" and imagenet_on_disk() is None:
                raise NetworkError(
                    "The full VGG16 is not on this server: download it in the network menu, or choose another network there."
                )
            _networks[name] = load_network(name)
            shelved.share(name, _networks[name])
        return _networks[name]


def network_file() -> str:
    """The argument of `load_network` for the running network: its name, or the name of the uploaded file."""
    held = own_networks.own() if network_key() == OWN else None
    return network_key() if held is None else held.file


def known_rows() -> Architecture | None:
    """The running network's architecture if it is loaded already, else None."""
    try:
        name = network_key()
    except NetworkError:
        return None
    held = own_networks.own() if name == OWN else None
    running = held.network if held is not None else _networks.get(name)
    return None if running is None else running.architecture


def network_title() -> str:
    """Name of the running network on screen; where it cannot be loaded, its key."""
    try:
        return network().title
    except NetworkError:
        return network_key()


def network_choices() -> list[str]:
    """Networks that can run at once: the server's default and those on its disk."""
    default = _default_key()
    found = [default, "embedded"] + (["imagenet"] if imagenet_on_disk() is not None else [])
    found += [OWN] if own_networks.own() is not None else []
    return list(dict.fromkeys(found))
