"""Parts of denominators of samples, and their forward passes in double precision, on disk.

They depend on the picture and the network alone, not on the model, and take as long as a propagation to compute: who looks
at a sample after others, under whatever model, reads them in a tenth of that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vislrp_core.network import Network
from vislrp_core.trace import Activations, Trace
from vislrp_ui import shelf, shelved
from vislrp_ui.shelf import Shelf
from vislrp_ui.state import ImageRef

PART = "positive"
"""The part that most rules ask for; the others are asked for seldom, or made at once."""
_SUM = "sum of "
_one_double = threading.Lock()
"""Two of them at once would need another 130 MB."""


def attach(net: Network, ref: ImageRef, passed: Trace) -> None:
    """Let a sample's forward pass find what was computed from it before; nothing for other pictures."""
    held = shelved.place(net, ref)
    if held is not None:
        passed.cache.beyond = KeptParts(net, ref, held, passed.x, passed.exact)


@dataclass(frozen=True, eq=False)
class KeptParts:
    """What a folder keeps of one forward pass (`vislrp_core.trace.Beyond`).

    It does not hold the pass itself: a circle of the two would stay in memory until garbage is collected.
    """

    net: Network
    ref: ImageRef
    held: Shelf
    x: Tensor
    exact: bool

    def find(self, key: Hashable) -> Tensor | None:
        """A part of a denominator, if it is there."""
        name = self._name(key)
        parcel = None if name is None else self.held.get(name)
        return None if parcel is None else shelved.unpacked(parcel.tensors["part"])

    def put(self, key: Hashable, term: Tensor) -> None:
        """A part of a denominator was computed: write it now, a queue would hold it in memory."""
        name = self._name(key)
        if name is not None:
            self.held.put(name, {"part": shelved.packed(term)})

    def double(self, make: Callable[[], Any]) -> Any:
        """The pass in double precision: read, or computed and written."""
        found = self._double()
        if found is None:
            with _one_double:
                found = self._double()  # somebody else may have made it meanwhile
                if found is None:
                    found = make()
                    self._put_double(found)
        found.cache.beyond = KeptParts(self.net, self.ref, self.held, self.x, True)
        return found

    def _double(self) -> Trace | None:
        parcel = self.held.get(self._name_of_double())
        if parcel is None:
            return None
        kept = {name: shelved.unpacked(one) for name, one in parcel.tensors.items()}
        sums = {int(name.removeprefix(_SUM)): one for name, one in kept.items() if name.startswith(_SUM)}
        known = {int(name): one for name, one in kept.items() if not name.startswith(_SUM)}
        rows = self.net.architecture
        activations = Activations(rows, {0: self.x, **known}, sums, self.net.biases)
        return Trace(self.x, activations, sums, self.net.classes, True, rows)

    def _put_double(self, double: Any) -> None:
        known = {str(layer): shelved.packed(one) for layer, one in double.activations.items() if layer}
        sums = {f"{_SUM}{layer}": shelved.packed(one) for layer, one in double.sums.items()}
        self.held.put(self._name_of_double(), {**known, **sums})

    def _name(self, key: Hashable) -> str | None:
        match key:
            case (int() as layer, str() as part) if (
                part == PART and self.net.architecture.rows[layer].kind == "conv" and (layer > 1)
            ):  # the first one costs no more than it takes to read
                return shelf.name_of("part", *shelved.about(self.net, self.ref), layer, part, self.exact)
        return None

    def _name_of_double(self) -> str:
        return shelf.name_of("double", *shelved.about(self.net, self.ref))
