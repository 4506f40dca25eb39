"""`vislrp search` and what lies in its folder already: an earlier search, files of others, a full disk; twin pictures."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from tests.support.commands import assert_refused
from tests.support.searching import command, prepared, rows
from vislrp_core.cli import main
from vislrp_core.errors import InputError
from vislrp_core.experiments import Picture, Record
from vislrp_core.search.trials import SearchPicture, split


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("search"))


def test_few_trials_go_on_with_more_and_files_of_others_stay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With more trials more ready-made models would fit in: those that came first stay the first."""
    out = folder / "few"
    (out / "front").mkdir(parents=True)
    (out / "front" / "index.html").write_text("mine")
    (out / "front" / "09.json").write_text("of a larger front")
    quick = ["--patch", "112", "--steps", "1"]
    assert main(command(folder, *quick, out="few", trials=4, names="ab")) == 0
    kept = {path.name for path in (out / "front").iterdir()}
    assert {"index.html", "01.json"} <= kept and "09.json" not in kept
    before = (out / "trials.csv").read_bytes()
    assert main(command(folder, *quick, out="few", trials=6, names="ab")) == 0
    assert (out / "trials.csv").read_bytes().startswith(before) and len(rows(out / "trials.csv")) == 6
    (out / "run.json").write_text('{"settings": 3}')
    assert_refused(command(folder, *quick, out="few", trials=6, names="ab"), "is damaged", capsys)
    (folder / "file" / "x").parent.mkdir()
    (folder / "file" / "front").write_text("no folder")
    assert_refused(command(folder, *quick, out="file", names="abde"), "front: is a file", capsys)


def test_a_full_disk_is_said_with_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Record(folder / "record.jsonl") as record, monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match=r"No space left on device.*record\.jsonl"):
            record.put("a", 1)
        assert_refused(command(folder, out="full", names="ab", trials=2), "run.json: No space left on device", capsys)


def test_a_picture_under_two_names_is_not_both_searched_on_and_held_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "twins").mkdir()
    twin = shutil.copy(folder / "pictures" / "a.png", folder / "twins" / "z.png")
    given = command(folder, "--patch", "112", "--steps", "1", out="twins/out", trials=2, names="ab")
    assert main([given[0], str(twin), *given[1:]]) == 0
    (skipped,) = rows(folder / "twins" / "out" / "skipped.csv")
    assert skipped["image"].endswith("a.png") and "is the same picture as" in skipped["reason"]
    shutil.rmtree(folder / "twins" / "out")
    given = command(folder, out="twins/out", names="a")
    assert_refused([given[0], str(twin), *given[1:]], "0.5 of 1 picture leaves 1", capsys)
    assert_refused([given[0], str(twin), *given[1:]], "a.png is left out: is the same picture as", capsys)
    with pytest.raises(InputError, match="are the same picture: leave one out"):
        split([SearchPicture(Picture("one.png", "same")), SearchPicture(Picture("two.png", "same"))], 0.5, 0)
