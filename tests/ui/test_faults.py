"""What is broken on the server's disk, or smaller than it looks, does not take the pages down."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vislrp_core.cores import usable_cores
from vislrp_core.resources import app_script, model_store
from vislrp_ui import session


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"format": "vislrp-model", ',
        b"vislrp-model \xff\xfe",
        b'["vislrp-model"]',
        b'{"format": "vislrp-model", "segments": 3}',
    ],
)
def test_a_damaged_example_is_left_out_and_the_others_stay(
    damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [entry.id for entry in session.examples()]
    for path in model_store().glob("*.json"):
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.json").write_bytes(damage)
    (tmp_path / f"{known[0]}.json").write_bytes(damage)
    monkeypatch.setattr(session, "model_store", lambda: tmp_path)
    session.examples.cache_clear()
    try:
        assert [entry.id for entry in session.examples()] == known[1:]
    finally:
        session.examples.cache_clear()


@pytest.mark.parametrize(
    ("limit", "most"),
    [("150000 100000\n", 1), ("50000 100000\n", 1), ("max 100000\n", 10_000), ("nonsense", 10_000), ("1 0", 10_000)],
)
def test_cores_are_those_of_the_container(limit: str, most: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    assert 1 <= usable_cores(tmp_path) <= most
    assert usable_cores(tmp_path / "none") == len(os.sched_getaffinity(0))


def test_scripts_import_the_library_as_a_whole_before_any_module_of_it() -> None:
    """Tabs that come back at the same moment run them side by side: with a module first, one saw half of a package."""
    script = app_script()
    for path in (script, *sorted((script.parent / "pages").glob("*.py"))):
        lines = ast.parse(path.read_text(encoding="utf-8")).body
        own = [
            name
            for node in lines
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
            if name.startswith("vislrp")
        ]
        assert own[0] == "vislrp_ui", path
    first = "import vislrp_ui, sys; print(int('vislrp_core.model' in sys.modules and 'torch' in sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", first], cwd=script.parent, capture_output=True, text=True, check=True
        ).stdout.strip()
        == "1"
    )
