"""Every action of the Compare page that a widget offers, and how often it computes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import gesture, net
from vislrp_core.bundle import write_bundle
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.model import LRPModel, Segment
from vislrp_core.networks import imagenet_classes
from vislrp_core.rules import Rule
from vislrp_ui import running, service, session, state, state_compare, state_flipping, theme
from vislrp_ui.caches import ByteCache
from vislrp_ui.compare import edits, export, sets
from vislrp_ui.compare import payload as payload_of
from vislrp_ui.compare.work import Grid, undamped
from vislrp_ui.shared.flipping_job import known_scores
from vislrp_ui.state import Visit
from vislrp_ui.state_compare import GridCell, GridColumn

Open = Callable[..., AppTest]


def visit_of(app: AppTest) -> Visit:
    return app.session_state["_visit"]


def shown(app: AppTest) -> state_compare.CompareState:
    return state_compare.of(visit_of(app))


def payload(app: AppTest, key: str) -> dict:
    """What a piece of the grid was sent."""
    found = [
        json.loads(element.proto.json)
        for element in app.get("bidi_component")
        if f"-{key}-" in f"{element.proto.id}-" or element.proto.id.endswith(key)
    ]
    assert len(found) == 1, key
    return found[0]


@pytest.fixture
def app(open_page: Open) -> AppTest:
    return open_page("2_Compare")


def test_opens_on_the_image_of_design_and_computes_each_map_once(open_page: Open) -> None:
    passes, before = service.counters.forward_passes, service.counters.propagations
    app = open_page("2_Compare")
    assert len(shown(app).rows) == 2
    assert [column.id for column in shown(app).columns][:2] == ["configuration_1", "configuration_2"]
    assert app.selectbox(key="compare-target-1").value != app.selectbox(key="compare-target-2").value
    first = payload(app, "compare-row-1")
    assert all(cell["picture"].startswith("data:image/webp") for cell in first["columns"])
    assert {fact["symbol"] for fact in first["columns"][1]["facts"]} >= {"Σ", "Gini", "r", "ρ", "SSIM"}
    assert payload(app, "compare-foot")["columns"][0]["measures"][0]["text"]
    count = len(shown(app).columns)
    assert service.counters.forward_passes - passes <= 1
    # Home's own map is one of the models; everything else once per class.
    assert service.counters.propagations - before <= 2 * count + 1
    done = service.counters.propagations, service.counters.forward_passes
    app.run()
    app.run()
    assert (service.counters.propagations, service.counters.forward_passes) == done


def test_rows(app: AppTest) -> None:
    app.button(key="compare-add").click().run()
    assert [row.id for row in shown(app).rows] == [1, 2, 3]
    classes = [app.selectbox(key=f"compare-target-{n}").value for n in (1, 2, 3)]
    assert len(set(classes)) == 3
    before = service.counters.propagations
    app.button(key="compare-copy-3").click().run()
    assert shown(app).row(4).target == classes[2]
    app.button(key="compare-up-4").click().run()
    assert [row.id for row in shown(app).rows] == [1, 2, 4, 3]
    app.button(key="compare-remove-2").click().run()
    assert [row.id for row in shown(app).rows] == [1, 4, 3]
    assert service.counters.propagations == before
    app.selectbox(key="compare-image-1").select("Kitten").run()
    assert shown(app).row(1).image.id == "kitten"
    app.selectbox(key="compare-target-1").set_value(9).run()
    assert shown(app).row(1).target == 9
    assert service.counters.propagations > before
    assert not app.exception
    assert "v2~image:kitten~target:9" in app.query_params["row1"]


def test_models_range_and_formulas(app: AppTest) -> None:
    names = app.multiselect(key="compare-models").value
    app.multiselect(key="compare-models").set_value([names[2], names[0], "My New Model"]).run()
    assert [column.id for column in shown(app).columns] == ["configuration_4", "configuration_1", "working"]
    before = service.counters.propagations
    app.segmented_control(key="compare-share").set_value("row").run()
    symbols = [fact["symbol"] for fact in payload(app, "compare-row-1")["columns"][0]["facts"]]
    assert "own ±" in symbols
    app.toggle(key="compare-formulas").set_value(True).run()
    assert payload(app, "compare-head")["formulas"]
    assert payload(app, "compare-head")["columns"][0]["lines"][0]["formula"].startswith("<math")
    assert service.counters.propagations == before
    app.multiselect(key="compare-models").set_value([]).run()
    assert any("at least one model" in warning.value for warning in app.warning)
    assert len(shown(app).columns) == 3


def test_baselines_are_columns_without_segments(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(
        "2_Compare",
        row1="castle_on_lake~crop~0~",
        row2="castle_on_lake~crop~1~",
        col1="m~configuration_2",
        col2="b~gradient",
        col3="b~edges",
        compare="each~f~1.1~1.2~",
    )
    head, row = payload(app, "compare-head"), payload(app, "compare-row-1")
    assert [column["name"] for column in head["columns"]] == ["Configuration 2", "Gradient", "Edges"]
    assert [bar["text"] for bar in head["columns"][1]["bar"]] == ["baseline"] and not head["columns"][1]["lines"]
    assert all(cell["picture"].startswith("data:image/webp") and not cell["failed"] for cell in row["columns"])
    assert {fact["symbol"] for fact in row["columns"][2]["facts"]} >= {"Gini", "r"}
    foot = payload(app, "compare-foot")["columns"]
    assert foot[2]["measures"][0]["text"] == "1.00" and foot[1]["measures"][0]["text"] != "1.00", "edges know no class"
    before = visit_of(app).active
    gesture(app, "compare-row-1", {"kind": "activate", "row": 1, "column": 1, "target": 3})
    assert visit_of(app).active == before and visit_of(app).target == 3 and not app.exception
    monkeypatch.setattr(running, "network_key", lambda key=None: "tiny")
    monkeypatch.setattr(theme, "is_dark", lambda: False)
    grid = Grid(net(), visit_of(app))
    table = list(csv.DictReader(io.StringIO(export.facts(grid).decode("utf-8-sig"))))
    assert table[1]["model"] == "Gradient" and table[1]["rules"].startswith("Baseline. ") and table[1]["conservation"] == ""
    assert export.comparison(grid).columns[1].parts[0].short == "baseline"
    names = app.multiselect(key="compare-models").value
    assert names == ["Configuration 2", "Gradient (baseline)", "Edges (baseline)"]
    app.multiselect(key="compare-models").set_value(["Random (baseline)", "Configuration 2"]).run()
    assert [column.baseline for column in shown(app).columns] == ["random", ""] and app.query_params["col1"] in (
        "b~random",
        ["b~random"],
    )
    for text in ("b~saliency", "b~", "b~gradient~"):
        with pytest.raises(ValueError):
            state_compare.from_params({"row1": "kitten~crop~~", "col1": text})


def test_ready_made_sets(app: AppTest) -> None:
    app.button(key="compare-set-rules").click().run()
    assert [entry.name for entry in state_compare.entries(visit_of(app))] == [
        "LRP-ε 0.3",
        "LRP-γ 0.3",
        "LRP-α1β0",
        "LRP-α2β1",
        "LRP-α3β2",
    ]
    assert shown(app).formulas and {row.image.id for row in shown(app).rows} == {"castle_on_lake"}
    app.selectbox(key="compare-set-image").set_value("guitar_and_drums").run()
    app.button(key="compare-set-configurations").click().run()
    entries = state_compare.entries(visit_of(app))
    assert [entry.name for entry in entries] == [f"Configuration {n}" for n in range(1, 6)]
    third = entries[2].model
    assert [segment.rule.short for segment in third.segments] == ["0", "ε 0.3", "γ 0.3"]
    classes = net().classes
    assert [classes[row.target] for row in shown(app).rows if row.target is not None] == ["drum", "electric guitar"]
    app.button(key="compare-set-zennit").click().run()
    names = [composite(key).name for key in COMPOSITES]
    assert [entry.name for entry in state_compare.entries(visit_of(app))] == names
    app.button(key="compare-afresh").click().run()
    assert visit_of(app).page("compare") is None


def test_difference(app: AppTest) -> None:
    before = service.counters.propagations
    app.button(key="compare-difference").click().run()
    assert shown(app).difference == (GridCell(1, 0), GridCell(2, 0))
    app.selectbox(key="compare-difference-minus").set_value(GridCell(1, 2)).run()
    assert shown(app).difference == (GridCell(1, 0), GridCell(1, 2))
    app.toggle(key="compare-scaled").set_value(True).run()
    assert shown(app).scaled
    assert " minus " in payload(app, "compare-difference-2")["alt"]
    app.button(key="compare-difference-close").click().run()
    assert shown(app).difference is None
    assert service.counters.propagations == before


def test_gestures_on_the_grid(app: AppTest) -> None:
    visit = visit_of(app)
    target = app.selectbox(key="compare-target-2").value
    active = edits.apply_edit(visit, {"kind": "activate", "row": 2, "column": 1, "target": target}, net())
    assert (active.active, active.target) == ("configuration_2", target)
    assert edits.apply_edit(visit, {"kind": "activate", "row": 2, "column": 1, "target": 10**6}, net()) is visit
    assert edits.apply_edit(visit, {"kind": "activate", "row": 2, "column": 1, "target": True}, net()) is visit
    moved = edits.apply_edit(visit, {"kind": "move", "column": 0, "to": 2}, net())
    assert state_compare.of(moved).columns[2].id == "configuration_1"
    fewer = edits.apply_edit(visit, {"kind": "remove", "column": 0}, net())
    assert state_compare.of(fewer).columns[0].id == "configuration_2"
    assert state_compare.of(edits.apply_edit(visit, {"kind": "fold", "row": 2}, net())).row(2).unfolded
    assert edits.apply_edit(visit, {"kind": "unknown"}, net()) is visit
    with pytest.raises(state.StateError):
        edits.apply_edit(visit, {"kind": "fold", "row": "x"}, net())


def test_models_whose_sums_may_nearly_cancel_are_computed_last(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "network_key", lambda key=None: "tiny")
    service.clear_caches()
    grid = Grid(net(), visit_of(app))
    order = [(undamped(place.entry.model), place.row.id) for place in grid.missing()]
    assert len(order) == len(grid.places)
    assert order == sorted(order, key=lambda one: one[0])
    plain = LRPModel(name="plain", segments=(Segment(first=1, last=38, rule=Rule.of("zero")),))
    damped = LRPModel(name="damped", segments=(Segment(first=1, last=38, rule=Rule.of("epsilon", epsilon=0.1)),))
    assert (undamped(plain), undamped(damped)) == (15, 0)


def test_the_flipping_score_of_every_map_is_measured_on_request(open_page: Open) -> None:
    app = open_page("2_Compare")
    app.session_state["_visit"] = state_flipping.changed(visit_of(app), state_flipping.set_measurement, patch=56, steps=3)
    app.run()
    before = service.counters.propagations
    app.button(key="compare-flips-start").click().run()
    app.session_state["_compare_flipping_job"].join(120)
    assert app.session_state["_compare_flipping_job"].progress.state == "done"
    app.run()
    for row in ("compare-row-1", "compare-row-2"):
        for cell in payload(app, row)["columns"]:
            assert "SRG" in {fact["symbol"] for fact in cell["facts"]}
    assert all("mean SRG" in {fact["symbol"] for fact in foot["facts"]} for foot in payload(app, "compare-foot")["columns"])
    assert app.button(key="compare-flips-start").disabled and not app.exception
    assert service.counters.propagations == before, "the maps were there"
    # The same number as on Pixel Flipping, which measures the same curves.
    visit = visit_of(app)
    row = shown(app).rows[0]
    target = app.selectbox(key="compare-target-1").value
    scores = known_scores(
        net(),
        row.image,
        target,
        (56, state_flipping.of(visit).measurement.fill, 3),
        state_compare.entries(visit, shown(app))[0].model,
    )
    assert scores is not None and scores.srg is not None
    fact = next(one for one in payload(app, "compare-row-1")["columns"][0]["facts"] if one["symbol"] == "SRG")
    assert fact["text"] == payload_of.number("srg", scores.srg)


def test_exported_files(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "network_key", lambda key=None: "tiny")
    monkeypatch.setattr(theme, "is_dark", lambda: False)
    visit = visit_of(app)
    grid = Grid(net(), visit)
    assert grid.missing() == []
    table = list(csv.DictReader(io.StringIO(export.facts(grid).decode("utf-8-sig"))))
    assert len(table) == len(grid.places)
    assert {row["model"] for row in table} == {entry.name for entry in grid.entries}
    one = table[1]
    assert -1 <= float(one["pearson_to_first"]) <= 1 and 0 <= float(one["gini"]) <= 1
    assert table[0]["pearson_to_first"] == "" and float(table[0]["cosine_to_other_class"]) <= 1
    drawn = export.comparison(grid)
    assert [column.title for column in drawn.columns] == [entry.name for entry in grid.entries]
    assert len(drawn.rows) == 2 and all(cell.pixels is not None for row in drawn.rows for cell in row.cells)


def test_import_of_a_bundle(app: AppTest) -> None:
    gamma = state.set_rule(state.start(), 0, Rule.of("gamma", gamma1p=0.7)).model.model_copy(update={"name": "Strong γ"})
    content = write_bundle([LRPModel.basic("Plain"), gamma]).encode()
    app.file_uploader(key="compare-import-0").upload("two.json", content, "application/json").run()
    assert [entry.name for entry in state_compare.entries(visit_of(app))][-2:] == ["Plain", "Strong γ"]
    app.file_uploader(key="compare-import-1").upload("bad.json", b"{", "application/json").run()
    assert any("bad.json" in warning.value for warning in app.warning)
    assert not app.exception


def test_an_address_opens_the_same_comparison(open_page: Open) -> None:
    app = open_page(
        "2_Compare",
        row1="kitten~crop~3~u",
        row2="castle_on_lake~squash~~",
        col1="m~configuration_4",
        col2="m~configuration_2",
        compare="all~f~1.1~1.2~s",
    )
    kept = shown(app)
    assert [row.image.id for row in kept.rows] == ["kitten", "castle_on_lake"]
    assert kept.share == "all" and kept.formulas and kept.scaled and kept.difference == (GridCell(1, 0), GridCell(1, 1))
    assert payload(app, "compare-row-1")["unfolded"]
    assert app.selectbox(key="compare-target-1").value == 3


def test_an_image_that_is_not_kept_spoils_its_own_row_only(open_page: Open) -> None:
    app = open_page(
        "2_Compare", row1=f"upload-{'0f' * 32}~crop~~", row2="kitten~crop~~", col1="m~configuration_4", compare="each~~~~"
    )
    assert any("uploaded in another visit" in warning.value for warning in app.warning)
    assert payload(app, "compare-row-2")["columns"][0]["picture"]
    assert not app.exception


def test_a_full_cache_ends_the_work_with_a_word(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_maps", ByteCache(300_000, lambda maps: maps.nbytes))
    before = service.counters.propagations
    app = open_page(
        "2_Compare",
        row1="kitten~crop~~",
        row2="kitten~crop~~",
        col1="m~configuration_4",
        col2="m~configuration_2",
        compare="each~~~~",
    )
    notes = [cell["note"] for n in (1, 2) for cell in payload(app, f"compare-row-{n}")["columns"] if not cell["picture"]]
    assert notes and all("memory" in note for note in notes)
    assert service.counters.propagations - before <= 6


def test_sets_are_the_guides() -> None:
    assert [[segment.rule.short for segment in model.segments] for model in sets.SETS["rules"].models()] == [
        ["ε 0.3"],
        ["γ 0.3"],
        ["α1β0"],
        ["α2β1"],
        ["α3β2"],
    ]
    assert set(sets.two_object_samples()) == set(sets.TWO_OBJECTS)
    for names in sets.two_object_samples().values():
        assert len(set(names)) == 2 and set(names) <= set(imagenet_classes())
    assert session.examples()[0].id == "configuration_1"


def test_a_column_of_lrp_0_says_why_it_is_noise_and_gives_way_to_a_readable_model(open_page: Open) -> None:
    app = open_page("2_Compare")
    assert "plain-start" not in [button.key for button in app.button]
    app.switch_page("pages/1_Design.py").run()
    app.button(key="duplicate-model").click().run()
    own = visit_of(app).active
    app.switch_page("pages/2_Compare.py").run()
    assert "My New Model copy: LRP-0 on all layers is noisy by nature." in [one.value for one in app.caption]
    app.button(key="plain-start").click().run()
    assert [column.id for column in shown(app).columns][:2] == ["configuration_1", "configuration_2"]
    app.session_state["_visit"] = state_compare.changed(
        visit_of(app), state_compare.set_columns, [GridColumn(own), GridColumn("configuration_1")]
    )
    app.run()
    app.button(key="plain-start").click().run()
    assert [column.id for column in shown(app).columns] == ["configuration_2", "configuration_1"]
