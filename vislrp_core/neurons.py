"""Neurons of a layer: sets of them as text, and their scores (docs/numerics.md, sections 7 and 8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vislrp_core.architecture import Architecture
from vislrp_core.errors import VisLRPError
from vislrp_core.tables import csv_bytes

MOST_NEURONS = 100_000
"""A range of more numbers than any layer has is refused before it is written out."""


class NeuronError(VisLRPError, ValueError):
    """A set of neurons or a layer that cannot be used; the text is one sentence."""


@dataclass(frozen=True)
class Score:
    """One column of the table: its name on screen and its exact definition."""

    title: str
    definition: str


SCORES: dict[str, Score] = {
    "positive_relevance": Score("positive relevance", "Sum of max(R, 0) over the neuron's positions."),
    "negative_relevance": Score("negative relevance", "Sum of min(R, 0) over the neuron's positions."),
    "total_relevance": Score("total relevance", "Sum of R over the neuron's positions."),
    "activation_sum": Score("activation", "Sum of the activation a over the neuron's positions."),
    "activation_mean": Score("mean activation", "Mean of the activation a over the neuron's positions."),
    "active_share": Score("active share", "Share of the neuron's positions with a > 0."),
}


@dataclass(frozen=True)
class NeuronScores:
    """Scores of every neuron of one layer, each (N,) float64; keys and definitions in `SCORES`."""

    layer: int
    positive_relevance: NDArray[np.float64]
    negative_relevance: NDArray[np.float64]
    total_relevance: NDArray[np.float64]
    activation_sum: NDArray[np.float64]
    activation_mean: NDArray[np.float64]
    active_share: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.total_relevance)

    def column(self, key: str) -> NDArray[np.float64]:
        """One score by its key in `SCORES`."""
        if key not in SCORES:
            raise NeuronError(f'score: must be one of {", ".join(SCORES)}, got "{key}"')
        column: NDArray[np.float64] = getattr(self, key)
        return column

    def order(self, key: str, *, descending: bool = True) -> NDArray[np.intp]:
        """Neuron numbers sorted by a score; ties by number."""
        column = self.column(key)
        return np.argsort(-column if descending else column, kind="stable")

    def strongest(self, key: str) -> NDArray[np.intp]:
        """Neuron numbers, strongest first: the most negative for negative relevance, else the largest."""
        return self.order(key, descending=key != "negative_relevance")

    def to_csv(self) -> bytes:
        """One row per neuron: its number and the six scores (docs/numerics.md, section 7)."""
        columns = [self.column(key).tolist() for key in SCORES]
        return csv_bytes(["neuron", *SCORES], ([neuron, *row] for neuron, row in enumerate(zip(*columns, strict=True))))


def positions(tensor: torch.Tensor) -> torch.Tensor:
    """(C, H, W) channels as (C, H·W), (N,) units as (N, 1): neurons by positions."""
    return tensor.reshape(tensor.shape[0], -1)


def score(layer: int, relevance: torch.Tensor, activation: torch.Tensor) -> NeuronScores:
    """Scores of all neurons of a layer.

    Parameters
    ----------
    layer : int
        The layer's number.
    relevance, activation : Tensor
        R[layer] and a[layer], (C, H, W) or (N,).

    Returns
    -------
    NeuronScores
        Sums in float64, whatever the tensors' type.
    """
    if relevance.shape != activation.shape:
        raise NeuronError(
            f"layer {layer}: relevance has the shape {tuple(relevance.shape)}, "
            f"activation {tuple(activation.shape)}; they must agree."
        )
    r, a = positions(relevance).double(), positions(activation).double()
    columns = (r.clamp(min=0).sum(1), r.clamp(max=0).sum(1), r.sum(1), a.sum(1), a.mean(1), (a > 0).double().mean(1))
    return NeuronScores(layer, *(column.cpu().numpy() for column in columns))


def check_layer(layer: int, architecture: Architecture) -> int:
    """The layer's number if it has neurons.

    Raises
    ------
    NeuronError
        For the input or a number that is not a layer.
    """
    last = architecture.last
    if not 1 <= layer <= last:
        raise NeuronError(
            f"Layer {layer} has no neurons: choose one from 1 ({architecture.name(1)}) to {last} "
            f"({architecture.name(last)})."
        )
    return layer


def check_neurons(name: str, neurons: Iterable[int], size: int) -> tuple[int, ...]:
    """Sorted neuron numbers of a layer, given by its name, without repetition.

    Raises
    ------
    NeuronError
        If a number is outside the layer.
    """
    chosen = tuple(sorted(set(neurons)))
    for neuron in chosen[:1] + chosen[-1:]:
        if not 0 <= neuron < size:
            raise NeuronError(f"{name} has the neurons 0 to {size - 1}, there is no {neuron}.")
    return chosen


_PART = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")


def parse_neurons(text: str) -> tuple[int, ...]:
    """Numbers from text such as ``57, 58, 60-63``, sorted and without repetition.

    Raises
    ------
    NeuronError
        One sentence naming the part that cannot be read.
    """
    numbers: set[int] = set()
    joined = re.sub(r"\s*-\s*", "-", text)
    for part in re.split(r"[,;\s]+", joined):
        if not part:
            continue
        found = _PART.fullmatch(part)
        if not found:
            raise NeuronError(f'"{part[:30]}" is not a neuron: write numbers and ranges such as 57,58,60-63.')
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise NeuronError(f'"{part[:30]}" runs backwards: write the smaller number first.')
        if last - first >= MOST_NEURONS:
            raise NeuronError(f'"{part[:30]}" is longer than any layer.')
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


def format_neurons(neurons: Sequence[int], *, separator: str = ",") -> str:
    """The shortest text that `parse_neurons` reads back: runs of three and more become ranges."""
    parts: list[str] = []
    numbers = sorted(set(neurons))
    start = 0
    for place in range(1, len(numbers) + 1):
        if place < len(numbers) and numbers[place] == numbers[place - 1] + 1:
            continue
        first, last = numbers[start], numbers[place - 1]
        if last - first >= 2:
            parts.append(f"{first}-{last}")
        else:
            parts.extend(str(number) for number in range(first, last + 1))
        start = place
    return separator.join(parts)


def split_set(text: str) -> tuple[str, tuple[int, ...]]:
    """The layer as it is given, and the neurons, of ``LAYER:57,58,60-63``.

    Raises
    ------
    NeuronError
        One sentence naming what cannot be read.
    """
    place, colon, numbers = text.partition(":")
    if not colon:
        raise NeuronError(f'"{text[:40]}" names no neurons: write LAYER:NEURONS such as 23:57,58,60-63.')
    neurons = parse_neurons(numbers)
    if not neurons:
        raise NeuronError(f'"{text[:40]}" names no neurons after the colon.')
    return place, neurons


def parse_set(text: str, architecture: Architecture) -> tuple[int, tuple[int, ...]]:
    """Layer and neurons from ``LAYER:57,58,60-63``; the layer by number or name.

    Raises
    ------
    NeuronError
        One sentence naming what cannot be read.
    InputError
        The architecture has no such layer.
    """
    place, neurons = split_set(text)
    return check_layer(architecture.resolve(place), architecture), neurons
