"""The visit's pure functions: whatever is done, models stay whole, nothing is lost, undo brings back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.networks import VGG16
from vislrp_core.model import LRPModel
from vislrp_core.rules import PARAMETERS, PRESETS, Rule
from vislrp_ui import state
from vislrp_ui.state import WORKING, ModelEntry, StateError, Visit

EXAMPLE = ModelEntry("example_one", LRPModel.basic("Example one").model_copy(update={"bias": "absorb"}), "example")


def fresh() -> Visit:
    return state.start((EXAMPLE,))


steps = st.one_of(
    st.tuples(st.just("add")),
    st.tuples(st.just("remove"), st.integers(-2, 14)),
    st.tuples(st.just("split"), st.integers(-2, 14), st.integers(-3, 45)),
    st.tuples(st.just("move"), st.integers(-2, 14), st.integers(-50, 90)),
    st.tuples(st.just("rule"), st.integers(0, 11), st.sampled_from(sorted(PRESETS))),
    st.tuples(st.just("parameter"), st.sampled_from([p.key for p in PARAMETERS]), st.floats(-5, 5)),
    st.tuples(st.just("layer"), st.integers(-2, 45)),
    st.tuples(st.just("segment"), st.integers(-2, 14)),
    st.tuples(st.just("pooling"), st.sampled_from(["proportional", "winner-takes-all"])),
    st.tuples(st.just("example")),
    st.tuples(st.just("working")),
    st.tuples(st.just("duplicate")),
    st.tuples(st.just("delete")),
    st.tuples(st.just("new"), st.booleans()),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


def apply(visit: Visit, step: tuple) -> Visit:
    kind, *values = step
    count = len(visit.model.segments)
    match kind:
        case "add":
            return state.add_segment(visit)
        case "remove":
            return state.remove_segment(visit, values[0])
        case "split":
            return state.split_segment(visit, values[0], values[1])
        case "move":
            return state.move_border(visit, values[0], values[1])
        case "rule":
            return state.set_rule(visit, values[0] % count, Rule.of(values[1]))
        case "parameter":
            place = visit.selected_segment
            return state.set_rule(visit, place, visit.model.segments[place].rule.changed(values[0], values[1]))
        case "layer":
            return state.select_layer(visit, values[0])
        case "segment":
            return state.select_segment(visit, values[0])
        case "pooling":
            return state.set_convention(visit, "pooling", values[0])
        case "example":
            return state.activate(visit, EXAMPLE.id)
        case "working":
            return state.activate(visit, WORKING)
        case "duplicate":
            return state.duplicate(visit)
        case "new":
            return state.new_model(visit, keep=values[0])
        case "undo":
            return state.undo(visit)
        case "redo":
            return state.redo(visit)
    return state.delete(visit) if visit.entry().origin == "own" else visit


def assert_whole(visit: Visit) -> None:
    for entry in visit.models:
        rows = [k for s in entry.model.segments for k in range(s.first, s.last + 1)]
        assert rows == list(range(1, VGG16.last + 1))
        assert 1 <= len(entry.model.segments) <= 12
    ids = [entry.id for entry in visit.models]
    assert len(set(ids)) == len(ids) and visit.active in ids and WORKING in ids
    assert 0 <= visit.selected_segment < len(visit.model.segments)
    assert next(e for e in visit.models if e.id == EXAMPLE.id) == EXAMPLE


@given(st.lists(steps, max_size=25))
def test_any_sequence_of_edits_keeps_the_visit_whole(sequence):
    visit = fresh()
    for step in sequence:
        try:
            visit = apply(visit, step)
        except StateError as refusal:
            assert len(str(refusal)) > 20
        assert_whole(visit)


@given(st.lists(steps.filter(lambda s: s[0] not in ("undo", "redo")), max_size=12))
def test_undo_walks_back_to_the_start_and_redo_returns(sequence):
    visit = fresh()
    for step in sequence:
        visit = apply(visit, step)
    end = visit
    while visit.past:
        visit = state.undo(visit)
    assert visit.models == fresh().models
    while visit.future:
        visit = state.redo(visit)
    assert visit.models == end.models


def test_editing_an_example_works_on_a_copy_named_as_the_working_copy():
    visit = state.set_rule(state.activate(fresh(), EXAMPLE.id), 0, Rule.of("gamma", gamma1p=0.3))
    assert visit.active == WORKING
    assert visit.entry().name == "My New Model" and visit.entry().based_on == "Example one"
    assert visit.model.bias == "absorb" and visit.model.segments[0].rule.gamma1p == 0.3


def test_a_working_copy_with_content_is_kept_when_an_example_is_edited():
    visit = state.set_rule(fresh(), 0, Rule.of("flat"))
    visit = state.set_rule(state.activate(visit, EXAMPLE.id), 0, Rule.of("gamma"))
    assert [e.model.segments[0].rule.preset for e in visit.models if e.origin == "own"] == ["flat"]
    assert visit.model.segments[0].rule.preset == "gamma"


def test_own_models_change_in_place_and_can_be_deleted_and_brought_back():
    visit = state.duplicate(state.activate(fresh(), EXAMPLE.id))
    own = visit.active
    assert visit.entry().name == "Example one copy"
    visit = state.add_segment(visit)
    assert visit.active == own and len(visit.model.segments) == 2 and visit.selected_segment == 1
    gone = state.delete(visit)
    assert gone.active == WORKING and own not in {e.id for e in gone.models}
    assert state.undo(gone).entry(own).model == visit.model
    for kept in (WORKING, EXAMPLE.id):
        with pytest.raises(StateError, match="stays in the list"):
            state.delete(visit, kept)


def test_new_keeps_or_discards_the_working_copy():
    visit = state.set_rule(fresh(), 0, Rule.of("flat"))
    kept = state.new_model(visit, keep=True)
    assert [e.name for e in kept.models if e.origin == "own"] == ["Model 1"]
    assert state.is_untouched(kept.entry()) and kept.active == WORKING
    discarded = state.new_model(visit, keep=False)
    assert not [e for e in discarded.models if e.origin == "own"]
    assert state.undo(discarded).model == visit.model


def test_renaming_cleans_the_name_and_keeps_names_apart():
    visit = state.rename(fresh(), "  A \n name ")
    assert visit.entry().name == "A name"
    assert state.rename(state.duplicate(visit), "A name").entry().name == "A name (2)"
    with pytest.raises(StateError, match="at least one visible character"):
        state.rename(visit, "   ")


def test_another_image_forgets_the_class_but_not_the_layer():
    visit = state.select_layer(state.choose_target(fresh(), 7), 20)
    other = state.choose_image(visit, state.ImageRef("sample", "kitten"))
    assert other.target is None and other.selected_layer == 20
    assert state.choose_image(visit, visit.image) is visit


def test_selecting_a_layer_selects_its_segment():
    visit = state.split_segment(fresh(), 0, 10)
    assert state.select_layer(visit, 11).selected_segment == 1
    assert state.select_layer(visit, 3).selected_segment == 0
    assert state.select_layer(visit, 0).selected_layer is None


def test_a_renamed_working_copy_keeps_its_name_when_an_example_is_edited():
    for content in (lambda v: v, lambda v: state.set_rule(v, 0, Rule.of("flat"))):
        visit = state.rename(content(fresh()), "Mine")
        edited = state.set_rule(state.activate(visit, EXAMPLE.id), 0, Rule.of("gamma"))
        assert [(e.name, e.model.key) for e in edited.models if e.origin == "own"] == [("Mine", visit.model.key)]
        assert edited.entry().name == "My New Model"
        assert [e.name for e in state.new_model(visit, keep=True).models if e.origin == "own"] == ["Mine"]


def test_copies_of_copies_always_have_a_name():
    visit = fresh()
    for _ in range(state.MAX_OWN_MODELS):
        visit = state.duplicate(visit)
    assert len({e.name for e in visit.models}) == len(visit.models)


def test_the_list_of_own_models_is_bounded():
    visit = fresh()
    for _ in range(state.MAX_OWN_MODELS):
        visit = state.duplicate(visit, WORKING)
    with pytest.raises(StateError, match="export and delete one first"):
        state.duplicate(visit, WORKING)
