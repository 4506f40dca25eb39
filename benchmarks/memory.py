"""Resident memory of the app's engine and caches: ``python -m benchmarks.memory [--network embedded|random]``.

Fifty explanations over ten pictures, through the door that the pages use, measured beyond what importing streamlit, torch
and torchvision take on their own.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import tempfile
from pathlib import Path

import psutil
import streamlit
import torch
import torchvision

from benchmarks.machine import describe

IMAGES, EXPLANATIONS = 10, 50


def resident() -> float:
    """Resident memory of this process in MB."""
    return float(psutil.Process().memory_info().rss / 1e6)


def write_random(path: str) -> None:
    """Save a VGG16 of full width with random weights as a state dict."""
    from benchmarks.__main__ import random_vgg16

    network = random_vgg16()
    torch.save(
        {
            f"{network.architecture.rows[k].module}.{kind}": tensors[k]
            for kind, tensors in (("weight", network.weights), ("bias", network.biases))
            for k in tensors
        },
        path,
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="embedded", help="embedded, random, imagenet or a path")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.network == "random":
            options.network = str(Path(folder) / "random.pth")
            # In a process of its own, so that its memory is not counted.
            maker = multiprocessing.get_context("spawn").Process(target=write_random, args=(options.network,))
            maker.start()
            maker.join()
        measure(options.network)


def measure(name: str) -> None:
    """Explain with one network and print a table."""
    torch.zeros(8, 8) @ torch.zeros(8, 8)
    imported = resident()

    from vislrp_core.model import LRPModel
    from vislrp_ui import running, service
    from vislrp_ui.caches import budget
    from vislrp_ui.samples import samples
    from vislrp_ui.state import ImageRef

    network = running.network(name)
    loaded = resident()
    store = Path(__file__).resolve().parents[1] / "model_store"
    models = [LRPModel.load(path) for path in sorted(store.glob("*.json")) if "vislrp-model" in path.read_text("utf-8")]
    images = [ImageRef("sample", name) for name in list(samples())[:IMAGES]]
    highest = loaded
    for image, model in itertools.islice(itertools.product(images, models), EXPLANATIONS):
        service.maps(network, image, model)
        highest = max(highest, resident())
    print(f"{describe()}; streamlit {streamlit.__version__}, torchvision {torchvision.__version__}")
    print(
        f"{network.title}, caches bounded to {budget() / 1e6:.0f} MB, {EXPLANATIONS} explanations over {IMAGES} pictures\n"
    )
    print("| resident memory | MB |\n|---|---:|")
    print(f"| imports of streamlit, torch, torchvision | {imported:.0f} |")
    print(f"| network loaded | {loaded:.0f} |")
    print(f"| after the last explanation | {resident():.0f} |\n| highest | {highest:.0f} |")
    print(f"| beyond the imports | {resident() - imported:.0f} |")


if __name__ == "__main__":
    main()
