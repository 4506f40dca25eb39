"""Edits of the ruler: adding, splitting, removing segments, moving borders, changing rules and conventions."""

from __future__ import annotations

import pytest

from tests.support.networks import VGG16
from vislrp_core import edits
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.rules import Rule


def spans(model: LRPModel) -> list[tuple[int, int, str]]:
    return [(s.first, s.last, s.rule.short) for s in model.segments]


def model(*lasts: int) -> LRPModel:
    firsts = [1, *(last + 1 for last in lasts[:-1])]
    return LRPModel(
        segments=tuple(
            Segment(first=first, last=last, rule=Rule.of("gamma", gamma1p=i / 10))
            for i, (first, last) in enumerate(zip(firsts, lasts, strict=True), start=1)
        )
    )


def test_a_new_segment_takes_the_upper_half_of_the_last():
    once = edits.add_segment(LRPModel.basic())
    assert spans(once) == [(1, 19, "0"), (20, 38, "0")]
    assert spans(edits.add_segment(model(37, 38))) == [(1, 36, "γ 0.1"), (37, 37, "γ 0.2"), (38, 38, "0")]
    assert spans(edits.add_segment(model(10, VGG16.last)))[-2:] == [(11, 24, "γ 0.2"), (25, 38, "0")]


def test_no_more_segments_than_the_ruler_can_show():
    full = LRPModel.basic()
    for _ in range(edits.MAX_SEGMENTS - 1):
        full = edits.add_segment(full)
    for edit in (edits.add_segment, lambda m: edits.split_segment(m, 0, 3)):
        with pytest.raises(ModelError, match="at most 12 segments: remove one first"):
            edit(full)


def test_a_model_of_single_layers_cannot_grow():
    with pytest.raises(ModelError, match="at most"):
        edits.add_segment(model(*range(1, VGG16.last + 1)))


def test_split_keeps_the_rule_on_both_sides():
    assert spans(edits.split_segment(model(10, VGG16.last), 0, 4)) == [(1, 4, "γ 0.1"), (5, 10, "γ 0.1"), (11, 38, "γ 0.2")]
    with pytest.raises(ModelError, match="segment 1 cannot be split below layer 10: it covers layers 1 to 10"):
        edits.split_segment(model(10, VGG16.last), 0, 10)
    with pytest.raises(ModelError, match="segment 3: the model has segments 1 to 2"):
        edits.split_segment(model(10, VGG16.last), 2, 12)


def test_removed_layers_join_a_neighbour():
    three = model(10, 20, VGG16.last)
    assert spans(edits.remove_segment(three, 0)) == [(1, 20, "γ 0.2"), (21, 38, "γ 0.3")]
    assert spans(edits.remove_segment(three, 1)) == [(1, 20, "γ 0.1"), (21, 38, "γ 0.3")]
    assert spans(edits.remove_segment(three, 2)) == [(1, 10, "γ 0.1"), (11, 38, "γ 0.2")]
    with pytest.raises(ModelError, match="the last segment cannot be removed"):
        edits.remove_segment(LRPModel.basic(), 0)


@pytest.mark.parametrize(("asked", "reached"), [(5, 5), (-3, 1), (100, 19), (19, 19), (20, 19)])
def test_a_moved_border_leaves_each_side_a_layer(asked, reached):
    moved = edits.move_border(model(10, 20, VGG16.last), 0, asked)
    assert spans(moved) == [(1, reached, "γ 0.1"), (reached + 1, 20, "γ 0.2"), (21, 38, "γ 0.3")]


def test_the_last_segment_has_no_border():
    with pytest.raises(ModelError, match="the last segment ends at layer 38"):
        edits.move_border(model(10, VGG16.last), 1, 12)


def test_rule_conventions_and_words():
    base = model(10, VGG16.last)
    assert spans(edits.set_rule(base, 1, Rule.of("zero"))) == [(1, 10, "γ 0.1"), (11, 38, "0")]
    assert edits.set_field(base, "pooling", "winner-takes-all").pooling == "winner-takes-all"
    renamed = edits.rename(base, "Mine")
    assert (renamed.name, renamed.description, renamed.key) == ("Mine", base.description, base.key)
    assert edits.rename(base, "Mine", "Why").description == "Why"
    assert base == model(10, VGG16.last)


def test_a_convention_that_does_not_exist():
    with pytest.raises(ValueError, match="pooling"):
        edits.set_field(model(10, VGG16.last), "pooling", "median")
