"""The commands `neurons` and `ablate`: their numbers are direct sums and plain forward passes; wrong input is one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import VGG16, tiny_state
from vislrp_core.cli import main
from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Trace, apply_layer, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate

COLUMNS = [
    "neuron",
    "positive_relevance",
    "negative_relevance",
    "total_relevance",
    "activation_sum",
    "activation_mean",
    "active_share",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture, a model, a network of seven classes."""
    place = tmp_path_factory.mktemp("neurons")
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    (place / "net.json").write_text(json.dumps({"classes": ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"]}))
    pixels = np.random.default_rng(0).integers(0, 256, size=(9, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((240, 230), Image.Resampling.BICUBIC).save(place / "one.png")
    LRPModel.basic("Basic").save(place / "basic.json")
    return place


@pytest.fixture(scope="module")
def trace(folder: Path) -> Trace:
    network = load_network(str(folder / "net.safetensors"), dtype="float64")
    return forward(network, to_input(read_image(folder / "one.png"), network))


def command(folder: Path, name: str, *arguments: str) -> list[str]:
    return [name, str(folder / "one.png"), *arguments, "--network", str(folder / "net.safetensors"), "--dtype", "float64"]


@pytest.mark.parametrize("layer", ["conv5_3", "pool2", "34", "fc8"])
def test_scores_are_direct_sums(folder: Path, trace: Trace, layer: str, capsys: pytest.CaptureFixture[str]):
    out = folder / "tables" / f"{layer}.csv"
    model = ["--model", str(folder / "basic.json"), "--target", "dog"]
    assert main(command(folder, "neurons", "--layer", layer, *model, "--out", str(out))) == 0
    assert f"Written to {out}" in capsys.readouterr().out
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    k = next(one.index for one in VGG16.rows if layer in (one.name, str(one.index)))
    network = load_network(str(folder / "net.safetensors"), dtype="float64")
    relevance = propagate(network, trace, LRPModel.load(folder / "basic.json"), 3, layers=(k,)).at(k).numpy()
    activation = trace.activation(k).numpy()
    assert len(rows) == len(relevance)
    for neuron, row in enumerate(rows):
        r, a = relevance[neuron], activation[neuron]
        expected = [neuron, r[r > 0].sum(), r[r < 0].sum(), r.sum(), a.sum(), a.mean(), (a > 0).mean()]
        assert [float(row[name]) for name in COLUMNS] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_neurons_as_json(folder: Path, capsys: pytest.CaptureFixture[str]):
    model, out = str(folder / "basic.json"), str(folder / "json.csv")
    assert main(command(folder, "neurons", "--layer", "35", "--model", model, "--json", "--out", out)) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["layer"] == {"index": 35, "name": "fc7"}
    with (folder / "json.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [one["total_relevance"] for one in result["neurons"]] == [float(row["total_relevance"]) for row in rows]


def plain_pass(folder: Path, trace: Trace, sets: dict[int, list[int]], value: str) -> torch.Tensor:
    """A whole forward pass, layer by layer, that changes the output of some."""
    network = load_network(str(folder / "net.safetensors"), dtype="float64")
    a = trace.x
    with torch.inference_mode():
        for layer in range(1, VGG16.last + 1):
            a, _ = apply_layer(network, layer, a)
            for neuron in sets.get(layer, ()):
                a = a.clone()
                a[0, neuron] = a[0, neuron].mean() if value == "mean" else 0
    return a[0]


@pytest.mark.parametrize("value", ["zero", "mean"])
def test_ablation_is_a_forward_pass_without_the_neurons(
    folder: Path, trace: Trace, value: str, capsys: pytest.CaptureFixture[str]
):
    sets = ["--ablate", "conv5_3:0,2-3", "--ablate", "17:1", "--ablate", "30:3,4"]
    assert main(command(folder, "ablate", *sets, "--value", value, "--top", "7", "--json")) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["ablated"] == {"17": [1], "29": [0, 2, 3], "30": [3, 4]}
    for key, wanted in (
        ("before", trace.logits),
        ("after", plain_pass(folder, trace, {17: [1], 29: [0, 2, 3], 30: [3, 4]}, value)),
    ):
        shown = {one["index"]: one for one in result[key]}
        assert set(shown) == set(range(7))
        probabilities = torch.softmax(wanted, 0)
        for index, one in shown.items():
            assert one["logit"] == pytest.approx(float(wanted[index]), rel=1e-9)
            assert one["probability"] == pytest.approx(float(probabilities[index]), rel=1e-9)
        assert [one["logit"] for one in result[key]] == sorted((one["logit"] for one in result[key]), reverse=True)


def test_ablation_as_a_table_tells_a_changed_first_class(folder: Path, trace: Trace, capsys: pytest.CaptureFixture[str]):
    last = trace.predictions(1)[0]
    assert main(command(folder, "ablate", "--ablate", f"fc8:{','.join(str(i) for i in range(7) if i != 6)}")) == 0
    printed = capsys.readouterr().out
    assert "Ablated (zero): fc8 0-5" in printed
    after = plain_pass(folder, trace, {38: list(range(6))}, "zero")
    new = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"][int(after.argmax())]
    assert (f"The first class changes from {last.name} to {new}." in printed) == (new != last.name)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["neurons", "--layer", "0", "--model", "M", "--out", "x.csv"], "no neurons"),
        (["neurons", "--layer", "conv9_1", "--model", "M", "--out", "x.csv"], "conv9_1"),
        (["neurons", "--layer", "5", "--model", "absent.json", "--out", "x.csv"], "absent.json"),
        (["neurons", "--layer", "5", "--model", "M", "--out", "/dev/null/x.csv"], "cannot be written"),
        (["neurons", "--layer", "5", "--model", "M", "--target", "unicorn", "--out", "x.csv"], "unicorn"),
        (["ablate", "--ablate", "30"], "names no neurons"),
        (["ablate", "--ablate", "30:5-2"], "backwards"),
        (["ablate", "--ablate", "30:99999"], "there is no 99999"),
        (["ablate", "--ablate", "30:1", "--value", "noise"], "noise"),
        (
            ["ablate", "--ablate", "fc7:1", "--value", "mean"],
            "fc7: a single unit has no positions, its mean is its own value",
        ),
        (["ablate", "--ablate", "30:1", "--top", "0"], "at least 1"),
        (["ablate"], "--ablate"),
    ],
)
def test_wrong_input_is_one_line(folder: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    given = [str(folder / "basic.json") if word == "M" else word for word in arguments]
    try:
        status = main(command(folder, *given))
    except SystemExit as exit:
        status = exit.code
    captured = capsys.readouterr()
    assert status == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and told in captured.err
