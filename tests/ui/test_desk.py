"""Work that is put aside for a guided case comes back as it was, and nothing is lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vislrp_core import masks
from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule
from vislrp_ui import desk, state, state_ablation, state_compare, state_flipping
from vislrp_ui.state import WORKING, ImageRef, ModelEntry, StateError, Visit

EXAMPLE = ModelEntry("example_one", LRPModel.basic("Example one"), "example")


def fresh() -> Visit:
    return state.start((EXAMPLE,))


def case(visit: Visit) -> Visit:
    visit = state.activate(replace(visit, image=ImageRef("sample", "kitten")), EXAMPLE.id)
    return state_flipping.changed(visit, state_flipping.guided)


def worked() -> Visit:
    """Something on every page."""
    visit = state.duplicate(state.set_rule(fresh(), 0, Rule.of("flat")))
    visit = state.set_look(state.choose_target(visit, 5), overlay=True)
    visit = replace(visit, network="embedded", selected_layer=7)
    mask = masks.empty()
    mask[:20, :20] = True
    visit = state_flipping.changed(visit, state_flipping.set_mask, 1, mask)
    visit = state_ablation.changed(visit, state_ablation.choose, [1, 2, 3], 12)
    return state_compare.changed(visit, state_compare.add_row)


def test_a_case_opens_the_same_from_an_empty_and_from_a_full_table() -> None:
    plain, full = (desk.open_case(visit, "Case", case) for visit in (fresh(), worked()))
    assert desk.same(plain, full) and not plain.aside and [piece.title for piece in full.aside] == [desk.OWN_WORK]
    assert [row.sign for row in state_flipping.of(full).rows] == ["positive", "negative", "random"]
    assert {e.id for e in full.models} == {e.id for e in worked().models} or len(full.models) == len(worked().models)


def test_taking_back_restores_everything_undo_included() -> None:
    before = worked()
    after = desk.take_back(desk.open_case(before, "Case", case))
    assert after == before
    with pytest.raises(StateError, match="Nothing is put aside"):
        desk.take_back(after)


def test_a_case_that_nobody_touched_is_not_put_aside_and_one_that_was_changed_is() -> None:
    opened = desk.open_case(worked(), "First", case)
    assert [piece.title for piece in desk.open_case(opened, "Second", case).aside] == [desk.OWN_WORK]
    changed = state.choose_target(opened, 3)
    second = desk.open_case(changed, "Second", case)
    assert [piece.title for piece in second.aside] == [desk.OWN_WORK, "your changes to “First”"]
    assert desk.same(desk.take_back(second), changed)


def test_changed_case_and_own_work_change_places() -> None:
    before = worked()
    changed = state.choose_target(desk.open_case(before, "First", case), 3)
    back = desk.take_back(changed)
    assert desk.same(back, before) and len(back.aside) == 1
    again = desk.take_back(back)
    assert desk.same(again, changed) and again.opened is not None


def test_models_made_in_a_case_stay_and_undo_does_not_take_them_away() -> None:
    changed = state.duplicate(desk.open_case(worked(), "First", case))
    made = changed.active
    back = desk.take_back(changed)
    assert back.entry(made) == changed.entry(made)
    assert state.undo(back).entry(made) == changed.entry(made)


def test_the_working_copy_waits_with_the_rest() -> None:
    before = state.set_rule(fresh(), 0, Rule.of("flat"))
    opened = desk.open_case(before, "Case", case)
    assert state.is_untouched(opened.entry(WORKING))
    edited = state.set_rule(opened, 0, Rule.of("gamma"))
    assert desk.take_back(edited).entry(WORKING) == before.entry(WORKING)


def test_the_first_piece_outlives_all_others() -> None:
    visit = worked()
    for target in range(3 * desk.MAX_ASIDE):
        visit = state.choose_target(desk.open_case(visit, "Case", case), target)
    assert len(visit.aside) == desk.MAX_ASIDE
    assert desk.same(visit.aside[0].visit, worked()) or visit.aside[0].title == desk.OWN_WORK
    assert len(desk.drop(visit, 2).aside) == desk.MAX_ASIDE - 1
