"""The Pixel Flipping page with its native controls, and strokes as the canvas sends them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import net
from vislrp_core import compact, edits, flipping, masks
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, logits
from vislrp_core.rules import Rule
from vislrp_ui import service, state_flipping
from vislrp_ui.components.canvas import SIDE, kind_of, read_drawing, stroke_colour
from vislrp_ui.flipping.measured import _JOB
from vislrp_ui.state_flipping import FlippingState

PAGE = "3_Pixel_Flipping"
Open = Callable[..., AppTest]


def flip_state(app: AppTest) -> FlippingState:
    return state_flipping.of(app.session_state["_visit"])


def component(app: AppTest, key: str) -> tuple[str, dict]:  # type: ignore[type-arg]
    """Id and payload of a component."""
    for element in app.get("bidi_component"):
        if element.proto.id.endswith(f"-{key}"):
            return element.proto.id, json.loads(element.proto.json)
    raise AssertionError(f"no component {key}")


def predictions(app: AppTest, row: int = 1) -> dict[str, dict]:  # type: ignore[type-arg]
    return {entry["name"]: entry for entry in component(app, f"flip-result-{row}")[1]["rows"]}


def drawing(mask: masks.Mask, colour: str) -> dict:  # type: ignore[type-arg]
    """What the canvas sends for strokes that cover a mask."""
    large = np.kron(mask, np.ones((2, 2), dtype=np.uint8)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.stack([large * 255, large * 209, large * 0, large * 150], axis=-1)).save(buffer, "PNG")
    return {
        "raw": {"objects": [{"type": "Path", "stroke": colour}] if mask.any() else []},
        "data": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
    }


def stroke(app: AppTest, side: str, mask: masks.Mask, row: int = 1) -> AppTest:
    """Let a canvas deliver strokes, as the browser does."""
    id, data = component(app, f"flip-canvas-{row}-{side}")
    message = {"drawing": drawing(mask, data["strokeColor"])}
    states = app._tree.get_widget_states()
    states.widgets.append(WidgetState(id=id, json_value=json.dumps(message)))
    app._run(states)
    assert not app.exception, app.exception
    return app


def square(top: int, left: int, side: int = 40) -> masks.Mask:
    mask = masks.empty()
    mask[top : top + side, left : left + side] = True
    return mask


def test_opens_with_an_empty_row_and_says_what_to_do(open_page: Open) -> None:
    app = open_page(PAGE)
    assert any("Brush on the image or on the map" in element.proto.body for element in app.get("html"))
    assert all(entry["change"] == "0.0" for entry in predictions(app).values())
    assert app.button(key="flip-undo-1").disabled and app.button(key="flip-clear-1").disabled


def test_strokes_on_both_pictures_add_up_and_the_prediction_follows(open_page: Open, tiny: Network) -> None:
    app = open_page(PAGE)
    before = service.counters.forward_passes
    stroke(app, "image", square(20, 30))
    stroke(app, "map", square(120, 100))
    marked = square(20, 30) | square(120, 100)
    assert np.array_equal(flip_state(app).row().brushed, marked)
    visit = app.session_state["_visit"]
    x = service.trace(net(), visit.image).x.clone()
    x[:, :, torch.from_numpy(marked)] *= -1
    direct = logits(tiny, x)[0].softmax(0)
    for name, entry in predictions(app).items():
        assert entry["after"] == f"{100 * float(direct[tiny.classes.index(name)]):.1f}"
    assert service.counters.forward_passes - before == 2, "one forward pass per stroke"


def test_a_second_stroke_on_the_same_canvas_keeps_the_first_and_repeats_change_nothing(open_page: Open) -> None:
    app = open_page(PAGE)
    stroke(app, "image", square(20, 30))
    stroke(app, "image", square(20, 30) | square(100, 20))
    stroke(app, "image", square(20, 30) | square(100, 20))
    assert len(flip_state(app).row().past) == 2
    app.button(key="flip-undo-1").click().run()
    assert np.array_equal(flip_state(app).row().brushed, square(20, 30))
    app.button(key="flip-clear-1").click().run()
    assert not flip_state(app).row().marks


def test_erasing_takes_away_from_both_pictures_strokes(open_page: Open) -> None:
    app = open_page(PAGE)
    stroke(app, "image", square(20, 30))
    stroke(app, "map", square(120, 100))
    app.segmented_control(key="flip-tool").set_value("erase").run()
    stroke(app, "map", square(20, 30, 20))
    assert np.array_equal(flip_state(app).row().brushed, (square(20, 30) & ~square(20, 30, 20)) | square(120, 100))
    app.segmented_control(key="flip-tool").set_value("brush").run()
    stroke(app, "image", square(0, 0, 10))
    assert flip_state(app).row().brushed.sum() == 1600 - 400 + 1600 + 100


def test_a_stroke_for_an_emptied_canvas_is_dropped(open_page: Open) -> None:
    app = open_page(PAGE)
    late = component(app, "flip-canvas-1-image")[1]["strokeColor"]
    stroke(app, "image", square(20, 30))
    app.button(key="flip-clear-1").click().run()
    assert component(app, "flip-canvas-1-image")[1]["strokeColor"] != late
    id, _ = component(app, "flip-canvas-1-image")
    states = app._tree.get_widget_states()
    states.widgets.append(WidgetState(id=id, json_value=json.dumps({"drawing": drawing(square(20, 30), late)})))
    app._run(states)
    assert not flip_state(app).row().marks


def test_rows_are_added_copied_renamed_and_removed(open_page: Open) -> None:
    app = open_page(PAGE)
    stroke(app, "image", square(20, 30))
    app.button(key="flip-add").click().run()
    stroke(app, "map", square(90, 90), row=2)
    rows = flip_state(app)
    assert np.array_equal(rows.row(1).brushed, square(20, 30)) and np.array_equal(rows.row(2).brushed, square(90, 90))
    app.text_input(key="flip-name-2").set_value("without the lake").run()
    app.button(key="flip-edit-1").click().run()
    app.button(key="flip-copy-1").click().run()
    assert [row.title for row in flip_state(app).rows] == ["Row 1", "Row 1 copy", "without the lake"]
    app.button(key="flip-remove-1").click().run()
    assert [row.id for row in flip_state(app).rows] == [3, 2] and not app.exception


def test_brushes_survive_a_page_change(open_page: Open) -> None:
    app = open_page(PAGE)
    stroke(app, "image", square(20, 30))
    app.switch_page("pages/1_Design.py").run()
    app.switch_page(f"pages/{PAGE}.py").run()
    assert np.array_equal(flip_state(app).row().brushed, square(20, 30))
    stroke(app, "map", square(100, 100))
    assert np.array_equal(flip_state(app).row().brushed, square(20, 30) | square(100, 100))


def test_an_address_brings_brush_and_settings_back(open_page: Open) -> None:
    text = masks.encode(square(20, 30))
    app = open_page(PAGE, flip1=f"mean~none~10~8~{text}~first", flip2="blur~random~30~8~~", flip="2~relevance~brush~20")
    rows = flip_state(app)
    assert np.array_equal(rows.row(1).brushed, square(20, 30)) and rows.row(1).fill == "mean" and rows.active == 2
    assert app.selectbox(key="flip-sign").value == "random" and app.slider(key="flip-share").value == 30
    damaged = open_page(flip1="mean~none~10~8~!!!~")
    assert any("cannot be read" in warning.value for warning in damaged.warning) and not damaged.exception


@pytest.mark.parametrize("fill", ["mean", "black", "blur", "noise"])
def test_every_fill_gives_its_own_prediction(open_page: Open, fill: str) -> None:
    app = open_page(PAGE, flip1=f"invert~none~10~8~{masks.encode(square(10, 10, 120))}~")
    inverted = predictions(app)
    app.selectbox(key="flip-fill").set_value(fill).run()
    assert flip_state(app).row().fill == fill
    assert {name: row["logits"] for name, row in predictions(app).items()} != {
        name: row["logits"] for name, row in inverted.items()
    }


def test_selection_by_relevance_marks_what_the_slider_says(open_page: Open) -> None:
    app = open_page(PAGE)
    app.segmented_control(key="flip-mode").set_value("relevance").run()
    app.slider(key="flip-share").set_value(25.0).run()
    assert any("25.0\u202f% of the pixels" in element.proto.body for element in app.get("html"))
    app.selectbox(key="flip-sign").set_value("negative").run()
    assert any("marked pixels sum to <b>−" in element.proto.body for element in app.get("html"))
    app.selectbox(key="flip-unit").set_value(1).run()
    assert (flip_state(app).row().unit, flip_state(app).row().share) == (1, 25.0)
    app.button(key="flip-clear-1").click().run()
    assert flip_state(app).row().sign == "none"


def test_measuring_draws_curves_with_scores_and_a_picture_at_any_step(open_page: Open, tiny: Network) -> None:
    app = open_page(PAGE, measure="56~mean~4~2~probability~configuration_4.configuration_1")
    assert not app.dataframe
    app.button(key="flip-measure").click().run()
    app.session_state[_JOB].join(120)
    app.run()
    assert not app.exception
    table = app.dataframe[0].value
    assert set(table["Model"]) == {"Configuration 4", "Configuration 1"}
    visit = app.session_state["_visit"]
    maps = service.maps(net(), visit.image, visit.entry("configuration_4").model)
    trace = service.trace(net(), visit.image)
    curves = [
        flipping.measure(
            tiny,
            trace.x,
            torch.zeros_like(trace.x),
            flipping.order_of(maps.maps[0], 56, order),
            maps.target,
            patch=56,
            steps=4,
            kind=order,
        )
        for order in ("morf", "lerf")
    ]
    expected = flipping.scores(*curves)
    row = table[table["Model"] == "Configuration 4"].iloc[0]
    assert row["AOPC ↑"] == pytest.approx(expected.aopc, abs=1e-5) and row["SRG ↑"] == pytest.approx(expected.srg, abs=1e-5)
    app.slider(key="flip-step").set_value(4).run()
    assert any("100.0\u202f% flipped" in element.proto.body for element in app.get("html"))
    app.segmented_control(key="flip-scale").set_value("logit").run()
    assert app.dataframe[0].value["AOPC ↑"].iloc[0] != row["AOPC ↑"] and not app.exception
    assert app.button(key="flip-measure").disabled


def test_a_stopped_measurement_keeps_complete_curves(open_page: Open) -> None:
    app = open_page(PAGE, measure="16~mean~112~5~probability~")
    app.button(key="flip-measure").click().run()
    app.button(key="flip-stop").click().run()
    app.session_state[_JOB].join(60)
    app.run()
    assert any("Stopped" in warning.value for warning in app.warning)
    assert not app.button(key="flip-measure").disabled and not app.exception


def test_a_map_that_is_not_finite_is_told_and_the_image_stays_brushable(open_page: Open) -> None:
    wild = edits.set_rule(LRPModel.basic("Wild"), 0, Rule.of("custom", alpha=1e30, gamma1=1e-3))
    app = open_page(PAGE, model=compact.encode(wild), flip1="invert~positive~10~8~~", measure="56~mean~2~0~probability~")
    assert any("not finite" in element.proto.body for element in app.get("html"))
    stroke(app, "image", square(20, 30))
    assert np.array_equal(flip_state(app).row().brushed, square(20, 30))
    app.button(key="flip-measure").click().run()
    app.session_state[_JOB].join(60)
    app.run()
    assert any("not finite" in warning.value for warning in app.warning) and not app.exception


def test_baselines_are_measured_beside_models(open_page: Open) -> None:
    app = open_page(PAGE, measure="56~mean~2~0~probability~configuration_2.baseline-edges.baseline-gradient")
    app.button(key="flip-measure").click().run()
    app.session_state[_JOB].join(60)
    app.run()
    table = next(one.value for one in app.dataframe if "SRG ↑" in one.value)
    assert set(table["Model"]) == {"Configuration 2", "Edges (baseline)", "Gradient (baseline)"}
    assert table["SRG ↑"].notna().all()
    edges = ("Edges (baseline)", "morf", 1)
    app.session_state["_flipping_step"] = edges
    app.run()
    assert app.selectbox(key="flip-step-curve").value == edges[:2] and not app.exception


def test_a_mask_file_of_the_wrong_kind_costs_one_sentence(open_page: Open) -> None:
    app = open_page(PAGE)
    app.file_uploader(key="flip-file-1-0").upload("mask.png", b"no picture").run()
    assert not app.exception and not flip_state(app).row().marks
    app.file_uploader(key="flip-file-1-1").upload("mask.png", masks.to_png(square(3, 4))).run()
    assert np.array_equal(flip_state(app).row().brushed, square(3, 4))


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        "text",
        {},
        {"raw": None},
        {"raw": {"objects": "x"}},
        {"raw": {"objects": [3]}},
        {"raw": {"objects": [{"stroke": "red"}]}, "data": "data:image/png;base64,AAAA"},
        {"raw": {"objects": [{"stroke": stroke_colour("add", 1)}]}, "data": "data:image/png;base64,AAAA"},
        {"raw": {"objects": [{"stroke": stroke_colour("add", 1)}]}, "data": "data:image/png;base64,###"},
        {"raw": {"objects": [{"stroke": stroke_colour("add", 1)}]}, "data": "http://example.org/a.png"},
        {"raw": {"objects": [{"stroke": stroke_colour("add", 1)}]}, "data": None},
    ],
)
def test_what_a_canvas_cannot_have_sent_is_no_drawing(damaged: object) -> None:
    assert read_drawing(damaged, 1) is None


def test_a_drawing_is_read_in_its_generation_alone() -> None:
    sent = drawing(square(7, 9), stroke_colour(kind_of("rectangle"), 3))
    found = read_drawing(sent, 3)
    assert found is not None and np.array_equal(found, square(7, 9)) and found.shape == (SIDE // 2, SIDE // 2)
    assert read_drawing(sent, 4) is None
    assert not read_drawing({"raw": {"objects": []}, "data": None}, 9).any()  # type: ignore[union-attr]


def test_a_lasso_marks_what_its_line_encloses() -> None:
    line = {
        "stroke": stroke_colour(kind_of("lasso"), 3),
        "path": [["M", 100, 100], ["Q", 300, 90, 300, 100], ["Q", 300, 300, 300, 300], ["L", 100, 300]],
    }
    found = read_drawing({"raw": {"objects": [line]}, "data": None}, 3)
    assert found is not None and found[60:140, 60:140].all() and not found[:40].any() and not found[160:].any()
    for path in ("nonsense", [["M"]], [["L", float("inf"), 1], ["L", 1, True], ["L", 1, 1], 5]):
        none = read_drawing({"raw": {"objects": [{**line, "path": path}]}, "data": None}, 3)
        assert none is not None and not none.any()
