"""The small network as the engine computes it: activations, relevance, and every part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from vislrp_core.architecture import LESSONS
from vislrp_core.contributions import Balance, Contributions, balance, contributions
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace, forward
from vislrp_core.propagation import NonFiniteRelevance, propagate_from, start_relevance
from vislrp_ui.state_hand import SIZES, HandState, Numbers

PLAN = LESSONS["by_hand"]
ROW_OF = dict(enumerate(PLAN.weighted, start=1))
"""Row of the architecture whose weights lead to the hidden neurons (1) and to the outputs (2)."""


@dataclass(frozen=True, eq=False)
class Worked:
    """All numbers of the small network, in double precision.

    Attributes
    ----------
    activations : mapping
        a of the inputs (0), the hidden neurons (1) and the outputs (2).
    sums : mapping
        z of the hidden neurons and of the outputs, the bias included.
    relevance : mapping
        R of inputs, hidden neurons and outputs.
    parts : mapping
        For k = 1, 2 the parts of each neuron below those weights.
    balances : mapping
        For k = 1, 2 what became of the relevance.
    error : str
        Why relevance is not finite; parts and relevance below are then missing.
    """

    network: Network
    trace: Trace
    model: LRPModel
    activations: Mapping[int, Numbers]
    sums: Mapping[int, Numbers]
    relevance: Mapping[int, Numbers]
    parts: Mapping[int, tuple[Contributions, ...]]
    balances: Mapping[int, Balance]
    error: str = ""

    def weight(self, k: int, i: int, j: int) -> float:
        """w from neuron i below to neuron j."""
        return float(self.network.weights[ROW_OF[k]][j, i])

    def bias(self, k: int, j: int) -> float:
        """b of neuron j."""
        return float(self.network.biases[ROW_OF[k]][j])

    def value(self, name: str) -> float | None:
        """A quantity by its name (`state_hand.quantities`); None where relevance is not finite."""
        letter, numbers = name[0], [int(part) for part in name[1:].split("-")]
        if letter == "e":
            k, i, j = numbers
            return float(self.parts[k][i].parts[j]) if k in self.parts else None
        layer, unit = numbers
        table = {"z": self.sums, "a": self.activations, "R": self.relevance}[letter]
        return table[layer][unit] if layer in table else None


def network_of(held: HandState) -> Network:
    """The small network with the state's numbers."""

    def matrix(numbers: Numbers, rows: int) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float64).reshape(rows, -1)

    def biases(numbers: Numbers) -> Tensor:
        return torch.tensor(numbers if held.biased else (0.0,) * len(numbers), dtype=torch.float64)

    return Network(
        {1: matrix(held.lower, SIZES[1]), 3: matrix(held.upper, SIZES[2])},
        {1: biases(held.lower_bias), 3: biases(held.upper_bias)},
        ("y1", "y2"),
        name="by hand",
        architecture=PLAN,
    )


def work(held: HandState) -> Worked:
    """Run the engine on the state's network; what was looked at before is remembered."""
    return _work(
        HandState(
            held.inputs,
            held.lower,
            held.lower_bias,
            held.upper,
            held.upper_bias,
            held.biased,
            held.model,
            held.target,
            held.own_start,
        )
    )


@lru_cache(maxsize=256)
@torch.inference_mode()
def _work(held: HandState) -> Worked:
    network = network_of(held)
    trace = forward(network, torch.tensor([held.inputs], dtype=torch.float64))
    a, z = trace.activations, {1: trace.activations[1], 2: trace.activations[3]}
    start = start_relevance(trace, held.target, held.model.start)
    if held.own_start is not None:
        start = torch.tensor(held.own_start, dtype=torch.float64)
    error = ""
    try:
        found = propagate_from(network, trace, held.model, PLAN.last, start, layers="all", target=held.target).maps
    except NonFiniteRelevance as problem:
        error = f"{problem}."
        found = {} if problem.relevance is None else problem.relevance.maps
    relevance = {layer: found[row] for layer, row in ((2, 3), (1, 2), (0, 0)) if row in found}
    parts = {k: parts_of(network, trace, held.model, k, relevance[k]) for k in (1, 2) if k - 1 in relevance}
    return Worked(
        network,
        trace,
        held.model,
        {0: _listed(a[0][0]), 1: _listed(a[2][0]), 2: _listed(a[3][0])},
        {k: _listed(values[0]) for k, values in z.items()},
        {layer: _listed(values) for layer, values in relevance.items()},
        parts,
        {k: balance(network, trace, held.model, ROW_OF[k], relevance[k]) for k in parts},
        error,
    )


def parts_of(network: Network, trace: Trace, model: LRPModel, k: int, relevance: Tensor) -> tuple[Contributions, ...]:
    """What each neuron below the weights k gets, part by part."""
    return tuple(contributions(network, trace, model, ROW_OF[k], relevance, (i,)) for i in range(SIZES[k - 1]))


def _listed(values: Tensor) -> Numbers:
    return tuple(float(value) for value in values)
