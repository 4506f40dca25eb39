"""A server with little memory that is killed in the middle of work; an address far too long; files of visitors who left."""

from __future__ import annotations

import re
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError

import pytest

from benchmarks.classroom import server_behind
from tests.browser.conftest import free_port, served
from tests.protocol.gestures import stroke
from tests.support.tab import Tab

LINK = "image=kitten&model=example-configuration_2&target="
CELLS = "compare-row-"


@dataclass
class Server:
    """The app on the embedded network with the least memory for results, which forgets visitors soon after they left."""

    folder: Path
    port: int = field(default_factory=free_port)
    url: str = ""
    running: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start it, at the same address each time."""
        log = self.folder / "log.txt"
        command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.disconnectedSessionTTL", "1"]
        self.url = self.running.enter_context(
            served(command, log, port=self.port, VISLRP_NETWORK="embedded", VISLRP_CACHE_MB="20")
        )

    def kill(self) -> None:
        """End it without a word."""
        server_behind(self.url).kill()
        self.running.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It runs."""
    made = Server(tmp_path_factory.mktemp("faults"))
    made.start()
    yield made
    made.running.close()


def opened(url: str, page: str, query: str = "") -> Tab:
    """A tab as a browser opens it, with the page drawn as far as it is known."""
    tab = Tab(url, page, query)
    assert tab.wait(lambda: tab.has("store-main"))
    tab.say_hello()
    return tab


def status(url: str) -> int:
    """What a server says to one who asks for an address."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def maps_of(tab: Tab) -> int:
    """Maps that are drawn on Compare."""
    return sum(
        column["picture"] is not None
        for key, _ in tab.widgets()
        if key.startswith(CELLS)
        for column in tab.payload(key)["columns"]
    )


def test_pages_work_with_little_memory_and_come_back_when_the_server_was_killed(server: Server) -> None:
    design = opened(server.url, "Design", LINK + "281")
    ablation = opened(server.url, "Neuron_Ablation", LINK + "285")
    flipping = opened(server.url, "Pixel_Flipping", LINK + "287")
    parts = ("final", "abl-result", "flip-result-1", "compare-foot")
    for tab, part in zip((design, ablation, flipping), parts, strict=False):
        assert tab.wait(lambda tab=tab, part=part: tab.has(part)), part  # type: ignore[misc]
    design.settle()
    ablation.settle()
    ablation.pick("abl-layers", 16)
    assert ablation.wait(lambda: "layer:16" in ablation.address.get("neurons", "").split("~"))
    design.edit("rule-panel", kind="parameter", segment=0, key="gamma1p", value=0.6)
    assert design.wait(lambda: not design.address.get("model", "example-").startswith("example-"))
    compare = opened(server.url, "Compare", LINK + "282")
    assert compare.wait(lambda: compare.has(parts[-1]) and maps_of(compare) > 0)
    tabs = (design, ablation, flipping, compare)
    assert maps_of(compare) < 10, "it is killed in the middle of work"
    known = [tab.find(part) for tab, part in zip(tabs, parts, strict=True)]
    server.kill()
    server.start()
    for tab in tabs:
        tab.drop()
        tab.connect()
    for tab, part, before in zip(tabs, parts, known, strict=True):
        assert tab.wait(lambda tab=tab, part=part, old=before: tab.has(part) and tab.find(part) is not old)  # type: ignore
        assert not tab.errors
    for tab in (design, ablation):
        tab.settle()
    assert design.payload("design-classes")["target"] == 281
    assert design.payload("rule-panel")["values"]["gamma1p"] == 0.6
    assert ablation.payload("abl-layers")["selected"] == 16
    before = maps_of(compare)
    assert compare.wait(lambda: maps_of(compare) > before or maps_of(compare) == 10), "its work goes on"
    for tab in tabs:
        tab.close()


@pytest.mark.parametrize(
    "query",
    ["model=" + "A" * 100_000, "&".join(f"x{n}=1" for n in range(20_000)), "%" * 100_000],
    ids=["one value", "many names", "nonsense"],
)
def test_an_address_of_100_kilobytes_is_refused_in_one_sentence(app_url: str, query: str) -> None:
    tab = Tab(app_url, "Design", query)
    assert tab.wait(lambda: tab.has("final") and tab.idle)
    tab.say_hello()
    assert tab.wait(lambda: len(tab.query) < 1000)
    assert not tab.errors
    tab.close()
    assert status(f"{app_url}/Design?{query}") in (200, 400, 414, 431)
    assert status(f"{app_url}/_stcore/health") == 200


def test_a_visitors_file_has_an_address_that_nobody_guesses_and_goes_with_the_visit(server: Server) -> None:
    one = opened(server.url, "Pixel_Flipping", LINK + "287")
    assert one.wait(lambda: one.has("flip-result-1") and one.idle)
    stroke(one, next(key for key, _ in one.widgets() if key.startswith("flip-canvas")))
    assert one.wait(lambda: one.has("flip-download-1"))
    file = one.find("flip-download-1").url
    assert re.search(r"/media/[0-9a-f]{32}\.png", file), "128 bits of the file's own digest"
    assert status(server.url + file) == 200
    other = opened(server.url, "Pixel_Flipping", LINK + "287")
    assert other.wait(lambda: other.has("flip-result-1") and other.idle)
    assert not other.has("flip-download-1")
    one.close()

    def gone() -> bool:
        passing = opened(server.url, "")  # a server looks for visitors who are gone for good when another one leaves
        passing.settle()
        passing.close()
        return status(server.url + file) == 404

    assert other.wait(gone)
    other.close()
