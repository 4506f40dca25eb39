"""Every native control of the Design page, and what its components are sent."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import CLASSES, gesture, net, open_menus, payload, visit_of
from vislrp_core.heatmap import RANGES, SPECTRA
from vislrp_core.model import BIASES, PIXEL_RULES, POOLING_EPSILONS, POOLINGS, STARTS, LRPModel
from vislrp_core.rules import PARAMETERS, PRESETS
from vislrp_ui import service
from vislrp_ui.design import result as results
from vislrp_ui.design.sums import sums_frame
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.state import WORKING

Open = Callable[..., AppTest]


def borders(app: AppTest) -> list[int]:
    return [segment.last for segment in visit_of(app).model.segments]


def sentences(app: AppTest) -> str:
    return "\n".join(warning.value for warning in app.warning)


@pytest.fixture
def design(open_page: Open) -> AppTest:
    return open_menus(open_page("1_Design"))


# --- image and class ---------------------------------------------------------------------------------------------------


def test_opens_with_the_first_class_chosen(design: AppTest) -> None:
    first = service.predictions(net(), visit_of(design).image, 1)[0]
    assert design.selectbox(key="target").value == first.index
    shown = payload(design, "design-classes")
    assert shown["target"] == first.index and shown["rows"][0]["index"] == first.index


def test_any_class_can_be_searched_and_has_its_bar(design: AppTest) -> None:
    last = service.predictions(net(), visit_of(design).image, 10)[-1]
    design.selectbox(key="target").set_value(last.index).run()
    assert visit_of(design).target == last.index
    assert design.query_params["target"] == str(last.index)
    shown = payload(design, "design-classes")
    assert shown["target"] == last.index and shown["rows"][-1]["name"] == CLASSES[last.index]


def test_the_gallery_shows_another_picture(design: AppTest) -> None:
    design.button(key="open-gallery").click().run()
    design.button(key="sample-kitten").click().run()
    assert visit_of(design).image.id == "kitten" and design.query_params["image"] == "kitten"


def test_an_uploaded_picture_is_shown_and_can_be_squashed(design: AppTest) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 200, 3), dtype=np.uint8)).save(buffer, "PNG")
    design.file_uploader(key="upload").upload("noise.png", buffer.getvalue(), "image/png").run()
    assert visit_of(design).image.kind == "upload"
    assert design.query_params["image"].startswith("upload-")
    design.get("button_group")[0].set_value("squash").run()
    assert visit_of(design).image.fit == "squash" and design.query_params["fit"] == "squash"
    assert not design.exception


def test_a_file_that_is_no_picture_gets_one_sentence_and_changes_nothing(design: AppTest) -> None:
    before = visit_of(design)
    design.file_uploader(key="upload").upload("x.png", b"not a picture", "image/png").run()
    assert visit_of(design) == before and len(design.warning) == 1 and not design.exception


def test_an_upload_of_another_visit_is_asked_for_again(open_page: Open) -> None:
    app = open_page("1_Design", image="upload-" + "ab" * 32)
    assert "upload the same file again" in sentences(app)
    assert app.file_uploader(key="upload-again") and not [
        one for one in app.get("bidi_component") if "ruler" in one.proto.id or "final" in one.proto.id
    ]


# --- models ------------------------------------------------------------------------------------------------------------


def test_new_is_immediate_where_nothing_is_lost_and_asks_where_something_is(design: AppTest) -> None:
    design.button(key="new-model").click().run()
    assert visit_of(design).active == WORKING and not [b for b in design.button if b.key == "new-keep"]
    design.button(key="twin-add").click().run()
    design.button(key="new-model").click().run()
    design.button(key="new-keep").click().run()
    assert borders(design) == [38]
    assert [e.name for e in visit_of(design).models if e.origin == "own"] == ["Model 1"]


def test_new_can_discard_and_undo_brings_it_back(design: AppTest) -> None:
    design.button(key="twin-add").click().run()
    held = borders(design)
    design.button(key="new-model").click().run()
    design.button(key="new-discard").click().run()
    assert borders(design) == [38]
    design.button(key="undo").click().run()
    assert borders(design) == held
    design.button(key="redo").click().run()
    assert borders(design) == [38]


def test_duplicate_rename_delete_and_undo(design: AppTest) -> None:
    design.selectbox(key="active-model").set_value("configuration_5").run()
    assert design.button(key="delete-model").disabled
    design.button(key="duplicate-model").click().run()
    open_menus(design).text_input(key="model-name").set_value("  My   own ").run()
    entry = visit_of(design).entry()
    assert (entry.name, entry.origin, entry.based_on) == ("My own", "own", "Configuration 5")
    design.button(key="delete-model").click().run()
    assert visit_of(design).active == WORKING
    design.button(key="undo").click().run()
    assert visit_of(design).entry() == entry
    cards = payload(design, "model-cards")
    assert cards["active"] == entry.id and "My own" in [card["name"] for card in cards["cards"]]


def test_several_files_are_imported_and_a_wrong_one_gets_its_sentence(design: AppTest) -> None:
    ours = LRPModel.basic("Ours").to_json().encode()
    original = json.dumps(
        {
            "name": "Theirs",
            "configuration": [{"x0": 1, "x1": 11, "method": "gamma", "gamma1p": 0.3}, {"x0": 11, "x1": 39, "method": "0"}],
        }
    ).encode()
    files = [
        ("ours.json", ours, "application/json"),
        ("theirs.json", original, "application/json"),
        ("wrong.json", b'{"format": "vislrp-model"}', "application/json"),
    ]
    design.file_uploader(key="import-models-0").set_value(files).run()
    own = [e for e in visit_of(design).models if e.origin == "own"]
    assert [e.name for e in own] == ["Ours", "Theirs"] and visit_of(design).active == own[1].id
    assert borders(design) == [10, 38]
    assert len(design.warning) == 1 and "wrong.json" in sentences(design)


def test_a_wrong_file_alone_changes_nothing(design: AppTest) -> None:
    before = visit_of(design)
    design.file_uploader(key="import-models-0").set_value([("x.json", b"[]", "application/json")]).run()
    assert visit_of(design) == before and len(design.warning) == 1


# --- typed values ------------------------------------------------------------------------------------------------------


def test_segments_are_added_moved_split_selected_and_removed_by_typing(design: AppTest) -> None:
    design.button(key="twin-add").click().run()
    assert len(borders(design)) == 2 and visit_of(design).selected_segment == 1
    design.number_input(key="twin-first").set_value(12).run()
    assert borders(design) == [11, 38]
    design.selectbox(key="twin-segment").set_value(0).run()
    design.number_input(key="twin-last").set_value(20).run()
    assert borders(design) == [20, 38]
    design.button(key="twin-split").click().run()
    assert borders(design) == [10, 20, 38] and visit_of(design).selected_segment == 1
    design.button(key="twin-remove").click().run()
    assert borders(design) == [20, 38]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_can_be_chosen(design: AppTest, preset: str) -> None:
    design.selectbox(key="twin-preset").set_value(preset).run()
    assert visit_of(design).model.segments[0].rule.preset == preset
    panel = payload(design, "rule-panel")
    assert panel["preset"] == preset
    assert payload(design, "ruler")["segments"][0]["rule"]["title"] == PRESETS[preset].title


def test_each_parameter_can_be_typed_and_makes_the_rule_custom(design: AppTest) -> None:
    for parameter in PARAMETERS:
        value = 0.5 if parameter.key != "theta1" else 0.75
        design.number_input(key=f"twin-{parameter.key}").set_value(value).run()
        rule = visit_of(design).model.segments[0].rule
        assert rule.preset == "custom" and getattr(rule, parameter.key) == value
    assert not design.exception
    assert any("α − β" in sentence for sentence in payload(design, "rule-panel")["warnings"])
    design.number_input(key="twin-alpha").set_value(1.5).run()
    assert payload(design, "rule-panel")["warnings"] == []


def test_the_scale_of_epsilon_can_be_chosen(design: AppTest) -> None:
    scale = next(group for group in design.get("button_group") if group.key == "twin-scale")
    scale.set_value("relative").run()
    assert visit_of(design).model.segments[0].rule.epsilon_scale == "relative"


def test_relevance_that_is_not_finite_is_told_at_its_place_and_repaired(design: AppTest) -> None:
    for key, value in (("alpha", 1e30), ("gamma1", 1e-3)):
        design.number_input(key=f"twin-{key}").set_value(value).run()
    assert not design.exception
    panel, ruler = payload(design, "rule-panel"), payload(design, "ruler")
    assert any("not finite" in sentence for sentence in panel["warnings"])
    assert any(notice["level"] == "error" for notice in ruler["segments"][0]["notices"])
    assert any("not finite" in block.proto.body for block in design.get("html"))
    design.button(key="undo").click().run()
    design.button(key="undo").click().run()
    assert payload(design, "ruler")["segments"][0]["picture"].startswith("data:image/png")


# --- conventions, look, layer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("pixel_rule", PIXEL_RULES),
        ("pooling", POOLINGS),
        ("bias", BIASES),
        ("pooling_epsilon", POOLING_EPSILONS),
        ("start", STARTS),
    ],
)
def test_each_convention_says_what_it_does_and_who_does_it_so(design: AppTest, field: str, choices: dict) -> None:
    for key, choice in choices.items():
        design.selectbox(key=f"convention-{field}").set_value(key).run()
        assert getattr(visit_of(design).model, field) == key
        assert any(choice.sentence in caption.value and choice.library in caption.value for caption in design.caption)


def test_colours_range_overlay_and_background(design: AppTest) -> None:
    for spectrum in SPECTRA:
        design.selectbox(key="look-spectrum").set_value(spectrum).run()
        assert visit_of(design).look.spectrum == spectrum
    for name in RANGES:
        design.selectbox(key="look-range").set_value(name).run()
        assert visit_of(design).look.range == name
    assert design.slider(key="look-opacity").disabled
    design.toggle(key="look-overlay").set_value(True).run()
    design.slider(key="look-opacity").set_value(0.4).run()
    next(g for g in design.get("button_group") if g.key == "look-paper").set_value("dark").run()
    look = visit_of(design).look
    assert (look.overlay, look.opacity, look.paper) == (True, 0.4, "dark")
    assert design.query_params["overlay"] == "40" and not design.exception


def test_any_layers_map_can_be_looked_at(design: AppTest) -> None:
    for layer in (0, 1, 5, 24, 31, 32, 38):
        design.selectbox(key="twin-layer").set_value(layer).run()
        assert visit_of(design).selected_layer == (layer or None)
        assert payload(design, "ruler")["layer"] == (layer or None)
        assert not design.exception
    design.button(key="back-to-pixels").click().run()
    assert visit_of(design).selected_layer is None


def test_the_larger_chart_of_sums(design: AppTest) -> None:
    design.button(key="open-sums").click().run()
    assert design.get("arrow_vega_lite_chart") or design.get("vega_lite_chart")
    assert not design.exception


def test_sums_say_what_each_layer_absorbed(design: AppTest) -> None:
    design.selectbox(key="twin-preset").set_value("epsilon").run()
    visit = visit_of(design)
    maps = service.maps(net(), visit.image, visit.model)
    frame = sums_frame(maps, net().architecture)
    assert list(frame["name"])[11] == "conv3_1"
    assert frame["absorbed"][11] == pytest.approx(maps.total[11] - maps.total[10])
    assert frame["absorbed"].sum() == pytest.approx(maps.total[38] - maps.total[0])


# --- export and link -----------------------------------------------------------------------------------------------------


def test_downloads_are_offered_under_the_chosen_file_name(design: AppTest) -> None:
    labels = {b.key for b in design.get("download_button")}
    assert labels >= {"export-json", "export-python", "export-zennit", "download-png", "download-npz", "download-npz-pixels"}
    design.text_input(key="export-name-working-My New Model").set_value("a/b: c.json").run()
    assert not design.exception
    assert file_stem("a/b: c.json".removesuffix(".json")) == "a_b_c" and file_stem("..") == "model"


def test_the_figure_is_large_and_the_arrays_hold_all_layers(design: AppTest) -> None:
    visit = visit_of(design)
    maps = service.maps(net(), visit.image, visit.model)
    figure = Image.open(io.BytesIO(results._figure(net(), visit, maps, 0)))
    assert min(figure.size) >= 896
    with np.load(results._all_layers(net(), visit, maps.target)) as arrays:
        assert sorted(map(int, arrays)) == list(range(39))
        drawn, written = maps.maps[0].ravel(), arrays["0"].sum(axis=0).ravel()
    # One was computed from a kept border, the other from the top: equal up to single precision.
    assert drawn @ written / np.linalg.norm(drawn) / np.linalg.norm(written) > 1 - 1e-6


def test_the_address_opens_the_same_view(design: AppTest, open_page: Open) -> None:
    design.selectbox(key="active-model").set_value("configuration_4").run()
    design.button(key="twin-add").click().run()
    design.selectbox(key="target").set_value(3).run()
    params = dict(design.query_params)
    other = open_page("1_Design", **params)
    assert visit_of(other).model == visit_of(design).model
    assert payload(other, "ruler")["segments"] == payload(design, "ruler")["segments"]


def test_a_damaged_address_falls_back_with_one_sentence(open_page: Open) -> None:
    app = open_page(None, model="garbage", image="kitten")
    assert len(app.warning) == 1 and "model in the address" in sentences(app)
    app.switch_page("pages/1_Design.py").run()
    assert visit_of(app).image.id == "kitten" and borders(app) == [38]


# --- components and the engine -------------------------------------------------------------------------------------------


def test_gestures_on_the_ruler_change_the_model(design: AppTest) -> None:
    gesture(design, "ruler", {"kind": "add"})
    gesture(design, "ruler", {"kind": "move", "border": 0, "last": 10})
    assert borders(design) == [10, 38]
    gesture(design, "ruler", {"kind": "layer", "layer": 5})
    assert visit_of(design).selected_layer == 5 and visit_of(design).selected_segment == 0
    gesture(design, "rule-panel", {"kind": "preset", "segment": 0, "preset": "gamma"})
    gesture(design, "rule-panel", {"kind": "parameter", "segment": 0, "key": "gamma1p", "value": 0.3})
    assert visit_of(design).model.segments[0].rule.short == "γ 0.3"
    gesture(design, "ruler", {"kind": "remove", "segment": 1})
    assert borders(design) == [38] and not design.exception


def test_another_view_of_the_same_result_computes_nothing(design: AppTest) -> None:
    design.selectbox(key="active-model").set_value("configuration_5").run()
    before = service.counters.propagations, service.counters.forward_passes
    design.selectbox(key="twin-segment").set_value(2).run()
    design.selectbox(key="look-spectrum").set_value(list(SPECTRA)[1]).run()
    open_menus(design).text_input(key="model-name").set_value("Renamed").run()
    assert (service.counters.propagations, service.counters.forward_passes) == before


def test_each_segment_hands_on_its_map(design: AppTest) -> None:
    design.selectbox(key="active-model").set_value("configuration_5").run()
    sent = payload(design, "ruler")["segments"]
    assert [segment["layer"] for segment in sent] == [0, 10, 23, 30]
    assert all(segment["picture"].startswith("data:image/png;base64,") for segment in sent)
    assert len({segment["picture"] for segment in sent}) == 4
