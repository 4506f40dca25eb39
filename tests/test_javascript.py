"""The logic of the components' scripts, tested by node's own runner; node comes with requirements-dev.txt."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.install_javascript import install, program
from vislrp_ui.components.assets import bundle

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "vislrp_ui" / "components").glob("*.js"))


@pytest.fixture(scope="module")
def bundles() -> list[Path]:
    """Every component's script as the app sends it, beside the tools that check it."""
    install()
    folder = ROOT / "tests" / "javascript" / "bundles"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    written = []
    for wrapper in sorted((ROOT / "vislrp_ui" / "components").glob("*.py")):
        text = wrapper.read_text(encoding="utf-8")
        parts = set(re.findall(r"(?:PARTS = |parts=)(\([^)]*\))", text))
        assert len(parts) <= 1, wrapper
        for name in re.findall(r'register\(\s*"(\w+)"', text):
            written.append(folder / f"{name}.js")
            written[-1].write_text(bundle(name, ".js", ast.literal_eval(next(iter(parts), "()"))), encoding="utf-8")
    assert len(written) >= 10
    return written


def tool(*arguments: str) -> None:
    """Run a tool of node_modules; what it finds fails the test."""
    folder = ROOT / "tests" / "javascript"
    script = str(folder / "node_modules" / arguments[0])
    result = subprocess.run(
        [*program("node"), script, *arguments[1:]], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_types_of_the_scripts_are_consistent(bundles: list[Path]):
    """TypeScript's checker on JavaScript with JSDoc; each script is a module of its own."""
    tool("typescript/bin/tsc", "--project", "tsconfig.json")


def test_eslint_finds_nothing(bundles: list[Path]):
    tool("eslint/bin/eslint.js", "--max-warnings", "0", "bundles")


def test_logic_of_the_components():
    files = sorted((ROOT / "tests" / "javascript").glob("*.test.mjs"))
    result = subprocess.run([*program("node"), "--test", *map(str, files)], capture_output=True, text=True, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
    passed = re.search(r"pass (\d+)", result.stdout)
    assert passed and int(passed[1]) >= 13


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_writes_html_from_data_or_asks_another_server(path: Path):
    """Names of classes and models are text that visitors give: they may never become markup."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(?:outerHTML|insertAdjacentHTML|document\.write|eval|new Function)\b", text)
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|WebSocket|importScripts|sendBeacon)\s*\(", text)
