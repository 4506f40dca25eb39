"""Ablation curves: the numbers of the background measurement, its frames and chart, and the section on a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import net, visit_of
from vislrp_core import ablation
from vislrp_core.ablation import NeuronAblationCurve
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.neurons import score
from vislrp_core.propagation import propagate
from vislrp_ui import service, state_ablation
from vislrp_ui.ablation import curves_chart, curves_job
from vislrp_ui.ablation.curves_chart import ACTIVATION, RANDOM, areas_frame, curves_frame
from vislrp_ui.ablation.curves_job import CurvesJob, CurvesTask
from vislrp_ui.state import ImageRef
from vislrp_ui.state_ablation import CurveMeasurement

PAGE = """
from vislrp_ui import running, service
from vislrp_ui.ablation import curves
from vislrp_ui.ablation.report import AblationShown
from vislrp_ui.shared.entrance import boot

visit = boot()
network = running.network()
curves.section(network, service.target_of(network, visit.image, visit.target), AblationShown())
"""
LAYER = 33


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    curves_job.clear_caches()
    yield
    curves_job.clear_caches()


@pytest.fixture
def task(tiny: Network) -> CurvesTask:
    ref = ImageRef("sample", "kitten")
    trace = service.trace(net(), ref)
    return CurvesTask(ref, tiny, trace, 3, LAYER, {"a": LRPModel.basic()}, "zero", 50, 5, 2)


def finished(job: CurvesJob, task: CurvesTask) -> CurvesJob:
    job.start(task)
    job.join(60)
    assert not job.progress.running
    return job


# --- the measurement --------------------------------------------------------------------------------------------------


def test_every_curve_is_one_ablation_per_point(task: CurvesTask) -> None:
    job = finished(CurvesJob(), task)
    assert job.progress.message == "" and not task.missing()
    activation = task.trace.activation(LAYER)
    relevance = propagate(task.network, task.trace, LRPModel.basic(), 3, layers=(LAYER,)).at(LAYER)
    orders = {
        ("a", "relevance", None): ablation.ranking(score(LAYER, relevance, activation)).tolist(),
        ("", "activation", None): sorted(range(24), key=lambda n: -float(activation[n])),
        ("", "random", 0): ablation.random_order(24, 0).tolist(),
        ("", "random", 1): ablation.random_order(24, 1).tolist(),
    }
    assert task.counts[0] == 0 and task.counts[-1] == 12 and set(task.runs()) == set(orders)
    for run, order in orders.items():
        curve = task.curve(*run)
        assert curve is not None
        for place, count in enumerate(task.counts.tolist()):
            logits = ablation.ablate(task.network, task.trace, {LAYER: order[:count]})
            assert curve.logits[place] == pytest.approx(float(logits[3]), rel=1e-5)
            assert curve.probabilities[place] == pytest.approx(float(logits.softmax(0)[3]), rel=1e-5)


def test_what_is_measured_is_not_measured_again(task: CurvesTask) -> None:
    finished(CurvesJob(), task)
    more = replace(task, models={"a": LRPModel.basic(), "b": LRPModel.basic("Same")}, seeds=3)
    assert more.missing() == [("", "random", 2)]
    assert len(replace(task, value="mean").missing()) == 4 and len(replace(task, layer=30).missing()) == 4


def test_a_stopped_or_left_measurement_ends_and_can_be_resumed(task: CurvesTask) -> None:
    left = finished(CurvesJob(alive=lambda: False), task)
    assert "Stopped" in left.progress.message and len(task.missing()) == 4
    assert finished(CurvesJob(), task).progress.message == "" and not task.missing()


def test_a_model_without_finite_relevance_is_named_and_the_others_are_measured(task: CurvesTask) -> None:
    wild = LRPModel.basic().model_dump()
    wild["segments"][0]["rule"] = {"preset": "custom", "alpha": 1e30, "beta": 0.0}
    broken = replace(task, models={"wild": LRPModel.model_validate(wild), "a": LRPModel.basic()}, layer=5)
    job = finished(CurvesJob(), broken)
    assert "finite" in job.progress.message and broken.missing() == [("wild", "relevance", None)]


# --- frames and chart ---------------------------------------------------------------------------------------------------


def line(values: list[float], first: list[int]) -> NeuronAblationCurve:
    counts = np.array([0, 2, 10])
    return NeuronAblationCurve(counts, np.array(values), 10 * np.array(values), np.array(first))


MEASURED = {
    "Gamma": [line([0.8, 0.1, 0.0], [1, 2, 2])],
    RANDOM: [line([0.8, 0.8, 0.4], [1, 1, 1]), line([0.8, 0.6, 0.4], [1, 1, 2])],
    ACTIVATION: [line([0.8, 0.5, 0.2], [1, 1, 2])],
}


def test_areas_are_worked_by_hand() -> None:
    frame = areas_frame(MEASURED).set_index("ranking")
    gamma = (0.45 * 2 + 0.05 * 8) / 10
    random = (0.75 * 2 + 0.55 * 8) / 10
    assert list(frame.index) == ["Gamma", ACTIVATION, RANDOM]
    assert frame.loc["Gamma", "area"] == pytest.approx(gamma)
    assert frame.loc["Gamma", "area_to_random"] == pytest.approx(random - gamma)
    assert frame.loc["Gamma", "area_to_random_logit"] == pytest.approx(10 * (random - gamma))
    assert frame.loc[RANDOM, "area_to_random"] == pytest.approx(0)
    assert frame["neurons_to_change"].to_dict() == {"Gamma": 2, ACTIVATION: 10, RANDOM: 10}


def test_without_random_orders_there_is_no_area_to_them() -> None:
    frame = areas_frame({"Gamma": MEASURED["Gamma"]})
    assert np.isnan(frame["area_to_random"][0]) and frame["area"][0] > 0


def test_the_file_has_one_row_per_curve_and_point() -> None:
    frame = curves_frame(MEASURED)
    assert list(frame.columns) == ["ranking", "run", "ablated", "logit", "probability", "first_class"]
    assert len(frame) == 4 * 3 and sorted(frame[frame["ranking"].eq(RANDOM)]["run"].unique()) == [0, 1]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_the_chart_draws_the_mean_of_random_orders_within_their_band(scale: str, dark: bool) -> None:
    spec = curves_chart.chart(MEASURED, scale, "drum", "Gamma", dark).to_dict()
    band, lines, _ = spec["layer"]
    rows = spec["datasets"][lines["data"]["name"]]
    factor = 100 if scale == "probability" else 10
    middle = {row["ranking"]: row["value"] for row in rows if row["ablated"] == 2}
    assert middle == pytest.approx({"Gamma": 0.1 * factor, ACTIVATION: 0.5 * factor, RANDOM: 0.7 * factor})
    assert [row["min"] for row in spec["datasets"][band["data"]["name"]]] == pytest.approx(
        [0.8 * factor, 0.6 * factor, 0.4 * factor]
    )
    assert "drum" in lines["encoding"]["y"]["title"]
    assert {row["ranking"] for row in rows if row["thick"]} == {"Gamma"}


# --- on a page ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def app() -> AppTest:
    opened = AppTest.from_string(PAGE, default_timeout=60)
    opened.query_params["neurons"] = "33~zero~relevance~common~number~region~24~positive_relevance~set~0"
    opened.query_params["ablate"] = "50~4~2~probability~"
    for menu in ("menu-abl-curves", "menu-abl-curve-files"):
        opened.session_state[menu] = True
    opened.run()
    assert not opened.exception
    return opened


def measure(app: AppTest) -> None:
    app.button(key="abl-measure").click().run()
    app.session_state["_ablation_job"].join(60)
    app.run()
    assert not app.exception


def test_the_section_measures_and_shows_curves_and_areas(app: AppTest) -> None:
    assert any("Not measured" in one.proto.body for one in app.get("html"))
    measure(app)
    name = visit_of(app).entry().name
    table = app.dataframe[0].value
    assert set(table["Order by"]) == {name, ACTIVATION, RANDOM}
    assert app.button(key="abl-measure").disabled
    assert {one.key for one in app.get("download_button")} == {"abl-curves-csv", "abl-areas-csv"}


def test_settings_change_what_is_asked_for_and_stand_in_the_address(app: AppTest) -> None:
    app.multiselect(key="abl-models").set_value(["working", "configuration_4"]).run()
    app.slider(key="abl-share").set_value(25).run()
    app.number_input(key="abl-points").set_value(3).run()
    app.number_input(key="abl-seeds").set_value(1).run()
    held = state_ablation.of(visit_of(app))
    assert held.measurement == CurveMeasurement(("working", "configuration_4"), 25, 3, 1, "probability")
    assert app.query_params["ablate"] == "v2~share:25~points:3~seeds:1~models:working.configuration_4"
    measure(app)
    assert len(app.dataframe[0].value) == 4
    app.get("button_group")[0].set_value("logit").run()
    assert state_ablation.of(visit_of(app)).measurement.scale == "logit" and not app.exception
