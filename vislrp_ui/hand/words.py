"""Neurons, edges and rules of the small network in words."""

from __future__ import annotations

from vislrp_core.rules import Rule
from vislrp_ui.state_hand import HandState


def rule_of(held: HandState, k: int) -> Rule:
    """The rule of the lower weights (1) or the upper ones (2)."""
    return held.model.segments[k - 1].rule


def plain(id: str) -> str:
    """A neuron or edge in words: ``x1``, ``x1 → h2``."""
    numbers = [int(part) for part in id[1:].split("-")]
    if id[0] == "n":
        return f"{'xhy'[numbers[0]]}{numbers[1] + 1}"
    k, i, j = numbers
    return f"{'xhy'[k - 1]}{i + 1} → {'xhy'[k]}{j + 1}"


def below_name(k: int, i: int) -> str:
    """Name of a neuron below the weights k."""
    return plain(f"n{k - 1}-{i}")
