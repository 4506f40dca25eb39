"""Draw the small pictures on the cards of the welcome page: ``python -m tools.make_case_pictures``.

They are real results of the embedded network; run it again when that network or the cases change.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from vislrp_core.heatmap import colour, limit, picture
from vislrp_core.images import network_view, read_image, to_input
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Trace, class_index, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate
from vislrp_core.rules import Rule

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "vislrp_ui" / "assets" / "cases"
SIDE = 144
NETWORK = load_network("embedded")


def trace_of(sample: str) -> tuple[Image.Image, Trace]:
    """The network's view of a sample image and its forward pass."""
    photograph = read_image(ROOT / "sample_images" / f"{sample}.jpg")
    return network_view(photograph), forward(NETWORK, to_input(photograph, NETWORK))


def one_rule(rule: Rule) -> LRPModel:
    """One rule on all layers."""
    return LRPModel(name="one rule", segments=(Segment(first=1, last=38, rule=rule),))


def stored(name: str) -> LRPModel:
    """An example model."""
    return LRPModel.load(ROOT / "model_store" / f"{name}.json")


def save(case: str, number: int, pictures: dict[str, Image.Image]) -> None:
    """Write a picture for the light and for the dark page."""
    for mode, image in pictures.items():
        image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(
            FOLDER / f"{case}_{number}_{mode}.webp", quality=80, method=6
        )


def drawn(values: np.ndarray, strongest: float | None = None) -> dict[str, Image.Image]:
    """A map in the colours of both pages."""
    strongest = limit(values) if strongest is None else strongest
    return {mode: picture(colour(values, strongest, dark=mode == "dark"), SIDE * 2) for mode in ("light", "dark")}


def maps(trace: Trace, target: int, models: list[LRPModel]) -> Iterator[np.ndarray]:
    """Pixel maps of several models."""
    for model in models:
        yield propagate(NETWORK, trace, model, target).map(0)


def main() -> None:
    """Draw all sixteen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    _, trace = trace_of("castle_on_lake")
    rules = [
        Rule.of("epsilon", epsilon=0.3),
        Rule.of("gamma", gamma1p=0.3),
        Rule.of("alpha1_beta0"),
        Rule.of("alpha_beta", alpha=2.0, beta=1.0),
    ]
    for number, values in enumerate(maps(trace, class_index(NETWORK, "top", trace), [one_rule(r) for r in rules]), 1):
        save("rules", number, drawn(values))

    view, trace = trace_of("guitar_and_drums")
    target = class_index(NETWORK, "top", trace)
    names = ["configuration_1", "configuration_2", "configuration_4", "configuration_5"]
    for number, values in enumerate(maps(trace, target, [stored(name) for name in names]), 1):
        save("configurations", number, drawn(values))

    model = stored("configuration_4")
    values = propagate(NETWORK, trace, model, target).map(0)
    squares = values.reshape(28, 8, 28, 8).sum(axis=(1, 3))
    chosen = squares >= np.quantile(squares, 0.88)
    mask = np.kron(chosen, np.ones((8, 8))).astype(bool)
    flipped = np.asarray(view).copy()
    flipped[mask] = np.rint(np.asarray(NETWORK.mean) * 255)
    after = Image.fromarray(flipped)
    second = forward(NETWORK, to_input(after, NETWORK, "squash"))
    save("flipping", 1, dict.fromkeys(("light", "dark"), view))
    save("flipping", 2, drawn(values))
    save("flipping", 3, dict.fromkeys(("light", "dark"), after))
    save("flipping", 4, drawn(propagate(NETWORK, second, model, target).map(0), limit(values)))

    _, trace = trace_of("coffee_cup")
    layer = 30
    relevance = propagate(NETWORK, trace, model, class_index(NETWORK, "top", trace), layers=[layer]).at(layer).numpy()
    best = np.argsort(relevance.sum(axis=(1, 2)))[::-1][:4]
    for number, neuron in enumerate(best, 1):
        save("ablation", number, drawn(relevance[neuron]))


if __name__ == "__main__":
    main()
