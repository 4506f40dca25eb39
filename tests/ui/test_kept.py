"""What a browser keeps comes back as it was; what is damaged or hostile is left out, counted, and costs nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.test_desk import case, fresh, worked
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.rules import Rule
from vislrp_ui import browser, desk, kept, state, state_flipping, state_network
from vislrp_ui.kept import Damage, KeptError
from vislrp_ui.state import ModelEntry, Visit


def through(visit: Visit) -> Visit:
    """Written, sent as JSON, read."""
    damage = Damage()
    found = kept.read_desk(json.loads(json.dumps(kept.write_desk(visit))), visit.models, damage)
    assert not damage.sentence
    return found


def test_a_table_comes_back_as_it_was() -> None:
    for visit in (
        fresh(),
        worked(),
        desk.open_case(worked(), "Case", case),
        state.undo(state.undo(worked().with_page("ablation", None))),
        desk.open_case(fresh(), "Case", case),
    ):
        found = through(visit)
        assert replace(found, aside=(), opened=None) == replace(visit, aside=(), opened=None)
        pieces, there = ([piece for piece in (*one.aside, one.opened) if piece] for one in (found, visit))
        assert [piece.title for piece in pieces] == [piece.title for piece in there]
        assert all(desk.same(piece.visit, other.visit) for piece, other in zip(pieces, there, strict=True))
        assert [len(piece.visit.past) for piece in found.aside] == [len(piece.visit.past) for piece in visit.aside]


def test_descriptions_and_what_no_address_holds_come_back() -> None:
    visit = state.duplicate(fresh())
    entry = replace(visit.entry(), model=visit.model.model_copy(update={"description": "Why it is so."}))
    assert kept.read_model(kept.write_model(entry)) == entry
    flipping = state_flipping.of(worked())
    crowded = replace(flipping, rows=tuple(replace(flipping.rows[0], id=n) for n in range(1, 9)))
    large = worked().with_page("flipping", crowded)
    assert through(large) == large


def test_undo_steps_of_a_brush_come_back() -> None:
    visit = worked()
    visit = state_flipping.changed(visit, state_flipping.clear, 1)
    back = through(visit)
    assert state_flipping.undo(state_flipping.of(back), 1) == state_flipping.undo(state_flipping.of(visit), 1)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def _paths(data: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path for key, value in pairs for path in [(*prefix, key), *_paths(value, (*prefix, key))]]


@given(st.data())
def test_any_damage_is_refused_or_left_out(data: st.DataObject) -> None:
    visit = desk.open_case(worked(), "Case", case)
    written = json.loads(json.dumps(kept.write_desk(visit)))
    path = data.draw(st.sampled_from(_paths(written)))
    place = written
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(JUNK)
    try:
        found = kept.read_desk(written, visit.models, Damage())
    except KeptError:
        return
    ids = [entry.id for entry in found.models]
    assert found.active in ids and len(set(ids)) == len(ids)
    assert 0 <= found.selected_segment < len(found.model.segments)
    for step in (*found.past, *found.future):
        assert step.active in [entry.id for entry in step.models]
    kept.write_desk(found)


@given(JUNK)
def test_junk_is_no_model_and_no_desk(junk: Any) -> None:
    with pytest.raises(KeptError):
        kept.read_model(junk)
    with pytest.raises(KeptError):
        kept.read_desk(junk, fresh().models, Damage())
    damage = Damage()
    assert kept.read_models(junk, damage) == ()


def test_other_versions_are_refused() -> None:
    with pytest.raises(KeptError, match="version"):
        kept.read_desk({**kept.write_desk(fresh()), "v": 99}, fresh().models, Damage())


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../x"},
        {"id": "working"},
        {"origin": "example"},
        {"model": "x" * 50_000},
        {"model": "{" * 5000},
        {"model": "\ud83d~1"},
        {"model": 7},
    ],
)
def test_hostile_models_are_left_out_and_the_rest_is_kept(changes: dict[str, Any]) -> None:
    good = kept.write_model(state.duplicate(fresh()).entry())
    damage = Damage()
    assert len(kept.read_models([{**good, "id": "own-2", **changes}, good], damage)) == 1
    assert "models" in damage.sentence and damage.sentence.count(".") == 1


def test_merging_adds_once_takes_the_newer_and_finds_the_twin_of_an_address() -> None:
    other = state.duplicate(fresh())
    mine = state.rename(state.duplicate(state.set_rule(fresh(), 0, Rule.of("flat"))), "Mine")
    merged, room = kept.merge(mine, [other.entry()])
    assert room and merged.entry(other.active) == other.entry() and merged.active == mine.active
    assert kept.merge(merged, [other.entry()])[0] == merged
    edited = state.add_segment(other).entry()
    assert kept.merge(merged, [edited])[0].entry(other.active) == edited
    assert state.undo(merged).entry(other.active) == other.entry(), "undo does not take away what another tab made"
    linked = state.add_model(fresh(), other.model)
    found = kept.merge(linked, [other.entry()], linked=True)[0]
    assert found.active == other.active and sum(e.origin == "own" for e in found.models) == 1


def test_equal_models_that_two_tabs_make_at_once_are_both_kept_under_names_on_which_the_tabs_agree() -> None:
    mine, other = state.duplicate(fresh()), state.duplicate(fresh())
    for _ in range(3):  # what one tab writes, the other hears
        mine, other = kept.merge(mine, browser.own_models(other))[0], kept.merge(other, browser.own_models(mine))[0]
    held = [{entry.id: entry.name for entry in browser.own_models(visit)} for visit in (mine, other)]
    assert held[0] == held[1] and sorted(held[0].values()) == ["My New Model copy", "My New Model copy (2)"]


def test_chosen_neurons_come_back_with_the_network_to_which_undo_returns() -> None:
    before = worked()
    after = state.remember(before, state_network.adapted(before, ARCHITECTURES["vgg11"], {}))
    found = state.undo(through(after))
    assert found.page("ablation") == before.page("ablation") and found.model.architecture == before.model.architecture
    assert '"12:1' not in json.dumps(kept.write_desk(before)["past"]), "only where the network changes"


def test_names_that_two_tabs_gave_stay_apart_and_a_full_list_says_so() -> None:
    visit = state.duplicate(fresh())
    twin = ModelEntry("own-other", state.add_segment(visit).model, "own")
    assert kept.merge(visit, [twin])[0].entry("own-other").name.endswith("(2)")
    for _ in range(state.MAX_OWN_MODELS - 1):
        visit = state.duplicate(visit)
    assert kept.merge(visit, [twin]) == (visit, False)


def test_a_deleted_model_is_gone_from_every_step_too() -> None:
    visit = desk.open_case(worked(), "Case", case)
    id = next(e.id for e in visit.models if e.origin == "own")
    left = kept.forget(visit, [id])
    assert f'"id": "{id}"' not in json.dumps(kept.write_desk(left))
    assert desk.take_back(left).active == state.WORKING
