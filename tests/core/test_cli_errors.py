"""The command line, given something wrong: one line and status 2."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import torch

from tests.support.commands import PICTURE, error, explain, output, small_network, whole, written
from vislrp_core import cli
from vislrp_core.cli import common, main, whole_line
from vislrp_core.errors import InputError
from vislrp_core.network import NetworkError
from vislrp_core.propagation import NonFiniteRelevance

ROOT = Path(__file__).resolve().parents[2]
STORE = [path for path in sorted((ROOT / "model_store").glob("*.json")) if "embedded" not in path.name]


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> str:
    return small_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def model(tmp_path) -> str:
    return written(tmp_path)


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
    line = error(capsys, *explain(model, net, tmp_path, "--target", target))
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
        error(capsys, *explain(str(file), net, tmp_path / "out")),
    ):
        assert line.startswith("wrong.json: ") and words in line
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_computed(capsys, tmp_path, net, model, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(common, "load_network", lambda *_, **__: pytest.fail("the network was loaded"))
    for out in (str(tmp_path / "file"), str(tmp_path / "file" / "deeper"), "nul\0byte"):
        line = error(capsys, *explain(model, net, out))
        assert line.startswith(f"--out {out}: the folder cannot be made (")
    (tmp_path / "folder.html").mkdir()
    for name, words in (
        ("x.pdf", "must end in .html"),
        ("", "must end in .html"),
        ("folder.html", "is a folder, name a file in it"),
        ("file/x.html", "its folder cannot be made ("),
        ("nul\0byte/x.html", "its folder cannot be made ("),
    ):
        file = str(tmp_path / name) if name else ""
        line = error(capsys, *explain(model, net, tmp_path / "out", "--report", file))
        assert line.startswith(f"--report {file}: {words}") and not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_written_is_named(capsys, tmp_path, net, model):
    (tmp_path / "relevance.npz").mkdir()
    line = error(capsys, *explain(model, net, tmp_path))
    assert line == f"{tmp_path / 'relevance.npz'}: Is a directory"


def test_relevance_that_is_not_finite_is_explained(capsys, tmp_path, net):
    file = written(tmp_path, whole({"preset": "custom", "alpha": 1e30}))
    line = error(capsys, *explain(file, net, tmp_path / "out"))
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
