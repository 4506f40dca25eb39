"""Sets of neurons, what their outputs become, and their short text for the address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vislrp_core.architecture import Architecture
from vislrp_core.neurons import format_neurons, parse_neurons
from vislrp_ui.address import whole

Sets = tuple[tuple[int, tuple[int, ...]], ...]
"""Neurons by layer, layers and neurons ascending, no layer without neurons."""
MAX_LAYERS = 999
"""An address may be of another network; what this one lacks is left out where its layers are known."""
MAX_UNITS = 8192
"""More neurons than any layer has: an address that names higher numbers is damaged."""
MAX_LENGTH = 18_000
READABLE = 60
"""Up to this many characters a layer's neurons stay readable numbers; beyond, the shorter of numbers and bits."""


def write_sets(sets: Sets) -> str:
    """Sets as short text for an address: ``23:1-4.7_31:5``; a crowded layer is written as bits."""
    return "_".join(f"{layer}:{_write_neurons(neurons)}" for layer, neurons in sets)


def _write_neurons(neurons: Sequence[int]) -> str:
    text = format_neurons(neurons, separator=".")
    bits = np.zeros(max(neurons) + 1, dtype=bool)
    bits[list(neurons)] = True
    packed = "!" + base64.urlsafe_b64encode(np.packbits(bits).tobytes()).decode().rstrip("=")
    return text if len(text) <= READABLE else min(text, packed, key=len)


def read_sets(text: str) -> Sets:
    """Sets from the text of an address.

    Raises
    ------
    ValueError
        Something in it is damaged.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("too long")
    found: dict[int, tuple[int, ...]] = {}
    for part in text.split("_") if text else ():
        layer, _, neurons = part.partition(":")
        found[whole(layer, 1, MAX_LAYERS)] = _read_neurons(neurons)
    return as_sets(found)


def _read_neurons(text: str) -> tuple[int, ...]:
    if not text.startswith("!"):
        return _bounded(parse_neurons(text.replace(".", ",")))
    try:
        packed = base64.urlsafe_b64decode(text[1:].encode("ascii") + b"=" * (-len(text[1:]) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text[:40]) from error
    return _bounded(tuple(np.flatnonzero(np.unpackbits(np.frombuffer(packed, np.uint8))).tolist()))


def _bounded(neurons: tuple[int, ...]) -> tuple[int, ...]:
    if not neurons or neurons[-1] >= MAX_UNITS:
        raise ValueError("no such neuron")
    return neurons


def as_sets(mapping: Mapping[int, Iterable[int]]) -> Sets:
    """Sets from any mapping: sorted, without repetition, without empty layers."""
    return tuple((layer, found) for layer in sorted(mapping) if (found := tuple(sorted(set(mapping[layer])))))


@dataclass(frozen=True)
class Cut:
    """An ablation: which neurons, and what takes the place of their outputs (a key of `ablation.VALUES`)."""

    sets: Sets = ()
    value: str = "zero"

    @property
    def count(self) -> int:
        """Number of neurons over all layers."""
        return sum(len(neurons) for _, neurons in self.sets)

    @property
    def mapping(self) -> dict[int, tuple[int, ...]]:
        """Neurons by layer, as the core takes them."""
        return dict(self.sets)

    def title(self, rows: Architecture) -> str:
        """Such as "24 neurons of relu4_3", "30 neurons of 2 layers"."""
        count = f"{self.count} neuron{'' if self.count == 1 else 's'}"
        if not self.sets:
            return "no neurons"
        return f"{count} of {rows.name(self.sets[0][0]) if len(self.sets) == 1 else f'{len(self.sets)} layers'}"


@dataclass(frozen=True)
class KeptSet:
    """A set that is a row of its own."""

    id: int
    cut: Cut
    name: str = ""

    @property
    def letter(self) -> str:
        """A, B, C ... by its number."""
        return chr(ord("A") + (self.id - 1) % 26)

    def title(self, rows: Architecture) -> str:
        """Name on the page."""
        return self.name or self.cut.title(rows)
