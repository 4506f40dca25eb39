"""The command `measure`: files to the letter, resuming after a kill, refusing other settings, workers, bad input."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from tests.support.commands import assert_refused, kill_when
from tests.support.networks import tiny_state
from vislrp_core import flipping
from vislrp_core.cli import main, measure, progress
from vislrp_core.experiments import Picture, Workspace
from vislrp_core.measures import MEASURES, MeasureTask, Settings
from vislrp_core.measures.summary import rank_in
from vislrp_core.model import LRPModel
from vislrp_core.networks import load_network

METRICS = "srg,class_cosine,top_randomised,mosaic,gini,conservation"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures, one of them broken, two models, a network of seven classes."""
    place = tmp_path_factory.mktemp("measure")
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    (place / "net.json").write_text(json.dumps({"classes": ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"]}))
    random = np.random.default_rng(3)
    (place / "pictures").mkdir()
    for name in ("a.png", "b.png", "d.png", "e.png"):
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((240, 230), Image.Resampling.BICUBIC).save(place / "pictures" / name)
    (place / "pictures" / "c.png").write_bytes(b"no picture")
    LRPModel.basic("Basic").save(place / "basic.json")
    other = json.loads(LRPModel.basic("Gamma").to_json())
    other["segments"][0]["rule"] = {"preset": "gamma"}
    LRPModel.from_json(json.dumps(other)).save(place / "gamma.json")
    return place


def command(
    folder: Path, *arguments: str, out: str = "out", metrics: str = METRICS, pictures: tuple[str, ...] = ()
) -> list[str]:
    models = ["--model", str(folder / "basic.json"), "--model", str(folder / "gamma.json")]
    fixed = ["--baselines", "edges,gradient", "--patch", "56", "--steps", "3", "--network", str(folder / "net.safetensors")]
    out = str(folder / out)
    return ["measure", str(folder / "pictures"), *pictures, *models, *fixed, "--metrics", metrics, "--out", out, *arguments]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch computes with so many."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def measured(folder: Path) -> Path:
    """Values that are measured with more threads than others here have, or a worker: none may follow their number."""
    with threads(3):
        assert main(command(folder)) == 0
    return folder / "out"


def values(folder: Path) -> dict[tuple[str, str, str], float]:
    rows = pq.read_table(folder / "measures.parquet").to_pylist()
    return {(Path(row["image"]).name, row["model"], row["metric"]): row["value"] for row in rows}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_parquet_has_a_row_per_picture_model_and_metric(measured: Path, folder: Path) -> None:
    table = pq.read_table(measured / "measures.parquet")
    assert table.column_names == ["image", "target", "model", "metric", "value", "seed", "seconds"]
    found = table.to_pylist()
    assert len(found) == 4 * 4 * 6 and len(values(measured)) == len(found)
    assert [Path(row["image"]).name for row in found[::24]] == ["a.png", "b.png", "d.png", "e.png"]
    assert {row["model"] for row in found} == {"Basic", "Gamma", "edges", "gradient"}
    assert [row["metric"] for row in found[:6]] == METRICS.split(",")
    assert all(row["seed"] == 0 and row["seconds"] > 0 for row in found)
    network = load_network(folder / "net.safetensors")
    space = Workspace(network)
    picture = Picture.of(str(folder / "pictures" / "d.png"))
    first = network.classes[int(space.trace(picture).logits.argmax())]
    assert {row["target"] for row in found if row["image"] == picture.path} == {first}
    for metric in ("srg", "class_cosine", "gini"):
        task = MeasureTask(picture, LRPModel.load(folder / "gamma.json"), metric, Settings(patch=56, steps=3))
        assert values(measured)["d.png", "Gamma", metric] == pytest.approx(task.run(network).value, abs=1e-5)
    assert np.isnan(values(measured)["d.png", "edges", "conservation"])


def test_skipped_and_settings_are_listed(measured: Path) -> None:
    skipped = rows(measured / "skipped.csv")
    assert [Path(row["image"]).name for row in skipped] == ["c.png"] and "not a readable" in skipped[0]["reason"]
    stated = json.loads((measured / "run.json").read_text(encoding="utf-8"))
    for key, value in {"target": "top", "seed": 0, "patch": 56, "steps": 3, "fill": "mean", "fit": "crop"}.items():
        assert stated["settings"][key] == value
    assert len(stated["settings"]["images"]) == 4 and stated["settings"]["network"]["digest"]
    assert stated["versions"]["torch"] and stated["versions"]["numpy"]


def test_summary_has_means_intervals_and_ranks(measured: Path) -> None:
    found, summary = values(measured), rows(measured / "summary.csv")
    assert tuple(summary[0]) == ("model", "metric", "images", "mean", "low", "high", "rank") and len(summary) == 4 * 6
    for row in summary:
        own = [one for (_, model, metric), one in found.items() if (model, metric) == (row["model"], row["metric"])]
        if np.isnan(own).all():
            assert (row["model"], row["metric"], row["images"], row["mean"], row["rank"]) in {
                (model, "conservation", "0", "", "") for model in ("edges", "gradient")
            }
            continue
        assert float(row["mean"]) == pytest.approx(np.mean(own)) and row["images"] == "4"
        assert (float(row["low"]), float(row["high"])) == pytest.approx(flipping.bootstrap(own))
    ranks = {row["model"]: float(row["rank"]) for row in summary if row["metric"] == "class_cosine"}
    expected = np.mean(
        [
            [
                1 + sum(found[image, other, "class_cosine"] < found[image, model, "class_cosine"] for other in ranks)
                for model in ranks
            ]
            for image in ("a.png", "b.png", "d.png", "e.png")
        ],
        axis=0,
    )
    assert list(ranks.values()) == pytest.approx(list(expected)) and ranks["edges"] == 4


def test_ranks_by_hand() -> None:
    one = {"A": 1.0, "B": 3.0, "C": 3.0}
    assert [rank_in(one, model, False) for model in one] == [3, 1.5, 1.5]
    assert [rank_in(one, model, True) for model in one] == [1, 2.5, 2.5]


def test_nothing_is_measured_twice_and_other_settings_are_refused(
    measured: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in measured.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(MeasureTask, "run", lambda *_: pytest.fail("measured again"))
        assert main(command(folder)) == 0
    assert "96 values were there already" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in measured.iterdir()} == before
    for change, words in (
        (["--seed", "1"], "seed"),
        (["--fill", "black"], "fill"),
        (["--target", "cat"], "target"),
        (["--metrics", "srg"], "metrics"),
        (["--baselines", "random"], "models"),
        (["--fit", "squash"], "fit"),
        (["--dtype", "float64"], "network"),
        (["--patch", "28"], "patch"),
    ):
        assert main(command(folder, *change)) == 2
        error = capsys.readouterr().err
        assert f"holds results of other settings ({words} differs)" in error and error.count("\n") == 1
    (folder / "more").mkdir()
    Image.new("RGB", (230, 230), "red").save(folder / "more" / "z.png")
    assert main(command(folder, pictures=(str(folder / "more"),))) == 2 and "images differs" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in measured.iterdir()} == before
    (folder / "damaged").mkdir()
    (folder / "damaged" / "run.json").write_text("{")
    assert main(command(folder, out="damaged")) == 2 and "run.json: is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--batch", "1"], ["--batch", "9"], ["--workers", "2"]], ids=" ".join)
def test_batches_and_workers_change_nothing(measured: Path, folder: Path, options: list[str]) -> None:
    out = "".join(options)
    assert main(command(folder, *options, out=out)) == 0
    expected, found = values(measured), values(folder / out)
    assert expected.keys() == found.keys()
    for key, one in expected.items():
        assert found[key] == pytest.approx(one, rel=1e-9, abs=1e-5, nan_ok=True), key
    assert {row["model"]: row["rank"] for row in rows(folder / out / "summary.csv")} == {
        row["model"]: row["rank"] for row in rows(measured / "summary.csv")
    }


def test_a_run_that_is_killed_goes_on_where_it_was(measured: Path, folder: Path) -> None:
    """Killed three times, each time after some more values are on the disk."""
    out = folder / "killed"
    for place, least in enumerate((1, 20, 50)):
        kill_when(
            command(folder, out="killed"),
            lambda least=least: (
                (out / measure.RECORD).exists() and (out / measure.RECORD).read_bytes().count(b"\n") >= least
            ),
        )
        assert (out / "run.json").exists(), place
    assert not (out / "measures.parquet").exists()
    assert main(command(folder, out="killed")) == 0
    assert values(out) == pytest.approx(values(measured), rel=1e-9, abs=1e-5, nan_ok=True)
    assert (out / "skipped.csv").read_bytes() == (measured / "skipped.csv").read_bytes()
    assert json.loads((out / "run.json").read_text()) == json.loads((measured / "run.json").read_text())


def test_boxes_and_the_other_measures(folder: Path) -> None:
    (folder / "boxes.csv").write_text("image,x0,y0,x1,y1\na.png,20,20,200,180\nb.png,100,100,140,130\n")
    assert (
        main(
            command(
                folder, "--boxes", str(folder / "boxes.csv"), out="boxed", metrics="box_mass,pointing,gini,entropy,seconds"
            )
        )
        == 0
    )
    found = values(folder / "boxed")
    assert {image for image, _, metric in found if metric in ("box_mass", "pointing")} == {"a.png", "b.png"}
    assert {image for image, _, metric in found if metric == "gini"} == {"a.png", "b.png", "d.png", "e.png"}
    assert all(0 <= found[image, "Gamma", "box_mass"] <= 1 for image in ("a.png", "b.png"))
    assert {found[image, "edges", "pointing"] for image in ("a.png", "b.png")} <= {0.0, 1.0}


def test_json_is_one_object(measured: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(folder, "--json")) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["summary"]) == 24 and result["summary"][0]["model"] == "Basic"


def test_a_model_without_a_finite_map_does_not_lose_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild = json.loads((folder / "gamma.json").read_text())
    wild["segments"][0]["rule"], wild["name"] = {"preset": "custom", "alpha": 1e30}, "Wild"
    (folder / "wild.json").write_text(json.dumps(wild))
    assert main([*command(folder, out="wild", metrics="gini"), "--model", str(folder / "wild.json")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "not finite" in error and "4 pictures and models" in error
    assert {model for _, model, _ in values(folder / "wild")} == {"Basic", "Gamma", "edges", "gradient"}
    assert next(row for row in rows(folder / "wild" / "summary.csv") if row["model"] == "Wild")["images"] == "0"


def test_progress_says_how_long_it_takes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 10.0 + 100, 10.0 + 200])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shows = progress.ProgressLine()
    for done in (5, 6, 15, 100):
        shows(done, 100)
    shows.end()
    shown = capsys.readouterr().err.split("\r\033[K")
    assert shown == [
        "",
        "Measured 5 of 100",
        "Measured 6 of 100, 16 min left",
        "Measured 15 of 100, 16 min left",
        "Measured 100 of 100, 0 s left",
        "",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--metrics", "accuracy"], "must be some of srg"),
        (["--metrics", ","], "must be some of"),
        (["--baselines", "saliency"], "must be some of gradient"),
        (["--metrics", "box_mass"], "give the boxes"),
        (["--metrics", "gini", "--boxes", "missing.csv"], "cannot be read"),
        (["--metrics", "pointing", "--boxes", "empty.csv"], "empty.csv: holds no boxes"),
        (["--metrics", "pointing", "--boxes", "others.csv"], "others.csv: names none of the pictures"),
        (["--seed", "-1"], "at least 0"),
        (["--target", "unicorn"], "no such class"),
        (["--patch", "224"], "patch: must be"),
        (["--workers", "0"], "at least 1"),
        (["--model", "missing.json"], "missing.json"),
        (["--fill", "white"], "invalid choice"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (folder / "empty.csv").write_text("image,x0,y0,x1,y1\n")
    (folder / "others.csv").write_text("image,x0,y0,x1,y1\nother.png,0,0,9,9\n")
    arguments = [str(folder / one) if one.endswith(".csv") else one for one in arguments]
    assert_refused(command(folder, *arguments, out="bad"), words, capsys)


def test_what_cannot_be_measured_is_refused_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, network = str(folder / "pictures" / "a.png"), str(folder / "net.safetensors")
    more = ["--network", network, "--out", str(folder / "bad")]
    assert main(["measure", picture, *more]) == 2 and "--model FILE, or --baselines" in capsys.readouterr().err
    assert main(["measure", picture, "--baselines", "edges", "--metrics", "mosaic", *more]) == 2
    assert "at least 4 pictures, got 1" in capsys.readouterr().err
    assert main(["measure", str(folder / "pictures" / "c.png"), "--baselines", "edges", *more]) == 2
    assert "None of the 1 pictures can be read" in capsys.readouterr().err
    assert not (folder / "bad" / "run.json").exists() and set(MEASURES) > {"srg"}
