"""Networks of every known architecture for small pictures, and toy chains that are not among them: checks at every layer
take moments."""

from __future__ import annotations

import torch

from tests.support.networks import for_pictures_of, tiny_network
from vislrp_core.architecture import Architecture, chain, conv, linear, pool, relu
from vislrp_core.network import Network

SIDE = 64
ALL = [
    *((key, normalised) for key in ("vgg11", "vgg13", "vgg16", "vgg19") for normalised in (False, True)),
    ("alexnet", False),
]
"""The nine architectures: key, and whether batch normalisation was folded in."""


def small_network(
    key: str,
    normalised: bool = False,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    side: int = SIDE,
    divisor: int = 16,
) -> Network:
    """A narrow network of a known architecture that takes pictures of ``side`` pixels."""
    whole = tiny_network(seed, torch.float64, architecture=key, normalised=normalised, divisor=divisor)
    return for_pictures_of(whole, side).to(dtype=dtype)


def picture(plan: Architecture, seed: int = 0, count: int = 1, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Random input with some structure, (count, 3, side, side) or (count, length)."""
    dice = torch.Generator().manual_seed(seed)
    shape = (count, *plan.input_shape)
    fine = torch.randn(shape, generator=dice, dtype=torch.float64)
    if len(shape) == 2:
        return fine.to(dtype)
    coarse = torch.randn((count, 3, 8, 8), generator=dice, dtype=torch.float64)
    whole = torch.nn.functional.interpolate(coarse, size=shape[-1], mode="bilinear") + 0.3 * fine
    return whole.clamp(-2.1, 2.2).to(dtype)


TOYS = {
    "odd windows": chain(
        "toy",
        "Toy",
        [
            [conv("c1", 4, 7, stride=3, padding=4), relu("r1"), pool("p1", 3, 2)],
            [conv("c2", 5, 4, stride=2, padding=1), relu("r2"), pool("p2", 2, 1)],
        ],
        [linear("f1", 6), relu("r3"), linear("f2", 4)],
        input_size=41,
    ),
    "no padding, no ReLU between": chain(
        "toy",
        "Toy",
        [[conv("c1", 4, 5, stride=2, padding=0), conv("c2", 5, 3, padding=0), relu("r2")]],
        [linear("f1", 3)],
        input_size=17,
    ),
    "wider padding than picture": chain(
        "toy", "Toy", [[conv("c1", 3, 5, padding=4), relu("r1"), pool("p1", 3, 3)]], [linear("f1", 3)], input_size=5
    ),
    "vectors alone": chain(
        "toy", "Toy", [], [linear("f1", 5), relu("r1"), linear("f2", 4), relu("r2"), linear("f3", 3)], input_size=3
    ),
}
"""Chains whose windows, strides and borders no known architecture has."""


def toy_network(name: str, seed: int = 0, dtype: torch.dtype = torch.float64) -> Network:
    """A toy chain with random weights."""
    plan, dice = TOYS[name], torch.Generator().manual_seed(seed)
    weights, biases = {}, {}
    inputs = plan.input_shape[0]
    for index in plan.weighted:
        row = plan.rows[index]
        if plan.last_feature >= 0 and index == min(k for k in plan.weighted if k > plan.last_feature):
            inputs *= plan.positions
        size = (row.channels or 1, inputs) + ((row.kernel, row.kernel) if row.kind == "conv" else ())
        fan = inputs * (row.kernel**2 if row.kind == "conv" else 1)
        weights[index] = torch.randn(size, generator=dice, dtype=torch.float64) * (2 / fan) ** 0.5
        biases[index] = torch.randn(size[0], generator=dice, dtype=torch.float64) * 0.1
        inputs = size[0]
    classes = tuple(f"class {number}" for number in range(inputs))
    return Network(weights, biases, classes, architecture=plan).to(dtype=dtype)
