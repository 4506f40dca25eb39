"""Docstrings in numpydoc's form say nothing of parameters and results that there are not, as pydoclint finds.

Parameters whose name says all need no entry, and those of one kind share one (``mean, std : sequence of float``), which
numpydoc allows and pydoclint does not know: its findings of missing entries (DOC101, DOC103, DOC111) and missing sections on
returned values (DOC201; the first sentence says them) do not count. Names that the signature lacks do, group or not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    "--style=numpy",
    "--arg-type-hints-in-docstring=False",
    "--check-return-types=False",
    "--check-yield-types=False",
    "--skip-checking-short-docstrings=True",
    "--skip-checking-raises=True",
    "--check-class-attributes=False",
    "--quiet",
)
HABITS = {"DOC101", "DOC103", "DOC111", "DOC201"}
_NAMES = "Arguments in the {} but not in the {}: \\[(.*?)\\]\\.(?: |$)"


def names(listed: str) -> set[str]:
    """Names of `mean, std: sequence of float, size: int`, whatever their types."""
    return set(re.findall(r"[*\w]+(?=[:,]|$)", re.sub(r":[^,\]]*", ":", listed))) - {"optional"}


def findings(folder: Path) -> list[str]:
    """What pydoclint says against a folder, without what is a habit here."""
    result = subprocess.run(
        [sys.executable, "-m", "pydoclint.main", *OPTIONS, str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    told = result.stdout + result.stderr
    assert result.returncode in (0, 1) and "Traceback" not in told, told
    found = []
    for line in told.splitlines():
        code = re.search(r"DOC\d+", line)
        if code is None:
            continue
        surplus = re.search(_NAMES.format("docstring", "function signature"), line)
        there = re.search(_NAMES.format("function signature", "docstring"), line)
        unknown = names(surplus[1] if surplus else "") - names(there[1] if there else "")
        if code[0] not in HABITS or unknown:
            found.append(line.strip() + f" {sorted(unknown)}")
    return found


@pytest.mark.parametrize("package", ["vislrp_core", "vislrp_ui"])
def test_docstrings_name_what_is_there(package: str):
    assert findings(ROOT / package) == []


def test_a_name_that_the_signature_lacks_is_found(tmp_path: Path):
    (tmp_path / "wrong.py").write_text('''
def area(width: int, height: int, depth: int) -> int:
    """Size of a box.

    Parameters
    ----------
    width, heigth : int
        Sides.
    """
    return width * height * depth
''')
    assert "['heigth']" in findings(tmp_path)[0]
    right = (tmp_path / "wrong.py").read_text().replace("heigth", "height")
    (tmp_path / "wrong.py").write_text(right)
    assert findings(tmp_path) == []
