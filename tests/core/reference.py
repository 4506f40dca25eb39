"""A second, literal implementation of LRP in float64: slow, and sharing nothing with the engine but the weights.

Weighted layers are unfolded to patches, so that every contribution ``q_ij`` is a number of its own in a dense tensor.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from vislrp_core.architecture import Layer
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.rules import Rule


def stab(z: torch.Tensor, epsilon: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    sign = torch.ones_like(z)
    sign[z < 0] = -1
    return z + sign * (epsilon * scale + 1e-9)


def forward(network: Network, x: torch.Tensor) -> list[torch.Tensor]:
    a = [x[0].double()]
    for row in network.architecture.rows[1:]:
        if row.kind == "conv":
            w, b = network.weights[row.index], network.biases[row.index]
            a.append(F.conv2d(a[-1][None], w, b, stride=row.stride, padding=row.padding)[0])
        elif row.kind == "linear":
            a.append(network.weights[row.index] @ a[-1].reshape(-1) + network.biases[row.index])
        elif row.kind == "relu":
            a.append(a[-1].clamp(min=0))
        elif row.kind == "pool":
            a.append(F.max_pool2d(a[-1][None], row.kernel, row.stride, row.padding)[0])
        else:
            a.append(a[-1])
    return a


def rule_step(u, mask, w, b, rule: Rule, absorb: bool, relevance):
    """u, mask: (inputs, positions); w: (outputs, inputs); relevance: (outputs, positions); returns (inputs, positions)."""
    uw = u[None] * w[:, :, None]
    common = (rule.gamma0 * u[None] + rule.gamma1 * uw + rule.gamma2 * u[None] * w[:, :, None] ** 2) * mask[None]
    positive, negative = uw.clamp(min=0) * mask[None], uw.clamp(max=0) * mask[None]
    result = torch.zeros_like(u)
    if rule.preset == "gamma_generalized":
        return generalized_step(u, w, b, rule.gamma1p, absorb, relevance)
    for factor, p, n in ((rule.alpha, rule.gamma1p, rule.gamma1n), (-rule.beta, rule.gamma1n, rule.gamma1p)):
        if factor == 0:
            continue
        q = common + p * positive + n * negative
        z = q.sum(dim=1)
        if absorb:
            z = z + (rule.gamma1 * b + p * b.clamp(min=0) + n * b.clamp(max=0) + rule.gamma2 * b**2)[:, None]
        scale = float((z**2).mean().sqrt()) if rule.epsilon_scale == "relative" else 1.0
        result += factor * (q * (relevance / stab(z, rule.epsilon, scale))[:, None, :]).sum(dim=0)
    return result


def generalized_step(a, w, b, g: float, absorb: bool, relevance):
    w, high, low = w[:, :, None], a.clamp(min=0)[None], a.clamp(max=0)[None]
    plain = (a[None] * w).sum(dim=1) + (b[:, None] if absorb else 0)
    result = torch.zeros_like(a)
    for side, same, other, own in (
        (plain > 0, w.clamp(min=0), w.clamp(max=0), b.clamp(min=0)),
        (plain < 0, w.clamp(max=0), w.clamp(min=0), b.clamp(max=0)),
    ):
        q = high * (w + g * same) + low * (w + g * other)
        z = q.sum(dim=1) + ((b + g * own)[:, None] if absorb else 0)
        result += (q * torch.where(side, relevance / stab(z), 0.0)[:, None, :]).sum(dim=0)
    return result


def box_step(a, low, high, w, relevance):
    w = w[:, :, None]
    q = a[None] * w - low[None] * w.clamp(min=0) - high[None] * w.clamp(max=0)
    return (q * (relevance / stab(q.sum(dim=1)))[:, None, :]).sum(dim=0)


def weighted_step(network: Network, layer: int, below, rule: Rule, absorb: bool, relevance):
    row = network.architecture.rows[layer]
    w, b = network.weights[layer].double(), network.biases[layer].double()
    w = w.reshape(len(w), -1)
    if layer == 1 and row.kind == "conv":
        mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (network.mean, network.std))
        low, high = (0 - mean) / std * torch.ones_like(below), (1 - mean) / std * torch.ones_like(below)
    else:
        smallest = min(float(below.min()), 0.0) if layer == 1 else 0.0
        low, high = torch.full_like(below, smallest), torch.full_like(below, max(float(below.max()), 0.0))
    if row.kind == "linear":
        flat, one = below.reshape(-1, 1), torch.ones(below.numel(), 1, dtype=torch.float64)
        if rule.preset == "z_box":
            return box_step(flat, low.reshape(-1, 1), high.reshape(-1, 1), w, relevance[:, None]).reshape(below.shape)
        u = rule.theta0 + rule.theta1 * flat
        return rule_step(u, one, w, b, rule, absorb, relevance[:, None]).reshape(below.shape)
    # A relative epsilon needs the whole layer's z at once; so all positions go together, which tiny networks allow.
    window = {"kernel_size": row.kernel, "stride": row.stride, "padding": row.padding}
    a, mask = (F.unfold(values[None], **window)[0] for values in (below, torch.ones_like(below)))
    if rule.preset == "z_box":
        shares = box_step(a, *(F.unfold(v[None], **window)[0] for v in (low, high)), w, relevance.flatten(1))
    else:
        shares = rule_step((rule.theta0 + rule.theta1 * a) * mask, mask, w, b, rule, absorb, relevance.flatten(1))
    return F.fold(shares[None], below.shape[1:], **window)[0]


def pool_step(below, pooling: str, relevance, row: Layer, damping: Rule | None = None):
    """Every window as a column of its own; what overlapping windows give to one input adds up."""
    channels, height, width = below.shape
    window = {"kernel_size": row.kernel, "stride": row.stride, "padding": row.padding}
    size = row.kernel**2
    columns = F.unfold(below[:, None], **window)
    inside = F.unfold(torch.ones_like(below[:, None]), **window)
    r = relevance.reshape(channels, 1, -1)
    if pooling == "winner-takes-all":
        first = torch.where(inside > 0, columns, -torch.inf).argmax(dim=1, keepdim=True)
        share = torch.zeros_like(columns).scatter_(1, first, 1.0)
    elif damping is None:
        total = columns.sum(dim=1, keepdim=True)
        even = inside / inside.sum(dim=1, keepdim=True)
        share = torch.where(total > 0, columns / total.clamp(min=1e-300), even)
    else:
        z = columns.sum(dim=1, keepdim=True) / size
        scale = float((z**2).mean().sqrt()) if damping.epsilon_scale == "relative" else 1.0
        share = columns / size / stab(z, damping.epsilon, scale)
    return F.fold(share * r, (height, width), **window)[:, 0]


def relevance(network: Network, x: torch.Tensor, model: LRPModel, target: int) -> list[torch.Tensor]:
    """R[0] ... R[last]."""
    rows = network.architecture.rows
    a = forward(network, x)
    logits = a[-1]
    r = torch.zeros_like(logits)
    if model.start == "contrast":
        r[:] = -logits[target] / (len(logits) - 1)
    r[target] = {"one": 1.0, "probability": float(torch.softmax(logits, 0)[target])}.get(model.start, float(logits[target]))
    result = [r]
    for row in reversed(rows[1:]):
        layer = row.index
        rule = next(s.rule for s in model.segments if s.first <= layer <= s.last)
        if row.kind == "pool":
            damping = rule if model.pooling_epsilon == "segment" else None
            r = pool_step(a[layer - 1], model.pooling, r, row, damping)
        elif row.kind in ("conv", "linear"):
            if layer == 1 and model.pixel_rule != "segment":
                rule = Rule.of(model.pixel_rule)
            r = weighted_step(
                network, layer, a[layer - 1], rule, model.bias == "absorb", r.reshape(-1) if (row.kind == "linear") else r
            )
        result.append(r)
    return result[::-1]
