"""Kept sets: chips, comparison, names, and files that are checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import visit_of
from vislrp_core.ablation import ablate
from vislrp_ui import service, state_ablation
from vislrp_ui.ablation import set_files, work
from vislrp_ui.state import StateError
from vislrp_ui.state_ablation import MAX_KEPT, AblationState, Cut, Kept

PAGE = """
from vislrp_ui import service, session
from vislrp_ui.ablation import kept

visit = session.boot()
kept.section(visit, service.target_of(visit.image, visit.target))
"""
ONE, TWO = Cut(((23, (1, 2, 3)),)), Cut(((13, (0, 4)), (33, (7,))), "mean")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    work.clear_caches()
    yield
    work.clear_caches()


def open_with(state: AblationState) -> AppTest:
    opened = AppTest.from_string(PAGE, default_timeout=60)
    for key, value in state.to_params().items():
        opened.query_params[key] = value
    opened.run()
    assert not opened.exception
    return opened


@pytest.fixture
def app() -> AppTest:
    return open_with(AblationState(selected=ONE.sets, kept=(Kept(1, ONE), Kept(2, TWO, "Two layers"))))


def held(app: AppTest) -> AblationState:
    return state_ablation.of(visit_of(app))


# --- the page -----------------------------------------------------------------------------------------------------------

def test_the_selected_neurons_are_kept_and_their_effect_stands_on_the_chip(app: AppTest) -> None:
    visit = visit_of(app)
    trace = service.trace(visit.image)
    target = int(trace.logits.argmax())
    app.button(key="abl-keep").click().run()
    assert [row.cut for row in held(app).kept] == [ONE, TWO, ONE]
    after = 100 * float(ablate(service.network(), trace, ONE.mapping).softmax(0)[target])
    before = 100 * float(trace.probabilities[target])
    label = app.button(key="abl-kept-3").label
    assert f"{before:.1f} → {after:.1f}" in label and "3 neurons of relu4" in label.replace("\\", "")
    assert app.query_params["cut3"].startswith("zero~23:1-3~")


def test_a_chip_brings_its_set_back_and_shows_its_effect(app: AppTest) -> None:
    app.button(key="abl-kept-2").click().run()
    assert held(app).selected == TWO.sets and held(app).value == "mean" and held(app).ablated == TWO
    assert held(app).layer == 13
    assert "conv3" in app.button(key="abl-kept-2").help and "Shown now" in app.button(key="abl-kept-2").help


def test_sets_are_compared_in_a_table(app: AppTest) -> None:
    table = app.dataframe[0].value
    visit = visit_of(app)
    trace = service.trace(visit.image)
    target = int(trace.logits.argmax())
    assert table["set"].tolist() == ["A 3 neurons of relu4_3", "B Two layers"]
    assert table["layers"].tolist() == ["relu4_3", "conv3_2, relu6"] and table["neurons"].tolist() == [3, 3]
    for row, cut in zip(table.to_dict("records"), (ONE, TWO), strict=True):
        logits = ablate(service.network(), trace, cut.mapping, cut.value)  # type: ignore[arg-type]
        assert row["probability"] == pytest.approx(100 * float(logits.softmax(0)[target]), rel=1e-4)
        assert row["logit"] == pytest.approx(float(logits[target] - trace.logits[target]), rel=1e-4, abs=1e-5)
        assert row["first class"] == service.network().classes[int(logits.argmax())]


def test_sets_are_renamed_and_removed(app: AppTest) -> None:
    app.text_input(key="abl-name-1").set_value("  <b>Eyes</b> *2*  ").run()
    assert held(app).kept[0].name == "<b>Eyes</b> *2*"
    assert r"\<b\>Eyes" in app.button(key="abl-kept-1").label
    app.button(key="abl-remove-2").click().run()
    assert [row.id for row in held(app).kept] == [1] and not app.dataframe and "cut2" not in app.query_params


def test_nothing_selected_or_no_room_keeps_nothing() -> None:
    assert open_with(AblationState()).button(key="abl-keep").disabled
    full = AblationState(selected=ONE.sets, kept=tuple(Kept(n + 1, ONE) for n in range(MAX_KEPT)))
    assert open_with(full).button(key="abl-keep").disabled


def test_an_exported_file_brings_the_sets_back(app: AppTest) -> None:
    text = set_files.write(held(app).kept)
    other = open_with(AblationState())
    other.file_uploader(key="abl-import-0").upload("sets.json", text.encode(), "application/json").run()
    assert [(row.name, row.cut) for row in held(other).kept] == [("", ONE), ("Two layers", TWO)]
    assert not other.warning and other.file_uploader(key="abl-import-1").value is None


def test_a_damaged_file_gets_one_sentence_and_changes_nothing(app: AppTest) -> None:
    before = held(app)
    app.file_uploader(key="abl-import-0").upload("x.json", b"{", "application/json").run()
    assert held(app) == before and len(app.warning) == 1 and "no JSON" in app.warning[0].value


def test_more_sets_than_fit_get_one_sentence(app: AppTest) -> None:
    text = set_files.write([Kept(n + 1, ONE) for n in range(MAX_KEPT)])
    app.file_uploader(key="abl-import-0").upload("many.json", text.encode(), "application/json").run()
    assert len(held(app).kept) == 2 and "remove some first" in app.warning[0].value


# --- the file -----------------------------------------------------------------------------------------------------------

def test_the_file_reads_like_the_command_line() -> None:
    data = json.loads(set_files.write([Kept(2, TWO, "Two layers")]))
    assert data == {"format": "vislrp-ablation", "version": 1, "sets": [
        {"name": "Two layers", "value": "mean", "ablate": ["conv3_2:0,4", "relu6:7"]}]}


GOOD: dict[str, Any] = {"format": "vislrp-ablation", "version": 1, "sets": [{"name": "x", "ablate": ["23:1"]}]}


def one(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "sets": [{**GOOD["sets"][0], **changes}]}


def test_a_layer_named_twice_has_all_its_neurons() -> None:
    assert set_files.read(json.dumps(one(ablate=["23:1", "relu4_3:5"])).encode()) == [("x", Cut(((23, (1, 5)),)))]


@pytest.mark.parametrize(("content", "part"), [
    ([], "format"), ({**GOOD, "version": 2}, "version"), ({**GOOD, "sets": []}, "sets: must be"),
    ({**GOOD, "sets": [1]}, "sets[0]"), (one(name=3), "sets[0].name"), (one(value="median"), "sets[0].value"),
    (one(value=[]), "sets[0].value"), (one(ablate="23:1"), "sets[0].ablate"), (one(ablate=[]), "sets[0].ablate"),
    (one(ablate=["23:1", "0:1"]), "sets[0].ablate[1]: Layer 0"), (one(ablate=["23:999999"]), "no layer has a neuron"),
    ({**GOOD, "sets": GOOD["sets"] * (MAX_KEPT + 1)}, "1 to 10")])
def test_a_file_that_is_none_is_refused_with_its_place(content: Any, part: str) -> None:
    with pytest.raises(StateError) as error:
        set_files.read(json.dumps(content).encode())
    assert part in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b" " * (set_files.MAX_BYTES + 1)])
def test_hostile_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(StateError):
        set_files.read(content)


def test_every_state_survives_its_file() -> None:
    state = state_ablation.add_kept(AblationState(), set_files.read(json.dumps(GOOD).encode()))
    assert replace(state.kept[0], id=1) == Kept(1, Cut(((23, (1,)),)), "x")
