"""The command line (numerics.md, section 7): what it writes and prints."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.commands import CLASSES, PICTURE, explain, output, small_network, whole, written
from tests.support.networks import VGG16
from tests.support.report import listed, parsed, rows, section, words
from vislrp_core.cli import common, main
from vislrp_core.images import read_image, to_input
from vislrp_core.model import BIASES, PIXEL_RULES, POOLING_EPSILONS, POOLINGS, STARTS, LRPModel
from vislrp_core.network import forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate
from vislrp_core.rules import PRESETS

ROOT = Path(__file__).resolve().parents[2]
STORE = [path for path in sorted((ROOT / "model_store").glob("*.json")) if "embedded" not in path.name]


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> str:
    return small_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def model(tmp_path) -> str:
    return written(tmp_path)


# --- explain -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_explain_writes_what_the_definition_says(capsys, tmp_path, net, model, dtype):
    out = tmp_path / "deep" / "out"
    text = output(capsys, *explain(model, net, out, "--target", "castle", "--dtype", dtype))
    assert {file.name for file in out.iterdir()} == {"relevance.npz", "heatmap.png", "summary.json"}
    network = load_network(net, dtype=dtype)
    trace = forward(network, to_input(read_image(PICTURE), network))
    expected = propagate(network, trace, LRPModel.load(model), 0, layers="all")
    with np.load(out / "relevance.npz", allow_pickle=False) as file:
        assert set(file) == {"0", "17", "31"}
        for key in file:
            assert file[key].dtype == np.dtype(dtype) and np.array_equal(file[key], expected.at(int(key)))
    assert Image.open(out / "heatmap.png").width >= 896
    summary = json.loads((out / "summary.json").read_text())
    assert summary["network"] == "small" and summary["network_details"]["dtype"] == dtype
    assert summary["image"] == PICTURE and summary["model"] == "Test model γ" and summary["written_layers"] == [0, 17, 31]
    assert summary["target"] == {
        "index": 0,
        "name": "castle",
        "logit": float(trace.logits[0]),
        "probability": float(trace.probabilities[0]),
    }
    assert [one["name"] for one in summary["predictions"]] == [one.name for one in trace.predictions(10)]
    assert [(row["layer"], row["name"]) for row in summary["layers"]] == [(one.index, one.name) for one in VGG16.rows]
    for key in ("positive", "negative", "total"):
        assert [row[key] for row in summary["layers"]] == getattr(expected, key).tolist()
    assert summary["seconds"] >= sum(summary["seconds_of"].values()) * 0.999 > 0
    lines = text.splitlines()
    assert lines[0].startswith("castle (class 0): logit ") and lines[0].endswith("network Small network, model Test model γ")
    assert [line.split()[:2] for line in lines[2:5]] == [["31", "pool5"], ["17", "pool3"], ["0", "input"]]
    assert lines[-1].startswith(f"Written to {out}: relevance.npz, heatmap.png, summary.json")


def test_all_layers_in_their_shapes(capsys, tmp_path, net, model):
    output(capsys, *explain(model, net, tmp_path, "--layers", "all"))
    with np.load(tmp_path / "relevance.npz") as file:
        assert list(file) == [str(layer) for layer in range(VGG16.last + 1)]
        assert file["0"].shape == (3, 224, 224) and file["1"].shape == (2, 224, 224) and file["10"].shape == (4, 56, 56)
        assert file["31"].shape == (16, 7, 7) and file["32"].shape == file["34"].shape == (24,)
        assert file["35"].shape == (20,) and file["38"].shape == (10,)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("0,17,31", {"0", "17", "31"}),
        ("31", {"31"}),
        ("38,38, 0", {"0", "38"}),
        ("conv3_1,fc8,input image", {"0", "11", "38"}),
    ],
)
def test_chosen_layers(capsys, tmp_path, net, model, layers, expected):
    output(capsys, *explain(model, net, tmp_path, "--layers", layers))
    with np.load(tmp_path / "relevance.npz") as file:
        assert set(file) == expected
    assert (tmp_path / "heatmap.png").stat().st_size > 1000


def test_explain_as_json_prints_the_summary_alone(capsys, tmp_path, net, model):
    text = output(capsys, *explain(model, net, tmp_path, "--json"))
    assert text.isascii() and json.loads(text) == json.loads((tmp_path / "summary.json").read_text())
    assert json.loads(text)["target"]["index"] == json.loads(text)["predictions"][0]["index"]


def test_explain_writes_a_report_of_what_it_computed(capsys, tmp_path, net, model):
    file = tmp_path / "pages" / "castle.html"
    printed = output(capsys, *explain(model, net, tmp_path, "--layers", "31", "--target", "bee", "--report", str(file)))
    assert printed.splitlines()[-1] == f"Report: {file}"
    with np.load(tmp_path / "relevance.npz") as arrays:
        assert set(arrays) == {"31"}, "the maps of the report are no further files"
    summary = json.loads((tmp_path / "summary.json").read_text())
    root = parsed(file.read_text(encoding="utf-8"))
    assert words(root.find(".//h1")) == "Relevance for “bee” · Test model γ" and "vislrp explain" in words(root)
    told = rows(section(root, "Picture"))
    assert [row[0].removesuffix(" (explained)") for row in told] == [one["name"] for one in summary["predictions"]]
    assert "castle_on_lake.jpg" in words(section(root, "Picture")) and sum("explained" in row[0] for row in told) == 1
    segments = list(section(root, "Model").iter("article"))
    assert len(segments) == 3 and all(one.find(".//img") is not None for one in segments)
    sums = rows(section(root, "Conservation"))
    assert [row[1] for row in sums] == [one["name"] for one in summary["layers"]]
    for row, one in zip(sums, summary["layers"], strict=True):
        assert float(row[4].replace("−", "-")) == pytest.approx(one["total"], abs=6e-4)
    kept = words(section(root, "Relevance").find(".//p")).replace("−", "-")
    assert kept.startswith(f"Σ {summary['layers'][0]['total']:.1f} of {summary['layers'][-1]['total']:.1f} kept")
    assert "Small network" in listed(section(root, "Network"))["Network"] and not list(root.iter("a"))


@pytest.mark.parametrize(("target", "index"), [("lakeside", 4), ("Coffee Mug", 8), (" bee ", 5), ("9", 9), ("0", 0)])
def test_targets_by_name_and_number(capsys, tmp_path, net, model, target, index):
    text = output(capsys, *explain(model, net, tmp_path, "--json", "--target", target))
    assert json.loads(text)["target"]["index"] == index and json.loads(text)["target"]["name"] == CLASSES[index]


def test_the_squashed_picture_is_another_one(capsys, tmp_path, net, model):
    summaries = [
        json.loads(output(capsys, *explain(model, net, tmp_path, "--json", "--fit", fit, "--target", "0")))
        for fit in ("crop", "squash")
    ]
    assert summaries[0]["target"]["logit"] != summaries[1]["target"]["logit"]


def explained(capsys, tmp_path, net, file: str) -> np.ndarray:
    output(capsys, *explain(file, net, tmp_path / "out", "--target", "1", "--dtype", "float64"))
    with np.load(tmp_path / "out" / "relevance.npz") as arrays:
        return arrays["0"]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_runs(capsys, tmp_path, net, preset):
    rule = {"preset": preset, **({"gamma2": 0.5, "theta0": 0.1} if preset == "custom" else {})}
    found = explained(capsys, tmp_path, net, written(tmp_path, whole(rule)))
    network = load_network(net, dtype="float64")
    trace = forward(network, to_input(read_image(PICTURE), network))
    expected = propagate(network, trace, LRPModel.load(tmp_path / "model.json"), 1).at(0).numpy()
    assert np.array_equal(found, expected) and np.abs(found).max() > 0


@pytest.mark.parametrize("field", ["pooling", "pooling_epsilon", "bias", "pixel_rule", "start"])
def test_every_convention_runs_and_matters(capsys, tmp_path, net, field):
    values = {
        "pooling": POOLINGS,
        "pooling_epsilon": POOLING_EPSILONS,
        "bias": BIASES,
        "pixel_rule": PIXEL_RULES,
        "start": STARTS,
    }[field]
    maps = [
        explained(capsys, tmp_path, net, written(tmp_path, whole({"preset": "gamma"}), **{field: value})) for value in values
    ]
    for place, one in enumerate(maps):
        assert np.isfinite(one).all() and not any(np.array_equal(one, other) for other in maps[:place])


@pytest.mark.parametrize("path", STORE, ids=lambda path: path.stem)
def test_every_example_model_runs(capsys, tmp_path, net, path):
    assert np.abs(explained(capsys, tmp_path, net, str(path))).max() > 0


def test_a_file_of_the_original_program_runs(capsys, tmp_path, net):
    file = tmp_path / "original.json"
    file.write_text(json.dumps({"name": "old", "configuration": [{"method": ["gamma"], "x0": 1, "x1": 39, "gamma1p": 0.3}]}))
    assert np.abs(explained(capsys, tmp_path, net, str(file))).max() > 0


# --- predict and check ---------------------------------------------------------------------------------------------------


def test_predict_prints_a_table(capsys, net):
    lines = output(capsys, "predict", PICTURE, "--network", net, "--top", "3").splitlines()
    assert lines[0] == "Network: Small network" and lines[1].split() == ["class", "name", "logit", "probability"]
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]


@pytest.mark.parametrize(("top", "count"), [("1", 1), ("10", 10), ("5000", 10)])
def test_predict_as_json(capsys, net, top, count):
    result = json.loads(output(capsys, "predict", PICTURE, "--network", net, "--top", top, "--json", "--dtype", "float64"))
    assert set(result) == {"network", "predictions"} and result["network"] == "small"
    network = load_network(net, dtype="float64")
    trace = forward(network, to_input(read_image(PICTURE), network))
    assert result["predictions"] == [one.to_dict() for one in trace.predictions(count)]
    assert set(result["predictions"][0]) == {"index", "name", "logit", "probability"}
    if count == 10:
        assert sum(one["probability"] for one in result["predictions"]) == pytest.approx(1)


def test_predict_takes_the_network_of_the_environment(capsys, monkeypatch, net):
    monkeypatch.setenv("VISLRP_NETWORK", net)
    assert json.loads(output(capsys, "predict", PICTURE, "--json"))["network"] == "small"


def test_check_shows_the_segments(capsys, model):
    lines = output(capsys, "check", model).splitlines()
    assert lines[0] == "Test model γ: valid LRP model"
    assert [line.split()[:2] for line in lines[2:5]] == [["1", "1-17"], ["2", "18-31"], ["3", "32-38"]]
    assert "conv1_1 - pool3" in lines[2]
    assert lines[5] == "pooling proportional, bias ignore, pixel rule z_box, start logit"
    assert lines[6] == "architecture vgg16 (VGG16)"


def test_check_as_json_and_with_warnings(capsys, tmp_path):
    file = written(tmp_path, whole({"preset": "custom", "alpha": 2}))
    assert "Warning: segment 1: α − β = 2" in output(capsys, "check", file)
    result = json.loads(output(capsys, "check", file, "--json"))
    assert result["valid"] is True and result["file"] == file and len(result["warnings"]) == 1
    assert LRPModel.from_data(result["model"]) == LRPModel.load(file)


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["predict", "--help"], ["check", "--help"]])
def test_help_is_no_error(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0 and "usage: python -m vislrp_core" in capsys.readouterr().out


# --- printing ------------------------------------------------------------------------------------------------------------


def test_a_downloads_progress_goes_to_a_terminal_only(capsys, monkeypatch, net):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = []
    monkeypatch.setattr(common, "load_network", lambda *_, progress, **__: shown.append(progress) or load_network(net))
    output(capsys, "predict", PICTURE)
    monkeypatch.setattr(common.sys, "stderr", terminal := Terminal())
    assert main(["predict", PICTURE]) == 0
    assert shown[0] is None and shown[1] is not None
    shown[1](5_000_000, 0)
    shown[1](5_000_000, 10_000_000)
    shown[1](10_000_000, 10_000_000)
    assert terminal.getvalue() == (
        "\rDownloading VGG16: 5 MB\rDownloading VGG16: 5 of 10 MB\rDownloading VGG16: 10 of 10 MB\n"
    )


def test_tables_align_numbers_right_and_words_left(capsys):
    common.print_table(["layer", "name"], [["0", VGG16.name(0)], ["17", "pool3"]])
    assert capsys.readouterr().out == "layer  name\n    0  input image\n   17  pool3\n"
