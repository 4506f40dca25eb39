"""What every class looks at, computed before anybody asks: forward passes of the samples, maps of the example models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from importlib import import_module

from vislrp_core.model import LRPModel
from vislrp_ui import rooms, rule_maps, running, service, shelf, shelved, spare_time
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef
from vislrp_ui.streamlit_inside import has_server

FIRST_CLASSES = 5
"""Classes of each sample that are explained beforehand."""
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


def fill(network_name: str, classes: int, told: Callable[[int, int], None]) -> None:
    """Compute now what is missing on disk, and wait until it is written.

    Parameters
    ----------
    classes : int
        First classes of each sample that are explained.
    told : callable
        Called with the number of steps done and of all steps.

    Raises
    ------
    NetworkError
        The network cannot be loaded.
    """
    steps = list(_steps(network_name, classes, lambda sentence, share: None))
    for done, step in enumerate(steps):
        told(done, len(steps))
        step()
        shelved.flush()  # what waits to be written is not kept where too much waits
    told(len(steps), len(steps))


def _fill(network_name: str) -> None:
    spare_time.work_through(_steps(network_name, FIRST_CLASSES, spare_time.watch))


def _steps(network_name: str, classes: int, watch: Callable[[str, float], None]) -> Iterator[Callable[[], object]]:
    """What is to be done, in the order in which a class will ask for it; each step looks first whether it is done."""

    def explain(ref: ImageRef, model: LRPModel, number: int) -> Callable[[], object]:
        def step() -> None:
            target = service.predictions(net, ref, classes)[number].index
            # The first class is computed even where its map came with the program: with it, forward passes and parts of
            # denominators get to the disk, which other classes and other parameters need.
            own = number == 0
            if not (shelved.has_own_maps if own else shelved.has_maps)(net, ref, model, target):
                service.maps_of(net, ref, lambda: service.trace(net, ref), model, target, watch=watch, patient=True, own=own)

        return step

    net = running.network(network_name)
    for model in rule_maps.models(net.architecture.key):  # on Home, which everybody sees first
        yield explain(rule_maps.PICTURE, model, 0)
    for number in range(min(classes, net.num_classes)):
        for id in samples():
            for model in shelved.first_offered():
                yield explain(ImageRef("sample", id), model, number)
