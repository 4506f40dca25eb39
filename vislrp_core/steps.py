"""R[layer - 1] from R[layer], for every kind of layer."""

from __future__ import annotations

import torch
from torch import Tensor

from vislrp_core.kinds.base import Setting
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, refine
from vislrp_core.pooling import pool
from vislrp_core.precision import Doubtful
from vislrp_core.trace import Trace
from vislrp_core.weighted import WeightedLayer


def single_step(
    network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, *, disposable: bool = False
) -> Tensor:
    """R[layer - 1] from R[layer], both with a leading batch dimension, by the sums of this very trace.

    Parameters
    ----------
    trace : Trace
        Of one picture for all relevance, or of one for each.
    disposable : bool
        Whether R[layer] may be overwritten, which saves memory and time.

    Raises
    ------
    Doubtful
        If a trace in single precision is not enough; R[layer] is then as it was.
    """
    plan = network.architecture
    row = plan.rows[layer]
    if row.kind == "pool":
        damping = model.rule_at(layer) if model.pooling_epsilon == "segment" else None
        return pool(row, trace.activations[layer - 1], relevance, model.pooling, damping)
    if not row.is_weighted:
        return relevance
    rule = model.rule_at(layer)
    setting = Setting(model.bias == "absorb", _in_proportion(network, model, layer), disposable)
    below = rule.kind.step(WeightedLayer(network, trace, layer), rule, relevance, setting)
    if layer != _behind_features(network):
        return below
    below = below.reshape(len(below), *trace.shape(layer - 1))
    return below.contiguous(memory_format=torch.channels_last)


def step(
    network: Network, trace: Trace, model: LRPModel, layer: int, relevance: Tensor, *, disposable: bool = False
) -> Tensor:
    """`single_step`, by the pass in double precision where it must be."""
    try:
        return single_step(network, trace, model, layer, relevance, disposable=disposable)
    except Doubtful:
        return single_step(network, in_double(network, trace), model, layer, relevance, disposable=disposable)


def in_double(network: Network, trace: Trace) -> Trace:
    """The trace's twin in double precision, made once and kept with it."""
    found: Trace = trace.cache.double(lambda: refine(network, trace))
    return found


def _behind_features(network: Network) -> int:
    """The first fully connected layer behind layers with positions; 0 where there is none."""
    plan = network.architecture
    if plan.last_feature < 0:
        return 0
    return next((k for k in plan.weighted if k > plan.last_feature), 0)


def _in_proportion(network: Network, model: LRPModel, layer: int) -> bool:
    """Whether R[layer] vanishes with its activation: a ReLU follows, and rules above multiply by the activation alone."""
    plan = network.architecture
    follows = next((row.kind for row in plan.rows[layer + 1 :] if row.kind != "dropout"), "relu")
    rules = (model.rule_at(above) for above in plan.weighted if above > layer)
    return follows in ("relu", "pool") and all(rule.kind.in_proportion(rule) for rule in rules)
