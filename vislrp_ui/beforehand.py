"""What every class looks at, computed before anybody asks: forward passes of the samples, maps of the example models."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module

from vislrp_core.errors import VisLRPError
from vislrp_core.model import LRPModel
from vislrp_ui import rooms, running, service, shelf, shelved
from vislrp_ui.gate import GATE
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef
from vislrp_ui.streamlit_inside import has_server

FIRST_CLASSES = 5
"""Classes of each sample that are explained beforehand."""
REST_SECONDS = 3.0
"""Nobody must have asked for anything for so long before something is computed beforehand."""
_begun, _loaded = threading.Lock(), threading.Lock()


def begin(network_name: str) -> None:
    """Load the other pages' code, and compute what is missing on disk whenever nobody asks for it; once per process."""
    if has_server() and _loaded.acquire(blocking=False):
        threading.Thread(target=load_pages, name="vislrp-pages", daemon=True).start()
    if network_name in shelved.NETWORKS and shelf.app_shelf() is not None and _begun.acquire(blocking=False):
        threading.Thread(target=_fill, args=(network_name,), name="vislrp-beforehand", daemon=True).start()


def load_pages() -> None:
    """Import what pages draw with while the first visitor looks at the first page, not when somebody opens the next one."""
    for room in rooms.ROOMS:
        import_module(room.draw.partition(":")[0])


class _GiveWay(Exception):
    """Somebody asks for something."""


def _fill(network_name: str) -> None:
    for step in _steps(network_name):
        done = False
        while not done:
            _rest()
            try:
                step()
                done = True
            except _GiveWay:
                continue
            except (VisLRPError, OSError) as error:
                logging.getLogger(__name__).warning("Not computed beforehand: %s", error)
                done = True


def _steps(network_name: str) -> Iterator[Callable[[], object]]:
    def watch(sentence: str, share: float) -> None:
        if GATE.wanted:
            raise _GiveWay

    def explain(ref: ImageRef, model: LRPModel, target: int) -> Callable[[], object]:
        def step() -> None:
            held = shelved.place(net, ref)
            if held is not None and not held.has(shelved.maps_name(net, ref, model, target)):
                service.maps_of(net, ref, lambda: service.trace(net, ref), model, target, watch=watch, patient=True)

        return step

    net = running.network(network_name)
    for number in range(FIRST_CLASSES):
        for id in samples():
            ref = ImageRef("sample", id)
            yield lambda ref=ref: service.logits(net, ref)  # type: ignore[misc]
            target = service.predictions(net, ref, FIRST_CLASSES)[number].index
            for model in shelved.offered():
                yield explain(ref, model, target)


def _rest() -> None:
    """Wait until nobody has asked for anything for a while."""
    while not GATE.idle or GATE.quiet_seconds < REST_SECONDS:
        time.sleep(REST_SECONDS / 10)
