"""State of the Neuron Ablation page: reducers, and the address that brings it back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vislrp_core.architecture import ARCHITECTURES
from vislrp_ui import permalink, state_ablation
from vislrp_ui.neuron_sets import as_sets, read_sets, write_sets
from vislrp_ui.state import StateError, Visit
from vislrp_ui.state_ablation import MAX_KEPT, AblationState, CurveMeasurement, Cut, KeptSet, from_params

SETS = st.dictionaries(st.integers(1, 38), st.sets(st.integers(0, 4095), min_size=1, max_size=300), max_size=4)

VGG16 = ARCHITECTURES["vgg16"]


@given(SETS)
def test_text_of_sets_reads_back(sets: dict[int, set[int]]) -> None:
    held = as_sets(sets)
    assert read_sets(write_sets(held)) == held


def test_a_crowded_layer_stays_short() -> None:
    assert len(write_sets(((36, tuple(range(0, 4096, 2))),))) < 720
    assert write_sets(((23, (1, 2, 3, 9)),)) == "23:1-3.9"


def test_the_state_comes_back_from_its_address() -> None:
    held = AblationState(
        31,
        ((23, (1, 2, 9)), (31, (5,))),
        "mean",
        Cut(((23, (7,)),), "zero"),
        (KeptSet(1, Cut(((2, (0, 3)),)), "a ~ name, ü"), KeptSet(2, Cut(((36, tuple(range(0, 900, 2))),), "mean"))),
        "activation",
        "own",
        "activation_sum",
        "click",
        7,
        "total_relevance",
        "neuron",
        5,
        CurveMeasurement(("configuration_4", "own-1"), 30, 9, 1, "logit"),
    )
    assert from_params(held.to_params()) == held


def test_an_untouched_page_leaves_no_trace_in_the_address() -> None:
    assert AblationState().to_params() == {} and from_params({}) is None


def test_the_shown_ablation_is_not_written_twice() -> None:
    held = state_ablation.ablate(state_ablation.choose(AblationState(), [1, 2]))
    assert held.to_params()["ablated"] == "chosen" and from_params(held.to_params()) == held


def test_what_does_not_fit_is_left_out_of_the_address_and_named() -> None:
    crowded = Cut(tuple((layer, tuple(range(0, 8192, 2))) for layer in range(1, 9)))
    held = AblationState(kept=(KeptSet(1, crowded), KeptSet(2, Cut(((1, (2,)),)))))
    assert held.kept_in_address() == {0: True, 1: False, 2: True}
    back = from_params(held.to_params())
    assert back is not None and [row.cut for row in back.kept] == [Cut(((1, (2,)),))]


@pytest.mark.parametrize(
    "params",
    [
        {"neurons": "23~zero"},
        {"neurons": "1000~zero~relevance~common~number~region~24~positive_relevance~set~0"},
        {"chosen": "23"},
        {"chosen": "0:1"},
        {"chosen": "23:9999"},
        {"chosen": "23:!%%"},
        {"chosen": "23:a"},
        {"chosen": "23:" + "1." * 20000},
        {"ablated": "x~23:1"},
        {"ablated": "zero"},
        {"cut1": "zero~23:1"},
        {"cut1": "~~"},
        {"cut1": "zero~~x"},
        {"ablate": "0~16~2~probability~"},
        {"ablate": "50~16~2~both~"},
        {"chosen": "23:!é"},
    ],
)
def test_a_damaged_address_is_refused_and_the_page_starts_afresh(params: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        from_params(params)
    visit, damaged = permalink.from_params(params, Visit())
    assert visit.page("ablation") is None and len(damaged) == 1


def test_choosing_keeps_other_layers_and_forgets_empty_ones() -> None:
    state = state_ablation.choose(AblationState(), [3, 1, 3])
    state = state_ablation.choose(state_ablation.set_layer(state, 31, VGG16), [7])
    assert state.selected == ((23, (1, 3)), (31, (7,))) and state.neurons == (7,) and state.cut.count == 3
    state = state_ablation.toggle(state, [7])
    assert state.selected == ((23, (1, 3)),)
    assert state_ablation.forget_all(state).selected == ()


def test_invert_top_and_typed() -> None:
    state = state_ablation.choose(AblationState(), [0, 2])
    assert state_ablation.invert(state, 4).neurons == (1, 3)
    top = state_ablation.choose_top(state, [5, 4, 9, 1], 3, "activation_sum")
    assert (top.neurons, top.count, top.by) == ((4, 5, 9), 3, "activation_sum")
    assert state_ablation.choose_typed(state, "1, 4-6", 8, "relu4_3").neurons == (1, 4, 5, 6)


@pytest.mark.parametrize("text", ["a", "3-1", "9"])
def test_typed_neurons_that_make_no_sense_are_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(StateError) as error:
        state_ablation.choose_typed(AblationState(), text, 8, "relu4_3")
    assert "\n" not in str(error.value)


def test_a_single_neuron_that_is_no_longer_chosen_is_no_longer_shown() -> None:
    state = state_ablation.set_view(state_ablation.choose(AblationState(), [1, 2]), part="neuron", neuron=2)
    assert state_ablation.choose(state, [1, 2, 3]).part == "neuron"
    assert state_ablation.choose(state, [1]).part == "set"
    assert state_ablation.set_layer(state, 5, VGG16).part == "set"


def test_ablating_nothing_shows_nothing() -> None:
    assert state_ablation.ablate(AblationState()).ablated is None


def test_kept_sets_are_taken_up_named_and_removed() -> None:
    state = state_ablation.keep(state_ablation.choose(AblationState(value="mean"), [4, 5]))
    state = state_ablation.keep(state_ablation.choose(replace(state, layer=31, selected=()), [1]))
    assert [(row.letter, row.title(VGG16)) for row in state.kept] == [
        ("A", "2 neurons of relu4_3"),
        ("B", "1 neuron of pool5"),
    ]
    state = state_ablation.rename_kept(state, 1, "  ears   and eyes ")
    assert state.kept[0].title(VGG16) == "ears and eyes"
    state = state_ablation.take_up(state, 1)
    assert (state.layer, state.neurons, state.value, state.ablated) == (23, (4, 5), "mean", Cut(((23, (4, 5)),), "mean"))
    assert [row.id for row in state_ablation.remove_kept(state, 1).kept] == [2]


def test_keeping_nothing_or_too_much_is_refused() -> None:
    with pytest.raises(StateError):
        state_ablation.keep(AblationState())
    state = state_ablation.choose(AblationState(), [1])
    for _ in range(MAX_KEPT):
        state = state_ablation.keep(state)
    with pytest.raises(StateError):
        state_ablation.keep(state)


def test_neurons_that_another_network_lacks_are_left_out_and_counted() -> None:
    sizes = dict.fromkeys(range(1, 39), 4)
    state = AblationState(selected=((1, (3, 4)),), ablated=Cut(((2, (9,)),)), kept=(KeptSet(1, Cut(((3, (8,)),))),))
    fitted, lost = state_ablation.fitting(state, sizes)
    assert lost == 3 and fitted.selected == ((1, (3,)),) and fitted.kept == ()
    whole = AblationState(selected=((1, (3,)),))
    assert state_ablation.fitting(whole, sizes) == (whole, 0)


def test_titles() -> None:
    assert Cut(((23, (1,)), (31, (2, 3)))).title(VGG16) == "3 neurons of 2 layers" and Cut().title(VGG16) == "no neurons"
