"""Every native control of the Neuron Ablation page, and what its components are sent."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import gesture, net, payload, visit_of
from vislrp_core.ablation import ablate, switch_off
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.network import forward_from
from vislrp_core.neurons import SCORES
from vislrp_ui import service, state_ablation
from vislrp_ui.ablation import cells, pixels, set_files, work
from vislrp_ui.ablation.charts import brushed
from vislrp_ui.components.matrix import columns_for
from vislrp_ui.state import ImageRef, StateError
from vislrp_ui.state_ablation import AblationState, Cut

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    work.clear_caches()
    yield
    work.clear_caches()


@pytest.fixture
def page(open_page: Open) -> AppTest:
    return open_page("4_Neuron_Ablation")


@pytest.fixture
def table(open_page: Open) -> AppTest:
    return open_page("4_Neuron_Ablation", neurons="23~zero~table~common~number~region~24~positive_relevance~set~0")


def held(app: AppTest) -> AblationState:
    return state_ablation.of(visit_of(app))


def question(app: AppTest) -> work.ExplanationKey:
    visit = visit_of(app)
    return work.ExplanationKey(net(), visit.image, visit.model, service.target_of(net(), visit.image, visit.target))


# --- layer and scores ---------------------------------------------------------------------------------------------------


def test_opens_with_all_neurons_of_a_layer_and_nothing_selected(page: AppTest) -> None:
    shown = payload(page, "abl-matrix")
    scores = work.scores_at(question(page), held(page).layer)
    assert shown["order"] == list(range(32)) == list(range(len(scores))) and shown["selected"] == []
    np.testing.assert_allclose(shown["facts"][0]["values"], scores.positive_relevance, rtol=1e-3)
    assert not page.exception and page.button(key="abl-go").disabled


def test_the_table_holds_the_scores(table: AppTest) -> None:
    shown = table.dataframe[0].value
    scores = work.scores_at(question(table), 23)
    for key, score in SCORES.items():
        assert np.array_equal(shown[score.title], scores.column(key))


@pytest.mark.parametrize("layer", [1, 5, 31, 32, 36, 38])
def test_any_layer_can_be_shown_and_stays_in_the_address(page: AppTest, layer: int) -> None:
    page.selectbox(key="abl-layer").set_value(layer).run()
    assert held(page).layer == layer and f"~layer:{layer}" in page.query_params["neurons"]
    assert len(payload(page, "abl-matrix")["order"]) == work.sizes(net())[layer] and not page.exception


def test_scores_are_those_of_the_relevance_itself(page: AppTest) -> None:
    asked = question(page)
    for layer in (2, 23, 33, 38):
        relevance = service.relevance(net(), asked.ref, asked.model, asked.target, layers=(layer,)).at(layer).double()
        scores = work.scores_at(asked, layer)
        flat = relevance.reshape(relevance.shape[0], -1)
        # Between the two propagations the sums may have been taken in double precision: the last digits move.
        np.testing.assert_allclose(scores.positive_relevance, flat.clamp(min=0).sum(1), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(scores.total_relevance, flat.sum(1), rtol=1e-4, atol=1e-6)


def test_one_propagation_serves_all_layers(page: AppTest) -> None:
    before = service.counters.propagations
    for layer in (30, 11, 2):
        page.selectbox(key="abl-layer").set_value(layer).run()
    assert service.counters.propagations == before


# --- choosing -----------------------------------------------------------------------------------------------------------


def test_top_n_of_a_score_is_selected(page: AppTest) -> None:
    page.number_input(key="abl-count").set_value(5).run()
    scores = work.scores_at(question(page), 23)
    assert held(page).neurons == tuple(sorted(scores.strongest("positive_relevance")[:5].tolist()))
    page.selectbox(key="abl-by").set_value("negative_relevance").run()
    assert held(page).neurons == tuple(sorted(np.argsort(scores.negative_relevance, kind="stable")[:5].tolist()))


def test_all_none_invert_and_typed(page: AppTest) -> None:
    page.text_input(key="abl-typed").set_value("0, 3-5").run()
    assert held(page).neurons == (0, 3, 4, 5)
    page.button(key="abl-invert").click().run()
    assert held(page).neurons == (1, 2, *range(6, 32))
    page.button(key="abl-all").click().run()
    assert held(page).neurons == tuple(range(32))
    page.button(key="abl-none").click().run()
    assert held(page).selected == ()


def test_typed_nonsense_gets_one_sentence_and_changes_nothing(page: AppTest) -> None:
    page.text_input(key="abl-typed").set_value("1,2").run()
    page.text_input(key="abl-typed").set_value("40").run()
    assert held(page).neurons == (1, 2) and "there is no 40" in page.warning[0].value and not page.exception


def test_a_region_of_a_chart_selects_by_rank(page: AppTest) -> None:
    order = work.scores_at(question(page), 23).strongest("activation_sum")
    assert brushed({"brush": {"rank": [1.2, 4.7]}}, order) == order[2:5].tolist()
    assert brushed({"brush": {"rank": [-3.0, 0.2]}}, order) == order[:1].tolist()
    assert brushed({}, order) == []


def test_cells_toggle_and_are_ordered_by_a_score(page: AppTest) -> None:
    gesture(page, "abl-matrix", {"kind": "toggle", "neurons": [3, 5]})
    assert held(page).neurons == (3, 5) and payload(page, "abl-matrix")["selected"] == [3, 5]
    gesture(page, "abl-matrix", {"kind": "toggle", "neurons": [5, 99, -1, "x"]})
    assert held(page).neurons == (3,)
    page.selectbox(key="abl-order").set_value("activation_sum").run()
    scores = work.scores_at(question(page), 23)
    assert payload(page, "abl-matrix")["order"] == scores.strongest("activation_sum").tolist()


@pytest.mark.parametrize("shape", [(5,), (7, 4, 4), (70, 90, 90)])
def test_every_neuron_has_its_own_cell_in_its_own_colour(shape: tuple[int, ...]) -> None:
    values = torch.zeros(shape)
    values[3] = 1.0
    picture = cells.sheet_picture(cells.thumbnails(values), columns_for(shape[0]), "blue-white-red", "max", False, False)
    with Image.open(io.BytesIO(picture)) as opened:
        drawn = np.asarray(opened.convert("RGB"))
    columns = columns_for(shape[0])
    side = drawn.shape[1] // columns
    assert drawn.shape[:2] == (-(-shape[0] // columns) * side, columns * side)
    row, column = 3 // columns * side, 3 % columns * side
    marked = (drawn != 255).any(axis=2)
    assert marked[row : row + side, column : column + side].all() and marked.sum() == side * side


@pytest.mark.parametrize(("count", "columns"), [(64, 16), (128, 16), (256, 32), (512, 32), (4096, 92), (1, 1), (10, 5)])
def test_a_matrix_keeps_its_size_and_fills_its_rows(count: int, columns: int) -> None:
    assert columns_for(count) == columns


# --- what they pass to the pixels -------------------------------------------------------------------------------------


def test_set_remainder_and_single_neurons_add_up_to_the_whole_map(page: AppTest) -> None:
    page.text_input(key="abl-typed").set_value("2,9").run()
    asked, state = question(page), held(page)
    whole = work.whole_map(asked)
    passed = work.passed_on(asked, 23, (2, 9))
    rest = work.passed_on(asked, 23, [n for n in range(32) if n not in (2, 9)])
    scale = float(np.abs(whole).max())
    np.testing.assert_allclose(passed + rest, whole, atol=1e-5 * scale)
    np.testing.assert_allclose(pixels.part_map(asked, replace(state, part="remainder"), whole), rest, atol=1e-5 * scale)
    single = [pixels.part_map(asked, replace(state, part="neuron", neuron=n), whole) for n in (2, 9)]
    np.testing.assert_allclose(single[0] + single[1], passed, atol=1e-5 * scale)
    page.selectbox(key="abl-part").set_value("remainder").run()
    assert held(page).part == "remainder" and not page.exception
    page.selectbox(key="abl-part").set_value(9).run()
    assert (held(page).part, held(page).neuron) == ("neuron", 9) and not page.exception


def test_many_selected_neurons_are_paged(page: AppTest) -> None:
    page.button(key="abl-all").click().run()
    page.button(key="abl-next").click().run()
    assert any("13–24 of 32" in block.proto.body for block in page.get("html"))


# --- kept sets ----------------------------------------------------------------------------------------------------------


def test_sets_are_kept_compared_taken_up_exported_and_imported(page: AppTest) -> None:
    page.text_input(key="abl-typed").set_value("1-3").run()
    page.button(key="abl-keep").click().run()
    page.selectbox(key="abl-layer").set_value(31).run()
    page.text_input(key="abl-typed").set_value("0-9").run()
    page.button(key="abl-keep").click().run()
    page.text_input(key="abl-name-2").set_value("both").run()
    chips = payload(page, "abl-chips")["rows"]
    assert [chip["title"] for chip in chips] == ["3 neurons of relu4_3", "both"] and chips[1]["active"]
    compared = page.dataframe[0].value
    after = work.without(net(), visit_of(page).image, held(page).kept[1].cut)
    assert compared["first class"][2] == after[0].name and compared["neurons"].tolist() == [0, 3, 13]
    data = set_files.write(held(page).kept, "tiny")
    page.button(key="abl-remove-1").click().run()
    assert len(held(page).kept) == 1
    page.file_uploader(key="abl-import-0").upload("sets.json", data, "application/json").run()
    assert [row.name for row in held(page).kept] == ["both", "", "both"] and not page.exception
    assert held(page).kept[1].cut == Cut(((23, (1, 2, 3)),))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"format": "other"}',
        b"\xff\xfe",
        b'{"format": "vislrp-neurons", "version": 1, "sets": [{"layers": {"0": [1]}}]}',
        b'{"format": "vislrp-neurons", "version": 1, "sets": [{"layers": {"23": [99]}}]}',
        b'{"format": "vislrp-neurons", "version": 1, "sets": [{"layers": {"23": []}}]}',
        b'{"format": "vislrp-neurons", "version": 1, "sets": [{"layers": {"23": [1.5]}}]}',
        b'{"format": "vislrp-neurons", "version": 1, "sets": [{"layers": {"23": [1]}, "value": "one"}]}',
    ],
)
def test_a_file_that_holds_no_sets_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(StateError) as error:
        set_files.read(data, dict.fromkeys(range(1, 39), 8), ARCHITECTURES["vgg16"])
    assert "\n" not in str(error.value)


# --- ablation -----------------------------------------------------------------------------------------------------------


def test_ablating_shows_the_prediction_of_a_pass_without_the_neurons(page: AppTest) -> None:
    page.text_input(key="abl-typed").set_value("0-9").run()
    page.button(key="abl-go").click().run()
    trace = service.trace(net(), visit_of(page).image)
    expected = forward_from(net(), 23, switch_off(trace.activation(23), range(10))[None])[0]
    after = torch.softmax(expected, 0)
    rows = {row["index"]: row for row in payload(page, "abl-result")["rows"]}
    for index, row in rows.items():
        assert row["after"] == f"{100 * float(after[index]):.1f}" or row["after"].startswith(("<", ">"))
    assert payload(page, "abl-result")["stale"] == ""
    page.button(key="abl-none").click().run()
    assert payload(page, "abl-result")["stale"]


def test_the_mean_and_several_layers_at_once(page: AppTest) -> None:
    page.text_input(key="abl-typed").set_value("1,2").run()
    page.selectbox(key="abl-layer").set_value(31).run()
    page.text_input(key="abl-typed").set_value("0-3").run()
    assert "of 2 layers" in page.button(key="abl-go").label
    cut = Cut(((23, (1, 2)), (31, (0, 1, 2, 3))), "mean")
    trace = service.trace(net(), visit_of(page).image)
    expected = ablate(net(), trace, cut.mapping, "mean").double()
    np.testing.assert_allclose(work.logits_without(net(), visit_of(page).image, cut), expected)


def test_a_reload_brings_everything_back(page: AppTest, open_page: Open) -> None:
    page.text_input(key="abl-typed").set_value("1,2,7-9").run()
    page.button(key="abl-go").click().run()
    again = open_page(
        "4_Neuron_Ablation",
        **{
            key: page.query_params[key] if isinstance(page.query_params[key], str) else page.query_params[key][0]
            for key in page.query_params
        },
    )
    assert held(again) == held(page)


def test_neurons_that_the_network_lacks_are_left_out_with_a_sentence(open_page: Open) -> None:
    app = open_page("4_Neuron_Ablation", chosen="23:3.400")
    assert held(app).neurons == (3,) and "1 selected neuron left out" in app.warning[0].value


def test_shapes_of_layers_are_known_without_a_forward_pass() -> None:
    counted = service.counters.forward_passes
    known = work.shapes(net())
    assert service.counters.forward_passes == counted
    trace = service.trace(net(), ImageRef("sample", "kitten"))
    assert known == {layer: tuple(trace.shape(layer)) for layer in range(1, 39)}
