"""Pages run in this process on a small VGG16-shaped network: quick, and the same on every machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from tests.support.networks import tiny_state
from vislrp_core.network import Network
from vislrp_ui import running, service
from vislrp_ui.background import BackgroundJob
from vislrp_ui.home import miniatures
from vislrp_ui.state import Visit

MENUS = ("upload", "look", "network", "import", "models", "name", "twin", "conventions", "export", "download")
ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("castle", "lake", "boathouse", "cliff", "valley", "drum", "electric guitar", "banjo", "lemur", "kitten")


@pytest.fixture(scope="session")
def tiny() -> Network:
    """Ten classes with names, few channels, fixed random weights."""
    return Network.from_state_dict(
        tiny_state(1, dtype=torch.float32),
        name="tiny",
        title="Tiny VGG16",
        any_width=True,
        description="A small network for tests.",
        classes=CLASSES,
    )


@pytest.fixture(autouse=True)
def tiny_runs(tiny: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's default network is the small one; nothing is kept between tests."""
    monkeypatch.setenv("VISLRP_NETWORK", "tiny")
    monkeypatch.setenv("VISLRP_ALLOW_DOWNLOAD", "0")
    monkeypatch.setattr(running, "_networks", {"tiny": tiny})
    # Streamlit's tests make believe that there is a server; what one does in its spare time waits seconds for that.
    monkeypatch.setattr(miniatures, "has_server", lambda: False)
    running._default_key.cache_clear()
    service.clear_caches()
    yield
    running._default_key.cache_clear()
    service.clear_caches()


@pytest.fixture(autouse=True)
def no_work_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Background work ends with the test that began it: it would count as the next one's."""
    begun: list[BackgroundJob] = []
    begin = BackgroundJob.begin

    def noted(job: BackgroundJob, *given: Any, **named: Any) -> None:
        begun.append(job)
        begin(job, *given, **named)

    monkeypatch.setattr(BackgroundJob, "begin", noted)
    yield
    for job in begun:
        job.stop()
    for job in begun:
        job.join(60)


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Run the app at one of its pages, optionally with query parameters."""

    def run(page: str | None = None, **params: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
        for key, value in params.items():
            app.query_params[key] = value
        for name in ("neurons", "columns"):  # menus of Neuron Ablation and Compare
            app.session_state[f"menu-{name}"] = True
        if page is not None:
            app.switch_page(f"pages/{page}.py")  # as by its address: a run of Home before would cost as much again
        app.run()
        assert not app.exception, app.exception
        return app

    return run


def net() -> Network:
    """The network that runs."""
    return running.network("tiny")


def visit_of(app: AppTest) -> Visit:
    """What the page's session holds."""
    return app.session_state["_visit"]


def open_menus(app: AppTest) -> AppTest:
    """Open all menus of the page, so that their content is drawn."""
    for name in MENUS:
        app.session_state[f"menu-{name}"] = True
    return app.run()


def payload(app: AppTest, key: str) -> dict[str, Any]:
    """What a component was sent in the last run."""
    element = next(e for e in app.get("bidi_component") if e.proto.id.endswith(f"-{key}"))
    return json.loads(element.proto.json)


def gesture(app: AppTest, key: str, edit: dict[str, Any]) -> AppTest:
    """Let a component send one edit, as the browser does; AppTest itself runs no scripts of components."""
    element = next(e for e in app.get("bidi_component") if e.proto.id.endswith(f"-{key}"))
    held = payload(app, key)
    message = {"edit": {"sid": held["sid"], "edits": [{**edit, "seq": held["seq"] + 1}]}}
    states = app._tree.get_widget_states()
    states.widgets.append(WidgetState(id=element.proto.id, json_value=json.dumps(message)))
    return app._run(states)
