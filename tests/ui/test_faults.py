"""What is broken on the server's disk, or smaller than it looks, does not take the pages down."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vislrp_core.resources import model_store
from vislrp_ui import session
from vislrp_ui.gate import usable_cores


@pytest.mark.parametrize("damage", [b"", b'{"format": "vislrp-model", ', b'vislrp-model \xff\xfe', b'["vislrp-model"]',
                                    b'{"format": "vislrp-model", "segments": 3}'])
def test_a_damaged_example_is_left_out_and_the_others_stay(damage: bytes, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize(("limit", "most"), [("150000 100000\n", 1), ("50000 100000\n", 1), ("max 100000\n", 10_000),
                                             ("nonsense", 10_000), ("1 0", 10_000)])
def test_cores_are_those_of_the_container(limit: str, most: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    assert 1 <= usable_cores(tmp_path) <= most
    assert usable_cores(tmp_path / "none") == len(os.sched_getaffinity(0))
