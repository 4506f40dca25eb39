"""What the image is built from; no daemon is needed, the wheel is built from what .dockerignore lets through."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support import wheel

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def allowed() -> list[str]:
    """Paths that .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "nothing may go into the image that was not named"
    return [rule.removeprefix("!") for rule in rules if rule.startswith("!")]


def test_the_images_context_is_enough_for_a_wheel_with_everything(tmp_path: Path):
    for name in allowed():
        source, target = ROOT / name, tmp_path / "context" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, target)
    with zipfile.ZipFile(wheel.build(tmp_path, tmp_path / "context")) as archive:
        held = set(archive.namelist())
    tracked = subprocess.check_output(["git", "ls-files", "vislrp_core", "vislrp_ui"], cwd=ROOT, text=True).split()
    data = {
        f"vislrp_core/data/{folder}/{path.name}"
        for folder in ("pages", "model_store", "sample_images")
        for path in (ROOT / folder).iterdir()
        if path.is_file()
    }
    assert {*tracked, *data, "vislrp_core/data/Home.py", "vislrp_core/data/.streamlit/config.toml"} <= held


def test_the_image_runs_as_a_user_without_rights_and_downloads_nothing():
    users = [line.split()[1] for line in LINES if line.startswith("USER ")]
    assert users and users[-1] not in ("root", "0")
    variables = dict(part.split("=", 1) for line in LINES if line.startswith("ENV ") for part in line.split()[1:])
    assert variables["VISLRP_ALLOW_DOWNLOAD"] == "0" and variables["VISLRP_NETWORK"] == "embedded"
    copied = {word for line in LINES if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]}
    assert copied - {"."} <= set(allowed())


def test_the_images_health_check_is_python_that_asks_the_port_it_serves():
    check = next(line for line in LINES if line.startswith("HEALTHCHECK"))
    words = json.loads(check[check.index("[") :])
    assert words[:2] == ["python", "-c"]
    compile(words[2], "health check", "exec")
    entry = next(line for line in LINES if line.startswith("ENTRYPOINT"))
    port = re.search(r"--server.port=(\d+)", entry)
    assert port and f":{port[1]}/_stcore/health" in words[2]


def test_the_small_install_is_the_same_program_on_another_build_of_torch():
    lines = (ROOT / "requirements-cpu.txt").read_text(encoding="utf-8").splitlines()
    assert "-r requirements.txt" in lines
    ranges = {
        one.name: one.specifier
        for one in map(
            Requirement,
            (
                line
                for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
                if not line.startswith("#")
            ),
        )
    }
    pins = [Requirement(line) for line in lines if "==" in line]
    assert {pin.name for pin in pins} == {"torch", "torchvision"}
    for pin in pins:
        version = next(iter(pin.specifier)).version
        assert "+" not in version and version in ranges[pin.name]


@pytest.mark.parametrize("key", ["image", "postCreateCommand", "postAttachCommand", "forwardPorts"])
def test_the_code_space_is_complete(key: str):
    assert json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))[key]
