"""The same LRP model in Zennit: torch modules with the network's weights, one hook per weighted layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from zennit.composites import NameMapComposite
from zennit.core import Hook, Stabilizer
from zennit.rules import AlphaBeta, Epsilon, Flat, Gamma, NoMod, Pass, WSquare, ZBox, ZPlus

from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.rules import Rule
from vislrp_core.shares import STABILIZER


class ProportionalPooling(Hook):
    """Max pooling forward, sum pooling's LRP-0 backward, by autograd."""

    def forward(self, module, input, output):
        self.stored_tensors["input"] = input[0]

    def backward(self, module, grad_input, grad_output):
        window = module.kernel_size, module.stride, module.padding
        with torch.enable_grad():
            a = self.stored_tensors["input"].detach().requires_grad_()
            z = F.avg_pool2d(a, *window, divisor_override=1)
            (gradient,) = torch.autograd.grad(z, a, grad_output[0] / (z + (z == 0) * 1e-30) * (z != 0), retain_graph=True)
            (even,) = torch.autograd.grad(z, a, grad_output[0] / module.kernel_size**2 * (z == 0))
        return (a.detach() * gradient + even,)

    def copy(self):
        return type(self)()


def modules(network: Network) -> nn.Sequential:
    """The network as torch modules, named by layer number."""
    chain = nn.Sequential()
    for layer in network.architecture.rows[1:]:
        k = layer.index
        # On "meta" nothing is drawn at random for weights that are replaced at once.
        if layer.kind == "conv":
            module = nn.Conv2d(
                network.weights[k].shape[1],
                network.weights[k].shape[0],
                layer.kernel,
                layer.stride,
                layer.padding,
                device="meta",
            )
        elif layer.kind == "linear":
            module = nn.Linear(network.weights[k].shape[1], network.weights[k].shape[0], device="meta")
        else:
            module = (
                nn.MaxPool2d(layer.kernel, layer.stride, layer.padding)
                if layer.kind == "pool"
                else {"relu": nn.ReLU, "dropout": nn.Dropout}[layer.kind]()
            )
        if layer.kind in ("conv", "linear"):
            module.weight = nn.Parameter(network.weights[k], requires_grad=False)
            module.bias = nn.Parameter(network.biases[k], requires_grad=False)
        chain.add_module(str(k), module)
    return chain.eval()


def hook(rule: Rule, absorb: bool, low: torch.Tensor, high: torch.Tensor) -> Hook:
    """Zennit's hook for a preset rule."""
    zero = None if absorb else "bias"
    relative = rule.epsilon_scale == "relative"
    stabilizer = Stabilizer(rule.epsilon, norm_scale=True) if relative else rule.epsilon + STABILIZER
    if rule.preset in ("zero", "epsilon"):
        return Epsilon(stabilizer, zero_params=zero)
    if rule.preset in ("gamma", "gamma_generalized"):
        found = Gamma(rule.gamma1p, STABILIZER, zero_params=zero)
        # Zennit takes the sign of a sum from the one with the bias; lrp.md where it is ignored from the one without.
        if rule.preset == "gamma_generalized":
            found.param_modifiers[-1] = NoMod(zero_params=zero)
        return found
    if rule.preset == "alpha_beta":
        return AlphaBeta(rule.alpha, rule.beta, STABILIZER, zero_params=zero)
    if rule.preset in ("z_plus", "alpha1_beta0"):
        return ZPlus(STABILIZER, zero_params=zero)
    if rule.preset == "z_box":
        return ZBox(low, high, STABILIZER, zero_params=zero)
    return {"w_square": WSquare, "flat": Flat}[rule.preset](STABILIZER, zero_params=zero)


def relevance(network: Network, trace: Trace, model: LRPModel, start: torch.Tensor) -> list[torch.Tensor]:
    """R[0] ... R[last] by Zennit for a start vector R[last]."""
    chain, last_feature = modules(network), network.architecture.last_feature
    names = []
    for layer in network.architecture.rows[1:]:
        k = layer.index
        if layer.kind in ("conv", "linear"):
            below = trace.activation(k - 1)
            mean, std = (torch.tensor(v, dtype=torch.float64).reshape(1, 3, 1, 1) for v in (network.mean, network.std))
            low, high = (torch.zeros(()), below.max()) if k > 1 else ((0 - mean) / std, (1 - mean) / std)
            found: Hook = hook(model.rule_at(k), model.bias == "absorb", low.to(network.dtype), high.to(network.dtype))
        elif layer.kind == "pool" and model.pooling == "proportional":
            found = ProportionalPooling()
        elif layer.kind == "relu":
            found = Pass()
        else:
            continue
        names.append(([str(k)], found))
    with NameMapComposite(names).context(chain), torch.enable_grad():
        x = trace.x.clone().requires_grad_()
        seen = [x]
        for module in chain:
            k = len(seen)
            seen.append(module(seen[-1].flatten(1) if k == last_feature + 1 else seen[-1]))
        results = torch.autograd.grad(seen[-1], seen[:-1], start[None])
    return [r[0].detach() for r in results] + [start]
