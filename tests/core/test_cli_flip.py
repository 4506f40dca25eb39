"""The command `flip`: files to the letter, several models and pictures, going on after an interruption, bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import tiny_state
from vislrp_core import flipping
from vislrp_core.cli import common, flip, main
from vislrp_core.experiments import flips, workspace
from vislrp_core.fills import filled_image
from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import forward, logits
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate

SETTINGS = ["--patch", "56", "--steps", "4", "--seeds", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures, two models, a network of seven classes."""
    place = tmp_path_factory.mktemp("flip")
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    (place / "net.json").write_text(json.dumps({"classes": ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"]}))
    random = np.random.default_rng(0)
    (place / "pictures").mkdir()
    for name in ("one.png", "two.png"):
        pixels = random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((240, 230), Image.Resampling.BICUBIC).save(place / "pictures" / name)
    LRPModel.basic("Basic").save(place / "basic.json")
    other = json.loads(LRPModel.basic("Gamma").to_json())
    other["segments"][0]["rule"] = {"preset": "gamma"}
    LRPModel.from_json(json.dumps(other)).save(place / "gamma.json")
    return place


def flip_command(folder: Path, *arguments: str, out: str = "out") -> list[str]:
    return ["flip", *arguments, "--network", str(folder / "net.safetensors"), "--out", str(folder / out), *SETTINGS]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def measured(folder: Path) -> Path:
    models = ["--model", str(folder / "basic.json"), "--model", str(folder / "gamma.json")]
    assert main(flip_command(folder, str(folder / "pictures"), *models)) == 0
    return folder / "out"


def test_curves_csv_has_the_rows_of_every_picture_model_order_and_step(measured: Path, folder: Path) -> None:
    found = rows(measured / "curves.csv")
    assert tuple(found[0]) == ("image", "target", "model", "order", "seed", "step", "flipped_share", "logit", "probability")
    assert len(found) == 2 * 2 * (2 + 2) * 5
    assert {row["image"] for row in found} == {str(folder / "pictures" / name) for name in ("one.png", "two.png")}
    assert {(row["order"], row["seed"]) for row in found} == {("morf", ""), ("lerf", ""), ("random", "0"), ("random", "1")}
    assert [row["flipped_share"] for row in found[:5]] == ["0.0", "0.25", "0.5", "0.75", "1.0"]


@pytest.mark.parametrize(("order", "sign"), [("morf", -1), ("lerf", 1)])
def test_numbers_equal_a_direct_computation(measured: Path, folder: Path, order: str, sign: int) -> None:
    network = load_network(str(folder / "net.safetensors"))
    image = str(folder / "pictures" / "two.png")
    x = to_input(read_image(image), network)
    trace = forward(network, x)
    target = int(trace.logits.argmax())
    heat = propagate(network, trace, LRPModel.load(folder / "gamma.json"), target).map(0)
    squares = sorted(
        (sign * float(heat[r : r + 56, c : c + 56].sum()), r, c) for r in range(0, 224, 56) for c in range(0, 224, 56)
    )
    own = [
        row for row in rows(measured / "curves.csv") if (row["image"], row["model"], row["order"]) == (image, "Gamma", order)
    ]
    assert len(own) == 5 and {row["target"] for row in own} == {network.classes[target]}
    for step, row in enumerate(own):
        picture = x.clone()
        for _, r, c in squares[: round(step / 4 * 16)]:
            picture[:, :, r : r + 56, c : c + 56] *= -1
        direct = logits(network, picture)[0]
        assert float(row["logit"]) == pytest.approx(float(direct[target]), rel=1e-4, abs=1e-5)
        assert float(row["probability"]) == pytest.approx(float(direct.softmax(0)[target]), rel=1e-4)


def test_summary_csv_holds_the_scores_of_the_curves(measured: Path) -> None:
    curves = rows(measured / "curves.csv")
    found = rows(measured / "summary.csv")
    assert tuple(found[0]) == (
        "image",
        "target",
        "model",
        "aopc",
        "abpc",
        "srg",
        "flips_to_change",
        "aopc_logit",
        "abpc_logit",
        "srg_logit",
    )
    assert len(found) == 4
    for row in found:
        own = [c for c in curves if c["image"] == row["image"] and c["model"] == row["model"]]
        for suffix, column in (("", "probability"), ("_logit", "logit")):
            fall, late = (np.array([float(c[column]) for c in own if c["order"] == order]) for order in ("morf", "lerf"))
            assert float(row[f"aopc{suffix}"]) == pytest.approx((fall[0] - fall).mean())
            assert float(row[f"abpc{suffix}"]) == pytest.approx((late - fall).mean())
            assert float(row[f"srg{suffix}"]) == pytest.approx(np.trapezoid(late - fall, dx=0.25))
        if row["flips_to_change"]:
            assert float(row["flips_to_change"]) in (0.25, 0.5, 0.75, 1.0)


def test_models_csv_holds_means_over_pictures_with_intervals(measured: Path) -> None:
    summary = rows(measured / "summary.csv")
    found = rows(measured / "models.csv")
    assert [row["model"] for row in found] == ["Basic", "Gamma"]
    for row in found:
        values = [float(one["srg"]) for one in summary if one["model"] == row["model"]]
        assert float(row["srg"]) == pytest.approx(np.mean(values)) and row["images"] == "2"
        assert float(row["srg_low"]) <= float(row["srg"]) <= float(row["srg_high"])


def test_an_interrupted_run_goes_on_and_ends_with_the_same_files(
    measured: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = flip_command(
        folder,
        str(folder / "pictures"),
        "--model",
        str(folder / "basic.json"),
        "--model",
        str(folder / "gamma.json"),
        out="again",
    )
    measure, calls = flipping.measure, []

    def interrupted(*arguments: object, **named: object) -> flipping.PerturbationCurve:
        calls.append(named["kind"])
        if len(calls) == 6:
            raise KeyboardInterrupt
        return measure(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(flips.flipping, "measure", interrupted)
    assert main(command) == 130
    record = folder / "again" / "measurements.jsonl"
    kept = record.read_bytes()
    record.write_bytes(kept[:-20])  # the last line was cut off while it was written
    assert len(rows(folder / "again" / "curves.csv")) == 1 * (2 + 2) * 5
    assert main(command) == 0
    # Random orders are shared by models: 2 pictures x (2 models x 2 orders + 2 seeds) curves, one of them measured twice.
    assert len(calls) == 6 + 12 - 4
    for name in ("curves.csv", "summary.csv", "models.csv"):
        assert (folder / "again" / name).read_text() == (measured / name).read_text()
    assert main(command) == 0 and len(calls) == 14, "what is measured is not measured again"


def test_other_settings_in_the_same_folder_are_measured_anew(folder: Path) -> None:
    command = flip_command(
        folder, str(folder / "pictures" / "one.png"), "--model", str(folder / "basic.json"), "--orders", "morf", out="fills"
    )
    assert main(command) == 0
    inverted = (folder / "fills" / "curves.csv").read_text()
    assert main([*command, "--fill", "black", "--target", "cat"]) == 0
    found = rows(folder / "fills" / "curves.csv")
    assert (folder / "fills" / "curves.csv").read_text() != inverted
    assert {row["target"] for row in found} == {"cat"} and {row["order"] for row in found} == {"morf"}
    summary = rows(folder / "fills" / "summary.csv")[0]
    assert summary["aopc"] and not summary["srg"] and not summary["abpc"]
    network = load_network(str(folder / "net.safetensors"))
    x = to_input(read_image(folder / "pictures" / "one.png"), network)
    whole = logits(network, filled_image(x, network, "black"))[0, 2]
    assert float(found[-1]["logit"]) == pytest.approx(float(whole), rel=1e-4)


def test_json_is_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                *flip_command(
                    folder, str(folder / "pictures" / "one.png"), "--model", str(folder / "basic.json"), out="json"
                ),
                "--json",
            ]
        )
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert result["settings"]["patch"] == 56 and result["summary"][0]["model"] == "Basic"
    assert result["models"][0]["srg"] == pytest.approx(result["summary"][0]["srg"])


def test_models_of_one_name_are_told_apart(folder: Path) -> None:
    twin = folder / "twin.json"
    twin.write_text((folder / "basic.json").read_text())
    names = list(common.named_models([str(folder / "basic.json"), str(twin), str(folder / "gamma.json")]))
    assert names[2] == "Gamma" and len(set(names)) == 3 and all(name.startswith("Basic (") for name in names[:2])


def test_a_damaged_picture_does_not_lose_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mixed = folder / "mixed"
    mixed.mkdir()
    (mixed / "a.png").write_bytes((folder / "pictures" / "one.png").read_bytes())
    (mixed / "b.png").write_bytes(b"no picture")
    assert main(flip_command(folder, str(mixed), "--model", str(folder / "basic.json"), out="mixed_out")) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "b.png" in error and "1 of 2 pictures" in error
    assert len(rows(folder / "mixed_out" / "summary.csv")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.png"], "no such file"),
        (["--orders", "best"], "morf, lerf, random"),
        (["--fill", "white"], "invalid choice"),
        (["--patch", "0"], "at least 1"),
        (["--patch", "224"], "patch: must be"),
        (["--steps", "x"], "at least 1"),
        (["--target", "unicorn"], "no such class"),
        (["--model", "missing.json"], "missing.json"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    command = flip_command(folder, str(folder / "pictures" / "one.png"), "--model", str(folder / "basic.json"), out="bad")
    try:
        status = (
            main([*command, *arguments])
            if arguments[0].startswith("--")
            else main(flip_command(folder, *arguments, "--model", str(folder / "basic.json"), out="bad"))
        )
    except SystemExit as stop:
        status = stop.code  # type: ignore[assignment]
    error = capsys.readouterr().err
    assert status == 2 and words in error and error.count("\n") == 1 and "Traceback" not in error


def test_pictures_of_a_folder_are_explained_together(measured: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "unreadable.png").write_bytes(b"no picture")
    monkeypatch.setattr(workspace, "GROUPS", 1)
    sizes: list[int] = []
    whole = workspace.propagate_batch
    monkeypatch.setattr(
        workspace,
        "propagate_batch",
        lambda network, batch, *rest, **more: (sizes.append(len(batch)), whole(network, batch, *rest, **more))[1],
    )
    pictures = [str(folder / "pictures" / name) for name in ("one.png", "two.png")]
    models = [part for name in ("basic.json", "gamma.json") for part in ("--model", str(folder / name))]
    command = flip_command(folder, *pictures, *models, out="together")
    assert main(command) == 0 and main(command) == 0
    assert sizes == [2, 2], "one for each model; nothing is explained for curves that are there"
    for one, other in zip(rows(folder / "together" / "curves.csv"), rows(measured / "curves.csv"), strict=True):
        assert float(one["probability"]) == pytest.approx(float(other["probability"]), abs=1e-5)
    assert (
        main(
            flip_command(
                folder, pictures[0], str(folder / "unreadable.png"), "--model", str(folder / "gamma.json"), out="one of two"
            )
        )
        == 2
    )
    assert {row["image"] for row in rows(folder / "one of two" / "curves.csv")} == {pictures[0]}


def test_which_picture_is_measured_stands_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flip.show_progress(1, 2, "folder/one.png")
    assert capsys.readouterr().err == "", "not in a file"
    monkeypatch.setattr(flip.sys.stderr, "isatty", lambda: True)
    flip.show_progress(1, 2, "folder/one.png")
    flip.show_progress(2, 2, "folder/two.png")
    assert capsys.readouterr().err == "\r\033[KFlipping 1 of 2: one.png\r\033[KFlipping 2 of 2: two.png\n"
