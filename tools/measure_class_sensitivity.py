"""Measure which LRP models tell two classes of one image apart: ``python -m tools.measure_class_sensitivity [NETWORK]``.

For every sample image with two objects, and for Configurations 1 to 5 of the guide's case 2, the cosine between the maps of
the two classes. Likewise what the guide's case 1 says of its rules, on its picture. The tables replace those between the
marks in docs/compare.md; run it again when the network, the example models or the sample images change.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vislrp_core import metrics
from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate
from vislrp_core.resources import model_store
from vislrp_ui.compare.sets import SETS, two_object_samples
from vislrp_ui.samples import samples

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "compare.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
RULES_BEGIN, RULES_END = "<!-- measured rules: begin -->", "<!-- measured rules: end -->"
MODELS = SETS["configurations"].models()


def measure(network: Network, image: str, classes: tuple[str, str]) -> tuple[list[tuple[int, float]], list[float]]:
    """Rank and probability of both classes, and the cosine under every model."""
    trace = forward(network, to_input(read_image(samples()[image].path), network))
    targets = [network.classes.index(name) for name in classes]
    order = [prediction.index for prediction in trace.predictions(network.num_classes)]
    odds = [(order.index(target) + 1, float(trace.probabilities[target])) for target in targets]
    return odds, [
        metrics.cosine(*(propagate(network, trace, model, target, layers=(0,)).map(0) for target in targets))
        for model in MODELS
    ]


def table(network: Network) -> list[str]:
    """Lines of the table, one per image."""
    numbers = [model.name.rsplit(" ", 1)[1] for model in MODELS]
    lines = ["| image | class A | class B | " + " | ".join(numbers) + " |", "|---|---|---|" + "---:|" * len(MODELS)]
    for image, classes in two_object_samples().items():
        odds, values = measure(network, image, classes)
        named = [f"{name} (rank {rank}, {100 * share:.1f} %)" for name, (rank, share) in zip(classes, odds, strict=True)]
        lines.append(f"| {image} | {named[0]} | {named[1]} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
        print(lines[-1], flush=True)
    return [line.replace("-0.", "−0.") for line in lines]


def roughness(values: NDArray[np.floating]) -> float:
    """Differences between neighbouring pixels, over the sum of absolute values: about 2.8 for independent normal noise."""
    steps = (np.abs(np.diff(values, axis=axis)).sum() for axis in (0, 1))
    return float(sum(steps) / np.abs(values).sum())


def rules(network: Network) -> list[str]:
    """Lines of the table of case 1: its rules, and the composite of its last step, for both classes of its picture."""
    image = SETS["rules"].image
    trace = forward(network, to_input(read_image(samples()[image].path), network))
    targets = [network.classes.index(name) for name in two_object_samples()[image]]
    score = float(trace.logits[targets[0]])
    lines = [
        f"On {image}, for “{network.classes[targets[0]]}” with a score of {score:.2f}; the cosine is that with the map for "
        f"“{network.classes[targets[1]]}”.",
        "",
        "| model | pixels add up to | negative share | Gini | roughness | cosine |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for model in (*SETS["rules"].models(), LRPModel.load(model_store() / "overview_composite.json")):
        first, second = (propagate(network, trace, model, target, layers=(0,)).map(0) for target in targets)
        told = (first.sum(), 1 - metrics.positive_share(first), metrics.gini(first), roughness(first))
        numbers = " | ".join(f"{value:.3f}" for value in (*told, metrics.cosine(first, second)))
        lines.append(f"| {model.name} | {numbers} |")
        print(lines[-1], flush=True)
    return lines


def write(begin: str, end: str, lines: list[str]) -> None:
    """Put lines between two marks of the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    DOCUMENT.write_text("\n".join([before + begin, *lines, end + after]), encoding="utf-8")


def main() -> None:
    """Measure and write."""
    network = load_network(sys.argv[1] if len(sys.argv) > 1 else "embedded")
    head = [f"Network: {network.title}, weights {network.digest[:12]}; float32.", ""]
    write(RULES_BEGIN, RULES_END, [*head, *rules(network)])
    write(BEGIN, END, [*head, *table(network)])


if __name__ == "__main__":
    main()
