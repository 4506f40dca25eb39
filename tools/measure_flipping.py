"""Which maps does measured pixel flipping prefer? The table of docs/flipping.md, over the sample images.

    python -m tools.measure_flipping --fill mean --patch 16 --steps 6 --out flipping_results

Maps: LRP-ε, LRP-γ, LRP-α1β0 and LRP-α2β1 on all layers, the composite of Montavon et al. 2019, plain gradient x input
(LRP-0 with winner-takes-all pooling and absorbed bias equals it), and random maps. An interrupted run goes on where it
stopped. Every model's map explains the network's first class.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from vislrp_core import flipping
from vislrp_core.baselines import Baseline
from vislrp_core.cli.flip import METRICS
from vislrp_core.experiments import Explainer, FlipCurve, Picture, Record, Workspace, run_all
from vislrp_core.fills import FILLS
from vislrp_core.flipping import PerturbationCurve
from vislrp_core.model import LRPModel
from vislrp_core.networks import load_network

ROOT = Path(__file__).resolve().parents[1]
RANDOM = "random map"


def uniform(name: str, rule: dict[str, Any], **fields: str) -> LRPModel:
    """One rule on all layers."""
    segment = {"first": 1, "last": 38, "rule": rule}
    return LRPModel.from_json(
        json.dumps({"format": "vislrp-model", "version": 1, "name": name, **fields, "segments": [segment]})
    )


def models() -> dict[str, LRPModel]:
    """What is compared, by name."""
    return {
        "LRP-ε": uniform("LRP-ε", {"preset": "epsilon"}),
        "LRP-γ": uniform("LRP-γ", {"preset": "gamma"}),
        "LRP-α1β0": uniform("LRP-α1β0", {"preset": "alpha1_beta0"}),
        "LRP-α2β1": uniform("LRP-α2β1", {"preset": "alpha_beta"}),
        "overview composite": LRPModel.load(ROOT / "model_store" / "overview_composite.json"),
        "gradient × input": uniform(
            "gradient × input", {"preset": "zero"}, pooling="winner-takes-all", bias="absorb", pixel_rule="segment"
        ),
    }


def tasks(picture: Picture, target: int, seed: int, options: argparse.Namespace) -> dict[tuple[str, str], FlipCurve]:
    """Curves by map and order; a random map represents no knowledge at all."""
    explainers: dict[str, Explainer] = {**models(), RANDOM: Baseline("random", seed)}
    return {
        (name, order): FlipCurve(picture, target, order, one, None, options.patch, options.fill, options.steps)
        for name, one in explainers.items()
        for order in ("morf", "lerf")
    }


def measure_image(
    workspace: Workspace, path: Path, seed: int, options: argparse.Namespace, record: Record
) -> dict[str, dict[str, float | None]]:
    """Scores of all maps of one picture."""
    picture = Picture.of(str(path))
    target = int(workspace.trace(picture).logits.argmax())
    wanted = tasks(picture, target, seed, options)
    curves: dict[str, list[PerturbationCurve]] = {}
    outcomes = run_all(workspace.network, list(wanted.values()), workspace=workspace, record=record)
    for (name, _), outcome in zip(wanted, outcomes, strict=True):
        if outcome.result is None:
            raise outcome.error or AssertionError
        curves.setdefault(name, []).append(outcome.result)
    return {name: vars(flipping.scores(morf, lerf)) for name, (morf, lerf) in curves.items()}


def table(results: dict[str, dict[str, dict[str, float | None]]]) -> str:
    """Markdown: mean, confidence interval and spread over the pictures, the largest mean SRG first."""
    names = list(next(iter(results.values())))
    best = {picture: max(scores, key=lambda name: scores[name]["srg"] or 0.0) for picture, scores in results.items()}
    rows = []
    for name in names:
        columns = {
            metric: np.array([value for scores in results.values() if (value := scores[name][metric]) is not None])
            for metric in METRICS
        }
        srg, logit = columns["srg"], columns["srg_logit"]
        low, high = flipping.bootstrap(srg.tolist())
        change = columns["flips_to_change"]
        cells = [
            name,
            f"{srg.mean():.3f} [{low:.3f}, {high:.3f}]",
            f"{srg.std(ddof=1):.3f}",
            f"{srg.min():.3f} to {srg.max():.3f}",
            f"{logit.mean():.2f} ± {logit.std(ddof=1):.2f}",
            f"{columns['aopc'].mean():.3f}",
            f"{columns['abpc'].mean():.3f}",
            f"{100 * change.mean():.0f} %" if len(change) else "never",
            str(sum(one == name for one in best.values())),
        ]
        rows.append((float(srg.mean()), f"| {' | '.join(cells)} |"))
    head = [
        "| map | SRG [95 %] | std. dev. | range | SRG of logits | AOPC | ABPC | share to change | best for |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(row for _, row in sorted(rows, key=lambda row: -row[0]))])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="embedded")
    parser.add_argument("--fill", choices=list(FILLS), default="mean")
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path("flipping_results"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    network = load_network(options.network)
    workspace = Workspace(network)
    record = Record(options.out / "measurements.jsonl", "curve")
    results = {}
    pictures = sorted((ROOT / "sample_images").glob("*.jpg"))
    for seed, path in enumerate(pictures):
        results[path.stem] = measure_image(workspace, path, seed, options, record)
        print(f"{seed + 1} of {len(pictures)}: {path.stem}", flush=True)
    record.close()
    text = table(results)
    settings = f"fill {options.fill}, {options.patch} x {options.patch} patches, {options.steps} steps"
    (options.out / f"table_{options.fill}_{options.patch}_{options.steps}.md").write_text(text + "\n", encoding="utf-8")
    print(f"{network.title} ({network.digest}), {settings}, {len(results)} pictures")
    print(text)


if __name__ == "__main__":
    main()
