"""Single precision where the parts of a denominator nearly cancel, on the embedded network's real convolutions."""

from __future__ import annotations

from pathlib import Path

from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate
from vislrp_core.rules import Rule

ROOT = Path(__file__).resolve().parents[2]


def test_parts_that_cancel_thirty_thousandfold_keep_their_sign():
    """At conv4_2 the sums of w, w^- and w^2 cancel: one by one in single precision they turned the map around."""
    cancelling = Rule.of(
        "custom",
        alpha=0.7,
        beta=0.82,
        theta0=0.0,
        theta1=1.0,
        gamma0=0.0,
        gamma1=0.38,
        gamma1p=0.0,
        gamma1n=0.13,
        gamma2=0.82,
        epsilon=0.0,
    )
    rules = (
        (7, Rule.of("z_box")),
        (19, Rule.of("z_plus")),
        (20, cancelling),
        (35, Rule.of("w_square")),
        (38, Rule.of("epsilon")),
    )
    segments, first = [], 1
    for last, rule in rules:
        segments.append(Segment(first=first, last=last, rule=rule))
        first = last + 1
    model = LRPModel(name="cancelling", segments=tuple(segments), bias="absorb", pixel_rule="flat")
    maps = []
    for dtype in ("float32", "float64"):
        network = load_network("embedded", dtype=dtype)
        trace = forward(network, to_input(read_image(ROOT / "sample_images" / "scarlet_macaw.jpg"), network))
        maps.append(propagate(network, trace, model, 644, layers=(0,)).at(0).double().flatten())
    single, double = maps
    assert float(single @ double / single.norm() / double.norm()) > 0.9999
