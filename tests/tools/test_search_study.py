"""Searches as one study: models and reports for the app, and a section whose numbers are those of the searches."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import tiny_state
from tools.search_study.__main__ import ROOT, main
from tools.search_study.runs import gain_of, read
from tools.search_study.section import best_of, rules_of
from tools.search_study.ship import BEGIN
from vislrp_core.cli import main as vislrp
from vislrp_core.model import LRPModel
from vislrp_core.networks import load_network
from vislrp_core.search import ready
from vislrp_ui import session

SEEDS = (0, 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short searches on four pictures, two more pictures, and what a study writes into."""
    folder = tmp_path_factory.mktemp("study")
    state = tiny_state(4, divisor=16, hidden=(12, 10), classes=7, architecture="alexnet")
    save_file(state, folder / "net.safetensors")
    random = np.random.default_rng(3)
    for name in ("pictures/a", "pictures/b", "pictures/c", "pictures/d", "others/e", "others/f"):
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((240, 230), Image.Resampling.BICUBIC).save(path)
    for seed in SEEDS:
        measured = ["--trials", "4", "--patch", "56", "--steps", "3", "--seed", str(seed)]
        places = ["--network", str(folder / "net.safetensors"), "--out", str(folder / f"seed{seed}")]
        assert vislrp(["search", str(folder / "pictures"), *measured, *places]) == 0
    for file in ("model_store/README.md", "docs/search.md"):
        (folder / file).parent.mkdir()
        shutil.copy(ROOT / file, folder / file)
    return folder


def study(place: Path, *arguments: str) -> int:
    return main([*arguments, "--network", str(place / "net.safetensors")], place)


def test_a_study_ships_models_reports_and_a_section(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert study(place, str(place / "seed1"), str(place / "seed0"), "--pictures", str(place / "others")) == 0
    network = load_network(place / "net.safetensors")
    runs = [read(place / f"seed{seed}", network) for seed in SEEDS]
    store, text = place / "model_store", (place / "docs" / "search.md").read_text(encoding="utf-8")
    for run in runs:
        seed = run.plan.seed
        model = LRPModel.load(store / f"found_by_search_{seed}.json")
        assert model.key == run.found.model.key and model.name == f"Found by search, seed {seed}"
        assert "on 2 held-out pictures" in model.description
        folder = store / "found_by_search" / f"seed_{seed}"
        assert sorted(path.name for path in folder.iterdir()) == ["report.csv", "report.md", "run.json", "trials.csv"]
        assert f"found_by_search_{seed}.json" in (folder / "report.md").read_text(encoding="utf-8")
        assert all(str(place) not in path.read_text(encoding="utf-8") for path in folder.iterdir()), (
            "no folder of a computer"
        )
        # The numbers are those of the search's own report.
        with (run.folder / "report.csv").open(encoding="utf-8-sig", newline="") as file:
            row = next(row for row in csv.DictReader(file) if row["model"] == run.found.model.name)
        assert f"| {seed} | trial {run.found.number} | {run.ready.model.name} | {float(row['mean']):.4f}".replace(
            "-", "−"
        ) in (text.replace("-", "−"))
        gained = [f"{float(row[key]):+.4f}".replace("-", "−") for key in ("gain", "gain_low", "gain_high")]
        assert "{} ({} to {})".format(*gained) in text
    assert any(run.gain.mean for run in runs), "nothing is told apart"
    mean = np.mean([run.gain.mean for run in runs])
    assert re.search(rf"\| mean \|.*\| {f'{mean:+.4f}'.replace('-', '−')} \(".replace("+", r"\+"), text)
    assert best_of(1) == 0 and best_of(7) == pytest.approx(1.352, abs=0.02) and best_of(25) == pytest.approx(1.965, abs=0.02)
    assert "gain on 2 further pictures" in text and "--model model_store/found_by_search_1.json" in text
    assert text.index("## A study on the sample photographs") < text.index("## Limits")
    assert "`found_by_search_0.json`, `found_by_search_1.json`" in (store / "README.md").read_text(encoding="utf-8")
    # Once more, without the further pictures: one section, in place of the other.
    assert study(place, str(place / "seed0"), str(place / "seed1")) == 0
    again = (place / "docs" / "search.md").read_text(encoding="utf-8")
    assert again.count(BEGIN) == 1 and "further pictures" not in again and again.count("## Limits") == 1
    # The app lists them; a search does not take them for competition.
    for module in (ready, session):
        monkeypatch.setattr(module, "model_store", lambda: store)
    session.examples.cache_clear()
    assert [entry.id for entry in session.examples()] == ["found_by_search_0", "found_by_search_1"]
    session.examples.cache_clear()
    assert all(one.kind == "composite" for one in ready.ready_models("alexnet"))


def test_what_makes_no_study_is_refused_in_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = str(place / "seed0"), str(place / "seed1")
    for name, change in (("unfinished", {"conclusion": None}), ("other", {"holdout": 0.4}), ("weights", {"network": None})):
        shutil.copytree(first, place / name)
        stated = json.loads((place / name / "run.json").read_text(encoding="utf-8"))
        if name == "unfinished":
            del stated["conclusion"]
        elif name == "other":
            stated["settings"] |= change
        else:
            stated["settings"]["network"]["digest"] = "0"
        (place / name / "run.json").write_text(json.dumps(stated), encoding="utf-8")
    before = (place / "docs" / "search.md").read_bytes()
    for arguments, words in (
        ([first, first], "the same seed"),
        ([first, str(place / "unfinished")], "has not ended"),
        ([first, str(place / "weights")], "searched with other weights"),
        ([first, str(place / "pictures")], "holds no search"),
        ([first, second, "--pictures", str(place / "pictures")], "is a picture of the searches"),
        ([second, str(place / "other")], "holdout differs"),
    ):
        assert study(place, *arguments) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1
    assert (place / "docs" / "search.md").read_bytes() == before


def test_a_picture_that_several_seeds_hold_out_is_drawn_as_a_whole() -> None:
    gain = gain_of([{"a": 1.0, "b": 0.0}, {"a": 1.0, "c": 0.0}])
    assert gain.mean == 0.5 and (gain.low, gain.high) == (0.0, 1.0) and gain.images == 3
    alone = gain_of([{"a": 0.25, "b": 0.25}])
    assert (alone.mean, alone.low, alone.high) == (0.25, 0.25, 0.25)


def test_rules_of_a_block_name_where_each_ends() -> None:
    model = LRPModel.load(ROOT / "model_store" / "configuration_4.json")
    whole = rules_of(model, 1, 38)
    assert whole.count(" to ") == len(model.segments) and whole.endswith("to fc8")
    assert rules_of(model, 1, 2) == rules_of(model, 3, 4)
