"""Pages run in this process on a small VGG16-shaped network: quick, and the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.support.networks import tiny_state
from vislrp_core.network import VGG16
from vislrp_ui import service

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("castle", "lake", "boathouse", "cliff", "valley", "drum", "electric guitar", "banjo", "lemur", "kitten")


@pytest.fixture(scope="session")
def tiny() -> VGG16:
    """Ten classes with names, few channels, fixed random weights."""
    return VGG16.from_state_dict(tiny_state(1, dtype=torch.float32), name="tiny", title="Tiny VGG16", any_width=True,
                                 description="A small network for tests.", classes=CLASSES)


@pytest.fixture(autouse=True)
def tiny_runs(tiny: VGG16, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's default network is the small one; nothing is kept between tests."""
    monkeypatch.setenv("VISLRP_NETWORK", "tiny")
    monkeypatch.setenv("VISLRP_ALLOW_DOWNLOAD", "0")
    monkeypatch.setattr(service, "_networks", {"tiny": tiny})
    service._default_key.cache_clear()
    service.clear_caches()
    yield
    service._default_key.cache_clear()
    service.clear_caches()


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Run the app at one of its pages, optionally with query parameters."""
    def run(page: str | None = None, **params: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
        for key, value in params.items():
            app.query_params[key] = value
        app.run()
        if page is not None:
            app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, app.exception
        return app

    return run
