"""Habits of the repository that a machine can check: lint, types, the core's independence, sizes, credits."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = [
    *ROOT.glob("*.py"),
    *(
        path
        for folder in ("pages", "vislrp_core", "vislrp_ui", "benchmarks", "tools", "tests")
        for path in (ROOT / folder).rglob("*.py")
    ),
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_ruff_finds_nothing():
    result = run("ruff", "check", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_formatter_changes_nothing():
    result = run("ruff", "format", "--check", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_types_are_consistent():
    result = run("mypy")
    assert result.returncode == 0, result.stdout + result.stderr


def test_imports_point_downwards_and_run_in_no_circle():
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
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


def test_only_one_module_takes_from_inside_streamlit():
    inside = ("streamlit.runtime", "streamlit.proto", "streamlit.elements", "streamlit.web", "streamlit.watcher")
    users = set()
    for path in CODE:
        if path.relative_to(ROOT).parts[0] in ("Home.py", "pages", "vislrp_core", "vislrp_ui"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [f"{node.module}.{alias.name}" for alias in node.names]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
                users |= {path.name for name in names if name.startswith(inside)}
    assert users == {"streamlit_inside.py"}


def test_only_that_module_touches_what_streamlit_keeps_to_itself():
    users = set()
    for path in (ROOT / "vislrp_ui").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {"self", "cls", *(node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))}
        users |= {
            path.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and not (isinstance(node.value, ast.Name) and node.value.id in own)
            and not (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in own)
        }
    assert users <= {"streamlit_inside.py"}


def test_no_class_name_exists_twice():
    found: dict[str, list[str]] = {}
    for path in CODE:
        if path.relative_to(ROOT).parts[0] in ("vislrp_core", "vislrp_ui"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(path.name)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_files_stay_readable():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in CODE
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 420
    }
    assert not long


def test_numbers_and_tables_of_rows_stand_with_the_architectures_alone():
    """A network has as many rows, positions and pixels as its architecture says, in code, texts and comments."""
    counted = re.compile(r"(?<![\d.])(?:38|39|49|224)(?![\w.])")
    tables = re.compile(r"\bLAST\b|LAST_FEATURE|WEIGHTED|\bLAYERS\b")
    sources = [
        path
        for folder in ("pages", "vislrp_core", "vislrp_ui")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".js", ".css", ".html", ".txt") and path.name != "imagenet_classes.txt"
    ]
    assert len(sources) > 100
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in [ROOT / "Home.py", *sources]
        if path.name != "architecture.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if counted.search(line) or tables.search(line)
    ]
    assert not found


def test_every_sample_photograph_has_its_credit():
    credits = json.loads((ROOT / "sample_images" / "credits.json").read_text(encoding="utf-8"))
    assert {entry["file"] for entry in credits} == {path.name for path in (ROOT / "sample_images").glob("*.jpg")}
    for entry in credits:
        assert entry["author"] and entry["licence"]
        assert entry["licence_url"].startswith("https://creativecommons.org/") or entry["licence"] == "public domain"
