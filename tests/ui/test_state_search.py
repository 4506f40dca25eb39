"""What Search keeps: its reducers, its part of an address, and the space that presets and changes make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.model import LRPModel
from vislrp_core.resources import model_store
from vislrp_core.search.presets import default_space
from vislrp_core.search.trials import Trial
from vislrp_ui import desk, state_search
from vislrp_ui.search import budget, chart, found, spaces
from vislrp_ui.search.found import KeptReport, KeptSearch
from vislrp_ui.state import StateError, Visit
from vislrp_ui.state_search import PRESETS, SearchState, SegmentEdit, from_params

PLAN = ARCHITECTURES["vgg16"]
MODEL = LRPModel.load(model_store() / "configuration_4.json")
UPLOAD = "upload-" + "ab" * 32
FULL = SearchState(
    ("kitten", UPLOAD),
    ("class_cosine", "srg"),
    "borders",
    (SegmentEdit(1, 3, 9, ("own", "zplus")), SegmentEdit(0, 5, 5)),
    ("bias",),
    7,
    80,
    3,
    "aZ_9-" + "b" * 17,
    12,
    "kitten",
)


def test_the_address_brings_it_back() -> None:
    assert from_params(FULL.to_params()) == FULL and from_params(SearchState().to_params()) == SearchState()
    assert SearchState().to_params() == {"search": "v2"} and from_params({}) is None
    none = SearchState(images=(), free=())
    assert from_params(none.to_params()) == none


@pytest.mark.parametrize(
    "text",
    [
        "v2~preset:none",
        "v2~objectives:pointing",
        "v2~objectives:srg.srg",
        "v2~images:../x",
        "v2~edits:0-9-3-",
        "v2~edits:0-1-2-.0-1-3-",
        "v2~edits:x",
        "v2~minutes:0",
        "v2~trials:5",
        "v2~id:../../etc",
        "v2~free:start",
        "v2~selected:-1",
        "v2~shown:A",
        "v2~unknown:1",
    ],
)
def test_a_damaged_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_params({"search": text})


def test_reducers() -> None:
    visit = state_search.changed(Visit(), state_search.set_minutes, 500)
    assert state_search.of(visit).minutes == state_search.MAX_MINUTES
    assert state_search.changed(visit, state_search.set_minutes, 10).page("search") is None
    asked = SearchState()
    with pytest.raises(StateError, match="at least one objective"):
        state_search.set_objectives(asked, [])
    with pytest.raises(StateError, match="at least one rule"):
        state_search.set_rules(asked, 0, [])
    with pytest.raises(StateError, match="40 pictures"):
        state_search.set_images(asked, [f"p{n}" for n in range(41)])
    assert state_search.add_image(asked, "c", ("a", "b")).images == ("a", "b", "c")
    mine = SearchState(images=("kitten", UPLOAD), shown=UPLOAD)
    assert mine.uploads == ["ab" * 32] and state_search.without_upload(mine, "cd" * 32) is mine
    with_mine = Visit().with_page("search", mine)
    assert desk.uploads_of(with_mine) == ("ab" * 32,)
    assert desk.without_upload(with_mine, "ab" * 32).page("search") == SearchState(images=("kitten",))
    edited = state_search.set_rules(state_search.set_border(asked, 1, (9, 4)), 1, ["zplus"])
    assert edited.edits == (SegmentEdit(1, 4, 9, ("zplus",)),)
    assert state_search.set_preset(edited, "anything") == edited
    assert state_search.set_preset(edited, "borders").edits == () and state_search.unedited(edited) == asked
    begun = state_search.begin(state_search.select(asked, 4), "x")
    assert (begun.id, begun.selected) == ("x", None) and state_search.leave(begun) == asked


def test_presets_and_changes_make_spaces() -> None:
    for preset in PRESETS:
        space = spaces.edited(SearchState(preset=preset), MODEL, PLAN)
        assert space == spaces.base(preset, MODEL, PLAN) and space.plan is PLAN
        for segment in space.segments:
            menu = spaces.menu(segment)
            assert all(one in menu.values() for one in segment.rules)
            assert all(list(menu.values()).count(one) == 1 for one in menu.values())
            assert all(spaces.title(key, choice) for key, choice in menu.items())
    assert spaces.base("anything", MODEL, PLAN) == default_space(PLAN)
    asked = SearchState(preset="borders", edits=(SegmentEdit(1, 30, 31), SegmentEdit(0, 3, 3, ("zplus", "nowhere"))))
    space = spaces.edited(asked, MODEL, PLAN)
    rows = [(one.last.low, one.last.high) for one in space.segments]
    assert rows[0] == (3, 3) and rows[1] == (30, 31) and rows[-1] == (PLAN.last, PLAN.last) and rows == sorted(rows)
    assert space.segments[0].rules == (spaces.RULES["zplus"],)
    # Another model has fewer segments: what was changed of one that is gone is left out.
    plain = LRPModel.basic("Plain")
    assert spaces.edited(asked, plain, PLAN).segments[-1].last.low == PLAN.last
    free = spaces.edited(SearchState(preset="borders", free=("bias", "pooling")), MODEL, PLAN)
    assert spaces.free_of(free) == ("pooling", "bias") and free.bias[0] == MODEL.bias
    fixed = spaces.edited(SearchState(free=()), MODEL, PLAN)
    assert spaces.free_of(fixed) == () and fixed.pixel_rule == ("z_box",)


def test_a_border_pushes_those_that_it_passes() -> None:
    for row in range(1, PLAN.last + 1):
        for place in range(3):
            asked = state_search.set_border(SearchState(), place, (row, row))
            rows = [(one.last.low, one.last.high) for one in spaces.edited(asked, MODEL, PLAN).segments]
            assert rows[place] == (row, row) and rows == sorted(rows), (row, place)


def test_minutes_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for named, minutes in (("", 240), ("0", 0), ("5", 5), ("9999", 240), ("-3", 240), ("x", 240)):
        monkeypatch.setenv("VISLRP_SEARCH_MINUTES", named)
        assert budget.limit() == minutes
    monkeypatch.setenv("VISLRP_SEARCH_MINUTES", "5")
    assert (budget.minutes_left(0), budget.minutes_left(100), budget.minutes_left(301)) == (5, 4, 0)


def test_a_search_as_text() -> None:
    bare = MODEL.model_copy(update={"description": ""})  # a model in an address has none
    trials = (
        Trial(0, "complete", bare, "example", (0.25, 0.5), 1.5),
        Trial(1, "failed", bare, "found", (), 0.5, "why"),
        Trial(2, "complete", LRPModel.basic("Found 2"), "found", (0.3, 0.6), 1.0),
    )
    report = KeptReport(
        (("Found 2", "found", "", "srg", 2, 0.1, None, None, None, None, None),), ("SRG: so.",), {"bias": 0.4}, 3
    )
    kept = KeptSearch(
        "x" * 22,
        "digest",
        "Tiny",
        ("kitten", UPLOAD),
        ("srg", "class_cosine"),
        default_space(PLAN),
        60,
        1,
        10.0,
        33.5,
        "stopped",
        "so far",
        trials,
        {"Edges": (0.1, 0.2)},
        report,
    )
    again = found.read_text(found.write(kept))
    assert {key: value for key, value in vars(again).items() if key != "report"} == {
        key: value for key, value in vars(kept).items() if key != "report"
    }
    assert again.report is not None and vars(again.report) == vars(report)
    frame = chart.points(kept)
    assert frame["kind"].tolist() == ["ready-made", "found", "baseline"] and frame["place"].tolist()[:2] == [
        "front",
        "front",
    ]
    assert chart.history(kept)["best"].tolist() == [0.25, 0.25, 0.3]
    for dark in (True, False):
        one = replace(kept, objectives=("srg",), trials=(replace(trials[0], values=(0.25,)),), references={"Edges": (0.1,)})
        for drawn in (
            chart.chart(kept, 2, dark),
            chart.chart(one, None, dark),
            chart.history_chart(kept, dark),
            chart.importance_chart(report.importance, dark),
        ):
            assert drawn.to_dict(validate=True)["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert (
        chart.trial_of({"selection": {"trial": [{"trial": 2}]}}) == 2
        and chart.trial_of({"selection": {"trial": []}}) is None
    )
