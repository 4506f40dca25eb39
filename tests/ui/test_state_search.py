"""What Search keeps: its reducers, its part of an address, and the space that presets and changes make."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.errors import InputError
from vislrp_core.model import LRPModel
from vislrp_core.resources import model_store
from vislrp_core.search.presets import default_space
from vislrp_core.search.run import first_models
from vislrp_core.search.trials import SearchPlan, Trial
from vislrp_ui import desk, state_search
from vislrp_ui.search import budget, chart, form, found, pictures, running_search, spaces
from vislrp_ui.search.found import KeptReport, KeptSearch
from vislrp_ui.search.ruler import apply_edit, notice, ruler_of
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


@settings(max_examples=20, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 2), st.integers(1, PLAN.last), st.integers(1, PLAN.last)), max_size=6))
def test_borders_that_were_pushed_stay_where_they_are_shown(moves: list[tuple[int, int, int]]) -> None:
    """What the ruler sends is what it then draws, whatever was moved before."""
    visit = Visit().with_page("search", SearchState(minutes=7))
    for border, low, high in moves:
        before = [(one.last.low, one.last.high) for one in spaces.edited(state_search.of(visit), MODEL, PLAN).segments]
        to = min(low, high), max(low, high)
        visit = apply_edit(visit, PLAN, {"kind": "border", "border": border, "low": low, "high": high})
        after = [(one.last.low, one.last.high) for one in spaces.edited(state_search.of(visit), MODEL, PLAN).segments]
        assert after == [state_search.pushed(was, place, border, to) for place, was in enumerate(before)]
        assert from_params(state_search.of(visit).to_params()) == state_search.of(visit)


def test_edits_of_the_ruler() -> None:
    visit = Visit()

    def after(**edit: object) -> Visit:
        return apply_edit(visit, PLAN, dict(edit))

    def ends(changed: Visit, place: int) -> tuple[int, int]:
        last = spaces.edited(state_search.of(changed), changed.model, PLAN).segments[place].last
        return last.low, last.high

    assert ends(visit, 0) == (5, 17) and ends(after(kind="free", border=0, free=False), 0) == (12, 12)
    visit = after(kind="border", border=2, low=24, high=24)
    assert ends(visit, 2) == (24, 24) and ends(after(kind="free", border=2, free=True), 2) == (17, 31)
    assert after(kind="free", border=0, free=True) == visit, "it is free already"
    # The highest border may reach the last row, where nothing is left for the segment above it.
    full = after(kind="border", border=2, low=38, high=38)
    space = spaces.edited(state_search.of(full), full.model, PLAN)
    assert notice(space, 3).startswith("Nothing is left for it") and not any(notice(space, place) for place in range(3))
    for edit in (
        {"kind": "border", "border": 3, "low": 1, "high": 2},
        {"kind": "border", "border": 0, "low": 0, "high": 2},
        {"kind": "border", "border": 0, "low": True, "high": 2},
        {"kind": "border", "border": 0, "high": 2},
        {"kind": "free", "border": 0, "free": "no"},
        {"kind": "rule", "segment": 0, "rule": ["zero"], "on": True},
        {"kind": "rule", "segment": 0, "rule": "nothing", "on": True},
        {"kind": "rule", "segment": 9, "rule": "zero", "on": True},
        {"kind": "other"},
    ):
        assert apply_edit(visit, PLAN, edit) == visit, edit
    # Rules: one more, in the order of the menu; the last one stays.
    visit = after(kind="rule", segment=0, rule="zero", on=True)
    payload = ruler_of(
        state_search.of(visit), visit.model, PLAN, spaces.edited(state_search.of(visit), visit.model, PLAN), "dark"
    )
    assert json.dumps(payload) and len(payload["rows"]) == 39
    rules = payload["segments"][0]["rules"]
    assert {one["key"] for one in rules if one["on"]} == {"gamma", "gammapm", "zplus", "alphabeta", "epsilon", "zero"}
    assert next(one for one in rules if one["key"] == "gamma")["tip"] == "γ₁⁺ from 0.01 to 1"
    for one in rules[:-1]:
        visit = after(kind="rule", segment=0, rule=one["key"], on=False)
    (last,) = (one["key"] for one in rules[-1:])
    with pytest.raises(StateError, match="at least one rule"):
        after(kind="rule", segment=0, rule=last, on=False)
    # Between neighbours that lie on the same row there is no room.
    for border in (0, 2, 1):
        visit = after(kind="border", border=border, low=10, high=10)
    with pytest.raises(StateError, match="no room between others"):
        after(kind="free", border=1, free=True)


def test_a_space_that_holds_one_model_is_not_searched() -> None:
    plain = LRPModel.basic("Plain")
    space = spaces.edited(SearchState(preset="borders"), plain, PLAN)
    assert not space.varies and spaces.edited(SearchState(preset="borders", free=("bias",)), plain, PLAN).varies
    assert form.refusal(("a", "b"), ("srg",), space).startswith("The space holds one model: let a border")
    for preset in ("anything", "segments"):
        assert spaces.edited(SearchState(preset=preset), plain, PLAN).varies
    with pytest.raises(InputError, match="holds one model"):
        SearchPlan((), (), ("srg",), space)


def test_with_more_models_as_many_ready_made_ones_come_first_as_before() -> None:
    space = default_space(PLAN)
    kept = KeptSearch("x" * 22, "digest", "Tiny", ("kitten", "cathedral"), ("srg",), space, 20, 1, 10.0)
    begun = running_search._ready(kept)
    more = replace(kept, wanted=60, ready=begun)
    assert begun == 10 and running_search._ready(replace(kept, wanted=60)) > 10 == running_search._ready(more)
    plan = pictures.plan_of(found.read_text(found.write(more)))
    assert plan.trials == 60 and len(first_models(plan)) == 10


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
