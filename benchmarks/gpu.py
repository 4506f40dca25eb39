"""Pictures per second on a GPU: this engine, Zennit, Captum and a plain gradient, γ/ε/0 on a full VGG16 in float32.

    python -m benchmarks.gpu [--device cuda] [--batches 1,8,64] [--rounds 5] [--out DIR]

Takes well under six minutes on one GPU; maps are compared before times. ``--tiny`` takes a narrow network, so that the
script itself can be tried on any machine with ``--device cpu``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import machine, schemes
from benchmarks.__main__ import agreement, image, random_vgg16
from vislrp_core.batches import forward_many, propagate_batch
from vislrp_core.network import Network

MIXED = schemes.COMPOSITES["γ/ε/0"]
BAR = 3.0
"""Times as many pictures per second as Zennit."""


def pictures(count: int) -> Tensor:
    """Different pictures, (count, 3, 224, 224)."""
    one = image()
    return torch.cat([one.roll(shifts=7 * place, dims=3) * (1 - 0.3 * place / count) for place in range(count)])


def engine(network: Network, x: Tensor, targets: Sequence[int]) -> Tensor:
    """This engine's relevance of the pixels, forward pass included."""
    found = propagate_batch(network, forward_many(network, x), MIXED, targets, layers=(0,))
    return torch.stack([one.at(0) for one in found])


def runs(network: Network, x: Tensor, targets: Sequence[int]) -> dict[str, Callable[[], Tensor]]:
    """What is timed, by name; each gives (B, 3, 224, 224)."""
    gradient, zennit, captum = schemes.Gradient(network), schemes.Zennit(network), schemes.Captum(network)
    return {
        "gradient": lambda: gradient.pictures(x, targets),
        "this engine": lambda: engine(network, x, targets),
        "Zennit": lambda: zennit.pictures(x, MIXED, targets),
        "Captum": lambda: captum.pictures(x, MIXED, targets),
    }


def seconds(run: Callable[[], object], device: str, rounds: int) -> float:
    """Median time of a run after two to warm up."""
    times = []
    for number in range(rounds + 2):
        begin = time.perf_counter()
        run()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        if number > 1:
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(network: Network, device: str, batches: Sequence[int], rounds: int) -> list[dict[str, object]]:
    """One row for each library and batch: pictures per second, ratio to the gradient, peak memory."""
    rows: list[dict[str, object]] = []
    for size in batches:
        x = pictures(size).to(device=network.device, dtype=network.dtype)
        targets = [place % network.num_classes for place in range(size)]
        found = runs(network, x, targets)
        print(agreement(found["this engine"](), found["Zennit"](), f"batch {size} with Zennit"))
        taken = {}
        for name, run in found.items():
            if device.startswith("cuda"):
                torch.cuda.reset_peak_memory_stats()
            taken[name] = seconds(run, device, rounds)
            peak = torch.cuda.max_memory_allocated() / 1e9 if device.startswith("cuda") else None
            rows.append(
                {
                    "library": name,
                    "batch": size,
                    "pictures_per_second": size / taken[name],
                    "ratio_to_gradient": taken[name] / taken["gradient"],
                    "peak_gb": peak,
                }
            )
        rows[-1]["engine_to_zennit"] = taken["Zennit"] / taken["this engine"]
    return rows


def table(rows: Sequence[dict[str, object]]) -> str:
    """Markdown."""
    lines = ["| library | batch | pictures per second | ratio to the gradient | peak GB |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        peak = "" if row["peak_gb"] is None else f"{row['peak_gb']:.1f}"
        lines.append(
            f"| {row['library']} | {row['batch']} | {row['pictures_per_second']:.1f} | "
            f"{row['ratio_to_gradient']:.2f} | {peak} |"
        )
    found = [(row["batch"], row["engine_to_zennit"]) for row in rows if "engine_to_zennit" in row]
    lines += ["", *(f"Batch {size}: {times:.2f} times as fast as Zennit (bar {BAR:.0f})." for size, times in found)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batches", default="1,8,64", help="pictures at once, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="a network with few channels, to try the script")
    parser.add_argument("--out", type=Path, help="folder for gpu.json and gpu.md")
    options = parser.parse_args(arguments)
    network = random_vgg16(divisor=16 if options.tiny else 1).to(device=options.device)
    where = torch.cuda.get_device_name() if options.device.startswith("cuda") else machine.describe()
    rows = measure(network, options.device, [int(size) for size in options.batches.split(",")], options.rounds)
    text = f"{where}; torch {torch.__version__}, float32, γ/ε/0.\n\n{table(rows)}\n"
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "gpu.json").write_text(json.dumps({"where": where, "rows": rows}, indent=1), encoding="utf-8")
        (options.out / "gpu.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
