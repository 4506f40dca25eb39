"""Values on the pages that were right and misleading: vanishing sums, means of units, shared ranges, opposite maps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from vislrp_core import metrics
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.flipping import PerturbationCurve
from vislrp_core.model import LRPModel, Segment
from vislrp_core.rules import Rule
from vislrp_ui import state_ablation
from vislrp_ui.ablation import set_files
from vislrp_ui.compare import payload, rows
from vislrp_ui.components.ruler_data import _notices, absorbed_share
from vislrp_ui.design.result import facts
from vislrp_ui.flipping import chart
from vislrp_ui.flipping.measured import outside_data
from vislrp_ui.state import StateError, start
from vislrp_ui.state_ablation import AblationState, Cut, KeptSet
from vislrp_ui.state_compare import GridCell

VGG16 = ARCHITECTURES["vgg16"]


# --- sums that vanish -----------------------------------------------------------------------------------------------------


@dataclass
class Sums:
    positive: np.ndarray
    negative: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.positive + self.negative


def contrast() -> Sums:
    """A start of 20 against 20, with a rounding error; below layer 10 the sum is 15."""
    positive = np.full(39, 20.0)
    positive[:10] = 35.0
    negative = np.full(39, -20.0 + 1e-5)
    return Sums(positive, negative)


def test_no_share_of_a_sum_that_vanishes_is_told() -> None:
    sums = contrast()
    assert metrics.vanishes(20.0, -20.0 + 1e-5) and not metrics.vanishes(20.0, -19.0) and metrics.vanishes(0.0, 0.0)
    assert absorbed_share(sums, 1, 10) is None
    assert np.isnan(metrics.conservation(15.0, 1e-5, 40.0)) and metrics.conservation(15.0, 30.0, 40.0) == 0.5


def test_what_stands_in_place_of_the_share() -> None:
    model = LRPModel(
        name="m",
        segments=(Segment(first=1, last=10, rule=Rule.of("gamma")), Segment(first=11, last=38, rule=Rule.of("zero"))),
    )
    notices = _notices(model, 0, contrast(), None)
    assert [(one.text, one.tip) for one in notices] == [
        ("adds 15", "This segment adds 15 of relevance; the start relevance sums to 0, so no share can be given.")
    ]
    assert _notices(model, 1, contrast(), None) == ()
    result = SimpleNamespace(positive=contrast().positive, negative=contrast().negative, total=contrast().total)
    assert facts(result, 0) == "Σ 15.0, + 35.0 − 20.0; the start relevance sums to 0, so no share can be given"
    plain = SimpleNamespace(positive=np.full(39, 20.0), negative=np.full(39, -5.0), total=np.full(39, 15.0))
    assert facts(plain, 0) == "Σ 15.0 of 15.0 kept, + 20.0 − 5.0"


# --- means of units -------------------------------------------------------------------------------------------------------


def held(**changes) -> AblationState:
    visit = start().with_page("ablation", AblationState(**changes))
    return state_ablation.of(visit)


def test_the_mean_is_not_offered_where_single_units_are_shown_or_chosen() -> None:
    assert held(layer=23, value="mean").value == "mean"
    assert held(layer=35, value="mean").value == "zero"
    assert held(layer=23, value="mean", selected=((23, (1,)), (32, (4,)))).value == "zero"
    assert state_ablation.has_units(held(layer=32), VGG16) and not state_ablation.has_units(held(layer=31), VGG16)


def test_kept_and_shown_sets_with_units_are_set_to_0() -> None:
    mixed, channels = Cut(((23, (1,)), (38, (4,))), "mean"), Cut(((23, (1,)),), "mean")
    found = held(layer=23, ablated=mixed, kept=(KeptSet(1, channels), KeptSet(2, mixed)))
    assert found.ablated is not None and found.ablated.value == "zero"
    assert [row.cut.value for row in found.kept] == ["mean", "zero"]


def test_a_file_that_asks_for_the_mean_of_units_is_refused_with_the_reason() -> None:
    def file(layer: int) -> bytes:
        return json.dumps(
            {"format": "vislrp-neurons", "version": 1, "sets": [{"name": "A", "value": "mean", "layers": {str(layer): [1]}}]}
        ).encode()

    sizes = dict.fromkeys(range(1, 39), 64)
    assert set_files.read(file(31), sizes, VGG16)[0][1].value == "mean"
    with pytest.raises(StateError, match="“A” of the file cannot be set to the mean at fc7: a single unit has no"):
        set_files.read(file(35), sizes, VGG16)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"format": "vislrp-neurons"}'.encode("utf-16"), "is in UTF-16: save it as UTF-8"),
        ('{"format": "vislrp-neurons"}'.encode("utf-32-be"), "is in UTF-32"),
        (b"{\xff", "is not text in UTF-8"),
        (
            b'{"format": "vislrp-neurons", "version": 1, "sets": [{"name": "\\ud83d", "layers": {"23": [1]}}]}',
            "holds no sets",
        ),
        (b'{"\\ud83d": 1}', "holds no sets"),
    ],
)
def test_files_of_sets_in_wrong_encodings_and_with_half_characters(content, words) -> None:
    with pytest.raises(StateError, match=words) as caught:
        set_files.read(content, {23: 64}, VGG16)
    assert str(caught.value).encode() and "\n" not in str(caught.value)


def test_a_file_of_sets_with_the_mark_of_utf_8() -> None:
    content = b'\xef\xbb\xbf{"format": "vislrp-neurons", "version": 1, "sets": [{"layers": {"23": [1]}}]}'
    assert set_files.read(content, {23: 64}, VGG16)[0][1].count == 1


@pytest.mark.parametrize("name", ["  ", "\u200b", "\u3164 "])
def test_a_name_that_nobody_sees_brings_the_description_back(name) -> None:
    assert state_ablation._name(name) == "" and state_ablation._name(" a  b\ud83d") == "a b"


# --- Compare -------------------------------------------------------------------------------------------------------------


def grid(share: str, **limits: float) -> SimpleNamespace:
    cells = {GridCell(1, place): limit for place, limit in enumerate(limits.values())}
    places = {cell: SimpleNamespace(entry=SimpleNamespace(name=name)) for cell, name in zip(cells, limits, strict=True)}
    return SimpleNamespace(
        state=SimpleNamespace(share=share),
        visit=SimpleNamespace(look=None),
        places=places,
        own_limit=lambda cell, look: cells[cell],
        groups=lambda: [list(cells)],
    )


def test_a_map_that_outshines_the_others_on_a_shared_range_is_named() -> None:
    text = rows.outshone(grid("all", zero=100.0, gamma=1.0, alpha=30.0))
    assert "gamma cannot be seen" in text and "next to <b>zero</b>" in text and "alpha" not in text
    assert "choose “each map”" in text
    assert rows.outshone(grid("each", zero=100.0, gamma=1.0)) == ""
    assert rows.outshone(grid("row", zero=100.0, gamma=50.0)) == ""
    assert "&lt;b&gt;" in rows.outshone(grid("row", **{"<b>": 1.0, "x": 100.0}))


def test_a_negative_cosine_has_a_bar(monkeypatch) -> None:
    columns = {0: {"cosine": -0.6}, 1: {"cosine": 0.5}}
    entries = [SimpleNamespace(name=name, model=LRPModel.basic(name)) for name in "ab"]
    whole = SimpleNamespace(entries=entries, pairs=lambda: [(1, 2)], column_facts=lambda column: columns[column])
    feet = payload.feet(whole)
    first, second = (one["measures"][0] for one in feet)
    assert first["share"] == pytest.approx(0.6) and first["negative"] and first["text"] == "−0.60" and first["best"]
    assert "the two maps are opposite" in first["tip"] and not second["negative"] and "opposite" not in second["tip"]


# --- Pixel Flipping ------------------------------------------------------------------------------------------------------


def curve(order: str, level: float, seed: int | None = None) -> PerturbationCurve:
    values = np.array([1.0, level, level])
    return PerturbationCurve(order, seed, np.array([0.0, 0.5, 1.0]), values * 10, values, np.zeros(3, dtype=np.intp))


def test_least_relevant_first_is_drawn_for_every_model() -> None:
    measured = {name: {"morf": [curve("morf", 0.2)], "lerf": [curve("lerf", 0.8)]} for name in ("a", "b", "c")}
    spec = chart.chart(measured, "probability", "cat", "a", False).to_dict()
    drawn = {(row["model"], row["order"]) for data in spec["datasets"].values() for row in data}
    assert drawn == {(name, order) for name in measured for order in ("morf", "lerf")}


def test_a_random_order_below_most_relevant_first_is_explained_with_inverted_pixels_alone() -> None:
    lots = {"random": [curve("random", 0.2, 0), curve("random", 0.4, 1)]}
    measured = {"m": {"morf": [curve("morf", 0.5)]}, chart.RANDOM: lots}
    assert outside_data("invert", measured) and not outside_data("mean", measured)
    assert not outside_data("invert", {**measured, "m": {"morf": [curve("morf", 0.1)]}})
    assert not outside_data("invert", {"m": measured["m"]}) and not outside_data("invert", {})
