"""What visitors bring, damaged in every way: read or refused in one sentence, never anything else."""

from __future__ import annotations

import pytest

from benchmarks import fuzz

CASES = 500


@pytest.mark.parametrize("name", fuzz.READERS)
def test_damaged_content_is_read_or_refused_in_one_sentence(name: str) -> None:
    count = fuzz.attack(name, CASES)
    assert count.read + count.refused >= CASES
    assert count.sentences or name == "addresses"  # of these what can be read is taken


def test_what_a_reader_lets_through_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(data: bytes) -> object:
        return data.decode("ascii")

    monkeypatch.setitem(fuzz.READERS, "careless", fuzz.Reader(lambda: (b"good",), careless))
    with pytest.raises(UnicodeDecodeError):
        fuzz.attack("careless", 300)
