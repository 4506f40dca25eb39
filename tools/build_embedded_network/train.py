"""Training of the narrow head on extracted features."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .data import Features
from .head import Head, distillation_loss


@dataclass(frozen=True)
class Recipe:
    """How a head is trained."""

    width: int = 1024
    epochs: int = 30
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.05
    dropout: float = 0.3
    temperature: float = 1.0
    squared: float = 20.0
    mix: float = 0.5  # share of batches in which pairs of crops are mixed
    scatter: float = 0.5  # share of crops whose mean is over a random part of the positions
    average: float = 0.998  # decay of the running mean of the weights, which is the result
    seed: int = 0


def train_head(train: Features, last: nn.Linear, recipe: Recipe, report: Callable[[int, Head], None] | None = None) -> Head:
    """Train a head and return the running mean of its weights.

    Parameters
    ----------
    train : Features
        Features of the training crops.
    last : nn.Linear
        The teacher's last layer.
    recipe : Recipe
        The settings.
    report : callable, optional
        Called with the epoch and the averaged head after each.
    """
    torch.manual_seed(recipe.seed)
    scale = train.pooled.square().mean(0).sqrt().clamp_min(1e-3)
    head = Head(recipe.width, scale, last, recipe.dropout)
    head.clamp_biases()
    averaged = copy.deepcopy(head).eval()
    parameters = [p for p in head.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=recipe.decay)
    steps = len(train) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, epochs=recipe.epochs, steps_per_epoch=steps, pct_start=0.2
    )
    done = 0
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(train))
        head.train()
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            inputs, wanted = _batch(train, rows, recipe)
            loss = distillation_loss(head.features(inputs), wanted, head.fc8, recipe.temperature, recipe.squared)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            head.clamp_biases()
            done += 1
            _follow(averaged, head, min(recipe.average, (1 + done) / (10 + done)))
        if report:
            report(epoch, averaged)
    return averaged


def merge_heads(heads: list[Head]) -> Head:
    """One wider head whose fc7 output, before its ReLU, is the mean of the heads' outputs."""
    first = heads[0]
    merged = Head(sum(head.fc6.out_features for head in heads), first.scale, first.fc8)
    with torch.no_grad():
        merged.fc6.weight.copy_(torch.cat([h.fc6.weight * (first.scale / h.scale) for h in heads]))
        merged.fc6.bias.copy_(torch.cat([h.fc6.bias for h in heads]))
        merged.fc7.weight.copy_(torch.cat([h.fc7.weight for h in heads], dim=1) / len(heads))
        merged.fc7.bias.copy_(torch.stack([h.fc7.bias for h in heads]).mean(0))
    return merged.eval()


def _batch(train: Features, rows: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Means over positions and wanted features, varied: parts of the positions left out, pairs of crops mixed."""
    maps, wanted = train.maps[rows].float(), train.teacher[rows]
    count, _, positions = maps.shape
    weights = torch.full((count, positions), 1 / positions)
    chosen = torch.rand(count) < recipe.scatter
    kept = (torch.rand(count, positions) < torch.empty(count, 1).uniform_(0.4, 1)).float()
    kept /= kept.sum(1, keepdim=True).clamp_min(1)
    weights = torch.where(chosen[:, None] & (kept.sum(1, keepdim=True) > 0), kept, weights)
    inputs = torch.bmm(maps, weights[:, :, None])[:, :, 0]
    if torch.rand(()) < recipe.mix:
        # The mean over a picture of two halves is the mean of their means, for both networks.
        share = torch.distributions.Beta(0.5, 0.5).sample((count, 1))
        partner = torch.randperm(count)
        inputs = share * inputs + (1 - share) * inputs[partner]
        wanted = share * wanted + (1 - share) * wanted[partner]
    return inputs, wanted


@torch.no_grad()
def _follow(averaged: Head, head: Head, decay: float) -> None:
    for mean, value in zip(averaged.parameters(), head.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
