"""Parity with Zennit at every layer in float64, for all architectures at their full widths: ``python -m benchmarks.parity``.

The tests do the same with narrow networks, against the literal second implementation too; here the widths are the declared
ones and the weights random. Prints the largest difference at any layer, relative to the layer's largest value.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from tests.core import zennit_twin
from tests.support.networks import random_image, tiny_state
from tests.support.small import ALL
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, forward
from vislrp_core.propagation import propagate, start_relevance
from vislrp_core.rules import PRESETS, Rule

BAR = 1e-6


def worst(network: Network, model: LRPModel) -> float:
    """Largest relative difference from Zennit at any layer."""
    trace = forward(network, random_image(seed=1))
    target = int(trace.logits.argmax())
    theirs = zennit_twin.relevance(network, trace, model, start_relevance(trace, target, model.start))
    ours = propagate(network, trace, model, target, layers="all")
    return max(float((ours.at(k) - theirs[k].reshape(ours.at(k).shape)).abs().max() / theirs[k].abs().max())
               for k in ours.layers)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="KEY",
                        help="architecture (may be given several times)")
    parser.add_argument("--presets", default=",".join(key for key in PRESETS if key != "custom"))
    parser.add_argument("--divisor", type=int, default=1, help="so many times narrower, to try the script")
    options = parser.parse_args(arguments)
    hidden = (4096 // options.divisor, 4096 // options.divisor)
    for key, normalised in ALL:
        if options.only and key not in options.only:
            continue
        state = tiny_state(2, divisor=options.divisor, hidden=hidden, classes=1000 // options.divisor, dtype=torch.float64,
                           architecture=key, normalised=normalised)
        network = Network.from_state_dict(state, any_width=options.divisor > 1)
        for preset in options.presets.split(","):
            found = {}
            for bias in ("ignore", "absorb"):
                for pooling in ("proportional", "winner-takes-all"):
                    model = LRPModel(architecture=key, bias=bias, pooling=pooling, pixel_rule="segment", segments=(
                        Segment(first=1, last=network.architecture.last, rule=Rule.of(preset)),))
                    found[bias, pooling] = worst(network, model)
            largest = max(found.values())
            verdict = "" if largest < BAR else " DIFFERS"
            print(f"{key}{'_bn' if normalised else ''} {preset}: {largest:.1e}{verdict}", flush=True)


if __name__ == "__main__":
    main()
