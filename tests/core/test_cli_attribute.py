"""The command `attribute`: a ViRelAy project and arrays, the maps of `explain`, resuming after a kill, bad input."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.torch import save_file

from tests.support.commands import assert_refused, kill_when
from tests.support.networks import tiny_state
from vislrp_core import attributions, metrics
from vislrp_core.attributions import Attribution, names_of_files, probabilities
from vislrp_core.cli import attribute, main
from vislrp_core.errors import InputError
from vislrp_core.images import network_view, read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate

CLASSES = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of three names, one of them broken, a model, a network of seven classes."""
    place = tmp_path_factory.mktemp("attribute")
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    (place / "net.json").write_text(json.dumps({"classes": CLASSES}))
    random = np.random.default_rng(3)
    (place / "pictures").mkdir()
    for name in ("a.png", "A.jpg", "b.png", "d.png", "e.png"):
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((240, 230), Image.Resampling.BICUBIC).save(place / "pictures" / name)
    (place / "pictures" / "c.png").write_bytes(b"no picture")
    gamma = json.loads(LRPModel.basic("Gamma").to_json())
    gamma["segments"][0]["rule"] = {"preset": "gamma"}
    LRPModel.from_json(json.dumps(gamma)).save(place / "gamma.json")
    return place


def command(folder: Path, *arguments: str, out: str = "out") -> list[str]:
    return [
        "attribute",
        str(folder / "pictures"),
        "--model",
        str(folder / "gamma.json"),
        "--network",
        str(folder / "net.safetensors"),
        "--out",
        str(folder / out),
        *arguments,
    ]


@pytest.fixture(scope="module")
def both(folder: Path) -> Path:
    assert main(command(folder, "--format", "hdf5,npz")) == 0
    return folder / "out"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_picture_has_the_map_that_explain_gives(both: Path, folder: Path) -> None:
    network, model = load_network(folder / "net.safetensors"), LRPModel.load(folder / "gamma.json")
    listed = rows(both / "pictures.csv")
    assert [Path(row["image"]).name for row in listed] == ["A.jpg", "a.png", "b.png", "d.png", "e.png"]
    assert [row["file"] for row in listed] == ["A.npz", "a_2.npz", "b.npz", "d.npz", "e.npz"]
    for row in listed:
        trace = forward(network, to_input(read_image(row["image"]), network))
        target = int(trace.logits.argmax())
        expected = propagate(network, trace, model, target, layers=(0,)).at(0).numpy()
        one = Attribution.load(both / "maps" / row["file"])
        # Batches in single precision: numerics.md, section 12.
        np.testing.assert_allclose(one.relevance, expected, rtol=0, atol=1e-3 * np.abs(expected).max())
        assert metrics.cosine(one.relevance, expected) >= 0.99999
        np.testing.assert_allclose(one.logits, trace.logits.numpy(), rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(one.view, np.asarray(network_view(read_image(row["image"]))).transpose(2, 0, 1))
        assert one.target == target == int(row["target"]) and row["class"] == CLASSES[target]
        assert float(row["relevance_sum"]) == pytest.approx(expected.sum(), rel=1e-3)
    assert [Path(row["image"]).name for row in rows(both / "skipped.csv")] == ["c.png"]


def test_the_project_has_the_layout_that_virelay_documents(both: Path) -> None:
    """Database specification and project file format of ViRelAy 0.6; its own classes read these keys and no others."""
    project = yaml.safe_load((both / "project.yaml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "Gamma" and project["attributions"]["attribution_strategy"] == "predicted_label"
    assert project["dataset"]["type"] == "hdf5" and project["dataset"]["input_width"] == 224
    labels = json.loads((both / project["label_map"]).read_text(encoding="utf-8"))
    assert [one["name"] for one in labels] == CLASSES and [one["index"] for one in labels] == list(range(7))
    assert len({one["word_net_id"] for one in labels}) == 7
    (source,) = project["attributions"]["sources"]
    with h5py.File(both / project["dataset"]["path"]) as inputs, h5py.File(both / source) as maps:
        assert inputs["data"].shape == (5, 3, 224, 224) and inputs["data"].dtype == np.uint8
        assert maps["attribution"].shape == (5, 3, 224, 224) and maps["attribution"].dtype == np.float32
        assert maps["prediction"].shape == (5, 7) and maps["prediction"].dtype == np.float32
        assert maps["label"].dtype == np.uint32 and inputs["label"][:].tolist() == maps["label"][:].tolist()
        assert maps["index"][:].tolist() == inputs["index"][:].tolist() == [0, 1, 2, 3, 4]
        for place, row in enumerate(rows(both / "pictures.csv")):
            one = Attribution.load(both / "maps" / row["file"])
            np.testing.assert_array_equal(maps["attribution"][place], one.relevance)
            np.testing.assert_array_equal(inputs["data"][place], one.view)
            np.testing.assert_allclose(maps["prediction"][place], probabilities(one.logits), rtol=1e-6)
            assert maps["label"][place] == maps["prediction"][place].argmax() == one.target


def test_the_project_alone_leaves_no_arrays_and_is_made_once(
    folder: Path, both: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(command(folder, "--target", "cat", "--batch", "1", out="project")) == 0
    made = {path.name: path.read_bytes() for path in (folder / "project").iterdir()}
    assert set(made) == {
        "input.h5",
        "attribution.h5",
        "label_map.json",
        "project.yaml",
        "pictures.csv",
        "run.json",
        "skipped.csv",
    }
    assert {row["class"] for row in rows(folder / "project" / "pictures.csv")} == {"cat"}
    assert '"true_label"' in (folder / "project" / "project.yaml").read_text()
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(attribute, "forward_many", lambda *_: pytest.fail("attributed again"))
        assert main(command(folder, "--target", "cat", "--json", out="project")) == 0
        assert main(command(folder, "--format", "hdf5,npz")) == 0
    said = json.JSONDecoder().raw_decode(capsys.readouterr().out)[0]
    assert said["pictures"] == 5 and said["computed"] == 0 and said["skipped"] == 1
    assert {path.name: path.read_bytes() for path in (folder / "project").iterdir()} == made
    for change in (["--target", "dog"], ["--fit", "squash", "--target", "cat"], ["--format", "npz", "--target", "cat"]):
        assert main(command(folder, *change, out="project")) == 2
        assert "holds results of other settings" in capsys.readouterr().err


def test_a_run_that_is_killed_goes_on_where_it_was(folder: Path, both: Path) -> None:
    out = folder / "killed"
    for least in (1, 3):
        kill_when(
            command(folder, "--batch", "2", out="killed"), lambda least=least: len(list(out.glob("parts/*.npz"))) >= least
        )
    # However far it came, a project that is there is whole.
    assert not (out / "project.yaml").exists() or (out / "attribution.h5").exists()
    assert main(command(folder, "--batch", "2", out="killed")) == 0
    assert not list(out.glob("part*"))
    with h5py.File(out / "attribution.h5") as one, h5py.File(both / "attribution.h5") as other:
        expected = other["attribution"][:]
        np.testing.assert_allclose(one["attribution"][:], expected, rtol=0, atol=1e-3 * np.abs(expected).max())
        assert one["label"][:].tolist() == other["label"][:].tolist()


def test_a_map_that_is_not_finite_does_not_lose_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild = json.loads((folder / "gamma.json").read_text())
    wild["segments"][0]["rule"], wild["name"] = {"preset": "custom", "alpha": 1e30}, "Wild"
    (folder / "wild.json").write_text(json.dumps(wild))
    arguments = [
        "attribute",
        str(folder / "pictures"),
        "--model",
        str(folder / "wild.json"),
        "--network",
        str(folder / "net.safetensors"),
        "--out",
        str(folder / "wild"),
    ]
    for _ in range(2):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "None of the 5 pictures has a finite map" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "zarr"], "must be some of hdf5, npz"),
        (["--format", ","], "must be some of hdf5, npz"),
        (["--target", "unicorn"], "no such class"),
        (["--batch", "0"], "at least 1"),
        (["--model", "missing.json"], "missing.json"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert_refused(command(folder, *arguments, out="bad"), words, capsys)


def test_without_h5py_the_way_out_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert main(command(folder, out="none")) == 2
    assert "pip install h5py, or choose --format npz" in capsys.readouterr().err


def test_damaged_arrays_and_odd_names(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(InputError, match="is damaged, remove it"):
        Attribution.load(tmp_path / "a.npz")
    assert names_of_files(["x/a.png", "y/A.png", "z/a.jpg", "w/\udce9.png"]) == ["a.npz", "A_2.npz", "a_3.npz", "_.npz"]
    assert attributions.probabilities(np.array([0.0, np.log(3)])) == pytest.approx([0.25, 0.75])
