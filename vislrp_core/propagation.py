"""Trace + LRPModel + target -> Relevance: the backward pass of LRP as a pure function over tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.layers import LAST, LAYERS, layer_name
from vislrp_core.model import LRPModel
from vislrp_core.network import VGG16, Trace
from vislrp_core.rules import Rule

STABILIZER = 1e-9
BLOCK_ROWS = 128
"""Rows of a fully connected matrix that are changed at a time: fc6 is never copied as a whole."""

Checkpoint = Callable[[int], None]


class NonFiniteRelevance(ArithmeticError):
    """Relevance became NaN or infinite: the layer, its rule, the cause and what to do."""

    def __init__(self, layer: int, rule: str, cause: str, suggestion: str, relevance: Relevance | None = None) -> None:
        self.layer, self.rule, self.cause, self.suggestion = layer, rule, cause, suggestion
        self.relevance = relevance
        """What is known of the layers above."""
        super().__init__(f"relevance is not finite below {layer_name(layer)} (layer {layer}, {rule}): {cause}; {suggestion}")


@dataclass(frozen=True, eq=False)
class Relevance:
    """Relevance of one target under one model.

    ``maps[k]`` is R[k], shape (C, H, W) or (N,), for the layers asked for; ``positive`` and ``negative`` hold the sums of
    positive and of negative relevance at all 39 layers.
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
        """Sum of relevance at all 39 layers."""
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


def stabilized(z: Tensor, epsilon: float = 0.0, relative: bool = False) -> Tensor:
    """z + sign(z) (epsilon * scale + 1e-9) with sign(0) = +1; the relative scale is the root mean square of z."""
    scale = float(z.double().square().mean().sqrt()) if relative and epsilon else 1.0
    return z + torch.where(z >= 0, 1.0, -1.0).to(z.dtype) * (epsilon * scale + STABILIZER)


def start_relevance(trace: Trace, target: int, start: str) -> Tensor:
    """R[38] of shape (classes,), see lrp.md section 4."""
    logits = trace.logits
    relevance = torch.zeros_like(logits)
    if start == "contrast" and len(logits) > 1:
        relevance.fill_(-float(logits[target]) / (len(logits) - 1))
    relevance[target] = {"one": 1.0, "probability": float(trace.probabilities[target])}.get(start, float(logits[target]))
    return relevance


class _Weights:
    """Weighted sums of one layer and their transposes, for a weight changed as a rule says."""

    def __init__(self, network: VGG16, layer: int) -> None:
        self.weight = network.weights[layer]
        self.bias = network.biases[layer]
        self.conv = LAYERS[layer].kind == "conv"

    def forward(self, a: Tensor, change: Callable[[Tensor], Tensor] | None) -> Tensor:
        if self.conv:
            return F.conv2d(a, self.weight if change is None else change(self.weight), padding=1)
        if change is None:
            return F.linear(a, self.weight)
        return torch.cat([F.linear(a, change(rows)) for rows in self.weight.split(BLOCK_ROWS)], dim=1)

    def backward(self, s: Tensor, change: Callable[[Tensor], Tensor] | None) -> Tensor:
        if self.conv:
            return F.conv_transpose2d(s, self.weight if change is None else change(self.weight), padding=1)
        if change is None:
            return s @ self.weight
        parts = zip(s.split(BLOCK_ROWS, dim=1), self.weight.split(BLOCK_ROWS), strict=True)
        return torch.stack([part @ change(rows) for part, rows in parts]).sum(dim=0)


def _changed_weight(rule: Rule, p: float, n: float) -> Callable[[Tensor], Tensor] | None:
    """gamma0 + gamma1 w + p w^+ + n w^- + gamma2 w^2, or None where that is w itself."""
    if (rule.gamma0, rule.gamma1, p, n, rule.gamma2) == (0, 1, 0, 0, 0):
        return None

    def change(w: Tensor) -> Tensor:
        # w^+ and w^- are one scaled by sign, so a single factor per entry is enough.
        q = torch.where(w > 0, (rule.gamma1 + p) * w, (rule.gamma1 + n) * w) if p != n else (rule.gamma1 + p) * w
        if rule.gamma2:
            q = q + rule.gamma2 * w * w
        return q + rule.gamma0 if rule.gamma0 else q

    return change


def _unified(network: VGG16, trace: Trace, layer: int, rule: Rule, absorb: bool, relevance: Tensor) -> Tensor:
    """One step of the unified rule (Eq. 2.1, lrp.md section 2) through a weighted layer."""
    weights = _Weights(network, layer)
    a = trace.activations[layer - 1]
    a = a if weights.conv else a.flatten(1)
    plain_input = rule.theta0 == 0 and rule.theta1 == 1
    u = a if plain_input else rule.theta0 + rule.theta1 * a
    mixed = layer == 1 or rule.theta0 < 0 or rule.theta1 < 0
    result = torch.zeros_like(u)
    for factor, p, n in ((rule.alpha, rule.gamma1p, rule.gamma1n), (-rule.beta, rule.gamma1n, rule.gamma1p)):
        if factor == 0:
            continue
        # Behind a ReLU the sign of a contribution is the weight's; elsewhere negative inputs exchange p and n.
        if mixed and p != n:
            parts = [(u.clamp(min=0), _changed_weight(rule, p, n)), (u.clamp(max=0), _changed_weight(rule, n, p))]
        else:
            parts = [(u, _changed_weight(rule, p, n))]
        key = (layer, rule.theta0, rule.theta1, rule.gamma0, rule.gamma1, p, n, rule.gamma2)
        if plain_input and parts[0][1] is None:
            z = trace.sums[layer]
        else:
            z = trace.terms.get(key)  # type: ignore[assignment]
            if z is None:
                z = sum((weights.forward(part, change) for part, change in parts[1:]), weights.forward(*parts[0]))
                trace.keep(key, z)
        if absorb:
            b = weights.bias
            share = rule.gamma1 * b + p * b.clamp(min=0) + n * b.clamp(max=0) + rule.gamma2 * b * b
            z = z + (share.reshape(1, -1, 1, 1) if weights.conv else share)
        s = factor * relevance / stabilized(z, rule.epsilon, rule.epsilon_scale == "relative")
        for part, change in parts:
            result += part * weights.backward(s, change)
    return result


def _z_box(network: VGG16, trace: Trace, layer: int, relevance: Tensor) -> Tensor:
    """LRP-zβ (Montavon et al. 2017; lrp.md section 3): a w - l w^+ - h w^-; bias terms cancel."""
    weights = _Weights(network, layer)
    a = trace.activations[layer - 1]
    a = a if weights.conv else a.flatten(1)
    if layer == 1:
        low, high = (bound.expand_as(a) for bound in network.pixel_bounds())
    else:
        low, high = torch.zeros_like(a), torch.full_like(a, float(a.max()))

    def positive(w: Tensor) -> Tensor:
        return w.clamp(min=0)

    def negative(w: Tensor) -> Tensor:
        return w.clamp(max=0)

    z = trace.terms.get((layer, "z_box"))
    if z is None:
        z = trace.sums[layer] - weights.forward(low, positive) - weights.forward(high, negative)
        trace.keep((layer, "z_box"), z)
    s = relevance / stabilized(z)
    return a * weights.backward(s, None) - low * weights.backward(s, positive) - high * weights.backward(s, negative)


def _pool(trace: Trace, layer: int, pooling: str, relevance: Tensor) -> Tensor:
    """Relevance through 2 x 2 max pooling, in proportion to the four inputs or to the maximum alone."""
    a = trace.activations[layer - 1]
    if pooling == "winner-takes-all":
        _, places = F.max_pool2d(a, 2, return_indices=True)
        return F.max_unpool2d(relevance, places, [2, 2], output_size=a.shape[-2:])
    total = 4 * F.avg_pool2d(a, 2)
    share = torch.where(total > 0, relevance / torch.where(total > 0, total, torch.ones_like(total)), relevance / 4)
    even = F.interpolate(share, scale_factor=2, mode="nearest")
    return even * torch.where(F.interpolate(total, scale_factor=2, mode="nearest") > 0, a, torch.ones_like(a))


def step(network: VGG16, trace: Trace, model: LRPModel, layer: int, relevance: Tensor) -> Tensor:
    """R[layer - 1] from R[layer], both with a leading batch dimension of 1."""
    kind = LAYERS[layer].kind
    if kind == "pool":
        return _pool(trace, layer, model.pooling, relevance)
    if kind not in ("conv", "linear"):
        return relevance
    rule = model.rule_at(layer)
    if rule.preset == "z_box":
        below = _z_box(network, trace, layer, relevance)
    else:
        below = _unified(network, trace, layer, rule, model.bias == "absorb", relevance)
    return below.reshape(trace.activations[layer - 1].shape)


def default_layers(model: LRPModel) -> set[int]:
    """Layers of the final and the intermediate heatmaps: what each segment hands on."""
    return {0} | {segment.first - 1 for segment in model.segments}


def propagate(network: VGG16, trace: Trace, model: LRPModel, target: int, *,
              layers: Literal["all"] | Iterable[int] | None = None,
              checkpoint: Checkpoint | None = None) -> Relevance:
    """Relevance of one class, from the logits down to the pixels.

    Parameters
    ----------
    layers : "all", iterable of int or None
        Layers whose relevance is kept; None keeps what each segment hands on.
    checkpoint : callable, optional
        Called with each layer's number before it is propagated; may raise to stop.

    Raises
    ------
    NonFiniteRelevance
        If relevance becomes NaN or infinite at some layer.
    """
    return propagate_from(network, trace, model, LAST, start_relevance(trace, target, model.start), layers=layers,
                          checkpoint=checkpoint, target=target)


@torch.inference_mode()
def propagate_from(network: VGG16, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, *,
                   layers: Literal["all"] | Iterable[int] | None = None, checkpoint: Checkpoint | None = None,
                   target: int | None = None) -> Relevance:
    """Relevance from a given R[layer] (shape of that layer's activation) downwards; linear in it."""
    keep = set(range(LAST + 1)) if layers == "all" else default_layers(model) if layers is None else set(layers)
    current = relevance.to(device=network.device, dtype=network.dtype)[None]
    positive, negative = np.zeros(LAST + 1), np.zeros(LAST + 1)
    maps: dict[int, Tensor] = {}
    for k in range(layer, -1, -1):
        positive[k] = float(current.clamp(min=0).sum(dtype=torch.float64))
        negative[k] = float(current.clamp(max=0).sum(dtype=torch.float64))
        if not np.isfinite(positive[k] + negative[k]):
            positive[k] = negative[k] = np.nan
            above = Relevance(maps, positive, negative, target, model.key)
            raise _non_finite(trace, model, min(k + 1, LAST), above)
        if k in keep:
            maps[k] = current[0]
        if k:
            if checkpoint is not None:
                checkpoint(k)
            current = step(network, trace, model, k, current)
    return Relevance(maps, positive, negative, target, model.key)


def _non_finite(trace: Trace, model: LRPModel, layer: int, above: Relevance) -> NonFiniteRelevance:
    rule = model.rule_at(layer)
    if not torch.isfinite(trace.activations[layer - 1]).all():
        cause = "the layer's activations are not finite"
    elif max(abs(value) for value in rule.values().values()) > 1e6:
        cause = "a parameter of the rule is very large"
    else:
        cause = "denominators of the rule nearly vanish there"
    return NonFiniteRelevance(layer, rule.title, cause, "raise ε or choose another rule for this layer", above)
