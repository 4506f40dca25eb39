"""The command line (numerics.md, section 7): what it writes, and one line with status 2 for whatever is wrong."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import VGG16, tiny_state
from vislrp_core import cli
from vislrp_core.cli import common, main, whole_line
from vislrp_core.errors import InputError
from vislrp_core.images import read_image, to_input
from vislrp_core.model import BIASES, PIXEL_RULES, POOLING_EPSILONS, POOLINGS, STARTS, LRPModel
from vislrp_core.network import NetworkError, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import NonFiniteRelevance, propagate
from vislrp_core.rules import PRESETS

ROOT = Path(__file__).resolve().parents[2]
PICTURE = str(ROOT / "sample_images" / "castle_on_lake.jpg")
STORE = [path for path in sorted((ROOT / "model_store").glob("*.json")) if "embedded" not in path.name]
CLASSES = ["castle", "drum", "kitten", "lemon", "lakeside", "bee", "macaw", "guitar", "coffee mug", "wine bottle"]


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> str:
    """A small network with names for its ten classes."""
    file = tmp_path_factory.mktemp("network") / "small.safetensors"
    save_file(tiny_state(6, divisor=32), file)
    file.with_suffix(".json").write_text(json.dumps({"classes": CLASSES, "title": "Small network"}))
    return str(file)


@pytest.fixture
def model(tmp_path) -> str:
    return written(
        tmp_path,
        {"first": 1, "last": 17, "rule": {"preset": "gamma"}},
        {"first": 18, "last": 31, "rule": {"preset": "epsilon"}},
        {"first": 32, "last": 38, "rule": {"preset": "zero"}},
    )


def written(folder: Path, *segments: dict, **fields) -> str:
    file = folder / "model.json"
    data = {"format": "vislrp-model", "version": 1, "name": "Test model γ", "segments": list(segments), **fields}
    file.write_text(json.dumps(data), encoding="utf-8")
    return str(file)


def whole(rule: dict) -> dict:
    return {"first": 1, "last": VGG16.last, "rule": rule}


def output(capsys, *arguments: str) -> str:
    """Printed text of a command that succeeds."""
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def error(capsys, *arguments: str) -> str:
    """The line of a command that must fail: one on stderr, none on stdout, status 2."""
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    assert status == 2 and captured.out == ""
    assert captured.err.count("\n") == 1 and captured.err.endswith("\n") and "Traceback" not in captured.err
    return captured.err.rstrip("\n")


# --- explain -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_explain_writes_what_the_definition_says(capsys, tmp_path, net, model, dtype):
    out = tmp_path / "deep" / "out"
    text = output(
        capsys,
        "explain",
        PICTURE,
        "--model",
        model,
        "--target",
        "castle",
        "--network",
        net,
        "--out",
        str(out),
        "--dtype",
        dtype,
    )
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
    output(capsys, "explain", PICTURE, "--model", model, "--network", net, "--out", str(tmp_path), "--layers", "all")
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
    output(capsys, "explain", PICTURE, "--model", model, "--network", net, "--out", str(tmp_path), "--layers", layers)
    with np.load(tmp_path / "relevance.npz") as file:
        assert set(file) == expected
    assert (tmp_path / "heatmap.png").stat().st_size > 1000


def test_explain_as_json_prints_the_summary_alone(capsys, tmp_path, net, model):
    text = output(capsys, "explain", PICTURE, "--model", model, "--network", net, "--out", str(tmp_path), "--json")
    assert text.isascii() and json.loads(text) == json.loads((tmp_path / "summary.json").read_text())
    assert json.loads(text)["target"]["index"] == json.loads(text)["predictions"][0]["index"]


@pytest.mark.parametrize(("target", "index"), [("lakeside", 4), ("Coffee Mug", 8), (" bee ", 5), ("9", 9), ("0", 0)])
def test_targets_by_name_and_number(capsys, tmp_path, net, model, target, index):
    text = output(
        capsys, "explain", PICTURE, "--model", model, "--network", net, "--out", str(tmp_path), "--json", "--target", target
    )
    assert json.loads(text)["target"]["index"] == index and json.loads(text)["target"]["name"] == CLASSES[index]


def test_the_squashed_picture_is_another_one(capsys, tmp_path, net, model):
    logits = [
        json.loads(
            output(
                capsys,
                "explain",
                PICTURE,
                "--model",
                model,
                "--network",
                net,
                "--out",
                str(tmp_path),
                "--json",
                "--fit",
                fit,
                "--target",
                "0",
            )
        )["target"]["logit"]
        for fit in ("crop", "squash")
    ]
    assert logits[0] != logits[1]


def explained(capsys, tmp_path, net, file: str) -> np.ndarray:
    output(
        capsys,
        "explain",
        PICTURE,
        "--model",
        file,
        "--network",
        net,
        "--out",
        str(tmp_path / "out"),
        "--target",
        "1",
        "--dtype",
        "float64",
    )
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


# --- whatever is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "arguments are required: COMMAND"),
        (["paint"], "invalid choice: 'paint'"),
        (["--network", "embedded"], "invalid choice: 'embedded'"),
        (["explain"], "required: IMAGE, --model"),
        (["explain", PICTURE], "required: --model"),
        (["explain", PICTURE, "--model"], "--model: expected one argument"),
        (["explain", PICTURE, "--mod", "x"], "required: --model"),
        (["explain", PICTURE, "--model", "x", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["explain", PICTURE, "--model", "x", "--dtype", "float16"], "--dtype: invalid choice: 'float16'"),
        (["explain", PICTURE, "--model", "x", "--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["explain", PICTURE, "--model", "x", "--fit", "stretch"], "--fit: invalid choice: 'stretch'"),
        (["explain", PICTURE, "--model", "x", "--layers", ""], 'no layer "": give a number from 0 to 38'),
        (["explain", PICTURE, "--model", "x", "--layers", "0,45"], 'no layer "45"'),
        (["explain", PICTURE, "--model", "x", "--layers", "-1"], "-1"),
        (["explain", PICTURE, "--model", "x", "--layers", "conv9_9"], 'no layer "conv9_9"'),
        (["explain", PICTURE, "--model", "x", "--layers", "0;1"], 'no layer "0;1"'),
        (["predict"], "required: IMAGE"),
        (["predict", PICTURE, "--top", "0"], '--top: must be a whole number of at least 1, got "0"'),
        (["predict", PICTURE, "--top", "-3"], "--top"),
        (["predict", PICTURE, "--top", "many"], 'must be a whole number of at least 1, got "many"'),
        (["predict", PICTURE, "extra.jpg"], "unrecognized arguments: extra.jpg"),
        (["predict", PICTURE, "--network", "nowhere.pth"], 'There is no network "nowhere.pth"'),
        (["predict", PICTURE, "--network", ""], "There is no network"),
        (["predict", PICTURE, "--network", __file__], "is neither .safetensors nor .pth"),
        (["predict", "nowhere.jpg"], '"nowhere.jpg" was not found'),
        (["predict", str(ROOT)], "is not a file"),
        (["predict", __file__], "is not a readable JPEG"),
        (["check"], "required: FILE"),
        (["check", "nowhere.json"], "nowhere.json: cannot be read (No such file or directory)"),
        (["check", str(ROOT)], "cannot be read"),
        (["check", "nul\0byte"], "cannot be read"),
        (["check", PICTURE], "castle_on_lake.jpg: the file is not text in UTF-8"),
    ],
    ids=lambda value: " ".join(map(str, value))[-40:] if isinstance(value, list) else "",
)
def test_wrong_arguments_and_files_end_in_one_line(capsys, arguments, words):
    assert words in error(capsys, *arguments)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("castel", 'target "castel": the network has no such class; did you mean castle'),
        ("submarine", 'target "submarine": the network has no such class'),
        ("10", "target 10: class numbers run from 0 to 9"),
        ("-1", "target -1: class numbers"),
        ("", 'target ""'),
        ("1.5", 'target "1.5"'),
        ("²", 'target "²"'),
        ("9" * 5000, "class numbers|Exceeds"),
    ],
)
def test_wrong_classes_end_in_one_line(capsys, tmp_path, net, model, target, words):
    line = error(capsys, "explain", PICTURE, "--model", model, "--network", net, "--target", target, "--out", str(tmp_path))
    assert any(word in line for word in words.split("|"))
    assert not (tmp_path / "relevance.npz").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"segments": []}, "segments: must hold 1 to 38 segments"),
        (
            {"segments": [whole({"preset": "epsilon", "epsilon": "abc"})]},
            'segments[0].rule.epsilon: must be a finite number, got "abc"',
        ),
        (
            {"segments": [whole({"preset": "zero", "gamma2": 1})]},
            "segments[0].rule.gamma2: preset zero fixes it at 0, got 1",
        ),
        ({"segments": [{"first": 1, "last": 20, "rule": {}}]}, "segments[0].last: must be 38, got 20"),
        ({"segments": [whole({})], "version": 3}, "version: must be 1 or 2, got 3"),
        ({"segments": [whole({})], "colour": "red"}, "colour: is not a field of an LRP model"),
        ({"segments": [whole({})], "pooling": "average"}, "pooling: must be one of"),
    ],
)
def test_wrong_model_files_name_the_place(capsys, tmp_path, net, content, words):
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps({"format": "vislrp-model", "version": 1, "name": "m", **content}))
    for line in (
        error(capsys, "check", str(file)),
        error(capsys, "check", str(file), "--json"),
        error(capsys, "explain", PICTURE, "--model", str(file), "--network", net, "--out", str(tmp_path / "out")),
    ):
        assert line.startswith("wrong.json: ") and words in line
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_computed(capsys, tmp_path, net, model, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(common, "load_network", lambda *_, **__: pytest.fail("the network was loaded"))
    for out in (str(tmp_path / "file"), str(tmp_path / "file" / "deeper"), "nul\0byte"):
        line = error(capsys, "explain", PICTURE, "--model", model, "--network", net, "--out", out)
        assert line.startswith(f"--out {out}: the folder cannot be made (")


def test_a_file_that_cannot_be_written_is_named(capsys, tmp_path, net, model):
    (tmp_path / "relevance.npz").mkdir()
    line = error(capsys, "explain", PICTURE, "--model", model, "--network", net, "--out", str(tmp_path))
    assert line == f"{tmp_path / 'relevance.npz'}: Is a directory"


def test_relevance_that_is_not_finite_is_explained(capsys, tmp_path, net):
    file = written(tmp_path, whole({"preset": "custom", "alpha": 1e30}))
    line = error(capsys, "explain", PICTURE, "--model", file, "--network", net, "--out", str(tmp_path / "out"))
    assert "relevance is not finite below" in line and "a parameter of the rule is very large" in line
    assert not (tmp_path / "out" / "heatmap.png").exists()


@pytest.mark.parametrize(("arguments", "status"), [(["check", str(STORE[0])], 0), (["check", PICTURE], 2), ([], 2)])
def test_the_modules_exit_status_is_the_commands(capsys, monkeypatch, arguments, status):
    monkeypatch.setattr("sys.argv", ["vislrp_core", *arguments])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("vislrp_core", run_name="__main__")
    captured = capsys.readouterr()
    assert stop.value.code == status and captured.err.count("\n") == (status == 2)


def test_devices_that_are_missing_end_in_one_line(capsys, monkeypatch, net):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "mps"):
        line = error(capsys, "predict", PICTURE, "--network", net, "--device", device)
        assert line == f'device "{device}" is not available on this machine: use "cpu" or "auto".'
    assert "Small network" in output(capsys, "predict", PICTURE, "--network", net, "--device", "cpu")


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (InputError("first\n  second"), 2, "first second"),
        (OSError("odd"), 2, "odd"),
        (NetworkError(), 2, "NetworkError"),
        (OSError(28, "No space left"), 2, "No space left"),
        (NonFiniteRelevance(1, "rule", "cause", "do"), 2, "relevance is not finite below"),
    ],
)
def test_whatever_happens_midway_is_one_line(capsys, monkeypatch, net, raised, status, line):
    def fail(*_):
        raise raised

    monkeypatch.setattr(common, "forward", fail)
    assert main(["predict", PICTURE, "--network", net]) == status
    printed = capsys.readouterr().err
    assert printed.startswith(line) and printed.count("\n") == 1


def test_an_error_with_a_file_names_it():
    assert whole_line(PermissionError(13, "Permission denied", "a/file")) == "a/file: Permission denied"


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch, model, tmp_path):
    sink = (tmp_path / "stdout").open("w")

    def closed(*_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("builtins.print", closed)
    monkeypatch.setattr(cli.sys, "stdout", sink)
    assert main(["check", model]) == 0
    assert (tmp_path / "stdout").read_text() == ""


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
