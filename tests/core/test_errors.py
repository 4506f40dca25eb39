"""One family of errors for wrong input; the command line knows it and OSError, shows a mistake in the program as such."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pkgutil
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

import vislrp_core
from tests.support.networks import tiny_state
from vislrp_core.cli import common, main
from vislrp_core.cli.pictures import expand, find_images, one_picture, printable
from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.experiments import workspace
from vislrp_core.model import LRPModel

CORE = Path(vislrp_core.__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of seven classes, a model, and three pictures."""
    place = tmp_path_factory.mktemp("errors")
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    LRPModel.basic("Basic").save(place / "basic.json")
    (place / "pictures").mkdir()
    random = np.random.default_rng(1)
    for name in ("b.png", "a.png", "c.jpg"):
        Image.fromarray(random.integers(0, 256, size=(230, 240, 3), dtype=np.uint8)).save(place / "pictures" / name)
    return place


def command(folder: Path, name: str, *arguments: str) -> list[str]:
    """A command over pictures, without the pictures."""
    model = ["--model", str(folder / "basic.json")]
    more = {
        "predict": [],
        "explain": [*model, "--out", str(folder / "explained")],
        "neurons": [*model, "--layer", "35", "--out", str(folder / "n.csv")],
        "ablate": ["--ablate", "35:0"],
        "flip": [*model, *["--patch", "112", "--steps", "1", "--orders", "morf", "--out"], str(folder / "flipped")],
    }[name]
    return [name, *more, "--network", str(folder / "net.safetensors"), *arguments]


# --- one family ----------------------------------------------------------------------------------------------------------


def test_every_error_of_the_library_is_of_the_family_and_of_a_built_in_kind() -> None:
    found = set()
    for info in pkgutil.walk_packages([str(CORE)], "vislrp_core."):
        if info.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("vislrp_core."):
                found.add(value)
    # The engine asks itself by Doubtful for another pass; it never leaves it.
    public = {one for one in found if one.__name__ != "Doubtful" and one.__name__[0] != "_" and one is not VisLRPError}
    assert {one.__name__ for one in public} >= {
        "NetworkError",
        "ModelError",
        "ImageError",
        "MaskError",
        "NonFiniteRelevance",
        "NeuronError",
        "FillError",
        "FlippingError",
        "ExportError",
        "DownloadError",
    }
    for one in public:
        assert issubclass(one, VisLRPError), one
        assert issubclass(one, ValueError | ArithmeticError | LookupError | RuntimeError), one


def test_nothing_in_the_library_raises_a_bare_built_in_error_for_wrong_input() -> None:
    """pydantic asks its validators for ValueError, and turns it into a ModelError's text."""
    wrong = []
    for path in sorted(CORE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        validators = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and any("validator" in ast.unparse(one) for one in node.decorator_list)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and id(node) not in validators:
                name = ast.unparse(node.exc.func)
                if name in {
                    "ValueError",
                    "TypeError",
                    "KeyError",
                    "IndexError",
                    "LookupError",
                    "ArithmeticError",
                    "RuntimeError",
                    "Exception",
                }:
                    wrong.append(f"{path.relative_to(CORE)}:{node.lineno} {name}")
    assert wrong == []


# --- the command line ----------------------------------------------------------------------------------------------------


def test_a_mistake_in_the_program_is_not_swallowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(folder / "pictures" / "a.png")
    for mistake in (ValueError("odd"), KeyError("key"), RuntimeError("torch"), ZeroDivisionError(), AttributeError("x")):

        def fail(*_: object, mistake: Exception = mistake) -> None:
            raise mistake

        for module in (common, workspace):
            monkeypatch.setattr(module, "forward", fail)
        for name in ("predict", "flip"):
            with pytest.raises(type(mistake)):
                main(command(folder, name, picture))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("before", [True, False])
def test_debug_shows_where_an_error_arose_and_still_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str], before: bool
) -> None:
    arguments = command(folder, "predict", str(folder / "missing.png"))
    assert main(arguments) == 2
    line = capsys.readouterr().err
    assert main(["--debug", *arguments] if before else [*arguments, "--debug"]) == 2
    shown = capsys.readouterr().err
    assert "Traceback (most recent call last)" not in line and line.count("\n") == 1
    assert shown.startswith("Traceback (most recent call last)") and "ImageError" in shown and shown.endswith(line)


def test_debug_shows_why_a_picture_of_several_failed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    shutil.copy(folder / "pictures" / "a.png", tmp_path / "y.png")
    assert main(command(folder, "flip", str(tmp_path), "--debug", "--out", str(tmp_path / "out"))) == 2
    shown = capsys.readouterr().err
    assert shown.count("Traceback (most recent call last)") >= 2 and "x.png" in shown.splitlines()[-1]


@pytest.mark.parametrize("target", ["9" * 5000, "0" * 5000 + "9", "--5", "-" * 9, "7", "-0"])
def test_a_class_number_that_cannot_be_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    assert main(command(folder, "explain", str(folder / "pictures" / "a.png"), f"--target={target}")) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "target" in printed and len(printed) < 6000


@pytest.mark.parametrize("out", ["", "  "])
def test_an_empty_folder_name_writes_nothing_anywhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    picture = str(folder / "pictures" / "a.png")
    monkeypatch.chdir(tmp_path)
    for name in ("explain", "flip"):
        assert main(command(folder, name, picture, "--out", out)) == 2
        assert capsys.readouterr().err == "--out: is empty, give a folder\n"
    assert list(tmp_path.iterdir()) == []


# --- wildcards -----------------------------------------------------------------------------------------------------------


def test_wildcards_that_no_shell_expanded_are_expanded_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert expand("pictures/*.png") == [os.path.join("pictures", "a.png"), os.path.join("pictures", "b.png")]
    assert find_images(["pictures/*.png", "pictures/?.jpg", "pictures/a.png"]) == [
        "pictures/a.png",
        "pictures/b.png",
        "pictures/c.jpg",
    ]
    assert find_images(["pict*"]) == ["pictures/a.png", "pictures/b.png", "pictures/c.jpg"]
    assert find_images(["**/[ab].png"]) == ["pictures/a.png", "pictures/b.png"]
    assert one_picture("pictures/*.jpg") == "pictures/c.jpg" and one_picture("plain.jpg") == "plain.jpg"
    for pattern in ("*.gif", "pictures/[xy].png", "nowhere/*.png"):
        with pytest.raises(InputError, match="no file matches"):
            find_images([pattern])
    with pytest.raises(InputError, match="2 files match, name one"):
        one_picture("pictures/*.png")


def test_a_name_that_looks_like_a_wildcard_is_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo [1].png", "1.png", "photo 1.png"):
        (tmp_path / name).write_bytes(b"x")
    assert find_images(["photo [1].png"]) == ["photo [1].png"] and one_picture("photo [1].png") == "photo [1].png"


@pytest.mark.parametrize("name", ["predict", "explain", "neurons", "ablate", "flip"])
def test_every_command_over_pictures_takes_wildcards(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(command(folder, name, str(folder / "pictures" / "*.jpg"))) == 0
    capsys.readouterr()
    assert main(command(folder, name, str(folder / "pictures" / "*.gif"))) == 2
    assert "*.gif: no file matches" in capsys.readouterr().err
    if name == "flip":
        text = (folder / "flipped" / "curves.csv").read_text(encoding="utf-8-sig")
        assert str(folder / "pictures" / "c.jpg") in text
    else:
        assert main(command(folder, name, str(folder / "pictures" / "*"))) == 2
        assert "3 files match" in capsys.readouterr().err


# --- names that are not UTF-8 --------------------------------------------------------------------------------------------


@pytest.fixture
def strange(folder: Path, tmp_path: Path) -> Path:
    """A folder with a picture whose name is Latin-1 bytes."""
    place = tmp_path / "strange"
    place.mkdir()
    shutil.copy(folder / "pictures" / "a.png", os.fsencode(place) + b"/caf\xe9.png")
    shutil.copy(folder / "pictures" / "b.png", place / "d.png")
    return place


def test_a_measured_picture_is_not_lost_to_its_name(folder: Path, strange: Path, tmp_path: Path) -> None:
    assert main(command(folder, "flip", str(strange), "--out", str(tmp_path / "out"))) == 0
    for name in ("curves.csv", "summary.csv"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8-sig")
        assert r"caf\xe9.png" in text and "d.png" in text


def test_the_other_commands_take_such_names_too(
    folder: Path, strange: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = os.fsdecode(os.fsencode(strange) + b"/caf\xe9.png")
    assert main(command(folder, "explain", picture, "--out", str(tmp_path / "out"))) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["image"].endswith(r"caf\xe9.png")
    for name in ("predict", "neurons", "ablate"):
        assert main(command(folder, name, picture)) == 0
    assert printable("grün 中.png") == "grün 中.png"
    capsys.readouterr()
