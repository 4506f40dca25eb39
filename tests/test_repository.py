"""Habits of the repository that a machine can check: lint, types, the core's independence, sizes, credits."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = [*ROOT.glob("*.py"), *(path for folder in ("pages", "vislrp_core", "vislrp_ui", "benchmarks", "tools", "tests")
                              for path in (ROOT / folder).rglob("*.py"))]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_ruff_finds_nothing():
    result = run("ruff", "check", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_types_are_consistent():
    result = run("mypy")
    assert result.returncode == 0, result.stdout + result.stderr


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "vislrp_core").rglob("*.py")), ids=lambda path: path.name)
def test_core_knows_neither_streamlit_nor_the_app(path: Path):
    assert imported_modules(path).isdisjoint({"streamlit", "vislrp_ui", "streamlit_drawable_canvas", "altair"})


def test_only_the_wrapper_imports_the_drawable_canvas():
    users = {path.name for path in CODE if "streamlit_drawable_canvas" in imported_modules(path)}
    assert users <= {"canvas.py"}


def test_files_stay_readable():
    long = {str(path.relative_to(ROOT)): lines for path in CODE
            if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long


def test_every_sample_photograph_has_its_credit():
    credits = json.loads((ROOT / "sample_images" / "credits.json").read_text(encoding="utf-8"))
    assert {entry["file"] for entry in credits} == {path.name for path in (ROOT / "sample_images").glob("*.jpg")}
    for entry in credits:
        assert entry["author"] and entry["licence"]
        assert entry["licence_url"].startswith("https://creativecommons.org/") or entry["licence"] == "public domain"
