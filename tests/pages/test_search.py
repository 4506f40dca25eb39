"""The Search page: what is asked, refusals, a run that stops and goes on, what a restart leaves, a server's settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import gesture, payload, visit_of
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.measures import Settings
from vislrp_core.search import run
from vislrp_core.search.presets import default_space
from vislrp_ui import shelf, state_compare, state_search
from vislrp_ui.background import JobProgress
from vislrp_ui.search import found, pictures, running_search, spaces
from vislrp_ui.search.found import KeptSearch
from vislrp_ui.search.job import SearchJob
from vislrp_ui.state_search import SearchState

Open = Callable[..., AppTest]
ASKED = "v2~images:kitten.castle_on_lake.cathedral.two_jaguars~trials:20"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Few patches, a folder of its own, four ready-made models at most."""
    monkeypatch.setattr(pictures, "settings", lambda seed: Settings(seed=seed, patch=112, steps=1))
    monkeypatch.setattr(run, "ready_models", lambda key, all_of=run.ready_models: all_of(key)[:4])
    monkeypatch.setenv("VISLRP_STORE", str(tmp_path / "results"))
    shelf.app_shelf.cache_clear()
    found.forget()
    yield
    shelf.app_shelf.cache_clear()
    found.forget()


def state_of(app: AppTest) -> SearchState:
    return state_search.of(visit_of(app))


def address(app: AppTest) -> str:
    said = app.query_params["search"]
    return said if isinstance(said, str) else said[0]


def job_of(app: AppTest) -> SearchJob:
    job: SearchJob = app.session_state["_search_job"]
    return job


def settle(app: AppTest) -> AppTest:
    job_of(app).join(120)
    app.run()
    assert not app.exception, app.exception
    return app


def kept_of(app: AppTest) -> KeptSearch:
    kept = found.read(state_of(app).id)
    assert kept is not None
    return kept


def test_a_search_runs_stops_goes_on_and_outlives_the_server(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("5_Search", search=ASKED)
    stops = iter([False] * 60)
    with monkeypatch.context() as patch:
        patch.setattr(SearchJob, "stopping", property(lambda job: next(stops, True)))
        app.button(key="search-start").click().run()
        settle(app)
    first = kept_of(app)
    assert first.state == "stopped" and 0 < len(first.trials) < 20 and first.report is None
    assert any("what was tried is kept" in one.value for one in app.warning)
    before = [(one.number, one.model.key, one.values) for one in first.trials]
    # The server is started anew: another session opens the address.
    found.forget()
    again = open_page("5_Search", search=address(app))
    assert [(one.number, one.model.key, one.values) for one in kept_of(again).trials] == before
    again.button(key="search-go-on").click().run()
    settle(again)
    kept = kept_of(again)
    assert kept.state == "done" and len(kept.trials) == 20 and kept.report is not None, kept.message
    assert [(one.number, one.model.key, one.values) for one in kept.trials][: len(before)] == before
    assert kept.used > first.used and set(kept.references or ()) == {"Gradient × input", "Edges"}
    shown = running_search.table(kept)
    assert "[" in shown["SRG"].iloc[0] and len(shown) >= 4 and (kept.report.sentences[0][:4] == "SRG:")
    assert any(kept.report.sentences[0][:20] in one.value.replace("\\", "") for one in again.markdown)
    # A model goes where it is asked to.
    found_trial = next(one for one in kept.trials if not one.ready and one.values)
    again.selectbox(key="search-trial").set_value(found_trial.number).run()
    assert state_of(again).selected == found_trial.number
    again.button(key="search-compare").click().run()
    assert state_compare.entries(visit_of(again))[-1].model.key == found_trial.model.key
    assert again.button(key="search-compare").disabled
    again.button(key="search-open").click().run()
    visit = visit_of(again)
    assert visit.model.key == found_trial.model.key and visit.image.id in kept.images and not again.exception
    # Damaged on the disk it is not there, and the page says so.
    found.forget()
    for path in Path(found._place() or "").rglob("search.json"):
        path.write_text("{", encoding="utf-8")
    gone = open_page("5_Search", search=f"v2~id:{kept.id}")
    assert any("no longer kept" in one.value for one in gone.warning)
    assert not gone.button(key="search-start").disabled


def test_what_is_asked_and_what_is_refused(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("5_Search", model="example-configuration_4")
    assert state_of(app) == SearchState() and "search" not in app.query_params
    app.segmented_control(key="search-preset").set_value("borders").run()
    model = visit_of(app).model
    space = spaces.edited(state_of(app), model, model.plan)
    assert len(space.segments) == len(model.segments) and app.button(key="search-unedited").disabled
    app.session_state["menu-search-space"] = True
    app.run()
    app.selectbox(key="search-border-0-to").set_value(9).run()
    app.selectbox(key="search-border-0-from").set_value(5).run()
    app.selectbox(key="search-border-0-to").set_value(5).run()
    app.multiselect(key="search-rules-0").set_value(["LRP-0", "LRP-z⁺"]).run()
    app.pills(key="search-free").set_value(["bias"]).run()
    asked = state_of(app)
    assert asked.edits[-1] == state_search.SegmentEdit(0, 5, 5, ("zero", "zplus")) and asked.free == ("bias",)
    assert app.selectbox(key="search-border-0-from").value == 5 and not app.exception
    again = open_page("5_Search", model="example-configuration_4", search=address(app))
    assert state_of(again) == asked
    assert spaces.edited(asked, model, model.plan).bias == ("ignore", "absorb")
    app.button(key="search-unedited").click().run()
    assert state_of(app).edits == () and state_of(app).free is None
    # The same on the ruler, which says what the select boxes say; what it asks for in vain is one sentence.
    app.session_state["menu-search-space"] = False
    gesture(app, "search-ruler", {"kind": "border", "border": 0, "low": 5, "high": 9})
    gesture(app, "search-ruler", {"kind": "rule", "segment": 0, "rule": "zplus", "on": True})
    assert state_of(app).edits[-1] == state_search.SegmentEdit(0, 5, 9, ("own", "zplus")) and not app.exception
    shown = payload(app, "search-ruler")["segments"][0]
    assert (shown["low"], shown["high"]) == (5, 9) and [one["key"] for one in shown["rules"] if one["on"]] == [
        "own",
        "zplus",
    ]
    gesture(app, "search-ruler", {"kind": "rule", "segment": 0, "rule": "zplus", "on": False})
    gesture(app, "search-ruler", {"kind": "rule", "segment": 0, "rule": "own", "on": False})
    assert any("at least one rule" in one.value for one in (*app.warning, *app.error, *app.info))
    gesture(app, "search-ruler", {"kind": "free", "border": 0, "free": False})
    assert spaces.edited(state_of(app), model, model.plan).segments[0].last.high == 7
    # Pictures: one is too few, an upload joins them.
    app.multiselect(key="search-images").set_value(["Kitten"]).run()
    assert any("at least two pictures" in one.value for one in app.warning) and app.button(key="search-start").disabled
    app.session_state["menu-search-upload"] = True
    app.run()
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (240, 300, 3), dtype=np.uint8)).save(buffer, "PNG")
    app.file_uploader(key="search-upload").upload("noise.png", buffer.getvalue(), "image/png").run()
    images = state_of(app).images or ()
    assert images[0] == "kitten" and images[1].startswith("upload-") and not app.button(key="search-start").disabled
    app.multiselect(key="search-objectives").set_value(["SRG", "Mosaic"]).run()
    assert any("at least eight pictures" in one.value for one in app.warning) and app.button(key="search-start").disabled
    # The server's bounds.
    app.multiselect(key="search-objectives").set_value(["SRG"]).run()
    monkeypatch.setenv("VISLRP_SEARCH_MINUTES", "3")
    app.run()
    assert app.number_input(key="search-minutes").max == 3 and app.number_input(key="search-minutes").value == 3
    monkeypatch.setenv("VISLRP_SEARCH_MINUTES", "0")
    app.run()
    assert any("switched off on this server" in one.value for one in app.warning)
    assert app.button(key="search-start").disabled and not app.exception


def test_a_search_that_is_looked_at_leaves_the_one_that_runs_alone(open_page: Open) -> None:
    """The address of another search, opened in a visit whose own search is running."""
    space = default_space(ARCHITECTURES["vgg16"])
    own, seen = (
        KeptSearch(letter * 22, "digest", "Tiny", ("kitten", "cathedral"), ("srg",), space, 20, 1, 10.0, state="stopped")
        for letter in "yz"
    )
    found.keep(seen)
    app = open_page("5_Search", search=f"v2~id:{seen.id}")
    job = job_of(app)
    job.kept, job._progress = own, JobProgress("running", 1, 20)
    app.run()
    assert app.button(key="search-go-on-later").disabled and app.button(key="search-show") is not None
    assert "search-stop" not in [one.key for one in app.button]
    app.button(key="search-new").click().run()
    assert not job._stop.is_set() and state_of(app).id == "" and not app.exception
    job._progress = JobProgress()


def test_nobody_reads_pictures_through_a_search(open_page: Open) -> None:
    """Another session with the address sees models and numbers; the file holds neither the picture nor its name."""
    app = open_page("5_Search", search="v2~images:kitten~trials:20")
    app.session_state["menu-search-upload"] = True
    app.run()
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (240, 300, 3), dtype=np.uint8)).save(buffer, "PNG")
    app.file_uploader(key="search-upload").upload("secret name.png", buffer.getvalue(), "image/png").run()
    app.button(key="search-start").click().run()
    settle(app)
    kept = kept_of(app)
    assert kept.state == "done", kept.message
    own = kept.images[1]
    assert own.startswith("upload-")
    app.selectbox(key="search-shown").set_value("secret name.png").run()
    assert state_of(app).shown == own and not app.exception
    folder = Path(found._place() or "") / kept.id
    written = b"".join(path.read_bytes() for path in folder.rglob("*"))
    assert b"secret name" not in written and b"PNG" not in written and b"kitten" in written
    other = open_page("5_Search", search=address(app))
    assert "secret name.png" not in other.selectbox(key="search-shown").options
    assert other.button(key="search-go-on").disabled and "not in this visit" in other.button(key="search-go-on").help
    assert len(kept_of(other).trials) == 20 and not other.exception
