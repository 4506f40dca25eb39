"""``explain`` on state dicts of every architecture, and on one declared as CONTRIBUTING shows, against the literal second
implementation: all layers, double precision."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from tests.core import reference
from tests.support.networks import VGG16, tiny_state
from tests.support.small import ALL
from vislrp_core.adapt import adapt
from vislrp_core.architecture import ARCHITECTURES, Architecture
from vislrp_core.canonize import normalised_modules
from vislrp_core.cli import main
from vislrp_core.export import zennit_script
from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate
from vislrp_core.rules import Rule

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "sample_images" / "castle_on_lake.jpg"
COMPOSITE = LRPModel(
    bias="absorb",
    pooling_epsilon="segment",
    segments=(
        Segment(first=1, last=8, rule=Rule.of("alpha_beta")),
        Segment(first=9, last=17, rule=Rule.of("gamma_generalized")),
        Segment(first=18, last=31, rule=Rule.of("epsilon")),
        Segment(first=32, last=VGG16.last, rule=Rule.of("gamma")),
    ),
)


def plain_logits(state: dict[str, Tensor], rows: Architecture, normalised: bool, x: Tensor) -> Tensor:
    """The network as its state dict says, normalisation not folded but run."""
    names, a = normalised_modules(rows), x
    for row in rows.rows[1:]:
        if row.is_weighted:
            module, norm = names[row.module or ""] if normalised else (row.module, None)
            w, b = state[f"{module}.weight"], state[f"{module}.bias"]
            a = F.conv2d(a, w, b, row.stride, row.padding) if row.kind == "conv" else F.linear(a.flatten(1), w, b)
            if norm is not None:
                a = F.batch_norm(a, *(state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))
        elif row.kind != "dropout":
            a = a.relu() if row.kind == "relu" else F.max_pool2d(a, row.kernel, row.stride)
    return a[0]


def explained(folder: Path, file: Path, model: LRPModel) -> tuple[dict[int, Tensor], dict]:
    """Relevance of all layers and the summary, as the command line writes them."""
    model.save(folder / "model.json")
    command = ["explain", str(PICTURE), "--network", str(file), "--model", str(folder / "model.json")]
    assert main([*command, *["--layers", "all", "--dtype", "float64", "--out"], str(folder / "out")]) == 0
    with np.load(folder / "out" / "relevance.npz") as written:
        found = {int(key): torch.from_numpy(written[key]) for key in written}
    return found, json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))


def assert_literal(network: Network, model: LRPModel, found: dict[int, Tensor], target: int) -> None:
    expected = reference.relevance(network, to_input(read_image(PICTURE), network), model, target)
    assert list(found) == list(range(network.architecture.last + 1))
    for k, mine in found.items():
        assert mine.dtype == torch.float64
        difference = float((mine - expected[k].reshape(mine.shape)).abs().max() / expected[k].abs().max())
        assert difference < 1e-6, (network.architecture.name(k), difference)


def assert_script(network: Network, model: LRPModel, found: dict[int, Tensor], target: int, file: Path) -> None:
    """The exported Zennit script, told the same file, gives the same map."""
    space: dict = {"__name__": "script"}
    exec(compile(zennit_script(model, network.mean, network.std), "script.py", "exec"), space)
    x = to_input(read_image(PICTURE), network)
    _, theirs = space["attribute"](space["Network"](space["load_state"](str(file))), x, target)
    assert theirs.dtype == torch.float64
    assert (theirs - found[0]).abs().max() < 1e-6 * found[0].abs().max()


@pytest.mark.parametrize(("key", "normalised"), ALL, ids=[f"{key}{'_bn' * normalised}" for key, normalised in ALL])
def test_explain_is_the_literal_one_for_every_architecture(tmp_path, key, normalised):
    state = tiny_state(
        4, divisor=32, hidden=(12, 10), classes=5, dtype=torch.float64, architecture=key, normalised=normalised
    )
    save_file(state, tmp_path / "weights.safetensors")
    model = adapt(COMPOSITE, key)
    found, summary = explained(tmp_path, tmp_path / "weights.safetensors", model)
    network = load_network(tmp_path / "weights.safetensors", dtype="float64")
    assert_literal(network, model, found, summary["target"]["index"])
    assert_script(network, model, found, summary["target"]["index"], tmp_path / "weights.safetensors")
    logits = plain_logits(state, ARCHITECTURES[key], normalised, to_input(read_image(PICTURE), network))
    assert summary["target"]["index"] == int(logits.argmax())
    assert [one["logit"] for one in summary["predictions"]] == pytest.approx(logits.sort(descending=True).values.tolist())


@pytest.mark.parametrize("side", [None, 96])
def test_what_contributing_shows(tmp_path, monkeypatch, side):
    """Its block declares an architecture; everything it promises follows."""
    monkeypatch.setitem(ARCHITECTURES, "toy", VGG16)  # so that it is gone afterwards
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- a test runs this block -->\n```python\n(.*?)```", text, flags=re.DOTALL)
    assert block is not None
    exec(compile(block[1], "CONTRIBUTING.md", "exec"), {})
    toy = ARCHITECTURES["toy"]
    assert toy.title == "Toy" and toy.last == 9 and [len(one) for one in toy.blocks] == [3, 3, 3]
    if side is not None:
        toy = replace(toy, input_size=side)
        monkeypatch.setitem(ARCHITECTURES, "toy", toy)
    torch.save(
        {
            "state_dict": {
                f"module.{name}": value
                for name, value in tiny_state(
                    2, divisor=1, hidden=(20,), classes=10, dtype=torch.float64, architecture="toy"
                ).items()
            }
        },
        tmp_path / "toy.pth",
    )
    COMPOSITE.save(tmp_path / "vgg16.json")
    assert main(["adapt", str(tmp_path / "vgg16.json"), "--architecture", "toy", "--out", str(tmp_path / "toy.json")]) == 0
    model = LRPModel.load(tmp_path / "toy.json")
    assert json.loads(model.to_json())["architecture"] == "toy" and model.segments[-1].last == toy.last
    found, summary = explained(tmp_path, tmp_path / "toy.pth", model)
    network = load_network(tmp_path / "toy.pth", dtype="float64")
    assert network.architecture == toy and found[0].shape == toy.input_shape
    target = summary["target"]["index"]
    assert_literal(network, model, found, target)
    assert_script(network, model, found, target, tmp_path / "toy.pth")
    x = to_input(read_image(PICTURE), network)
    assert torch.equal(found[0], propagate(network, forward(network, x), model, target).at(0))
