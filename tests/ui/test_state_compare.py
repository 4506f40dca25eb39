"""The comparison as a value: rows, columns, what follows the visit, what the address holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule
from vislrp_ui import permalink, state, state_compare
from vislrp_ui.state import WORKING, ImageRef, ModelEntry, StateError, Visit
from vislrp_ui.state_compare import CompareState, GridCell, GridColumn, GridRow

EXAMPLES = tuple(ModelEntry(f"example_{n}", LRPModel.basic(f"Example {n}"), "example") for n in range(3))
KITTEN, LAKE = ImageRef("sample", "kitten"), ImageRef("sample", "castle_on_lake")


def fresh() -> Visit:
    return state.start(EXAMPLES)


def touched(**changes: object) -> Visit:
    visit = fresh()
    return visit.with_page("compare", replace(state_compare.of(visit), **changes))  # type: ignore[arg-type]


def gamma(name: str = "Carried") -> LRPModel:
    return state.set_rule(fresh(), 0, Rule.of("gamma", gamma1p=0.3)).model.model_copy(update={"name": name})


def test_follows_the_visit_until_something_is_changed_here():
    visit = state.choose_target(state.choose_image(fresh(), KITTEN), 7)
    shown = state_compare.of(visit)
    assert shown.rows == (GridRow(1, KITTEN, 7), GridRow(2, KITTEN))
    assert [column.id for column in shown.columns] == [entry.id for entry in EXAMPLES]
    kept = state_compare.changed(visit, state_compare.set_share, "row")
    assert state_compare.of(state.choose_image(kept, LAKE)).rows[0].image == KITTEN
    assert state_compare.of(state_compare.afresh(state.choose_image(kept, LAKE))).rows[0].image == LAKE


def test_a_working_copy_that_holds_something_comes_first():
    visit = state.set_rule(fresh(), 0, Rule.of("gamma", gamma1p=0.3))
    assert state_compare.of(visit).columns[0] == GridColumn(WORKING)


def test_rows():
    shown = state_compare.of(fresh())
    shown = state_compare.add_row(shown)
    assert shown.rows[-1] == GridRow(3, shown.rows[1].image)
    shown = state_compare.duplicate_row(shown, 1, 5)
    assert [row.id for row in shown.rows] == [1, 4, 2, 3]
    assert shown.rows[1].target == 5
    shown = state_compare.move_row(shown, 4, 1)
    assert [row.id for row in shown.rows] == [1, 2, 4, 3]
    assert state_compare.move_row(shown, 1, -1) == shown
    shown = state_compare.set_target(state_compare.set_image(shown, 2, KITTEN), 2, 9)
    assert shown.row(2) == GridRow(2, KITTEN, 9)
    assert state_compare.set_image(shown, 2, LAKE).row(2).target is None
    assert state_compare.toggle_fold(shown, 2).row(2).unfolded
    for id in (1, 2, 3):
        shown = state_compare.remove_row(shown, id)
    assert [row.id for row in state_compare.remove_row(shown, 4).rows] == [4]
    with pytest.raises(StateError, match="no longer"):
        shown.row(2)


def test_no_more_rows_than_the_page_holds():
    shown = state_compare.of(fresh())
    for _ in range(state_compare.MAX_ROWS - 2):
        shown = state_compare.add_row(shown)
    with pytest.raises(StateError, match="remove one first"):
        state_compare.add_row(shown)


def test_classes_of_rows():
    order = {KITTEN: (3, 1, 2), LAKE: (9, 8)}
    rows = (GridRow(1, KITTEN, 1), GridRow(2, KITTEN), GridRow(3, LAKE), GridRow(4, LAKE, 77), GridRow(5, KITTEN))
    assert state_compare.targets(rows, order.__getitem__) == (1, 3, 9, 8, 2)


def test_the_measures_are_opened_and_closed_by_what_is_there_when_the_button_is_pressed():
    shown = state_compare.of(fresh())
    opened = state_compare.turn_evidence(shown)
    assert opened.evidence is not None and state_compare.turn_evidence(opened).evidence is None


def test_columns_keep_the_difference_on_its_models():
    shown = state_compare.set_difference(state_compare.of(fresh()), (GridCell(1, 2), GridCell(1, 0)))
    moved = state_compare.move_column(shown, 2, 0)
    assert [column.id for column in moved.columns] == ["example_2", "example_0", "example_1"]
    assert moved.difference == (GridCell(1, 0), GridCell(1, 1))
    assert state_compare.remove_column(moved, 1).difference is None
    assert state_compare.remove_row(moved, 1).difference is None
    assert state_compare.move_column(moved, 0, 9) == moved
    with pytest.raises(StateError, match="at least one"):
        state_compare.set_columns(moved, [])
    with pytest.raises(StateError, match="8 models"):
        state_compare.add_models(moved, [gamma(str(n)) for n in range(6)])
    alone = state_compare.set_columns(moved, [GridColumn(WORKING)])
    assert state_compare.remove_column(alone, 0) == alone


def test_models_that_left_the_list_leave_the_comparison():
    visit = state.duplicate(fresh(), "example_0")
    own = visit.active
    visit = state_compare.changed(
        visit, state_compare.set_columns, [GridColumn("example_1"), GridColumn(own), GridColumn("example_2")]
    )
    visit = state_compare.changed(visit, state_compare.set_difference, (GridCell(1, 0), GridCell(1, 2)))
    shown = state_compare.of(state.delete(visit, own))
    assert [column.id for column in shown.columns] == ["example_1", "example_2"]
    assert shown.difference == (GridCell(1, 0), GridCell(1, 1))


def test_a_carried_model_stands_for_its_twin_in_the_list():
    visit = touched(columns=(GridColumn(model=EXAMPLES[1].model), GridColumn(model=gamma())))
    assert state_compare.of(visit).columns[0] == GridColumn("example_1")
    assert [entry.id for entry in state_compare.entries(visit)] == ["example_1", ""]


def test_a_cell_becomes_active_in_design():
    visit = touched(
        columns=(GridColumn("example_1"), GridColumn(model=gamma())), rows=(GridRow(1, KITTEN, 4), GridRow(2, LAKE))
    )
    other = state_compare.activate(visit, 1, 0, 4)
    assert (other.active, other.image, other.target) == ("example_1", KITTEN, 4)
    carried = state_compare.activate(visit, 2, 1, 8)
    assert carried.model.key == gamma().key and carried.image == LAKE and carried.target == 8
    assert state_compare.of(carried).columns[1] == GridColumn(carried.active)
    assert state_compare.of(carried).rows == state_compare.of(visit).rows
    with pytest.raises(StateError):
        state_compare.activate(visit, 1, 5, 4)


@st.composite
def comparisons(draw: st.DrawFn) -> CompareState:
    images = st.sampled_from([KITTEN, ImageRef("sample", "kitten", "squash"), ImageRef("upload", "0f" * 32)])
    count, width = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    rows = tuple(
        GridRow(n, draw(images), draw(st.none() | st.integers(0, 999)), draw(st.booleans())) for n in range(1, count + 1)
    )
    known = [GridColumn(entry.id) for entry in EXAMPLES] + [GridColumn(WORKING), GridColumn(model=gamma("γ & ~ = %"))]
    columns = tuple(draw(st.permutations(known))[:width])
    cells = st.builds(GridCell, st.integers(1, count), st.integers(0, width - 1))
    return CompareState(
        rows,
        columns,
        draw(st.sampled_from(list(state_compare.SHARES))),
        draw(st.booleans()),
        draw(st.none() | st.tuples(cells, cells)),
        draw(st.booleans()),
    )


@given(comparisons())
def test_the_address_opens_the_same_comparison(kept):
    visit = fresh().with_page("compare", kept)
    opened, damaged = permalink.from_params(permalink.to_params(visit), fresh())
    assert damaged == ()
    assert state_compare.of(opened) == state_compare.of(visit)


def test_own_models_travel_with_the_address():
    visit = state.rename(state.duplicate(fresh(), "example_0"), "Mine")
    visit = state.set_rule(visit, 0, Rule.of("gamma", gamma1p=0.7))
    mine = visit.active
    visit = state_compare.changed(
        state.activate(visit, "example_2"), state_compare.set_columns, [GridColumn(mine), GridColumn("example_2")]
    )
    opened, damaged = permalink.from_params(permalink.to_params(visit), fresh())
    assert damaged == ()
    assert [entry.model.name for entry in state_compare.entries(opened)] == ["Mine", "Example 2"]
    assert state_compare.entries(opened)[0].model.key == visit.entry(mine).model.key


@pytest.mark.parametrize(
    "params",
    [
        {"row1": "kitten~crop~~"},
        {"col1": "m~example_0"},
        {"compare": "each~~~~"},
        {"row1": "../etc~crop~~", "col1": "m~example_0"},
        {"row1": "kitten~crop~-1~", "col1": "m~example_0"},
        {"row1": "kitten~crop~~x", "col1": "m~example_0"},
        {"row1": "kitten~crop~~", "col1": "x~1"},
        {"row1": "kitten~crop~~", "col1": "c~damaged"},
        {"row1": "kitten~crop~~", "col1": "m~<script>"},
        {"row1": "kitten~crop~~", "col1": "m~example_0", "compare": "none~~~~"},
        {"row1": "kitten~crop~~", "col1": "m~example_0", "compare": "each~~2.1~1.1~"},
        {"row1": "kitten~crop~~", "col1": "m~example_0", "compare": "each~~1.1~~"},
        {"row1": "kitten~crop~~", "col1": "m~example_0", "compare": "each~~1.9~1.1~"},
    ],
)
def test_a_damaged_address_costs_the_comparison_and_one_sentence(params):
    opened, damaged = permalink.from_params(params, fresh())
    assert len(damaged) == 1 and "compare" in damaged[0]
    assert opened.page("compare") is None


def test_an_unknown_model_in_the_address_is_left_out():
    opened, damaged = permalink.from_params({"row1": "kitten~crop~~", "col1": "m~nobody", "col2": "m~example_1"}, fresh())
    assert damaged == ()
    assert [column.id for column in state_compare.of(opened).columns] == ["example_1"]
