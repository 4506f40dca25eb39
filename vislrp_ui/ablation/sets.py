"""Sets of neurons as short text for the address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

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
