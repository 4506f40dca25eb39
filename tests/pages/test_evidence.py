"""Evidence on Compare: free measures at once, a run over a set, stop, table, files, boxes, address."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import visit_of
from vislrp_core.baselines import Baseline
from vislrp_core.measures import Measured, MeasureTask, Settings
from vislrp_core.measures.mosaic import as_input
from vislrp_ui import evidence, state_compare
from vislrp_ui.compare.evidence import boxes, chart, exports, mosaics, pair, panel, plan, sources
from vislrp_ui.evidence import Boxed, Evidence

Open = Callable[..., AppTest]
COLUMNS = {
    "row1": "castle_on_lake~crop~0~",
    "row2": "kitten~crop~9~",
    "col1": "m~configuration_2",
    "col2": "m~overview_composite",
}


started: list[plan.Plan] = []
"""What the jobs were given; they themselves do not keep it."""


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    begin = panel.EvidenceJob.start

    def start(job: panel.EvidenceJob, made: plan.Plan, *given: Any) -> None:
        started.append(made)
        begin(job, made, *given)

    monkeypatch.setattr(panel.EvidenceJob, "start", start)
    plan.values.clear()
    yield
    plan.values.clear()
    started.clear()


def asked(app: AppTest) -> Evidence:
    found = state_compare.of(visit_of(app)).evidence
    assert found is not None
    return found


def settle(app: AppTest) -> AppTest:
    app.session_state["_evidence_job"].join(60)
    return app.run()


def table(app: AppTest) -> pd.DataFrame:
    return next(one.value for one in app.dataframe if "Model" in one.value)


def test_free_measures_are_there_at_once_and_equal_the_tasks(open_page: Open) -> None:
    app = open_page("2_Compare", **COLUMNS)
    app.button(key="compare-evidence").click().run()
    settle(app)
    shown = table(app)
    assert list(shown["Model"]) == ["Configuration 2", "Overview composite"]
    assert list(shown.columns) == ["Model", "Class cosine ↓", "Gini"]
    assert all("[" in text for text in shown["Gini"]) and all("[" in text for text in shown["Class cosine ↓"])
    grid_values = {key[1:]: one for key, one in current().known().items() if key[0].startswith("Castle")}
    picture = sources.sample_picture("castle_on_lake", "crop")
    for metric in ("gini", "class_cosine"):
        task = MeasureTask(picture, current().models["Configuration 2"], metric, Settings(target="0"))
        expected = task.run(current().network).value
        assert grid_values["Configuration 2", metric].value == pytest.approx(expected, rel=1e-4)
    assert app.query_params["evidence"] == ["v2~metrics:class_cosine.gini.box_mass"] or (
        app.query_params["evidence"] == "v2~metrics:class_cosine.gini.box_mass"
    )
    app.button(key="compare-evidence").click().run()
    assert state_compare.of(visit_of(app)).evidence is None and "evidence" not in app.query_params


def current() -> plan.Plan:
    """The plan of what the job was given last."""
    return started[-1]


def test_a_run_over_samples_beside_baselines_can_be_stopped_and_goes_on(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = dict(list(sources.samples().items())[:6])
    monkeypatch.setattr(sources, "samples", lambda: few)
    app = open_page("2_Compare", **COLUMNS, evidence="samples~gini.top_randomised~edges~", col3="b~edges")
    assert "evidence-start" in [one.key for one in app.button] and not any("Model" in one.value for one in app.dataframe)
    stops = iter([False, False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr(panel.EvidenceJob, "stopping", property(lambda job: next(stops, True)))
        app.button(key="evidence-start").click().run()
        settle(app)
    job = app.session_state["_evidence_job"]
    assert job.progress.state == "stopped" and any("Values measured so far are kept" in one.value for one in app.warning)
    before = len(current().known())
    assert 0 < before < len(current().tasks) == 6 * 3 * 2
    app.button(key="evidence-start").click().run()
    settle(app)
    assert job.progress.state == "done" and len(current().known()) == 36
    assert list(table(app)["Model"]) == ["Configuration 2", "Overview composite", "Edges"]
    assert sum(text.startswith("★") for text in table(app)["Top randomised ↓"]) == 1
    tables = {key: panel._summaries(key, current().table(key, current().known())) for key in current().metrics}
    frame = exports.values_frame(current(), current().known())
    again = pd.read_parquet(io.BytesIO(exports.parquet(frame)))
    assert list(again.columns) == ["image", "target", "model", "metric", "value", "seed", "seconds"] and len(again) == 36
    assert "6 sample photographs" in exports.text_of(current(), tables)
    assert chart.figure(tables, "svg").startswith(b"<svg") and "Top randomised" in chart.figure(tables, "svg").decode()
    app.session_state[pair.PICK] = ("top_randomised", "Edges")
    app.run()
    assert not app.exception and any(one.key == "evidence-row" for one in app.button)
    app.button(key="evidence-row").click().run()
    assert len(state_compare.of(visit_of(app)).rows) == 3 and not app.exception


def test_mosaics_show_themselves(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    few = dict(list(sources.samples().items())[:4])
    monkeypatch.setattr(sources, "samples", lambda: few)
    values = iter([0.25, 0.5, 0.25, 0.75])
    monkeypatch.setattr(MeasureTask, "run", lambda *_: Measured(0, next(values, 0.25), 0.0))
    columns = {"row1": COLUMNS["row1"], "col1": "b~random", "col2": "b~edges"}
    app = open_page("2_Compare", **columns, evidence="samples~mosaic~~")
    app.session_state["menu-evidence-mosaics"] = True
    app.run()
    shown = app.get("image")
    names = [one.title for one in few.values()]
    assert len(shown) == 4 and not app.exception
    app.button(key="evidence-start").click().run()
    settle(app)
    app.session_state["menu-evidence-mosaics"] = False
    app.session_state[pair.PICK] = ("mosaic", "Random")
    app.run()
    assert not app.exception and len(app.get("image")) == 1
    told = " ".join(one.value for one in app.markdown) + " ".join(one.value for one in app.caption)
    assert told.count("of positive relevance at the top left") == 2
    maps = app.session_state["_evidence_maps"]
    mosaic = mosaics.sheet(current(), current().mosaics(current().pictures[1])[0])
    x = as_input(mosaic, current().network)
    expected = Baseline("edges").relevance(current().network, x, 0).sum(0).numpy()
    assert names[1] in " ".join(one.proto.body for one in app.get("html")), "where the two differ most"
    assert any(np.allclose(one, expected, atol=1e-5) for one in maps.values())


def test_pictures_of_ones_own_are_kept_for_the_visit(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_OWN", 2)
    app = open_page("2_Compare", **COLUMNS, evidence="uploads~gini~~")
    app.session_state["menu-evidence"] = True
    app.run()
    assert not app.exception

    def png(seed: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (240, 300, 3), dtype=np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    files = [
        ("a.png", png(1), "image/png"),
        ("b.txt.png", b"none", "image/png"),
        ("c.png", png(2), "image/png"),
        ("d.png", png(3), "image/png"),
    ]
    app.file_uploader(key="evidence-upload-0").set_value(files).run()
    assert [title for title, _ in app.session_state["_evidence_own"].values()] == ["a.png", "c.png"]
    told = " ".join(one.value for one in app.warning)
    assert "b.txt.png" in told and "holds 2 pictures" in told
    app.button(key="evidence-start").click().run()
    settle(app)
    assert {key[0] for key in current().known()} == {"a.png", "c.png"}
    app.session_state["_evidence_own"].clear()
    app.run()
    assert len(app.session_state["_evidence_own"]) == 2, "they come back with the job"
    app.button(key="evidence-forget").click().run()
    assert not app.exception


def test_a_box_gives_box_mass_and_pointing_by_numbers(open_page: Open) -> None:
    app = open_page("2_Compare", **COLUMNS, evidence="rows~box_mass.pointing~~1_0_0_224_224")
    values = {key[1:]: one.value for key, one in sources_known(app).items()}
    assert values["Configuration 2", "box_mass"] == pytest.approx(1) and values["Configuration 2", "pointing"] == 1
    app.session_state["menu-evidence-box"] = True
    app.run()
    assert not app.exception
    app.number_input(key="evidence-box-right").set_value(112).run()
    assert asked(app).box_of(1) == Boxed(1, 0, 0, 112, 224)
    half = next(one.value for key, one in sources_known(app).items() if key[1:] == ("Configuration 2", "box_mass"))
    assert 0 < half < 1
    app.button(key="evidence-box-remove").click().run()
    assert asked(app).boxes == () and not app.exception


def sources_known(app: AppTest) -> dict[plan.Key, plan.Measured]:
    """Values of the visit's plan, made anew as the page makes it."""
    made = AppTest.from_function(_probe)
    made.session_state["_visit"] = visit_of(app)
    made.run()
    assert not made.exception, made.exception
    return made.session_state["found"]


def _probe() -> None:
    import streamlit as st

    from vislrp_ui import running, session, state_compare
    from vislrp_ui.compare.evidence import sources
    from vislrp_ui.compare.work import Grid

    visit = session.get_visit()
    grid = Grid(running.network(), visit)
    st.session_state["found"] = sources.plan_of(grid, state_compare.of(visit).evidence).known()


def test_boxes_of_drawings_and_of_addresses() -> None:
    mask = np.zeros((224, 224), dtype=bool)
    assert boxes.ends_of(None) is None and boxes.ends_of(mask) is None
    mask[10:20, 30:60] = True
    assert boxes.ends_of(mask) == (30, 10, 60, 20)
    whole = Evidence("samples", ("srg", "gini"), ("edges", "gradient"), (Boxed(2, 1, 2, 30, 40),))
    assert evidence.from_param(whole.to_param()) == whole and evidence.from_param(Evidence().to_param()) == Evidence()
    for text in (
        "",
        "rows~~",
        "all~gini~~",
        "rows~accuracy~~",
        "rows~gini~saliency~",
        "rows~gini~~1_2_3_4",
        "rows~gini~~1_5_5_5_9",
        "rows~gini~~1_0_0_9_225",
        "rows~gini~~1_0_0_9_9.1_0_0_9_9",
        "rows~gini~~x_0_0_9_9",
    ):
        with pytest.raises(ValueError):
            evidence.from_param(text)
    seen, size = plan.as_seen(Boxed(1, 3, 4, 50, 60).box, "crop")
    assert seen[0].seen(size, 224, "crop") == Boxed(1, 3, 4, 50, 60).box
    seen, size = plan.as_seen(Boxed(1, 3, 4, 50, 60).box, "squash")
    assert seen[0].seen(size, 224, "squash") == Boxed(1, 3, 4, 50, 60).box


def test_an_address_names_rows_by_their_place_and_a_click_names_a_model() -> None:
    shown = state_compare.from_params({**COLUMNS, "evidence": "rows~box_mass~~2_0_0_9_9"})
    assert shown is not None
    moved = state_compare.move_row(shown, 2, -1)
    assert moved.to_params()["evidence"] == "v2~metrics:box_mass~boxes:1_0_0_9_9"
    assert state_compare.remove_row(shown, 2).to_params()["evidence"] == "v2~metrics:box_mass"
    with pytest.raises(ValueError):
        state_compare.from_params({**COLUMNS, "evidence": "rows~gini~~9_0_0_9_9"})
    assert chart.model_of({"selection": {"model": [{"model": "A"}]}}) == "A"
    assert chart.model_of({"selection": {"model": []}}) is None and chart.model_of({"selection": {}}) is None
