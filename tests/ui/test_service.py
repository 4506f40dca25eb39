"""The door to the engine: results are shared and counted, obsolete work stops, longer work says how far it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests.support.networks import tiny_state
from vislrp_core import edits
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.rules import Rule
from vislrp_ui import running, service
from vislrp_ui.gate import Gate
from vislrp_ui.shared import progress
from vislrp_ui.state import ImageRef

REF = ImageRef("sample", "kitten")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    network = Network.from_state_dict(tiny_state(1, dtype=torch.float32), name="tiny", any_width=True)
    monkeypatch.setattr(running, "_networks", {"tiny": network})
    service.clear_caches()
    yield
    service.clear_caches()


def maps(model: LRPModel, **options) -> service.Maps:
    return service.maps(running.network("tiny"), REF, model, 3, **options)


def test_equal_requests_are_computed_once_whatever_the_model_is_called():
    before = service.counters.propagations
    first = maps(LRPModel.basic("One"))
    assert maps(LRPModel.basic("Two")) is first
    assert service.counters.propagations == before + 1


def test_work_that_became_obsolete_stops_and_leaves_nothing_half_done():
    class Obsolete(BaseException):
        pass

    layers: list[str] = []

    def newer_edit(sentence: str, share: float) -> None:
        layers.append(sentence)
        if len(layers) == 12:
            raise Obsolete

    stopped = service.counters.stopped
    with pytest.raises(Obsolete):
        maps(LRPModel.basic(), watch=newer_edit)
    assert service.counters.stopped == stopped + 1 and len(layers) == 12
    again = maps(LRPModel.basic())
    service.clear_caches()
    np.testing.assert_array_equal(again.maps[0], maps(LRPModel.basic()).maps[0])


def test_an_edit_propagates_through_the_layers_below_it_alone():
    model = edits.split_segment(LRPModel.basic(), 0, 10)
    maps(model)
    seen: list[str] = []
    maps(edits.set_rule(model, 0, Rule.of("gamma")), watch=lambda sentence, share: seen.append(sentence))
    assert len(seen) == 10 and seen[0].startswith("Propagating through pool2, 29 of 38")


def test_a_further_layer_is_added_to_a_result():
    maps(LRPModel.basic())
    more = maps(LRPModel.basic(), layers=(17,))
    assert set(more.maps) == {0, 17} and more.maps[17].shape == (28, 28)


def test_relevance_that_is_not_finite_is_part_of_the_answer():
    result = maps(edits.set_rule(LRPModel.basic(), 0, Rule.of("custom", alpha=1e30)))
    assert result.error is not None and 0 not in result.maps
    assert np.isnan(result.total[0]) and np.isfinite(result.total[38])


class Place:
    """Stands for an `st.empty()`."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def html(self, text: str) -> None:
        self.shown.append(text)

    def empty(self) -> None:
        self.shown.append("")


def test_patient_work_that_a_page_waits_for_goes_before_whoever_comes_later(monkeypatch: pytest.MonkeyPatch):
    """A measurement's next map waits behind everybody, and the page that asked for the same one waited behind it."""
    gate = Gate(1)
    monkeypatch.setattr(service, "GATE", gate)
    monkeypatch.setattr(service, "_let_newer_edit_in", lambda: gate.wanted and hurries.set())
    net, model = running.network("tiny"), LRPModel.basic()
    passed = service.trace(net, REF)
    waits, hurries, comes = threading.Event(), threading.Event(), threading.Event()
    made, before = [], service.counters.propagations

    def measured() -> service.Maps:
        return service.maps_of(net, REF, lambda: passed, model, 3, watch=lambda *told: waits.set(), patient=True)

    def later() -> None:
        with gate.slot(lambda before: comes.set()):
            made.append(service.counters.propagations - before)

    with ThreadPoolExecutor(3) as pool, gate.slot():
        measuring = pool.submit(measured)
        assert waits.wait(10)
        page = pool.submit(maps, model)
        assert hurries.wait(10)
        other = pool.submit(later)
        assert comes.wait(10)
    other.result(20)
    assert measuring.result(20) is page.result(20) and made == [1]


def test_short_work_is_not_announced_and_long_work_not_too_often(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    place = Place()
    watch = progress.ProgressNote(place)  # type: ignore[arg-type]
    for moment in (0.1, 0.2, 0.3, 0.35, 0.5):
        now[0] = moment
        watch(f"at {moment}", moment)
    watch.done()
    assert [text.rpartition(">at ")[2][:3] for text in place.shown] == ["0.3", "0.5", ""]
    assert "width:30%" in place.shown[0] and "opacity:.35" in place.shown[0]
    quiet = Place()
    progress.ProgressNote(quiet).done()  # type: ignore[arg-type]
    assert quiet.shown == []


def test_a_network_that_takes_long_to_load_holds_up_nobody_elses(monkeypatch: pytest.MonkeyPatch):
    begun, loaded = threading.Event(), threading.Event()
    loads: list[str] = []

    def load(name: str) -> Network:
        loads.append(name)
        if name == "slow":
            begun.set()
            assert loaded.wait(60)
        return running._networks["tiny"]

    monkeypatch.setattr(running, "load_network", load)
    answers: list[Network] = []
    threads = [threading.Thread(target=lambda: answers.append(running.network("slow"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    assert running.network("quick") is running._networks["tiny"] and answers == []
    loaded.set()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 2 and sorted(loads) == ["quick", "slow"]
