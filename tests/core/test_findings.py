"""What pydantic finds wrong is said alike of every kind of file, with the places named as its readers name them."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vislrp_core.findings import Finding, dotted, shown


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["a", "b"]
    version: Literal[1] = 1
    size: int = Field(2, ge=0)

    @field_validator("size")
    @classmethod
    def _even(cls, size: int) -> int:
        if size % 2:
            raise ValueError("must be even")
        return size


class Whole(BaseModel):
    parts: list[Part]


@pytest.mark.parametrize(
    ("part", "place", "text"),
    [
        ({"kind": "c"}, "parts[0].kind", "must be one of 'a' or 'b', got \"c\""),
        ({"kind": "a", "version": 2}, "parts[0].version", "must be 1, got 2"),
        ({"kind": "a", "more": 1}, "parts[0].more", "is not a field of a thing"),
        ({}, "parts[0].kind", "is missing"),
        ({"kind": "a", "size": 3}, "parts[0].size", "must be even"),
        ({"kind": "a", "size": -2}, "parts[0].size", ""),
        ({"kind": "a", "size": "2"}, "parts[0].size", ""),
    ],
)
def test_what_is_wrong_and_where(part: dict[str, Any], place: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"parts": [part]})
    found = Finding.first(caught.value)
    assert (found.place, found.common("a thing")) == (place, text)
    assert Finding.first(caught.value, lambda location: f"number {location[1]}").place == "number 0"


def test_places_and_values() -> None:
    assert dotted(("segments", 0, "values", "last"), ("values",)) == "segments[0].last" and dotted(()) == ""
    assert [shown(one) for one in ("γ", {"a": 1}, "\ud83d", {1, 2})] == ['"γ"', '{"a": 1}', "'\\ud83d'", "{1, 2}"]
    assert shown("x" * 99) == '"' + "x" * 56 + "..."
