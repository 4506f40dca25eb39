"""Measures on more workers and more pictures: ``python -m benchmarks.scale ray|many``.

- ``ray``: SRG of some samples under two composites, on a local Ray of one and of two workers with one thread each, in turn;
  the start of Ray and of its workers counts. The values must be those of a run without Ray.
- ``many``: `vislrp measure` with class cosine and Gini under two composites on many crops of the samples: minutes, and the
  largest memory of all its processes together.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import torch
from PIL import Image

from benchmarks.machine import describe
from vislrp_core.cli.pictures import find_images
from vislrp_core.composites import composite
from vislrp_core.experiments import MemoryRecord, Picture, Workspace, run_all
from vislrp_core.experiments.ray_pool import RayPool
from vislrp_core.measures import MeasureTask
from vislrp_core.network import Network
from vislrp_core.networks import load_network
from vislrp_core.resources import sample_images

MODELS = ("epsilon_plus_flat", "epsilon_gamma_box")
RATIO, MEGABYTES = 1.7, 2000
"""What two workers must gain, and what a thousand pictures may take."""
CROP = 256
BETWEEN = 0.2
"""Seconds between two looks at the memory."""


def values(network: Network, tasks: Sequence[MeasureTask], workers: int) -> tuple[float, list[float]]:
    """Seconds and values in the order of the tasks; without Ray for 0 workers."""
    begin = time.perf_counter()
    pool = RayPool(network, workers=workers) if workers else None
    found = {
        id(one.task): one.result.value if one.result is not None else float("nan")
        for one in run_all(network, tasks, workspace=Workspace(network), record=MemoryRecord(), pool=pool)
    }
    return time.perf_counter() - begin, [found[id(task)] for task in tasks]


def ray(options: argparse.Namespace) -> None:
    """Print the seconds of one and of two workers, and their ratio."""
    torch.set_num_threads(1)
    network = load_network(options.network)
    pictures = [Picture.of(path) for path in find_images([str(sample_images())])[: options.pictures]]
    tasks = [MeasureTask(picture, composite(key), "srg") for picture in pictures for key in MODELS]
    seconds: dict[int, list[float]] = {1: [], 2: []}
    found = {}
    for _ in range(options.rounds):
        for workers, taken in seconds.items():
            spent, found[workers] = values(network, tasks, workers)
            taken.append(spent)
    alone, expected = values(network, tasks, 0)
    for workers in seconds:
        worst = max(abs(one - other) for one, other in zip(found[workers], expected, strict=True))
        assert worst <= 1e-5, f"{workers} workers: values differ by {worst:.1e}"
    for workers, taken in seconds.items():
        print(f"{workers} worker(s): {', '.join(f'{one:.1f}' for one in taken)} s")
    ratio = statistics.median(seconds[1]) / statistics.median(seconds[2])
    print(f"without Ray, one thread: {alone:.1f} s; {len(tasks)} values, the same within 1e-5")
    print(f"ratio {ratio:.2f} (at least {RATIO}: {'yes' if ratio >= RATIO else 'no'}); {describe()}")


def crops(folder: Path, count: int) -> None:
    """Squares cut from the samples at random, as JPEG files."""
    dice = random.Random(0)
    whole = [Image.open(path).convert("RGB") for path in find_images([str(sample_images())])]
    for number in range(count):
        picture = whole[number % len(whole)]
        left, top = (dice.randrange(max(side - CROP, 1)) for side in picture.size)
        picture.crop((left, top, left + CROP, top + CROP)).save(folder / f"{number:04}.jpg", quality=90)


def many(options: argparse.Namespace) -> None:
    """Print how long the run takes, and its largest memory."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "crops"
        folder.mkdir()
        crops(folder, options.pictures)
        models = [word for key in MODELS for word in ("--model", key)]
        command = [sys.executable, "-m", "vislrp_core", "measure", str(folder), *models]
        command += ["--metrics", "class_cosine,gini", "--workers", str(options.workers), "--network", options.network]
        begin = time.perf_counter()
        process = subprocess.Popen([*command, "--out", str(Path(place) / "out")], stdout=subprocess.DEVNULL)
        record = Path(place) / "out" / "measures.jsonl"
        looks: list[tuple[int, float]] = []
        while process.poll() is None:
            looks.append((record.stat().st_size if record.exists() else 0, resident(process.pid)))
            time.sleep(BETWEEN)
        minutes = (time.perf_counter() - begin) / 60
        assert process.returncode == 0, f"the command ended with {process.returncode}"
        size, count = record.stat().st_size, len(record.read_bytes().splitlines())
    largest = max(memory for _, memory in looks)
    print(
        f"{options.pictures} pictures, {len(MODELS)} models, {count} values, {options.workers} process(es): "
        f"{minutes:.1f} minutes; {describe()}"
    )
    for share in (0.1, 0.25, 0.5, 1.0):
        until = max(memory for done, memory in looks if done <= share * size)
        print(f"largest memory of all processes together in the first {share:.0%}: {until:.0f} MB")
    print(f"at most {MEGABYTES} MB: {'yes' if largest <= MEGABYTES else 'no'}")


def resident(pid: int) -> float:
    """Memory of a process and its children in MB, what they share counted once (Linux), or as often as they use it."""
    total = 0.0
    try:
        for one in (root := psutil.Process(pid), *root.children(recursive=True)):
            about = one.memory_full_info()
            total += getattr(about, "pss", about.rss) / 1e6
    except psutil.NoSuchProcess:
        pass
    return total


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").split("\n\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    for name, run, pictures in (("ray", ray, 8), ("many", many, 1000)):
        one = parts.add_parser(name, help=(run.__doc__ or "").splitlines()[0])
        one.add_argument("--network", default="embedded")
        one.add_argument("--pictures", type=int, default=pictures)
        one.set_defaults(run=run)
        if name == "ray":
            one.add_argument("--rounds", type=int, default=2)
        else:
            one.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
