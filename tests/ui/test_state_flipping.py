"""Rows, brushes, selections and settings of Pixel Flipping as pure functions, and their way through an address."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest

from vislrp_core import masks
from vislrp_ui import permalink, state, state_flipping
from vislrp_ui.state import StateError
from vislrp_ui.state_flipping import FlippingMeasurement, FlippingRow, FlippingState, from_params


def disc(y: int = 100, x: int = 100, radius: int = 30) -> masks.Mask:
    rows, columns = np.mgrid[:224, :224]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def brushed(flipping: FlippingState, id: int = 1) -> FlippingState:
    return state_flipping.set_mask(flipping, id, disc())


def test_a_fresh_page_has_one_empty_row_and_nothing_in_the_address() -> None:
    fresh = FlippingState()
    assert [row.title for row in fresh.rows] == ["Row 1"] and not fresh.row().marks and fresh.to_params() == {}
    assert not fresh.row().brushed.any()


def test_every_row_has_its_own_brush() -> None:
    two = state_flipping.add_row(brushed(FlippingState()))
    assert two.active == 2 and np.array_equal(two.row(1).brushed, disc()) and not two.row(2).brushed.any()
    two = state_flipping.set_mask(two, 2, disc(30, 40, 5))
    assert np.array_equal(two.row(1).brushed, disc()) and np.array_equal(two.row(2).brushed, disc(30, 40, 5))


def test_a_copy_stands_below_its_original_and_is_active() -> None:
    three = state_flipping.add_row(brushed(FlippingState()))
    three = state_flipping.copy_row(three, 1)
    assert [row.id for row in three.rows] == [1, 3, 2] and three.active == 3
    assert three.row(3).mask == three.row(1).mask and three.row(3).title == "Row 1 copy"


def test_removing_rows() -> None:
    two = state_flipping.add_row(brushed(FlippingState()))
    assert state_flipping.remove_row(two, 2).active == 1
    kept = state_flipping.remove_row(two, 1)
    assert [row.id for row in kept.rows] == [2] and kept.active == 2
    emptied = state_flipping.remove_row(kept, 2)
    assert len(emptied.rows) == 1 and not emptied.row().marks


def test_the_page_is_full_at_its_limit() -> None:
    full = FlippingState()
    for _ in range(state_flipping.MAX_ROWS - 1):
        full = state_flipping.add_row(full)
    for change in (state_flipping.add_row, lambda one: state_flipping.copy_row(one, 1)):
        with pytest.raises(StateError, match="8 rows"):
            change(full)


def test_names() -> None:
    named = state_flipping.rename_row(FlippingState(), 1, "  without   the horse ")
    assert named.row().title == "without the horse"
    assert state_flipping.rename_row(named, 1, " ").row().title == "Row 1"


def test_undo_goes_back_through_strokes_clear_and_selection() -> None:
    one = brushed(FlippingState())
    both = state_flipping.set_mask(one, 1, disc() | disc(20, 20, 9))
    cleared = state_flipping.clear(state_flipping.set_selection(both, 1, sign="positive"), 1)
    assert not cleared.row().marks
    back = state_flipping.undo(cleared, 1)
    assert back.row().sign == "positive" and back.row().mask == both.row().mask
    back = state_flipping.undo(state_flipping.undo(back, 1), 1)
    assert back.row().mask == one.row().mask and back.row().sign == "none"
    empty = state_flipping.undo(back, 1)
    assert not empty.row().marks and state_flipping.undo(empty, 1) == empty


def test_a_stroke_over_what_is_brushed_already_is_no_step_of_undo() -> None:
    one = brushed(FlippingState())
    assert state_flipping.set_mask(one, 1, disc()) == one


def test_undo_is_bounded() -> None:
    many = FlippingState()
    for radius in range(1, 60):
        many = state_flipping.set_mask(many, 1, disc(radius=radius))
    assert len(many.row().past) == state_flipping.MAX_PAST


def test_selecting_by_relevance_begins_with_the_most_positive_and_keeps_a_choice() -> None:
    chosen = state_flipping.set_mode(FlippingState(), "relevance")
    assert chosen.row().sign == "positive" and chosen.row().marks
    other = state_flipping.set_selection(chosen, 1, sign="least", share=25.0, unit=1)
    again = state_flipping.set_mode(state_flipping.set_mode(other, "brush"), "relevance")
    assert (again.row().sign, again.row().share, again.row().unit) == ("least", 25.0, 1)
    assert not state_flipping.set_selection(chosen, 1, share=0.0).row().marks


def test_the_guided_case_sets_three_rows_whatever_was_brushed() -> None:
    guided = state_flipping.guided(FlippingState())
    assert [row.sign for row in guided.rows] == ["positive", "negative", "random"] and guided.mode == "relevance"
    assert len({row.share for row in guided.rows}) == 1 and guided.row().sign == "positive"
    assert state_flipping.guided(brushed(FlippingState())).rows == guided.rows


def test_tools_act_on_the_active_row_alone() -> None:
    two = state_flipping.set_fill(state_flipping.add_row(FlippingState()), "blur")
    assert (two.row(1).fill, two.row(2).fill) == ("invert", "blur")
    assert state_flipping.add_row(two).row().fill == "blur"
    assert state_flipping.set_width(two, 1000).width == state_flipping.MAX_WIDTH
    assert state_flipping.activate(two, 1).row().id == 1


def test_a_mask_file() -> None:
    taken = state_flipping.take_file(FlippingState(), 1, masks.to_png(disc()))
    assert np.array_equal(taken.row().brushed, disc())
    with pytest.raises(StateError, match="cannot be used"):
        state_flipping.take_file(FlippingState(), 1, b"text")


def rich() -> FlippingState:
    flipping = state_flipping.rename_row(brushed(FlippingState()), 1, "a ~ & = name")
    flipping = state_flipping.set_fill(state_flipping.add_row(flipping), "noise")
    flipping = state_flipping.set_selection(flipping, 2, sign="negative", share=12.5, unit=1)
    flipping = state_flipping.set_tool(state_flipping.set_width(flipping, 30), "polygon")
    flipping = state_flipping.set_mode(flipping, "relevance")
    return state_flipping.set_measurement(
        flipping, models=("configuration_4", "own-1"), patch=28, fill="blur", steps=9, seeds=0, scale="logit"
    )


def without_past(flipping: FlippingState) -> FlippingState:
    return replace(flipping, rows=tuple(replace(row, past=()) for row in flipping.rows))


def test_an_address_brings_everything_back_but_undo() -> None:
    text = urlencode(rich().to_params())
    params = {key: values[0] for key, values in parse_qs(text).items()}
    assert from_params(params) == without_past(rich())


def test_an_address_of_the_whole_visit_holds_the_page() -> None:
    visit = state_flipping.changed(state.start(), brushed)
    opened, damaged = permalink.from_params(permalink.to_params(visit), state.start())
    assert not damaged and np.array_equal(state_flipping.of(opened).row().brushed, disc())
    assert from_params({"image": "castle"}) is None


def test_brushes_that_are_too_large_for_the_address_stay_out_of_it() -> None:
    dust = np.random.default_rng(0).random((224, 224)) < 0.5
    flipping = state_flipping.set_mask(state_flipping.add_row(brushed(FlippingState())), 2, dust)
    assert flipping.kept_in_address() == {1: True, 2: False}
    params = flipping.to_params()
    assert sum(map(len, params.values())) < state_flipping.MAX_ADDRESS + 500
    opened = from_params(params)
    assert opened is not None and np.array_equal(opened.row(1).brushed, disc()) and not opened.row(2).brushed.any()


@pytest.mark.parametrize(
    "params",
    [
        {"flip1": ""},
        {"flip1": "invert~none~10~8~"},
        {"flip1": "white~none~10~8~~"},
        {"flip1": "invert~best~10~8~~"},
        {"flip1": "invert~none~101~8~~"},
        {"flip1": "invert~none~nan~8~~"},
        {"flip1": "invert~none~1e400~8~~"},
        {"flip1": "invert~none~10~3~~"},
        {"flip1": "invert~none~10~8~garbage~"},
        {"flip1": "invert~none~x~8~~"},
        {"flip": "2~brush~brush~18"},
        {"flip": "1~brush~brush~9999999"},
        {"flip": "1~brush~sword~18"},
        {"flip": "1~brush"},
        {"flip": "0~brush~brush~18"},
        {"measure": "9~invert~14~2~probability~"},
        {"measure": "16~invert~0~2~probability~"},
        {"measure": "16~invert~14~2~area~"},
        {"measure": "16"},
        {"measure": "16~invert~14~²~probability~"},
    ],
)
def test_damaged_addresses_cost_one_sentence_and_nothing_else(params: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        from_params(params)
    visit, damaged = permalink.from_params(params, state.start())
    assert len(damaged) == 1 and "flipping" in damaged[0] and state_flipping.of(visit) == FlippingState()


def test_the_settings_of_a_row_are_all_in_its_equality() -> None:
    assert FlippingRow(1) == FlippingRow(1) and FlippingRow(1) != FlippingRow(1, fill="blur")
    assert FlippingMeasurement() != FlippingMeasurement(patch=8)
