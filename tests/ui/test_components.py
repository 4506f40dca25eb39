"""What the components draw and what they do with a message from the browser, without a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.networks import VGG16
from vislrp_core import edits
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Prediction
from vislrp_core.rules import KEYS, PRESETS, Rule
from vislrp_ui import state
from vislrp_ui.components import colours, rule_panel, ruler
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.beforeafter import before_after, pair_rows, shown_classes, signed, verdict
from vislrp_ui.components.classbars import class_rows, percent
from vislrp_ui.components.protocol import MAX_EDITS, new_edits
from vislrp_ui.components.rule_panel import rule_panel_data
from vislrp_ui.components.ruler_data import absorbed_share, ruler_data, symbol_mathml
from vislrp_ui.state import StateError

FIGURE = LRPModel(
    name="Figure 2.1",
    segments=(
        Segment(first=1, last=10, rule=Rule.of("gamma", gamma1p=0.3)),
        Segment(first=11, last=23, rule=Rule.of("custom", gamma2=1.0)),
        Segment(first=24, last=30, rule=Rule.of("epsilon", epsilon=0.3)),
        Segment(first=31, last=38, rule=Rule.of("zero")),
    ),
)


@dataclass
class Sums:
    positive: np.ndarray
    negative: np.ndarray


@dataclass
class Failure:
    layer: int
    suggestion: str = "raise ε"

    def __str__(self) -> str:
        return f"relevance is not finite below layer {self.layer}; {self.suggestion}"


def sums(total: np.ndarray | None = None) -> Sums:
    """Relevance that falls from 8 to 2 within layers 24 to 30."""
    if total is None:
        total = np.interp(np.arange(VGG16.last + 1), [23, 30], [2.0, 8.0])
    return Sums(total + 5, np.full(VGG16.last + 1, -5.0))


def predicted(*values: float) -> list[Prediction]:
    """Classes 0, 1, ... with these logits."""
    shares = np.exp(np.array(values)) / np.exp(values).sum()
    return [Prediction(i, f"class {i}", values[i], float(share)) for i, share in enumerate(shares)]


def visit_with(model: LRPModel) -> state.Visit:
    return state.edit(state.start(), lambda _: edits.rename(model, "My New Model"))


# --- class bars, before and after -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "0.0"), (1e-9, "<0.1"), (0.0004, "<0.1"), (0.0006, "0.1"), (0.38, "38.0"), (0.9999, ">99.9"), (1.0, "100.0")],
)
def test_a_percentage_never_says_nothing_or_all_where_it_is_neither(probability: float, text: str):
    assert percent(probability) == text


def test_class_bars_keep_the_order_and_write_a_real_minus():
    rows = class_rows(predicted(2.0, -1.5))
    assert [row["index"] for row in rows] == [0, 1]
    assert rows[1]["logit"] == "−1.5"
    assert rows[0]["width"] + rows[1]["width"] == pytest.approx(100, abs=0.02)


def test_both_first_classes_and_the_target_always_have_a_row():
    before = predicted(*[10.0 - i for i in range(20)])
    after = predicted(*[float(i) for i in range(20)])
    rows = shown_classes(before, after, target=9, shown=3)
    assert rows == [0, 9, 19]


def test_classes_that_one_side_does_not_know_are_left_out():
    assert shown_classes(predicted(3, 2, 1), predicted(3, 2, 1)[1:], None) == [1, 2]


def test_rows_share_one_axis_and_tell_the_change():
    rows = pair_rows(predicted(2.0, 1.0, 0.0), predicted(0.0, 3.0, 0.0), target=0)
    assert max(width for row in rows for width in row["widths"]) == 100
    assert [row["tag"] for row in rows] == ["was 1st", "1st", ""]
    assert [row["direction"] for row in rows] == ["down", "up", "down"]
    assert [row["logit"] for row in rows] == ["−2.0", "+2.0", "0.0"]
    assert rows[0]["target"] and not rows[1]["target"]


def test_the_sentence_names_the_change_of_the_first_class_and_the_target():
    words = "".join(text for text, _ in verdict(predicted(2.0, 1.0), predicted(0.0, 3.0), target=None))
    assert words == (
        "First class changes: class 0 → class 1. “class 0” falls from 73.1\u202f% to 4.7\u202f%, its logit changes by −2.0."
    )


def test_the_sentence_says_when_nothing_changes():
    words = "".join(text for text, _ in verdict(predicted(2.0, 1.0), predicted(2.0, 1.0), target=1))
    assert words == "First class stays class 0. “class 1” stays at 26.9\u202f%, its logit changes by 0.0."


def test_before_and_after_refuse_to_compare_with_nothing():
    with pytest.raises(ValueError, match="both sides"):
        before_after("x", [], predicted(1.0), target=None)


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0"), (-0.04, "0.0"), (1.26, "+1.3"), (-1.26, "−1.3")])
def test_signs(value: float, text: str):
    assert signed(value) == text


# --- the protocol -----------------------------------------------------------------------------------------------------


def edit(seq: int, kind: str = "add", **more: object) -> dict[str, object]:
    return {"seq": seq, "kind": kind, **more}


def test_each_edit_is_applied_once_and_in_order():
    message = {"sid": "s", "edits": [edit(3), edit(1), edit(2)]}
    assert [found["seq"] for found in new_edits(message, "s", 1)] == [2, 3]
    assert new_edits(message, "s", 3) == []


def test_edits_of_another_session_do_not_count():
    assert new_edits({"sid": "old", "edits": [edit(7)]}, "new", 0) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(anything)
def test_a_message_that_is_none_holds_no_edits(message: object):
    assert new_edits(message, "s", 0) == []
    assert new_edits({"sid": "s", "edits": message}, "s", 0) == []


def test_a_flood_of_edits_is_cut():
    message = {"sid": "s", "edits": [edit(i) for i in range(1, 1000)]}
    assert len(new_edits(message, "s", 0)) == MAX_EDITS


# --- ruler ------------------------------------------------------------------------------------------------------------


def test_the_payload_is_json_and_covers_all_layers():
    data = ruler_data(FIGURE, sums(), selected=1, layer=None, pictures={0: "data:x", 10: "data:y"})
    payload = json.loads(json.dumps(data.payload(), allow_nan=False))
    assert len(payload["rows"]) == len(payload["positive"]) == len(VGG16.rows) == 39
    assert [(s["first"], s["last"]) for s in payload["segments"]] == [(1, 10), (11, 23), (24, 30), (31, 38)]
    assert [s["layer"] for s in payload["segments"]] == [0, 10, 23, 30]
    assert [s["picture"] for s in payload["segments"]] == ["data:x", "data:y", None, None]
    assert all(len(s["rule"]["bars"]) == 10 for s in payload["segments"])
    assert 'class="p-weight">0.3<' in payload["segments"][0]["rule"]["formula"]


def test_bars_scale_to_the_range_of_their_sliders():
    bars = dict(zip(KEYS, ruler_data(FIGURE, None, selected=0, layer=None, pictures={}).segments[0].rule.bars, strict=True))
    assert bars["alpha"].share == 0.25 and bars["alpha"].value == "1"
    assert bars["gamma1p"].share == 0.3 and not bars["gamma1p"].zero
    assert bars["beta"].share == 0 and bars["beta"].zero


def test_bars_of_values_beyond_the_sliders_stay_in_their_boxes():
    model = LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of("custom", alpha=-2.0, gamma2=7.5)),))
    bars = dict(zip(KEYS, ruler_data(model, None, selected=0, layer=None, pictures={}).segments[0].rule.bars, strict=True))
    assert (bars["alpha"].share, bars["alpha"].value) == (0, "−2")
    assert (bars["gamma2"].share, bars["gamma2"].value) == (1, "7.5")


def test_the_box_rule_uses_no_parameter():
    model = LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of("z_box")),))
    assert not ruler_data(model, None, selected=0, layer=None, pictures={}).segments[0].rule.used


def test_a_segment_tells_how_much_of_the_start_it_absorbs():
    cards = ruler_data(FIGURE, sums(), selected=0, layer=None, pictures={}).segments
    assert [[notice.text for notice in card.notices] for card in cards] == [[], [], ["absorbs 75\u202f%"], []]


def test_a_segment_that_adds_relevance_says_so():
    grown = sums(np.interp(np.arange(VGG16.last + 1), [0, 10], [16.0, 8.0]))
    assert absorbed_share(grown, 1, 10) == pytest.approx(-1)
    card = ruler_data(FIGURE, grown, selected=0, layer=None, pictures={}).segments[0]
    assert [notice.text for notice in card.notices] == ["adds 100\u202f%"]


def test_unknown_sums_are_none_and_claim_nothing():
    known = sums()
    known.positive[:28] = np.nan
    data = ruler_data(FIGURE, known, selected=0, layer=None, pictures={}, error=Failure(28))
    assert data.positive[27] is None and data.positive[28] is not None
    assert [[n.level for n in card.notices] for card in data.segments] == [[], [], ["error"], []]
    assert data.segments[2].notices[0].text == "relu5_2 not finite"
    assert absorbed_share(known, 24, 30) is None


def test_no_start_relevance_gives_no_share():
    assert absorbed_share(Sums(np.zeros(39), np.zeros(39)), 1, 10) is None


def test_warnings_of_a_rule_stand_in_its_head():
    model = LRPModel(segments=(Segment(first=1, last=VGG16.last, rule=Rule.of("custom", alpha=2.0)),))
    notice = ruler_data(model, None, selected=0, layer=None, pictures={}).segments[0].notices[0]
    assert notice.text == "α − β = 2" and "not conserved" in notice.tip


@pytest.mark.parametrize(("rule", "mark"), [("z_box", "zβ"), ("w_square", "w²"), ("flat", "flat"), ("segment", "")])
def test_the_pixel_rule_marks_row_1(rule: str, mark: str):
    model = FIGURE.model_copy(update={"pixel_rule": rule})
    assert ruler_data(model, None, selected=0, layer=None, pictures={}).pixel_rule == mark


def test_selection_is_clamped_and_the_pixels_are_no_layer():
    data = ruler_data(FIGURE, None, selected=9, layer=0, pictures={})
    assert data.selected == 3 and data.layer is None


def test_symbols_as_mathematics():
    assert "<msubsup><mi>γ</mi><mn>1</mn><mo>+</mo></msubsup>" in symbol_mathml("γ₁⁺")
    assert "<msub><mi>θ</mi><mn>0</mn></msub>" in symbol_mathml("θ₀")
    assert "<mi>ε</mi>" in symbol_mathml("ε")


def test_pictures_need_no_server():
    assert data_url(b"\x89PNG") == "data:image/png;base64,iVBORw=="


def test_edits_of_the_ruler_reach_the_model():
    visit = visit_with(FIGURE)
    visit = ruler.apply_edit(visit, edit(1, "move", border=0, last=5))
    assert [s.last for s in visit.model.segments] == [5, 23, 30, 38]
    visit = ruler.apply_edit(visit, edit(2, "split", segment=1, row=8))
    assert [s.last for s in visit.model.segments] == [5, 8, 23, 30, 38] and visit.selected_segment == 2
    visit = ruler.apply_edit(visit, edit(3, "add"))
    assert len(visit.model.segments) == 6 and visit.selected_segment == 5
    visit = ruler.apply_edit(visit, edit(4, "remove", segment=0))
    assert visit.model.segments[0].first == 1 and len(visit.model.segments) == 5
    visit = ruler.apply_edit(visit, edit(5, "segment", segment=1))
    assert visit.selected_segment == 1
    visit = ruler.apply_edit(visit, edit(6, "layer", layer=37))
    assert visit.selected_layer == 37 and visit.model.segments[visit.selected_segment].last == 38
    assert ruler.apply_edit(visit, edit(7, "layer", layer=0)).selected_layer is None


hostile = st.fixed_dictionaries(
    {
        "seq": st.integers(),
        "kind": st.sampled_from(
            ["segment", "layer", "add", "remove", "split", "move", "preset", "parameter", "scale", "", "__class__"]
        ),
    },
    optional={
        name: anything | st.integers(-3, 45) | st.sampled_from([*KEYS, *PRESETS])
        for name in ("segment", "layer", "row", "border", "last", "key", "value", "preset")
    },
)


@given(st.lists(hostile, max_size=6))
@example([{"seq": 0, "kind": "preset", "segment": 0, "preset": []}])
@example([{"seq": 0, "kind": "parameter", "segment": 0, "key": {}, "value": []}])
def test_no_message_breaks_the_cover_of_the_layers(messages: list[dict[str, object]]):
    visit = visit_with(FIGURE)
    for one in messages:
        for apply in (ruler.apply_edit, rule_panel.apply_edit):
            try:
                visit = apply(visit, one)
            except StateError as error:
                assert str(error).endswith(".")
    covered = [layer for s in visit.model.segments for layer in range(s.first, s.last + 1)]
    assert covered == list(range(1, VGG16.last + 1))
    assert 0 <= visit.selected_segment < len(visit.model.segments)


# --- rule panel -------------------------------------------------------------------------------------------------------


def test_the_panel_shows_the_selected_segment():
    payload = json.loads(json.dumps(rule_panel_data(FIGURE, 2, warnings=("Raise ε.",)).payload(), allow_nan=False))
    assert (payload["segment"], payload["preset"], payload["scale"]) == (2, "epsilon", "relative")
    assert payload["values"]["epsilon"] == 0.3
    assert payload["warnings"] == ["Raise ε."]
    assert [group["number"] for group in payload["groups"]] == [1, 2, 3, 4]
    assert [p["key"] for group in payload["groups"] for p in group["parameters"]] == list(KEYS)
    assert [preset["key"] for preset in payload["presets"]] == list(PRESETS)


def test_an_own_parameter_keeps_the_preset_and_a_foreign_one_makes_the_rule_custom():
    visit = visit_with(FIGURE)
    own = rule_panel.apply_edit(visit, edit(1, "parameter", segment=0, key="gamma1p", value=0.5))
    assert own.model.segments[0].rule == Rule.of("gamma", gamma1p=0.5)
    foreign = rule_panel.apply_edit(own, edit(2, "parameter", segment=0, key="epsilon", value=0.1))
    rule = foreign.model.segments[0].rule
    assert (rule.preset, rule.gamma1p, rule.epsilon) == ("custom", 0.5, 0.1)


def test_presets_take_their_usual_values_and_custom_keeps_the_present_ones():
    visit = rule_panel.apply_edit(visit_with(FIGURE), edit(1, "preset", segment=0, preset="alpha_beta"))
    assert visit.model.segments[0].rule == Rule.of("alpha_beta")
    visit = rule_panel.apply_edit(visit, edit(2, "preset", segment=0, preset="custom"))
    rule = visit.model.segments[0].rule
    assert (rule.preset, rule.values()) == ("custom", Rule.of("alpha_beta").values())


def test_the_same_preset_again_changes_nothing():
    visit = visit_with(FIGURE)
    assert rule_panel.apply_edit(visit, edit(1, "preset", segment=0, preset="gamma")).model == visit.model


def test_the_scale_of_epsilon():
    visit = rule_panel.apply_edit(visit_with(FIGURE), edit(1, "scale", segment=2, value="absolute"))
    rule = visit.model.segments[2].rule
    assert (rule.preset, rule.epsilon_scale, rule.epsilon) == ("epsilon", "absolute", 0.3)


@pytest.mark.parametrize("value", [None, "0.3", True, float("nan"), float("inf"), 1e31])
def test_what_is_no_usable_number_is_refused_in_one_sentence(value: object):
    with pytest.raises(StateError, match="γ₁⁺"):
        rule_panel.apply_edit(visit_with(FIGURE), edit(1, "parameter", segment=0, key="gamma1p", value=value))


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_both_themes_have_all_colours(mode: str):
    found = colours.variables(mode)
    assert {"--accent", "--weight", "--weight-text", "--negative", "--positive", "--fall", "--rise"} <= found.keys()
    assert all(len(colour) == 7 and colour.startswith("#") for colour in found.values())


def test_data_is_frozen():
    data = ruler_data(FIGURE, None, selected=0, layer=None, pictures={})
    assert replace(data, selected=1).selected == 1 and data.selected == 0
