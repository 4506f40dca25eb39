"""Baselines: maps that are not LRP, with the same face as an LRP model, so that measures treat them alike.

They are written out here, on torch's own gradients, because each is a few lines and the network is no `torch.nn.Module`;
Captum, a dependency of the tests alone, must agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vislrp_core.errors import InputError
from vislrp_core.network import Network, layer_output

SMOOTH_COPIES, SMOOTH_NOISE = 25, 0.15
"""SmoothGrad: number of noisy copies, and their noise as a share of the range of the picture's values."""
PATH_STEPS = 50
"""Integrated gradients: points on the straight path, weighted by Gauss and Legendre."""
GROUP = 5
"""Pictures whose gradient is taken at once."""


def _forward(network: Network, a: Tensor, first: int = 1) -> Tensor:
    """Logits of a batch, with a graph for gradients."""
    for row in range(first, network.architecture.last + 1):
        a = layer_output(network, row, a)
    return a


def gradients(network: Network, x: Tensor, target: int) -> Tensor:
    """Gradient of the target's logit with respect to each picture of a batch, (B, 3, H, W)."""
    found = []
    for part in x.split(GROUP):
        with torch.inference_mode(False), torch.enable_grad():
            leaf = part.detach().clone().requires_grad_(True)
            logit = _forward(network, leaf)[:, target].sum()
            found.append(torch.autograd.grad(logit, leaf)[0].detach())
    return torch.cat(found)


OF_SLOPE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradient": lambda x, slope: slope.abs(),
    "gradient_x_input": lambda x, slope: x * slope,
}
"""Methods that need one gradient: the map from the input and its gradient."""


def _gradient(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    return OF_SLOPE["gradient"](x, gradients(network, x, target))


def _gradient_x_input(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    return OF_SLOPE["gradient_x_input"](x, gradients(network, x, target))


def _smoothgrad(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    # Drawn on the CPU in double precision: the same noise on every device and in every number format.
    noise = np.random.default_rng(seed).standard_normal((SMOOTH_COPIES, *x.shape[1:]))
    spread = SMOOTH_NOISE * (x.max() - x.min())
    copies = x + spread * torch.from_numpy(noise).to(x)
    return gradients(network, copies, target).abs().mean(0, keepdim=True)


def _integrated_gradients(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    points, weights = np.polynomial.legendre.leggauss(PATH_STEPS)
    shares = torch.from_numpy((points + 1) / 2).to(x).reshape(-1, 1, 1, 1)
    slopes = gradients(network, shares * x, target)
    return x * (slopes * torch.from_numpy(weights / 2).to(x).reshape(-1, 1, 1, 1)).sum(0, keepdim=True)


def _gradcam(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    rows = network.architecture.rows
    last = max((row.index for row in rows if row.kind == "conv"), default=0)
    if not last:
        raise InputError(f"Grad-CAM needs a convolution, {network.architecture.title} has none: choose another baseline.")
    if rows[last + 1].kind == "relu":
        last += 1
    with torch.inference_mode(False), torch.enable_grad():
        a = x.detach().clone()
        for row in range(1, last + 1):
            a = layer_output(network, row, a)
        a = a.detach().requires_grad_(True)
        slope = torch.autograd.grad(_forward(network, a, last + 1)[:, target].sum(), a)[0]
        weights = slope.mean((2, 3), keepdim=True)
        heat = (weights * a).sum(1, keepdim=True).relu().detach()
    heat = F.interpolate(heat, x.shape[-2:], mode="bilinear", align_corners=False)
    return heat.expand(x.shape) / x.shape[1]


def _edges(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    std = torch.tensor(network.std).to(x).reshape(1, -1, 1, 1)
    grey = (x * std).mean(1, keepdim=True)
    kernel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]).to(x)
    both = F.conv2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), torch.stack([kernel, kernel.T])[:, None])
    return both.norm(dim=1, keepdim=True).expand(x.shape) / x.shape[1]


def _random(network: Network, x: Tensor, target: int, seed: int) -> Tensor:
    values = np.random.default_rng(seed).standard_normal(tuple(x.shape[1:]))
    return torch.from_numpy(values).to(x)[None]


@dataclass(frozen=True)
class Method:
    """What a baseline computes, and whose idea it is."""

    title: str
    sentence: str
    make: Callable[[Network, Tensor, int, int], Tensor]


METHODS: dict[str, Method] = {
    "gradient": Method("Gradient", "Absolute gradient of the logit (Simonyan et al. 2014).", _gradient),
    "gradient_x_input": Method(
        "Gradient × input", "Gradient times the preprocessed value (Shrikumar et al. 2016).", _gradient_x_input
    ),
    "smoothgrad": Method(
        "SmoothGrad",
        f"Mean absolute gradient of {SMOOTH_COPIES} noisy copies, noise "
        f"{100 * SMOOTH_NOISE:.0f} % of the range of values (Smilkov et al. 2017).",
        _smoothgrad,
    ),
    "integrated_gradients": Method(
        "Integrated gradients",
        f"Value times the mean gradient on the way from the mean colour, {PATH_STEPS} points (Sundararajan et al. 2017).",
        _integrated_gradients,
    ),
    "gradcam": Method(
        "Grad-CAM",
        "Last convolution's activations weighted by their mean gradient, positive part, enlarged (Selvaraju et al. 2017).",
        _gradcam,
    ),
    "edges": Method(
        "Edges", "Sobel's edges of the picture: uses neither the network nor the class (Adebayo et al. 2018).", _edges
    ),
    "random": Method("Random", "Normally distributed values: carries no information.", _random),
}


@dataclass(frozen=True)
class Baseline:
    """A baseline as a model.

    Attributes
    ----------
    method : str
        A key of `METHODS`.
    seed : int
        Of SmoothGrad's noise and the random map.
    """

    method: str
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f'baselines: must be some of {", ".join(METHODS)}, got "{self.method[:40]}"')

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.method

    @property
    def title(self) -> str:
        """What the screen calls it."""
        return METHODS[self.method].title

    @property
    def key(self) -> str:
        """All that the map depends on besides network, picture and class."""
        return hashlib.sha256(f"baseline {self.method} {self.seed}".encode()).hexdigest()

    def relevance(self, network: Network, x: Tensor, target: int, slopes: dict[int, Tensor] | None = None) -> Tensor:
        """The map, (3, H, W); of those without channels a third in each.

        Parameters
        ----------
        x : Tensor
            Preprocessed picture, (1, 3, H, W).
        target : int
            Class that is explained; edges and random do not look at it.
        slopes : dict, optional
            Gradients of this input under this network by class, which methods share; missing ones are added.
        """
        x = x.to(network.dtype)
        of_slope = OF_SLOPE.get(self.method)
        if of_slope is None or slopes is None:
            return METHODS[self.method].make(network, x, target, self.seed)[0]
        if target not in slopes:
            slopes[target] = gradients(network, x, target)
        return of_slope(x, slopes[target])[0]
