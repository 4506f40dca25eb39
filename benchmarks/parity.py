"""Parity with Zennit at every layer in float64, for all architectures at their full widths: ``python -m benchmarks.parity``.

The tests do the same with narrow networks, against the literal second implementation too; here the widths are the
declared ones and the weights random. For each bias and pooling, weighted layers take the presets in turn, another one first
each time; ``--whole`` tries each preset on all layers instead, which takes hours. Prints the largest difference at any
layer, relative to the layer's largest value.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import product

import torch

from tests.core import zennit_twin
from tests.support.networks import random_image, tiny_state
from tests.support.small import ALL
from vislrp_core.architecture import Architecture
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, forward
from vislrp_core.propagation import propagate, start_relevance
from vislrp_core.rules import PRESETS, Rule

BAR = 1e-6
CONVENTIONS = tuple(product(("ignore", "absorb"), ("proportional", "winner-takes-all")))
"""Bias and pooling."""
ZENNITS = tuple(key for key in PRESETS if key != "custom")
"""Presets that Zennit knows too."""


def worst(network: Network, model: LRPModel) -> float:
    """Largest relative difference from Zennit at any layer."""
    trace = forward(network, random_image(seed=1))
    target = int(trace.logits.argmax())
    theirs = zennit_twin.relevance(network, trace, model, start_relevance(trace, target, model.start))
    ours = propagate(network, trace, model, target, layers="all")
    return max(
        float((ours.at(k) - theirs[k].reshape(ours.at(k).shape)).abs().max() / theirs[k].abs().max()) for k in ours.layers
    )


def in_turn(plan: Architecture, first: int, bias: str, pooling: str) -> LRPModel:
    """A segment for each weighted layer; they take the presets in turn."""
    firsts = [1, *plan.weighted[1:]]
    ends = [*(row - 1 for row in firsts[1:]), plan.last]
    segments = tuple(
        Segment(first=row, last=end, rule=Rule.of(ZENNITS[(place + first) % len(ZENNITS)]))
        for place, (row, end) in enumerate(zip(firsts, ends, strict=True))
    )
    return LRPModel(architecture=plan.key, segments=segments, pixel_rule="segment", bias=bias, pooling=pooling)  # type: ignore[arg-type]


def models(plan: Architecture, whole: bool) -> Iterator[tuple[str, LRPModel]]:
    """What is compared, and what it is called."""
    for number, (bias, pooling) in enumerate(CONVENTIONS):
        for preset in ZENNITS if whole else ():
            yield (
                f"{preset}, {bias}, {pooling}",
                LRPModel(
                    architecture=plan.key,
                    bias=bias,
                    pooling=pooling,
                    pixel_rule="segment",  # type: ignore[arg-type]
                    segments=(Segment(first=1, last=plan.last, rule=Rule.of(preset)),),
                ),
            )
        if not whole:
            yield f"presets in turn, {bias}, {pooling}", in_turn(plan, 2 * number, bias, pooling)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--only", action="append", default=[], metavar="KEY", help="architecture (may be given several times)"
    )
    parser.add_argument("--whole", action="store_true", help="each preset on all layers")
    parser.add_argument("--divisor", type=int, default=1, help="so many times narrower, to try the script")
    options = parser.parse_args(arguments)
    hidden = (4096 // options.divisor, 4096 // options.divisor)
    for key, normalised in ALL:
        if options.only and key not in options.only:
            continue
        state = tiny_state(
            2,
            divisor=options.divisor,
            hidden=hidden,
            classes=1000 // options.divisor,
            dtype=torch.float64,
            architecture=key,
            normalised=normalised,
        )
        network = Network.from_state_dict(state, any_width=options.divisor > 1)
        del state
        for title, model in models(network.architecture, options.whole):
            begin, largest = time.perf_counter(), worst(network, model)
            verdict = "" if largest < BAR else ", DIFFERS"
            print(
                f"{key}{'_bn' if normalised else ''}: {title}: {largest:.1e}{verdict} ({time.perf_counter() - begin:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
