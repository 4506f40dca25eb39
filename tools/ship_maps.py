"""Make what comes with the program: ``python -m tools.ship_maps`` writes model_store/known_maps.zip (six minutes).

Maps of the sample photographs for their first classes under the models that a visit begins with, those beside the table of
rules, and the logits of the photographs, for the embedded network. What a search found is left out: few look at it first.
Needed where a change of the engine shows in the maps, or where samples, examples or the embedded network change; a test
says so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from safetensors.numpy import save

import vislrp_ui  # noqa: F401  first, see there
from vislrp_core.images import to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, forward
from vislrp_core.propagation import propagate
from vislrp_core.resources import model_store
from vislrp_ui import beforehand, rule_maps, running, service, shelved, shipped
from vislrp_ui.answers import maps_from
from vislrp_ui.samples import samples
from vislrp_ui.state import ImageRef

NETWORK = "embedded"
LONG_AGO = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Wanted:
    """Maps that come with the program.

    Attributes
    ----------
    models : tuple of tuple of LRPModel
        Those that explain the first class, the second, and so on.
    """

    ref: ImageRef
    models: tuple[tuple[LRPModel, ...], ...]


def wanted(net: Network) -> Iterator[Wanted]:
    """What every visitor may look at first: each sample's first classes, and what the table of rules shows beside it."""
    offered = shelved.first_offered()
    for id in samples():
        ref = ImageRef("sample", id)
        beside = rule_maps.models(net.architecture.key) if ref == rule_maps.PICTURE else ()
        first = {model.key: model for model in (*offered, *beside)}
        yield Wanted(ref, (tuple(first.values()), *[offered] * (beforehand.FIRST_CLASSES - 1)))


def seen(net: Network, ref: ImageRef) -> Trace:
    """The forward pass of a sample."""
    return forward(net, to_input(service.picture(ref), net, ref.fit))


def write(net: Network, path: Path) -> None:
    """Compute all of it, and write it; the same code on the same machine writes the same bytes."""
    with ZipFile(path, "w") as archive:
        for one in wanted(net):
            passed = seen(net, one.ref)
            _put(archive, shelved.shipped_logits(net, one.ref), save({"logits": passed.logits.numpy()}))
            classes = passed.logits.argsort(descending=True).tolist()
            for target, models in zip(classes, one.models, strict=False):
                for model in models:
                    name = shelved.shipped_maps(net, one.ref, model, target)
                    _put(archive, name, shipped.pack(maps_from(propagate(net, passed, model, target), model, target)))
            print(f"{one.ref.id}: {sum(map(len, one.models))} maps")


def _put(archive: ZipFile, name: str, data: bytes) -> None:
    archive.writestr(ZipInfo(name, LONG_AGO), data, ZIP_DEFLATED, compresslevel=9)


def main() -> int:
    """Run it; returns the exit status."""
    path = model_store() / shipped.FILE
    write(running.network(NETWORK), path)
    print(f"{path.stat().st_size / 1e6:.1f} MB in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
