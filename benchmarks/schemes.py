"""What is compared: ways to the same relevance of one VGG16, each a function of image, composite and class.

``many`` takes several classes in the cheapest way that the library allows: one forward pass and a backward pass per
class, or a batch of copies of the image where its hooks last for one backward pass only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from zennit.composites import NameMapComposite
from zennit.core import Hook, Stabilizer
from zennit.rules import AlphaBeta, Epsilon, Gamma, Pass, ZBox, ZPlus

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network
from vislrp_core.rules import Rule

STABILIZER = 1e-9
VGG16 = ARCHITECTURES["vgg16"]


def composite(*parts: tuple[int, Rule]) -> LRPModel:
    """Segments by their last layers, with Zennit's conventions: bias absorbed, the winner takes all at pooling."""
    firsts = [1, *(last + 1 for last, _ in parts[:-1])]
    return LRPModel(
        pooling="winner-takes-all",
        bias="absorb",
        pixel_rule="z_box",
        segments=tuple(
            Segment(first=first, last=last, rule=rule) for first, (last, rule) in zip(firsts, parts, strict=True)
        ),
    )


COMPOSITES = {
    "γ/ε/0": composite((17, Rule.of("gamma")), (31, Rule.of("epsilon")), (VGG16.last, Rule.of("zero"))),
    "LRP-0": composite((VGG16.last, Rule.of("zero"))),
    "ε": composite((VGG16.last, Rule.of("epsilon"))),
    "γ": composite((VGG16.last, Rule.of("gamma"))),
    "z⁺": composite((VGG16.last, Rule.of("z_plus"))),
    "α2β1": composite((VGG16.last, Rule.of("alpha_beta"))),
}


def torch_modules(network: Network) -> nn.Sequential:
    """The network as torch modules named by layer number; weights shared, no gradients for them."""
    chain = nn.Sequential()
    for layer in VGG16.rows[1:]:
        k = layer.index
        if layer.kind in ("conv", "linear"):
            with torch.device("meta"):
                shape = network.weights[k].shape
                module: nn.Module = (
                    nn.Conv2d(shape[1], shape[0], 3, padding=1) if layer.kind == "conv" else nn.Linear(shape[1], shape[0])
                )
            module.weight = nn.Parameter(network.weights[k], requires_grad=False)
            module.bias = nn.Parameter(network.biases[k], requires_grad=False)
        else:
            module = {"relu": nn.ReLU, "pool": lambda: nn.MaxPool2d(2), "dropout": nn.Dropout}[layer.kind]()
        if k == VGG16.last_feature + 1:
            chain.add_module("flatten", nn.Flatten())
        chain.add_module(str(k), module)
    return chain.eval()


class Gradient:
    """The plain gradient by autograd: what every time is divided by."""

    def __init__(self, network: Network) -> None:
        self.chain = torch_modules(network)

    def __call__(self, x: Tensor, model: LRPModel, target: int) -> Tensor:
        """Gradient of a class's logit for the pixels."""
        return self.many(x, model, [target])[0]

    def many(self, x: Tensor, model: LRPModel, targets: Sequence[int]) -> list[Tensor]:
        """Gradients of several logits after one forward pass."""
        image = x.clone().requires_grad_()
        logits = self.chain(image)
        return [
            torch.autograd.grad(logits[0, target], image, retain_graph=target != targets[-1])[0][0] for target in targets
        ]

    def pictures(self, x: Tensor, targets: Sequence[int]) -> Tensor:
        """Gradients of one logit of each picture, (B, 3, 224, 224)."""
        image = x.clone().requires_grad_()
        logits = self.chain(image)
        return torch.autograd.grad(logits[range(len(x)), list(targets)].sum(), image)[0]


class Zennit:
    """Zennit's hooks with one rule per weighted layer."""

    def __init__(self, network: Network) -> None:
        self.network, self.chain = network, torch_modules(network)

    def _hook(self, rule: Rule) -> Hook:
        if rule.preset in ("zero", "epsilon"):
            relative = Stabilizer(rule.epsilon, norm_scale=True)
            return Epsilon(relative if rule.epsilon else STABILIZER)
        if rule.preset == "gamma":
            return Gamma(rule.gamma1p, STABILIZER)
        return AlphaBeta(rule.alpha, rule.beta, STABILIZER) if rule.preset == "alpha_beta" else ZPlus(STABILIZER)

    def __call__(self, x: Tensor, model: LRPModel, target: int) -> Tensor:
        """Relevance of the pixels."""
        return self.many(x, model, [target])[0]

    def many(self, x: Tensor, model: LRPModel, targets: Sequence[int]) -> list[Tensor]:
        """Relevance of the pixels for several classes after one forward pass."""
        with self._composite(model).context(self.chain) as chain:
            image = x.clone().requires_grad_()
            logits = chain(image)
            starts = [F.one_hot(torch.tensor([target]), logits.shape[1]) * logits.detach() for target in targets]
            return [
                torch.autograd.grad(logits, image, start, retain_graph=start is not starts[-1])[0][0] for start in starts
            ]

    def pictures(self, x: Tensor, model: LRPModel, targets: Sequence[int]) -> Tensor:
        """Relevance of the pixels for one class of each picture, (B, 3, 224, 224)."""
        with self._composite(model).context(self.chain) as chain:
            image = x.clone().requires_grad_()
            logits = chain(image)
            start = F.one_hot(torch.tensor(list(targets), device=x.device), logits.shape[1]) * logits.detach()
            return torch.autograd.grad(logits, image, start)[0]

    def _composite(self, model: LRPModel) -> NameMapComposite:
        low, high = self.network.pixel_bounds()
        rules = [(["1"], ZBox(low, high, STABILIZER))]
        rules += [
            ([str(layer.index)], self._hook(model.rule_at(layer.index)))
            for layer in VGG16.rows[2:]
            if layer.kind in ("conv", "linear")
        ]
        rules += [([str(layer.index)], Pass()) for layer in VGG16.rows if layer.kind == "relu"]
        return NameMapComposite(rules)


class Tutorial:
    """The scheme of the heatmapping tutorial (Montavon et al. 2019): modules with changed weights, autograd per layer."""

    def __init__(self, network: Network) -> None:
        self.network, self.chain = network, torch_modules(network)

    def _changed(self, k: int, rule: Rule) -> tuple[Tensor, Tensor]:
        w, b = self.network.weights[k], self.network.biases[k]
        if rule.preset == "gamma":
            return w + rule.gamma1p * w.clamp(min=0), b + rule.gamma1p * b.clamp(min=0)
        return (w.clamp(min=0), b.clamp(min=0)) if rule.preset == "z_plus" else (w, b)

    def __call__(self, x: Tensor, model: LRPModel, target: int) -> Tensor:
        """Relevance of the pixels."""
        return self.many(x, model, [target])[0]

    def many(self, x: Tensor, model: LRPModel, targets: Sequence[int]) -> list[Tensor]:
        """Relevance of the pixels for several classes after one forward pass."""
        activations = [x]
        with torch.no_grad():
            for layer in VGG16.rows[1:]:
                below = activations[-1].flatten(1) if layer.index == VGG16.last_feature + 1 else activations[-1]
                activations.append(self.chain.get_submodule(str(layer.index))(below))
        return [self._backward(activations, model, target) for target in targets]

    def _backward(self, activations: list[Tensor], model: LRPModel, target: int) -> Tensor:
        relevance = torch.zeros_like(activations[-1])
        relevance[0, target] = activations[-1][0, target]
        for k in range(VGG16.last, 0, -1):
            kind = VGG16.rows[k].kind
            a = activations[k - 1].clone().requires_grad_()
            if kind == "pool":
                z = F.max_pool2d(a, 2)
                (relevance,) = torch.autograd.grad(z, a, relevance)
            elif k == 1:
                relevance = self._pixels(a, relevance)
            elif kind in ("conv", "linear"):
                rule = model.rule_at(k)
                w, b = self._changed(k, rule)
                flat = a.flatten(1) if kind == "linear" else a
                z = F.conv2d(flat, w, b, padding=1) if kind == "conv" else F.linear(flat, w, b)
                size = rule.epsilon * float(z.detach().square().mean().sqrt()) + STABILIZER
                s = relevance / (z + torch.where(z >= 0, size, -size)).detach()
                (z * s).sum().backward()
                relevance = a.detach() * a.grad
        return relevance[0]

    def _pixels(self, a: Tensor, relevance: Tensor) -> Tensor:
        w = self.network.weights[1]
        low, high = (bound.expand_as(a).clone().requires_grad_() for bound in self.network.pixel_bounds())
        z = F.conv2d(a, w, padding=1) - F.conv2d(low, w.clamp(min=0), padding=1) - F.conv2d(high, w.clamp(max=0), padding=1)
        (z * (relevance / (z + 1e-9)).detach()).sum().backward()
        return a.detach() * a.grad + low.detach() * low.grad + high.detach() * high.grad


class Captum:
    """Captum's LRP; it has no zβ, so layer 1 takes its neighbour's rule and results are not compared there."""

    def __init__(self, network: Network) -> None:
        self.chain = torch_modules(network)

    def __call__(self, x: Tensor, model: LRPModel, target: int) -> Tensor:
        """Relevance of the pixels."""
        return self.many(x, model, [target])[0]

    def many(self, x: Tensor, model: LRPModel, targets: Sequence[int]) -> list[Tensor]:
        """Relevance of the pixels for several classes: a batch of copies of the image."""
        return list(self.pictures(x.expand(len(targets), -1, -1, -1), model, targets))

    def pictures(self, x: Tensor, model: LRPModel, targets: Sequence[int]) -> Tensor:
        """Relevance of the pixels for one class of each picture, (B, 3, 224, 224)."""
        from captum.attr import LRP
        from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule

        for layer in VGG16.rows[1:]:
            if layer.kind not in ("conv", "linear"):
                continue
            rule = model.rule_at(max(layer.index, 2))
            self.chain.get_submodule(str(layer.index)).rule = (
                GammaRule(gamma=rule.gamma1p)
                if rule.preset == "gamma"
                else Alpha1_Beta0_Rule()
                if rule.preset == "z_plus"
                else EpsilonRule(epsilon=rule.epsilon or STABILIZER)
            )
        self.chain.get_submodule("flatten").rule = EpsilonRule()
        return LRP(self.chain).attribute(x.clone(), target=list(targets)).detach()


class AutoLRP:
    """autoLRP's rules on the autograd graph: one rule per kind of operation, no zβ, and its epsilon is absolute."""

    LINEAR = ("ConvolutionBackward", "AddmmBackward", "MmBackward")

    def __init__(self, network: Network) -> None:
        self.chain = torch_modules(network)

    @staticmethod
    def knows(model: LRPModel) -> bool:
        """Whether it can do a composite: one rule everywhere, without a relative epsilon."""
        return len(model.segments) == 1 and model.segments[0].rule.preset != "epsilon"

    def __call__(self, x: Tensor, model: LRPModel, target: int) -> Tensor:
        """Relevance of the pixels; layer 1 takes its neighbours' rule."""
        import autolrp

        rule = model.segments[0].rule
        spec: object = {
            "gamma": ("gamma", {"gamma": rule.gamma1p}),
            "z_plus": "zplus",
            "alpha_beta": ("alpha_beta", {"alpha": rule.alpha, "beta": rule.beta}),
        }.get(rule.preset, "epsilon")
        config = autolrp.LRPConfig(rule={**autolrp.BASE, **dict.fromkeys(self.LINEAR, spec)}, eps=STABILIZER)
        image = autolrp.tensor(x.clone())
        self.chain(image)[0, target].lrp(config=config)
        return image.relevance[0]
