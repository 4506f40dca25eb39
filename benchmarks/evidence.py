"""Measures: speed next to Quantus and Zennit, interruptions, the published table: ``python -m benchmarks.evidence PART``.

- ``speed``: SRG of pictures and models per minute, and the same with Quantus's region perturbation (most and least relevant
  first) on Zennit's maps: same pictures, composites, patches, number of steps and threads.
- ``kills``: a run that is killed three times at random moments and resumed gives the same files as one that is not.
- ``table``: the models of docs/measures.md on pictures of your own, or on the samples.
- ``show``: tables of a folder that ``table`` wrote, as Markdown.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.machine import describe
from tests.core.zennit_twin import modules
from vislrp_core.cli.pictures import find_images
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.cores import usable_cores
from vislrp_core.experiments import Picture, Workspace
from vislrp_core.images import read_image, to_input
from vislrp_core.measures import MEASURES, MeasureTask
from vislrp_core.measures.summary import Summary, correlations, summarize
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network
from vislrp_core.networks import load_network
from vislrp_core.resources import model_store, sample_images
from vislrp_core.rules import Rule

PATCH, STEPS = 16, 14
SINGLE = {
    "LRP-ε 0.3": Rule.of("epsilon", epsilon=0.3),
    "LRP-γ 0.3": Rule.of("gamma", gamma1p=0.3),
    "LRP-α1β0": Rule.of("alpha1_beta0"),
}
EXAMPLES = ("configuration_1", "configuration_2", "configuration_4", "configuration_5", "overview_composite")
BASELINES = "gradient,gradient_x_input,gradcam,edges,random"
METRICS = "srg,aopc,abpc,class_cosine,top_randomised,mosaic,sensitivity,faithfulness,gini,entropy,conservation"
"""All that need no boxes, which the samples do not have: `--more --boxes FILE.csv --metrics ...` adds them."""


class Module(nn.Module):
    """The network as Zennit and Quantus take it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.chain, self.border = modules(network), network.architecture.last_feature

    def forward(self, x: Tensor) -> Tensor:
        for place, module in enumerate(self.chain, start=1):
            x = module(x.flatten(1) if place == self.border + 1 else x)
        return x


def ours(network: Network, pictures: Sequence[Picture], models: Sequence[str]) -> tuple[float, list[float]]:
    """Seconds, and SRG of every picture and model."""
    begin = time.perf_counter()
    space = Workspace(network)
    found = [MeasureTask(picture, composite(key), "srg").run(network, space).value for picture in pictures for key in models]
    return time.perf_counter() - begin, found


def theirs(network: Network, pictures: Sequence[Picture], models: Sequence[str]) -> float:
    """Seconds of Quantus on Zennit's maps."""
    import quantus
    from zennit import composites as zennit

    made = {"epsilon_plus_flat": zennit.EpsilonPlusFlat, "epsilon_alpha2_beta1_flat": zennit.EpsilonAlpha2Beta1Flat}
    module = Module(network).eval()
    begin = time.perf_counter()
    x = torch.cat([to_input(read_image(one.path), network, one.fit) for one in pictures])
    with torch.no_grad():
        targets = module(x).argmax(1)
    for key in models:
        leaf = x.clone().requires_grad_()
        with made[key]().context(module) as modified:
            output = modified(leaf)
            (relevance,) = torch.autograd.grad(output, leaf, torch.eye(output.shape[1])[targets])
        maps = relevance.sum(1, keepdim=True).detach().numpy()
        for order in ("morf", "lerf"):
            metric = quantus.RegionPerturbation(
                patch_size=PATCH,
                regions_evaluation=STEPS,
                order=order,
                normalise=False,
                perturb_baseline=0.0,
                disable_warnings=True,
                display_progressbar=False,
            )
            metric(
                model=module,
                x_batch=x.numpy(),
                y_batch=targets.numpy(),
                a_batch=maps,
                softmax=True,
                device="cpu",
                batch_size=len(pictures),
            )
    return time.perf_counter() - begin


def speed(options: argparse.Namespace) -> None:
    """Print both rates and their ratio."""
    torch.set_num_threads(options.threads)
    network = load_network(options.network)
    pictures = [Picture.of(path) for path in find_images([str(sample_images())])[: options.pictures]]
    models = ["epsilon_plus_flat", "epsilon_alpha2_beta1_flat"]
    rates: dict[str, list[float]] = {"this program": [], "Quantus and Zennit": []}
    ours(network, pictures[:1], models[:1])
    for _ in range(options.rounds):
        for name, run in (
            ("this program", lambda: ours(network, pictures, models)[0]),
            ("Quantus and Zennit", lambda: theirs(network, pictures, models)),
        ):
            rates[name].append(60 * len(pictures) * len(models) / run())
    best = {name: max(found) for name, found in rates.items()}
    for name, rate in best.items():
        print(f"{name}: {rate:.1f} pictures x models per minute (best of {options.rounds})")
    print(
        f"ratio {best['this program'] / best['Quantus and Zennit']:.2f}; {len(pictures)} pictures, {len(models)} models, "
        f"{PATCH} x {PATCH} patches, {STEPS} steps in each of two orders; {describe()}"
    )


def command(out: Path, pictures: Sequence[str], network: str, extra: Sequence[str] = ()) -> list[str]:
    """The command that measures the published models."""
    place = out.with_name(f"{out.name}_models")
    place.mkdir(parents=True, exist_ok=True)
    files = [str(model_store() / f"{name}.json") for name in EXAMPLES]
    for number, (name, rule) in enumerate(SINGLE.items()):
        model = LRPModel(name=name, segments=(Segment(first=1, last=38, rule=rule),))
        model.save(place / f"single_{number}.json")
        files.append(str(place / f"single_{number}.json"))
    models = [word for name in [*files[:5], *COMPOSITES, *files[5:]] for word in ("--model", name)]
    measure = [sys.executable, "-m", "vislrp_core", "measure", *pictures, *models]
    # One thread each: a pass on two threads is not twice as fast.
    measure += ["--baselines", BASELINES, "--metrics", METRICS, "--workers", str(usable_cores())]
    return [*measure, "--network", network, "--out", str(out), *extra]


def kills(options: argparse.Namespace) -> None:
    """Kill a run three times at random, resume it, compare its files with those of a run that was left alone."""
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        pictures = find_images([str(sample_images())])[:2]

        def run(out: str) -> list[str]:
            measure = [sys.executable, "-m", "vislrp_core", "measure", *pictures]
            models = ["--model", "epsilon_plus_flat", "--model", "falling_gamma", "--baselines", "edges,random"]
            metrics = ["--metrics", "class_cosine,top_randomised,gini"]
            return [*measure, *models, *metrics, "--network", options.network, "--out", str(Path(folder) / out)]

        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        begin = time.perf_counter()
        subprocess.run(run("whole"), check=True, env=environment, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        for number in range(3):
            process = subprocess.Popen(run("killed"), env=environment, stdout=subprocess.DEVNULL)
            moment = dice.uniform(0.1, 0.9) * seconds
            try:
                process.wait(moment)
                print(f"run {number + 1} was done before it could be killed")
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kept = Path(folder) / "killed" / "measures.jsonl"
                print(f"killed after {moment:.1f} s, {kept.read_bytes().count(b'{') if kept.exists() else 0} values kept")
        subprocess.run(run("killed"), check=True, env=environment, stdout=subprocess.DEVNULL)
        tables = [_values(Path(folder) / name) for name in ("whole", "killed")]
        assert tables[0].keys() == tables[1].keys()
        worst = max(abs(value - tables[1][key]) for key, value in tables[0].items() if math.isfinite(value))
        print(f"{len(tables[0])} values, largest difference {worst:.1e}")


def _values(folder: Path) -> dict[tuple[str, str, str], float]:
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / "measures.parquet").to_pylist()
    return {(row["image"], row["model"], row["metric"]): row["value"] for row in rows}


def table(options: argparse.Namespace) -> None:
    """Measure; an interrupted run can be resumed."""
    pictures = options.images or [str(sample_images())]
    run = command(Path(options.out), pictures, options.network, options.more)
    print(" ".join(run))
    subprocess.run(run, check=True)
    show(options)


def show(options: argparse.Namespace) -> None:
    """Means with intervals, marks, and which measures agree."""
    values = _values(Path(options.out))
    models = list(dict.fromkeys(model for _, model, _ in values))
    metrics = [metric for metric in MEASURES if any(key[2] == metric for key in values)]
    tables: dict[str, list[Summary]] = {}
    for metric in metrics:
        by_model: dict[str, dict[str, float]] = {model: {} for model in models}
        for (image, model, key), value in values.items():
            if key == metric and math.isfinite(value):
                by_model[model][image] = value
        tables[metric] = summarize(by_model, metric)
    arrows = {"high": " ↑", "low": " ↓", "": ""}
    print("| model | " + " | ".join(MEASURES[metric].title + arrows[MEASURES[metric].better] for metric in metrics) + " |")
    print("|---|" + "---:|" * len(metrics))
    for place, model in enumerate(models):
        print(f"| {model} | " + " | ".join(_cell(tables[metric][place]) for metric in metrics) + " |")
    keys, matrix = correlations(tables)
    print("\n| | " + " | ".join(MEASURES[key].title for key in keys) + " |\n|---|" + "---:|" * len(keys))
    for row, key in enumerate(keys):
        print(
            f"| {MEASURES[key].title} | "
            + " | ".join("–" if np.isnan(one) else f"{one:.2f}".replace("-", "−") for one in matrix[row])
            + " |"
        )
    skipped = Path(options.out) / "skipped.csv"
    with skipped.open(encoding="utf-8-sig", newline="") as file:
        print(f"\n{len({key[0] for key in values})} pictures, {len(list(csv.DictReader(file)))} left out")


def _cell(one: Summary) -> str:
    if not one.images:
        return "–"
    number = f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]".replace("-", "−")
    return f"**{number}**" if one.best else f"{number} ≈" if one.tied else number


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__.split("\n\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    for name, run in (("speed", speed), ("kills", kills), ("table", table), ("show", show)):
        one = parts.add_parser(name, help=(run.__doc__ or "").strip())
        one.set_defaults(run=run)
        one.add_argument("--network", default="embedded")
        if name == "speed":
            one.add_argument("--pictures", type=int, default=4)
            one.add_argument("--rounds", type=int, default=2)
            one.add_argument("--threads", type=int, default=torch.get_num_threads())
        if name == "kills":
            one.add_argument("--seed", type=int, default=0)
        if name in ("table", "show"):
            one.add_argument("--out", required=True)
        if name == "table":
            one.add_argument("images", nargs="*", help="pictures or folders (the samples)")
            one.add_argument("--more", nargs=argparse.REMAINDER, default=[], help="further arguments of `measure`")
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
