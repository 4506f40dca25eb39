"""The picture and the numbers of one ablation: ``python -m tools.draw_ablation_case IMAGE --ablate 30:1,2 --out FILE.webp``

Four panels: the image, its relevance, the part that flows through the neurons, and the remainder; the last two add up to
the second, and all three share one range.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.ablation import ablate, pass_on
from vislrp_core.heatmap import channel_sum, colour, limit
from vislrp_core.images import network_view, read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Prediction, forward, rank
from vislrp_core.networks import load_network
from vislrp_core.neurons import check_layer, split_set
from vislrp_core.propagation import propagate

ROOT = Path(__file__).resolve().parents[1]
GAP = 8


@dataclass(frozen=True, eq=False)
class Drawn:
    """One ablation: relevance maps (224, 224) of the first class, and predictions with and without the neurons."""

    whole: NDArray[np.float64]
    through: NDArray[np.float64]
    rest: NDArray[np.float64]
    before: list[Prediction]
    after: list[Prediction]
    panels: Image.Image

    def facts(self, title: str, count: int) -> str:
        """Sums and first classes as Markdown."""
        lines = [
            f"{title}, {count} neurons; Σ of the map {self.whole.sum():.2f}, through the neurons "
            f"{self.through.sum():.2f}, remainder {self.rest.sum():.2f}",
            "",
            "| | before | | after | |",
            "|---|---|---|---|---|",
        ]
        for place, (one, other) in enumerate(zip(self.before, self.after, strict=True), start=1):
            lines.append(
                f"| {place} | {one.name} | {100 * one.probability:.1f} % | {other.name} | {100 * other.probability:.1f} % |"
            )
        return "\n".join(lines)


def draw(path: Path, network: Network, model: LRPModel, layer: int, neurons: Sequence[int], top: int = 5) -> Drawn:
    """Compute and draw."""
    photograph = read_image(path)
    trace = forward(network, to_input(photograph, network))
    relevance = propagate(network, trace, model, trace.predictions(1)[0].index, layers=(0, layer))
    parts = [pass_on(network, trace, model, layer, relevance.at(layer), neurons, complement=rest) for rest in (False, True)]
    maps = [np.asarray(channel_sum(part), dtype=np.float64) for part in (relevance.at(0), *parts)]
    shared = limit(maps)
    panels = [network_view(photograph), *(Image.fromarray(colour(one, shared)) for one in maps)]
    side = panels[0].width
    sheet = Image.new("RGB", (len(panels) * (side + GAP) - GAP, side), "white")
    for place, panel in enumerate(panels):
        sheet.paste(panel, (place * (side + GAP), 0))
    after = rank(ablate(network, trace, {layer: neurons}), network.classes, top)
    return Drawn(maps[0], maps[1], maps[2], trace.predictions(top), after, sheet)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the picture, print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("image", type=Path)
    parser.add_argument("--ablate", type=split_set, required=True, metavar="LAYER:NEURONS")
    parser.add_argument("--network", default="embedded")
    parser.add_argument("--model", type=Path, default=ROOT / "model_store" / "configuration_4.json")
    parser.add_argument("--out", type=Path, required=True, help="picture file")
    options = parser.parse_args(arguments)
    network = load_network(options.network)
    rows, (place, neurons) = network.architecture, options.ablate
    layer = check_layer(rows.resolve(place), rows)
    drawn = draw(options.image, network, LRPModel.load(options.model), layer, neurons)
    drawn.panels.save(options.out, quality=86, method=6)
    print(drawn.facts(f"{options.image.stem}, {rows.name(layer)}", len(neurons)))


if __name__ == "__main__":
    main()
