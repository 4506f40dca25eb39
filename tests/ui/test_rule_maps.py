"""The small maps of the table of rules: which models they show, and how they are made small."""

from __future__ import annotations

import numpy as np
import pytest

from vislrp_core.rules import PRESETS
from vislrp_ui import rule_maps, session, spare_time
from vislrp_ui.answers import Maps
from vislrp_ui.gate import GATE
from vislrp_ui.home import miniatures, primer


def test_every_rule_of_the_table_has_a_pair() -> None:
    assert tuple(line.preset for line in primer.LINES) == rule_maps.RULES
    for line in primer.LINES:
        pair = rule_maps.pairs("vgg16")[line.preset]
        assert line.rule.startswith(PRESETS[line.preset].title)
        assert {one.rule.preset for one in pair.everywhere.segments} == {line.preset}
        assert pair.everywhere.pixel_rule in ("segment", line.preset)
        assert line.preset in (pair.usual.pixel_rule, *(one.rule.preset for one in pair.usual.segments))


def test_the_standard_composite_is_the_one_of_the_overview() -> None:
    example = next(one.model for one in session.examples() if one.id == "overview_composite")
    for rule in rule_maps.STANDARD:
        assert rule_maps.pairs("vgg16")[rule].usual.key == example.key
    assert len(rule_maps.models("vgg16")) == len(rule_maps.models("alexnet")) == 13
    assert {one.architecture for one in rule_maps.models("alexnet")} == {"alexnet"}


def test_a_small_map_sums_squares_of_pixels() -> None:
    values = np.random.default_rng(0).normal(size=(4 * miniatures.SIDE, 4 * miniatures.SIDE)).astype(np.float32)
    total = float(values.sum())
    maps = Maps({0: values}, np.array([total, 8.0]), np.array([0.0, 0.0]), 3, "key")
    small = miniatures.small_of(maps)
    assert small.values is not None and small.values.shape == (miniatures.SIDE, miniatures.SIDE)
    assert np.abs(small.values).max() == 1 and small.kept == pytest.approx(total / 8)
    sums = [[values[4:8, left : left + 4].sum() for left in (8, 12)]]
    assert small.values[1, 2] / small.values[1, 3] == pytest.approx(sums[0][0] / sums[0][1], rel=1e-2)


def test_work_in_spare_time_gives_way_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_time, "REST_SECONDS", 0.0)
    wanted, done = [True, False], []

    def step() -> None:
        monkeypatch.setattr(type(GATE), "wanted", property(lambda self: wanted.pop(0)))
        spare_time.watch("", 0.0)
        done.append(1)

    spare_time.work_through([step, lambda: done.append(2)])
    assert done == [1, 2]
