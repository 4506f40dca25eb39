"""Measuring a head: agreement with the teacher on held-out pictures, and the sample photographs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .data import Features


@dataclass(frozen=True)
class Agreement:
    """Share of crops whose first class by the teacher is the student's first, or among its first five."""

    crops: int
    top1: float
    top5: float

    def __str__(self) -> str:
        return f"{100 * self.top1:.1f} % / {100 * self.top5:.1f} % of {self.crops}"


def agreement(logits: Tensor, wanted: Tensor) -> Agreement:
    """Compare the student's logits (N, 1000) with the teacher's."""
    first = wanted.argmax(1, keepdim=True)
    ranked = logits.topk(5, dim=1).indices
    return Agreement(
        len(logits), (ranked[:, :1] == first).any(1).float().mean().item(), (ranked == first).any(1).float().mean().item()
    )


@torch.inference_mode()
def measure(head: nn.Module, features: Features, last: nn.Linear) -> tuple[Agreement, Agreement]:
    """Agreement on all held-out crops and on those of photographs alone."""
    head.eval()
    logits, wanted = head(features.pooled), last(features.teacher)
    return agreement(logits, wanted), agreement(logits[features.photo], wanted[features.photo])
