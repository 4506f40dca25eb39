"""Search: the same trials for the same seed, whatever interrupts it; stages that spare work; held-out numbers by hand."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.support.commands import assert_refused, kill_when
from tests.support.searching import TRIALS, command, prepared, rows
from vislrp_core import compact, flipping
from vislrp_core.cli import main
from vislrp_core.cli.measured_runs import RECORD
from vislrp_core.experiments import MemoryRecord, Picture, Workspace
from vislrp_core.experiments.run import record_key
from vislrp_core.measures import MeasureTask, Settings
from vislrp_core.model import LRPModel
from vislrp_core.networks import load_network
from vislrp_core.search import run as runs
from vislrp_core.search import screen
from vislrp_core.search.presets import default_space
from vislrp_core.search.ready import ready_models
from vislrp_core.search.report import Gain, gain_of, sentence
from vislrp_core.search.run import Search
from vislrp_core.search.space import Space
from vislrp_core.search.trials import SearchPicture, SearchPlan, Trial, best, from_the_top, front, split, task
from vislrp_core.store import RelevanceStore

SETTINGS = Settings(patch=56, steps=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="module")
def searched(folder: Path) -> Path:
    assert main(command(folder)) == 0
    return folder / "out"


def without_seconds(path: Path) -> list[list[str]]:
    return [[value for key, value in row.items() if key != "seconds"] for row in rows(path)]


def samples(folder: Path, names: Sequence[str]) -> tuple[SearchPicture, ...]:
    return tuple(SearchPicture(Picture.of(str(folder / "pictures" / f"{name}.png"))) for name in names)


def test_trials_begin_with_the_ready_models_and_are_measured_as_the_contract_says(searched: Path, folder: Path) -> None:
    found = rows(searched / "trials.csv")
    assert list(found[0]) == ["trial", "state", "srg", "seconds", "model"]
    assert [row["trial"] for row in found] == [str(number) for number in range(TRIALS)]
    ready = ready_models("alexnet")
    models = [compact.decode(row["model"]) for row in found]
    assert [one.key for one in models[: len(ready)]] == [one.model.key for one in ready]
    assert all(row["state"] in ("complete", "failed") for row in found[: len(ready)])
    assert "pruned" in {row["state"] for row in found}
    assert all(bool(row["srg"]) == (row["state"] == "complete") for row in found)
    stated = json.loads((searched / "run.json").read_text(encoding="utf-8"))["settings"]
    assert len(stated["search"]) == 3 and len(stated["held_out"]) == 6 and "c.png" in stated["skipped"][0]
    network = load_network(folder / "net.safetensors")
    last = max((row for row in found if row["state"] == "complete"), key=lambda row: int(row["trial"]))
    assert int(last["trial"]) >= len(ready)
    values = [
        MeasureTask(Picture.of(path), compact.decode(last["model"]), "srg", SETTINGS).run(network).value
        for path, _ in stated["search"]
    ]
    assert float(last["srg"]) == pytest.approx(np.mean(values), abs=1e-9)


def test_the_report_is_from_held_out_pictures_alone_and_its_numbers_are_right(searched: Path, folder: Path) -> None:
    stated = json.loads((searched / "run.json").read_text(encoding="utf-8"))
    searching, held = ({path for path, _ in stated["settings"][part]} for part in ("search", "held_out"))
    assert not searching & held
    report, trials = rows(searched / "report.csv"), rows(searched / "trials.csv")
    ready = {one.model.name: one.model for one in ready_models("alexnet")}
    assert set(ready) <= {row["model"] for row in report} and all(row["images"] == "6" for row in report)
    network = load_network(folder / "net.safetensors")

    def values(model: LRPModel) -> list[float]:
        return [
            MeasureTask(Picture.of(path), model, "srg", SETTINGS).run(network).value
            for path, _ in stated["settings"]["held_out"]
        ]

    done = [row for row in trials if row["state"] == "complete"]
    found = max((row for row in done if int(row["trial"]) >= len(ready)), key=lambda row: float(row["srg"]))
    beaten = max((row for row in done if int(row["trial"]) < len(ready)), key=lambda row: float(row["srg"]))
    mine, theirs = (values(compact.decode(row["model"])) for row in (found, beaten))
    row = next(row for row in report if row["model"] == f"Found {found['trial']}")
    assert float(row["mean"]) == pytest.approx(np.mean(mine), abs=1e-9)
    assert [float(row["low"]), float(row["high"])] == pytest.approx(flipping.bootstrap(mine), abs=1e-9)
    gaps = np.subtract(mine, theirs)
    assert [float(row["gain"]), float(row["gain_low"]), float(row["gain_high"])] == pytest.approx(
        [gaps.mean(), *flipping.bootstrap(list(gaps))], abs=1e-9
    )
    (told,) = stated["conclusion"]
    assert f"Found {found['trial']} against {compact.decode(beaten['model']).name}" in told
    assert "on 6 held-out pictures" in told
    assert f"{np.mean(mine):.4f} against {np.mean(theirs):.4f}" in told
    assert told in (searched / "report.md").read_text(encoding="utf-8")


def test_the_front_holds_models_that_open(searched: Path) -> None:
    trials = [row for row in rows(searched / "trials.csv") if row["state"] == "complete"]
    files = sorted((searched / "front").iterdir())
    assert [path.name for path in files] == [f"{place:02d}.json" for place in range(1, len(files) + 1)]
    top = max(float(row["srg"]) for row in trials)
    keys = {compact.decode(row["model"]).key for row in trials if float(row["srg"]) == top}
    assert {LRPModel.load(path).key for path in files} == keys
    assert {row["file"] for row in rows(searched / "report.csv") if row["file"]} == {f"front/{path.name}" for path in files}


def test_the_journal_opens_with_optuna(searched: Path) -> None:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(searched / "study.journal")))
    study = optuna.load_study(study_name="vislrp search", storage=storage)
    assert [one.user_attrs["number"] for one in study.trials] == list(range(TRIALS))
    states = [row["state"] for row in rows(searched / "trials.csv")]
    assert [one.state.name for one in study.trials] == [
        {"complete": "COMPLETE", "failed": "FAIL"}.get(state, "PRUNED") for state in states
    ]


def test_killed_in_the_middle_it_goes_on_where_it_was_and_ends_with_the_same_trials(
    searched: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = folder / "killed"
    kill_when(
        command(folder, out="killed"), lambda: (out / RECORD).exists() and (out / RECORD).read_bytes().count(b"\n") >= 100
    )
    assert not (out / "report.csv").exists()
    kept = (out / RECORD).read_bytes().splitlines()[:100]
    assert main(command(folder, out="killed")) == 0
    record = (out / RECORD).read_bytes().splitlines()
    assert record[:99] == kept[:99], "what was measured stays"
    keys = [json.loads(line)["key"] for line in record if line.endswith(b"}")]
    assert len(keys) == len(set(keys)), "nothing is measured twice"
    assert without_seconds(out / "trials.csv") == without_seconds(searched / "trials.csv")
    assert (out / "report.csv").read_bytes() == (searched / "report.csv").read_bytes()
    # Once more, nothing is left to measure, and every byte stays.
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.name != "study.journal"}
    monkeypatch.setattr(MeasureTask, "run", lambda *_: pytest.fail("measured again"))
    assert main(command(folder, out="killed")) == 0
    assert {name: (out / name).read_bytes() for name in before} == before


def test_other_settings_are_refused_and_more_trials_go_on(
    searched: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (searched / "trials.csv").read_bytes()
    for change, words in (
        (["--seed", "1"], "seed"),
        (["--objectives", "aopc"], "objectives"),
        (["--holdout", "0.5"], "holdout"),
    ):
        assert main(command(folder, *change)) == 2
        assert f"holds results of other settings ({words} differs)" in capsys.readouterr().err
    assert (searched / "trials.csv").read_bytes() == before
    assert main(command(folder, trials=12)) == 2 and "ready differs" in capsys.readouterr().err
    shutil.copytree(searched, folder / "more")
    assert main(command(folder, out="more", trials=TRIALS + 1)) == 0
    more = (folder / "more" / "trials.csv").read_bytes()
    assert more.startswith(before) and len(rows(folder / "more" / "trials.csv")) == TRIALS + 1


def test_workers_measure_the_same_values(folder: Path) -> None:
    assert main(command(folder, "--workers", "2", out="two", trials=4, names="abde")) == 0
    found = rows(folder / "two" / "trials.csv")
    assert [row["state"] for row in found] == ["complete"] * 4
    network = load_network(folder / "net.safetensors")
    pictures = json.loads((folder / "two" / "run.json").read_text(encoding="utf-8"))["settings"]["search"]
    for row in found:
        values = [
            MeasureTask(Picture.of(path), compact.decode(row["model"]), "srg", SETTINGS).run(network).value
            for path, _ in pictures
        ]
        assert len(values) == 2 and float(row["srg"]) == pytest.approx(np.mean(values), abs=1e-5)


def test_several_objectives_make_a_front(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(folder, "--objectives", "srg,class_cosine", "--json", out="several", trials=10, names="abde")) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["conclusion"]) == 2 and told["conclusion"][1].startswith("Class cosine: Found ")
    trials = rows(folder / "several" / "trials.csv")
    assert list(trials[0]) == ["trial", "state", "srg", "class_cosine", "seconds", "model"]
    done = [
        (float(row["srg"]), float(row["class_cosine"]), compact.decode(row["model"]).key)
        for row in trials
        if row["state"] == "complete"
    ]
    kept = {key for srg, cosine, key in done if not any(a > srg and b < cosine for a, b, _ in done)}
    assert {LRPModel.load(path).key for path in (folder / "several" / "front").iterdir()} == kept and len(kept) > 1
    by_model = {(row["model"], row["objective"]) for row in told["report"]}
    assert ("Overview composite", "class_cosine") in by_model and ("EpsilonPlus", "srg") in by_model


def trial(number: int, *values: float, kind: str = "found", gamma: float | None = None) -> Trial:
    model = compact.decode(
        f"M{number}~proportional~ignore~z-box~logit~38_gamma_gamma1p={gamma or number + 1}".replace("z-box", "z_box")
    )
    return Trial(number, "complete" if values else "pruned", model, kind, values)  # type: ignore[arg-type]


def test_front_and_best_by_hand() -> None:
    all_of = [
        trial(0, 0.2, 0.5, kind="composite"),
        trial(1, 0.3, 0.6),
        trial(2, 0.1, 0.9),
        trial(3, 0.2, 0.5, gamma=1.0),
        trial(4),
        trial(5, 0.2, 0.7),
    ]
    assert [one.number for one in front(all_of, (False, True))] == [1, 0]
    assert [one.number for one in front(all_of, (False, False))] == [1, 5, 2]
    assert best(all_of, 1, True, ready=False).number == 3 and best(all_of, 0, False, ready=True).number == 0  # type: ignore
    assert best([all_of[4]], 0, False, ready=False) is None and front([all_of[4]], (False, True)) == ()


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (
            Gain(7, 0.02, 0.01, 0.03),
            "0.0200 better (95 % interval of the paired difference +0.0100 to +0.0300, which leaves 0): "
            "the found model beats it.",
        ),
        (
            Gain(7, 0.02, -0.01, 0.03),
            "difference −0.0100 to +0.0300, which holds 0): the found model is not shown to beat it.",
        ),
        (
            Gain(7, -0.02, -0.03, -0.01),
            "0.0200 worse (95 % interval of the paired difference −0.0300 to −0.0100, which leaves 0): "
            "the search found nothing that beats it.",
        ),
        (Gain(5, 0.02, 0.01, 0.03), "with fewer than 6 pictures neither is called better."),
        (Gain(0, math.nan, math.nan, math.nan), "they share no held-out picture with a value, so nothing is known."),
    ],
)
def test_sentences_of_the_conclusion(gain: Gain, words: str) -> None:
    found, ready = trial(3, 0.3), trial(0, 0.2, kind="composite")
    values = {(one.model.key, "srg"): {"a": 0.25, "b": 0.35} for one in (found, ready)}
    told = sentence("srg", found, ready, gain, values)
    assert told.startswith("SRG: M3 against M0, the best ready-made model on the search pictures") and told.endswith(words)
    assert "give the search more trials" in sentence("srg", None, ready, None, values)
    assert "nothing to beat" in sentence("srg", found, None, None, values)


def test_a_gain_is_positive_where_the_model_is_better() -> None:
    one, other = trial(1, 0.3).model, trial(2, 0.3).model
    values = {(one.key, metric): {"a": 1.0, "b": 4.0, "c": 9.0} for metric in ("srg", "class_cosine")}
    values |= {(other.key, metric): {"a": 2.0, "b": 6.0} for metric in ("srg", "class_cosine")}
    assert gain_of(values, one, other, "srg").mean == -1.5 and gain_of(values, one, other, "class_cosine").mean == 1.5
    gain = gain_of(values, one, other, "srg")
    assert (gain.images, gain.low, gain.high) == (2, -2.0, -1.0)


def test_the_first_stage_predicts_and_spares_what_is_hopeless() -> None:
    random = np.random.default_rng(0)
    known = random.normal(size=(20, 2))
    values = 3 + 2 * known[:, 0]
    predicted, error = screen.predict(known, values, np.array([[0.0, 5.0], [1.0, -5.0]]))
    assert predicted == pytest.approx([3.0, 5.0], abs=1.0) and error < 0.5
    worse, better, unknown = (-3.0, 0.0), (2.0, 0.0), (math.nan, 0.0)
    cheap = {**{number: tuple(row) for number, row in enumerate(known)}, 20: worse, 21: better, 22: unknown}
    finished = {number: {"srg": float(value)} for number, value in enumerate(values)}
    assert screen.hopeless(cheap, finished, [20, 21, 22], {"srg": False}, {}) == {20}
    assert screen.hopeless(cheap, finished, [20, 21, 22], {"srg": True}, {}) == {21}
    few = {number: finished[number] for number in range(screen.FEWEST - 1)}
    assert screen.hopeless(cheap, few, [20, 21], {"srg": False}, {}) == set()
    # An objective that is itself cheap is compared as it is; good in one, a trial stays.
    both = {number: {**one, "gini": 0.0} for number, one in finished.items()}
    assert screen.hopeless(cheap, both, [20, 21], {"srg": False, "gini": True}, {"gini": 1}) == (
        {20} if float(np.median(-known[:, 1])) > 0 else set()
    )


def test_stages_spare_measurements_and_relevance_is_shared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_network(folder / "net.safetensors")
    pictures = samples(folder, "abde")
    plan = SearchPlan(pictures, samples(folder, "fg"), ("srg",), default_space(network.architecture), 24, settings=SETTINGS)
    with monkeypatch.context() as patch:
        # The first suggestion of a generation is hopeless.
        patch.setattr(screen, "hopeless", lambda cheap, finished, candidates, *_: set(candidates[:1]) if finished else set())
        record = MemoryRecord()
        staged = list(Search(network, plan, record=record).run())
    assert {one.state for one in staged} == {"complete", "pruned", "screened"}
    assert [one.state for one in staged if not one.ready][::6] == ["screened", "screened"]
    for one in staged:
        measured = [
            record.get(record_key(network, task(pictures, place, one.model, "srg", SETTINGS))) is not None
            for place in range(4)
        ]
        assert sum(measured) == {"complete": 4, "screened": 0}.get(one.state, sum(measured)), one.state
        assert one.state != "pruned" or measured in ([True, True, False, False], [True, True, True, False])
    shared, plain = Workspace(network, store=RelevanceStore(runs.STORE_BYTES)), Workspace(network)
    models = sorted((one.model for one in staged), key=from_the_top)
    for model in models:
        assert (shared.values(pictures[0].picture, model, 0) == plain.values(pictures[0].picture, model, 0)).all()


def test_a_model_without_a_finite_map_fails_alone(folder: Path) -> None:
    network = load_network(folder / "net.safetensors")
    wild = Space.from_data(
        {
            "architecture": "alexnet",
            "segments": [
                {
                    "last": 20,
                    "rules": [
                        {"preset": "custom", "alpha": 1e6, "gamma2": 1e6},
                        {"preset": "gamma", "gamma1p": {"from": 0.1, "to": 1}},
                    ],
                }
            ],
        }
    )
    plan = SearchPlan(samples(folder, "ab"), samples(folder, "de"), ("srg",), wild, 24, settings=SETTINGS)
    trials = list(Search(network, plan).run())
    failed = [one for one in trials if one.state == "failed"]
    assert failed and all("not finite" in one.reason and not one.values for one in failed)
    assert any(one.state == "complete" and not one.ready for one in trials)


def test_pictures_are_split_by_name_and_seed(folder: Path) -> None:
    names = [SearchPicture(Picture(f"{place}/{name}.png", name)) for place, name in zip("zyxwvu", "abcdef", strict=True)]
    searched, held = split(names, 0.5, 1)
    order = np.random.default_rng(1).permutation(6)
    assert [one.picture.digest for one in (*held, *searched)] == ["abcdef"[k] for k in order] and len(held) == 3
    assert split(names[::-1], 0.5, 1) == (searched, held) and split(names, 0.5, 2) != (searched, held)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--objectives", "gini"], "must be some of srg"),
        (["--objectives", ","], "must be some of"),
        (["--objectives", "pointing"], "give the boxes"),
        (["--objectives", "pointing", "--boxes", "empty.csv"], "empty.csv: holds no boxes"),
        (["--objectives", "pointing", "--boxes", "others.csv"], "others.csv: names none of the pictures"),
        (["--holdout", "1"], "between 0 and 1"),
        (["--holdout", "0.01"], "both need at least one"),
        (["--space", "missing.json"], "cannot be read"),
        (["--space", "one.json"], "one.json: the space holds one model: let a border"),
        (["--trials", "0"], "at least 1"),
        (["--objectives", "mosaic"], "mosaic: needs at least 4 pictures"),
        (["--target", "unicorn"], "no such class"),
        (["--workers", "2", "--ray"], "choose --workers or --ray"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (folder / "empty.csv").write_text("image,x0,y0,x1,y1\n")
    (folder / "one.json").write_text('{"segments": [{"last": 38, "rules": [{"preset": "zero"}]}]}')
    (folder / "others.csv").write_text("image,x0,y0,x1,y1\nother.png,0,0,9,9\n")
    arguments = [str(folder / one) if one.endswith((".csv", "one.json")) else one for one in arguments]
    assert_refused(command(folder, *arguments, out="bad"), words, capsys)
    assert not (folder / "bad" / "run.json").exists()


def test_without_optuna_the_way_out_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert_refused(command(folder, out="bad"), 'pip install "vislrp-designer[search]"', capsys)
