"""Relevance as a result: maps by layer, sums by sign, and the error where it is not finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vislrp_core.errors import VisLRPError


class NonFiniteRelevance(VisLRPError, ArithmeticError):
    """Relevance became NaN or infinite: the layer, its rule, the cause and what to do."""

    def __init__(
        self, layer: int, rule: str, cause: str, suggestion: str, relevance: Relevance | None = None, *, name: str = ""
    ) -> None:
        self.layer, self.rule, self.cause, self.suggestion = layer, rule, cause, suggestion
        self.relevance = relevance
        """What is known of the layers above."""
        super().__init__(f"relevance is not finite below {name or 'layer'} (layer {layer}, {rule}): {cause}; {suggestion}")


@dataclass(frozen=True, eq=False)
class Relevance:
    """Relevance of one target under one model.

    ``maps[k]`` is R[k], shape (C, H, W) or (N,), for the layers asked for; ``positive`` and ``negative`` hold the sums of
    positive and of negative relevance at all layers, the input's first.
    """

    maps: dict[int, Tensor]
    positive: np.ndarray
    negative: np.ndarray
    target: int | None
    model_key: str

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers whose relevance was kept."""
        return tuple(sorted(self.maps))

    @property
    def total(self) -> np.ndarray:
        """Sum of relevance at all layers."""
        return self.positive + self.negative

    def at(self, layer: int) -> Tensor:
        """R[layer]."""
        return self.maps[layer]

    def map(self, layer: int = 0) -> np.ndarray:
        """Relevance summed over channels, shape (H, W); of a fully connected layer its N values as (1, N)."""
        relevance = self.maps[layer]
        summed = relevance.sum(dim=0) if relevance.ndim == 3 else relevance[None, :]
        return summed.cpu().numpy()

    @property
    def nbytes(self) -> int:
        """Bytes of the maps."""
        return sum(tensor.nbytes for tensor in self.maps.values())


def start_from(logits: Tensor, target: int, start: str) -> Tensor:
    """Relevance of the logits (classes,) for a start of numerics.md, section 4."""
    relevance = torch.zeros_like(logits)
    if start == "contrast" and len(logits) > 1:
        relevance.fill_(-logits[target] / (len(logits) - 1))
    value = logits[target]
    if start == "one":
        value = torch.ones_like(value)
    elif start == "probability":
        value = torch.softmax(logits, dim=0)[target]
    relevance[target] = value
    return relevance
