"""The program as others install it: what the wheel holds, that it runs far from the clone, and what it asks for."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import vislrp_core
from tests.support import wheel
from vislrp_core import resources

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    wheel.install(built, folder)
    return folder


def vislrp(installed: Path, folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [*wheel.command(installed), *arguments],
        cwd=folder,
        env=wheel.environment(installed),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_holds_everything_that_a_clone_has(built: Path):
    with zipfile.ZipFile(built) as archive:
        held = set(archive.namelist())
    tracked = subprocess.check_output(["git", "ls-files", "vislrp_core", "vislrp_ui"], cwd=ROOT, text=True)
    assert set(tracked.split()) <= held
    for folder in ("pages", "model_store", "sample_images"):
        files = {f"vislrp_core/data/{folder}/{path.name}" for path in (ROOT / folder).iterdir() if path.is_file()}
        assert files <= held
    assert {
        "vislrp_core/data/Home.py",
        "vislrp_core/data/.streamlit/config.toml",
        "vislrp_core/py.typed",
        "vislrp_ui/py.typed",
    } <= held
    assert not [name for name in held if name.startswith(("tests/", "tools/", "benchmarks/"))]


def test_an_installed_program_finds_its_files_in_itself(installed: Path, tmp_path: Path):
    code = (
        "from vislrp_core import resources as r; import vislrp_ui.samples as s; "
        "print(r.model_store(), r.sample_images(), r.app_script(), r.assets(), len(s.samples()), sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=wheel.environment(installed),
        check=True,
        capture_output=True,
        text=True,
    )
    *places, count = result.stdout.splitlines()
    assert all(Path(place).is_relative_to(installed) and Path(place).exists() for place in places)
    assert int(count) == len(json.loads((ROOT / "sample_images" / "credits.json").read_text(encoding="utf-8")))


def test_a_clone_finds_its_files_at_its_top_level():
    assert resources.model_store() == ROOT / "model_store"
    assert resources.sample_images() == ROOT / "sample_images"
    assert resources.app_script() == ROOT / "Home.py"
    assert resources.assets() == ROOT / "vislrp_ui" / "assets"


def test_the_installed_command_predicts_and_explains_in_an_empty_folder(installed: Path, tmp_path: Path):
    picture = installed / "vislrp_core" / "data" / "sample_images" / "castle_on_lake.jpg"
    model = installed / "vislrp_core" / "data" / "model_store" / "overview_composite.json"
    said = json.loads(vislrp(installed, tmp_path, "predict", str(picture), "--json", "--top", "3"))
    assert said["network"] == "embedded" and "castle" in {one["name"] for one in said["predictions"]}
    vislrp(installed, tmp_path, "explain", str(picture), "--model", str(model), "--target", "castle", "--out", "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"heatmap.png", "relevance.npz", "summary.json"}


def test_the_installed_command_says_its_own_name(installed: Path, tmp_path: Path):
    assert vislrp(installed, tmp_path, "--help").startswith("usage: vislrp ")
    told = vislrp(installed, tmp_path, "app", "--help")
    assert "streamlit run" in told and "--server.port" in told


def requirements(lines: list[str]) -> dict[str, str]:
    """Name and range of requirements, spelled one way."""
    read = [Requirement(line) for line in lines]
    return {
        one.name.lower().replace("_", "-"): f"{sorted(one.extras)} {sorted(map(str, one.specifier))} {one.marker or ''}"
        for one in read
    }


def listed(name: str) -> list[str]:
    """The packages of a requirements file, without those it takes over from others."""
    lines = (line.split(" #")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("requirements.txt", None),
        *(
            (path.name, path.stem.removeprefix("requirements-"))
            for path in sorted(ROOT.glob("requirements-*.txt"))
            if path.name != "requirements-cpu.txt"
        ),
    ],
)
def test_requirements_and_package_ask_for_the_same(name: str, extra: str | None):
    """Whoever adds a package to one of the two files finds here that the other lacks it."""
    extras = PROJECT["optional-dependencies"]
    # Hosts of the app read requirements.txt alone: it has what the page Search needs, too.
    declared = [*PROJECT["dependencies"], *extras["search"]] if extra is None else extras[extra]
    assert requirements(listed(name)) == requirements(declared)


def test_the_version_is_said_once():
    assert PROJECT["dynamic"] == ["version"]
    assert vislrp_core.__version__.count(".") == 2
