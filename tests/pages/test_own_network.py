"""A network of the visitor's own on the pages: its rows, its models, its limits, and that nobody else gets it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from safetensors.torch import save
from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import CLASSES, gesture, open_menus, payload, visit_of
from tests.support.networks import tiny_state
from vislrp_core.architecture import ARCHITECTURES
from vislrp_ui import own_networks, permalink
from vislrp_ui.background import BackgroundJob
from vislrp_ui.own_networks import OWN

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As a server has them that nobody configured; nobody but the tests looks whether visits have ended."""
    monkeypatch.setattr(own_networks, "_watch", lambda: None)
    monkeypatch.setattr(own_networks, "_living", weakref.WeakSet())
    for name in ("VISLRP_NETWORK_MB", "VISLRP_ALLOW_NETWORKS"):
        monkeypatch.delenv(name, raising=False)
    option = "server.maxUploadSize"
    kept, where = config.get_option(option), config.get_where_defined(option)
    config.set_option(option, 200, "<default>")
    yield
    config.set_option(option, kept, where)


def file(key: str, normalised: bool = False, classes: int = 10, seed: int = 2) -> bytes:
    return save(tiny_state(seed, divisor=32, hidden=(12, 10), classes=classes, architecture=key, normalised=normalised))


def upload(app: AppTest, field: str, data: bytes, name: str) -> None:
    """Choose a file in a field of the network menu."""
    open_menus(app)
    turn = app.session_state["_own_turns"][field] if "_own_turns" in app.session_state else 0
    app.file_uploader(key=f"own-{field}-{turn}").upload(name, data, "application/octet-stream").run()
    assert not app.exception, app.exception


def said(app: AppTest) -> str:
    return "\n".join(warning.value for warning in app.warning)


def rows(app: AppTest) -> list[str]:
    return [row["name"] for row in payload(app, "ruler")["rows"]]


def classes(app: AppTest) -> set[str]:
    return {row["name"] for row in payload(app, "design-classes")["rows"]}


def living() -> list[str]:
    """Networks of visits that take memory; `settle` may have frozen what was there when a module was imported."""
    gc.unfreeze()
    gc.collect()
    return sorted(one.title for one in own_networks._living)


def test_the_pages_follow_it_undo_brings_the_models_back_and_it_ends_with_the_visit(open_page: Open) -> None:
    assert living() == []
    app = open_menus(open_page("1_Design"))
    assert (
        app.file_uploader(key="own-weights-0").proto.max_upload_size_mb == 600 == config.get_option("server.maxUploadSize")
    ), "what the server takes is what is said"
    gesture(app, "ruler", {"kind": "add"})
    before = visit_of(app)
    upload(app, "labels", "\n".join(f"my {name}" for name in CLASSES).encode(), "names.txt")
    assert visit_of(app) == before and not said(app), "names wait for the weights"
    upload(app, "weights", file("alexnet"), "mine.safetensors")
    alexnet = ARCHITECTURES["alexnet"]
    assert rows(app) == [row.name for row in alexnet.rows]
    visit = visit_of(app)
    assert visit.network == OWN == permalink.to_params(visit)["network"]
    assert {entry.model.architecture for entry in visit.models} == {"alexnet"}
    assert len(visit.models) == len(before.models) and len(visit.model.segments) == 2
    assert said(app) == (
        "This network is an AlexNet with 20 layers: the models were carried over to it, block by block. "
        "Undo on Design brings the models back as they were."
    )
    assert classes(app) and classes(app) <= {f"my {name}" for name in CLASSES}
    open_menus(app)
    assert not [one.value for one in app.file_uploader if str(one.key).startswith("own-") and one.value]

    for page in ("2_Compare", "3_Pixel_Flipping", "4_Neuron_Ablation"):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception and not app.error, (page, app.exception, app.error)
    assert len(payload(app, "abl-layers")["rows"]) == alexnet.last
    open_menus(app.switch_page("pages/1_Design.py").run())
    assert app.radio(key="network").value == OWN
    app.button(key="undo").click().run()
    assert (visit_of(app).models, visit_of(app).network) == (before.models, None)
    assert len(rows(app)) == len(ARCHITECTURES["vgg16"].rows) and not said(app) and classes(app) <= set(CLASSES)
    app.button(key="redo").click().run()
    assert visit_of(app).models == visit.models and visit_of(app).network == OWN and len(rows(app)) == len(alexnet.rows)

    open_menus(app).radio(key="network").set_value("tiny").run()
    assert len(rows(app)) == len(ARCHITECTURES["vgg16"].rows) and len(visit_of(app).model.segments) == 2
    open_menus(app).radio(key="network").set_value(OWN).run()
    assert len(rows(app)) == len(alexnet.rows) and "AlexNet" in said(app)
    assert living() == ["mine"]
    del app
    assert living() == [], "freed with its visit"


def test_a_link_to_it_says_what_is_missing_and_nothing_is_lost(open_page: Open) -> None:
    app = open_menus(open_page("1_Design"))
    gesture(app, "ruler", {"kind": "add"})
    upload(app, "weights", file("alexnet"), "mine.safetensors")
    link, made = permalink.to_params(visit_of(app)), visit_of(app).model

    other = open_page(**link)  # at Home, where the sentences are told
    told = [warning.value for warning in other.warning]
    assert told == [
        "This view was made with a network that a visitor uploaded and that only their visit holds; another network is "
        "used instead.",
        "This network is a VGG16 with 38 layers: the models were carried over to it, block by block.",
    ]
    other.switch_page("pages/1_Design.py").run()
    open_menus(other)
    assert len(rows(other)) == len(ARCHITECTURES["vgg16"].rows) and visit_of(other).network is None
    assert OWN not in other.radio(key="network").options and not said(other)
    other.button(key="undo").click().run()
    assert [error.value for error in other.error] == [
        "This view needs a network that was uploaded, and this visit does not hold it: upload its file in the network "
        "menu, or choose another network there."
    ] and visit_of(other).model == made
    menu = open_menus(other).radio(key="network")
    assert menu.value is None and menu.options == ["tiny", "Embedded VGG16"]
    menu.set_value("tiny").run()
    assert len(rows(other)) == len(ARCHITECTURES["vgg16"].rows) and not other.error
    other.button(key="undo").click().run()
    upload(other, "weights", file("alexnet"), "mine.safetensors")
    assert not other.error and visit_of(other).model == made and len(rows(other)) == len(ARCHITECTURES["alexnet"].rows)


def test_another_one_takes_its_place_and_a_wrong_one_changes_nothing(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_menus(open_page("1_Design"))
    gesture(app, "ruler", {"kind": "add"})
    upload(app, "weights", file("alexnet"), "first.safetensors")
    alexnet = visit_of(app).models
    app.switch_page("pages/2_Compare.py").run()
    app.switch_page("pages/4_Neuron_Ablation.py").run()
    app.switch_page("pages/1_Design.py").run()
    running = app.session_state["_flipping_job"] = BackgroundJob()
    upload(app, "weights", file("vgg11", normalised=True), "second.safetensors")
    assert running.stopping, "it would hold the first network"
    vgg11 = len(ARCHITECTURES["vgg11"].rows)
    assert len(rows(app)) == vgg11 and "VGG11 with 28 layers" in said(app) and "Undo" not in said(app)
    assert living() == ["second"], "the first one is freed"
    held = visit_of(app)
    upload(app, "weights", b"nothing", "third.safetensors")
    assert said(app) == '"third.safetensors" cannot be read as .safetensors (damaged or cut off): get it again.'
    upload(app, "labels", b"a\nb", "names.txt")
    assert said(app) == '"names.txt", classes: 2 names for a network of 10 classes; give one name per class.'
    upload(app, "labels", "\n".join(reversed(CLASSES)).encode(), "names.txt")
    assert not said(app) and classes(app) <= set(CLASSES) and visit_of(app) == held
    upload(app, "weights", file("alexnet", seed=5), "fourth.safetensors")
    app.button(key="undo").click().run()
    assert len(rows(app)) == len(ARCHITECTURES["alexnet"].rows) and "AlexNet" in said(app), "the VGG11 is gone"
    app.button(key="undo").click().run()
    assert visit_of(app).models == alexnet and not said(app), "as they were: their architecture is there again"
    app.button(key="undo").click().run()
    assert visit_of(app).network is None and len(rows(app)) == len(ARCHITECTURES["vgg16"].rows), "no step is in the way"

    monkeypatch.setattr(own_networks, "limit_mb", lambda: 1)
    monkeypatch.setattr(own_networks, "nbytes", lambda network: 600_000)
    second = open_menus(open_page("1_Design"))
    upload(second, "weights", file("alexnet"), "late.safetensors")
    assert said(second) == (
        '"late.safetensors" needs 1 MB as 32-bit numbers; this server has 1 MB for the networks of all '
        "visitors, of which 1 MB are in use: upload a smaller network, or try again later."
    )
    assert visit_of(second).network is None and living() == ["fourth"]


def test_switched_off_there_is_no_place_for_files(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISLRP_ALLOW_NETWORKS", "0")
    app = open_menus(open_page("1_Design"))
    assert not [one for one in app.file_uploader if "own" in str(one.key)]
    assert "This server does not accept networks from its visitors." in [caption.value for caption in app.caption]
    assert config.get_option("server.maxUploadSize") == 10
