"""Where do a layer's most relevant neurons carry the prediction? ``python -m tools.find_ablation_case [IMAGE ...]``

For every picture and layer, neurons are switched off by positive relevance until another class comes first; as many neurons
drawn at random, and as many with the least relevance, are the controls. The table behind `docs/ablation.md` is made by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vislrp_core.ablation import ablate, random_order
from vislrp_core.architecture import Architecture
from vislrp_core.experiments import AblationCurve, Picture, Workspace
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.networks import load_network
from vislrp_core.neurons import check_layer, format_neurons

ROOT = Path(__file__).resolve().parents[1]
LAYERS = "relu1_1,relu1_2,relu2_2,relu3_3,relu4_3,relu5_3,relu6,relu7"
BY = "positive_relevance"


@dataclass(frozen=True)
class Case:
    """The smallest measured number of neurons of a layer that changes a picture's first class.

    Attributes
    ----------
    before, after : float
        Probability of the picture's first class with all neurons and without these.
    random_changes, least_changes : int, bool
        How many of the random sets of this size change the first class too; whether the set with least relevance does.
    random_after : float
        Mean probability of the picture's first class without a random set.
    """

    image: str
    layer: int
    size: int
    neurons: tuple[int, ...]
    first: str
    now: str
    before: float
    after: float
    random_changes: int
    random_sets: int
    random_after: float
    least_changes: bool

    @property
    def selectivity(self) -> float:
        """By how much of the probability more these neurons cost than random ones."""
        return self.random_after - self.after


def counts_of(size: int, share: float, points: int = 12) -> NDArray[np.intp]:
    """Numbers of neurons to try: none, then from 1 up to a share of the layer, in even ratios."""
    end = max(1.0, share * size)
    return np.unique(np.concatenate([[0], np.rint(np.geomspace(1, end, points))])).astype(np.intp)


def search(workspace: Workspace, picture: Picture, model: LRPModel, layer: int, *, share: float, seeds: int) -> Case | None:
    """The case of one picture and layer; None if the first class stays up to this share of the layer."""
    network, trace = workspace.network, workspace.trace(picture)
    first, size = trace.predictions(1)[0], trace.shape(layer)[0]
    task = AblationCurve(picture, first.index, layer, tuple(counts_of(size, share).tolist()), "relevance", model, by=BY)
    order, found = task.neurons(workspace), task.run(network, workspace)
    count = found.neurons_to_change
    if count is None:
        return None
    place = found.counts.tolist().index(count)
    sets = [random_order(size, seed)[:count] for seed in range(seeds)]
    random = [ablate(network, trace, {layer: one.tolist()}) for one in sets]
    least = ablate(network, trace, {layer: order[::-1][:count].tolist()})
    return Case(
        Path(picture.path).stem,
        layer,
        size,
        tuple(sorted(order[:count].tolist())),
        first.name,
        network.classes[int(found.first_class[place])],
        first.probability,
        float(found.probabilities[place]),
        sum(int(logits.argmax()) != first.index for logits in random),
        seeds,
        float(np.mean([float(logits.double().softmax(0)[first.index]) for logits in random])),
        int(least.argmax()) != first.index,
    )


def cases(
    network: Network, model: LRPModel, images: Sequence[Path], layers: Sequence[int], *, share: float, seeds: int
) -> list[Case]:
    """Cases of all pictures and layers, the most selective first."""
    found = []
    workspace = Workspace(network)
    for path in images:
        picture = Picture.of(str(path))
        for layer in layers:
            case = search(workspace, picture, model, layer, share=share, seeds=seeds)
            if case is not None:
                found.append(case)
    return sorted(found, key=lambda case: -case.selectivity)


def table(found: Sequence[Case], rows: Architecture) -> str:
    """The cases as a Markdown table."""
    lines = [
        "| image | layer | switched off | first class, before → after | became first | random sets that change it, "
        "mean after | least relevant change it |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in found:
        lines.append(
            f"| {case.image} | {rows.name(case.layer)} | {len(case.neurons)} of {case.size} | {case.first} "
            f"{100 * case.before:.1f} → {100 * case.after:.1f} % | {case.now} | {case.random_changes} of "
            f"{case.random_sets}, {100 * case.random_after:.1f} % | {'yes' if case.least_changes else 'no'} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and the neurons of the first cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("images", nargs="*", type=Path, help="pictures (all sample images)")
    parser.add_argument("--network", default="embedded")
    parser.add_argument("--model", type=Path, default=ROOT / "model_store" / "configuration_4.json")
    parser.add_argument("--layers", default=LAYERS, help="names or numbers, separated by commas")
    parser.add_argument("--share", type=float, default=0.25, help="largest share of a layer that is switched off (0.25)")
    parser.add_argument("--seeds", type=int, default=5, help="random sets of the same size (5)")
    options = parser.parse_args(arguments)
    images = options.images or sorted((ROOT / "sample_images").glob("*.jpg"))
    network, model = load_network(options.network), LRPModel.load(options.model)
    rows = network.architecture
    layers = [check_layer(rows.resolve(name), rows) for name in options.layers.split(",")]
    found = cases(network, model, images, layers, share=options.share, seeds=options.seeds)
    print(
        f"{network.title}, {model.name}: first class changed in {len(found)} of {len(images) * len(layers)} "
        f"pictures and layers\n"
    )
    print(table(found, rows))
    for case in found[:5]:
        print(f"\n{case.image}, {rows.name(case.layer)}: {format_neurons(case.neurons)}")


if __name__ == "__main__":
    main()
