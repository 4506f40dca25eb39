"""Fields of an address: what is right is read, what is damaged is refused with a short text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vislrp_ui.address import model_ids, one_of, parts, whole


def test_fields_are_read() -> None:
    assert parts("a~b~c~d", 3) == ["a", "b", "c~d"]
    assert (whole("7", 7, 9), whole("100000", 0, 100_000)) == (7, 100_000)
    assert (one_of("b", ("a", "b")), one_of(8, (1, 8))) == ("b", 8)
    assert model_ids("basic.eps%2Dplus..%2E") == ("basic", "eps-plus", ".")


def test_ids_of_models_are_bounded() -> None:
    found = model_ids(".".join(["x" * 200] * 60))
    assert len(found) == 24 and {len(id) for id in found} == {80}


@pytest.mark.parametrize(
    "read",
    [
        lambda: parts("a~b", 3),
        *(lambda text=text: whole(text, 1, 9) for text in ("", "0", "10", "-1", "1.0", "1e0", "²", "٣", " 1", "9" * 5000)),
        lambda: one_of("c" * 500, ("a", "b")),
    ],
)
def test_damaged_fields_are_refused_in_few_characters(read: Callable[[], object]) -> None:
    with pytest.raises(ValueError) as refused:
        read()
    assert len(str(refused.value)) <= 40
