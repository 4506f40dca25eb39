"""Results on disk: what was put there comes back, and nothing that happens to the folder is more than a result less."""

from __future__ import annotations

import os
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.networks import tiny_state
from vislrp_core import forward, steps, trace
from vislrp_core.images import to_input
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, refine
from vislrp_core.propagation import propagate
from vislrp_core.rules import Rule
from vislrp_ui import beforehand, parts, prepare, rule_maps, running, service, shelf, shelved
from vislrp_ui.samples import samples
from vislrp_ui.shelf import Shelf
from vislrp_ui.state import ImageRef

REF = ImageRef("sample", "kitten")
TENSORS = {"a": torch.arange(12.0).reshape(3, 4), "b": torch.full((2,), 0.5, dtype=torch.float64)}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The app's shelf in a folder of the test, and a small network that counts as the server's own."""
    tiny = Network.from_state_dict(tiny_state(1, dtype=torch.float32), name="embedded", any_width=True)
    made = Shelf(tmp_path / "results", 50_000_000)
    monkeypatch.setattr(shelf, "app_shelf", lambda: made)
    monkeypatch.setattr(shelved, "_shared", {tiny.digest})
    monkeypatch.setattr(running, "_networks", {"embedded": tiny})
    service.clear_caches()
    running._default_key.cache_clear()
    yield made
    shelved.flush()
    service.clear_caches()
    running._default_key.cache_clear()


def test_what_was_put_there_comes_back(tmp_path: Path) -> None:
    made = Shelf(tmp_path, 10_000)
    assert made.get("one") is None and not made.has("one")
    assert made.put("one", TENSORS, seconds="1.5") and made.has("one")
    parcel = made.get("one")
    assert parcel is not None and parcel.words["seconds"] == "1.5"
    assert all(
        torch.equal(parcel.tensors[key], value) and parcel.tensors[key].dtype == value.dtype
        for key, value in TENSORS.items()
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-3],
        lambda content: content[:5],
        lambda content: b"",
        lambda content: b"\xff" * 200,
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    ],
    ids=["cut off", "hardly begun", "empty", "nonsense", "one bit"],
)
def test_a_damaged_file_is_left_out_and_removed(tmp_path: Path, damage, caplog) -> None:
    made = Shelf(tmp_path, 10_000)
    made.put("one", TENSORS)
    file = next(tmp_path.iterdir())
    file.write_bytes(damage(file.read_bytes()))
    assert made.get("one") is None
    assert "left out and computed anew" in caplog.text and not file.exists()
    assert made.put("one", TENSORS) and made.get("one") is not None


def test_the_folder_has_a_bound_and_what_was_not_used_goes_first(tmp_path: Path) -> None:
    made = Shelf(tmp_path, 3000)
    for number, name in enumerate("abc"):
        made.put(name, {"x": torch.zeros(200)})
        os.utime(tmp_path / f"{name}.safetensors", (number, number))
    assert made.get("a") is not None  # used now
    made.put("d", {"x": torch.zeros(200)})
    assert [name for name in "abcd" if made.has(name)] == ["a", "c", "d"]
    assert not made.put("larger than all", {"x": torch.zeros(1000)})


def test_large_files_make_room_before_small_ones_that_are_older(tmp_path: Path) -> None:
    made = Shelf(tmp_path, 3 * shelf.LARGE_BYTES)
    half = shelf.LARGE_BYTES // 2
    for number, (name, size) in enumerate({"map": half, "pass": shelf.LARGE_BYTES, "later": shelf.LARGE_BYTES}.items()):
        made.put(name, {"x": torch.zeros(size // 4)})
        os.utime(tmp_path / f"{name}.safetensors", (number, number))
    made.put("last", {"x": torch.zeros(shelf.LARGE_BYTES // 4)})
    assert [name for name in ("map", "pass", "later", "last") if made.has(name)] == ["map", "later", "last"]
    for name in ("large", "larger"):
        assert made.put(name, {"x": torch.zeros(half * 5 // 4)}), "small files go, too, once no large one is left"
    assert made.has("larger") and not made.has("map")


def test_a_folder_that_cannot_be_written_or_is_gone_costs_the_results_alone(tmp_path: Path, caplog) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    made = Shelf(blocked / "results", 10_000)
    assert not made.put("one", TENSORS) and not made.put("two", TENSORS) and made.get("one") is None
    assert caplog.text.count("Results are not kept on disk") == 1
    gone = Shelf(tmp_path / "results", 10_000)
    gone.put("one", TENSORS)
    shutil.rmtree(gone.folder)
    assert gone.get("one") is None and gone.put("one", TENSORS) and gone.get("one") is not None


def test_a_full_disk_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tensors: object, path: Path, words: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelf, "save_file", full)
    assert not Shelf(tmp_path, 10_000).put("one", TENSORS) and not list(tmp_path.iterdir())


def test_several_writers_of_one_name_leave_one_whole_file(tmp_path: Path) -> None:
    made = Shelf(tmp_path, 10_000_000)
    threads = [threading.Thread(target=made.put, args=("one", {"x": torch.full((1000,), float(n))})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parcel = made.get("one")
    assert parcel is not None and len(set(parcel.tensors["x"].tolist())) == 1 and len(list(tmp_path.iterdir())) == 1


def test_a_forward_pass_from_disk_gives_the_same_maps_bit_by_bit(kept: Shelf) -> None:
    net = running.network("embedded")
    passed = forward(net, to_input(service.picture(REF), net, REF.fit))
    kept.put("it", shelved.pack_trace(passed))
    parcel = kept.get("it")
    assert parcel is not None
    again = shelved.unpack_trace(net, parcel)
    assert again.key == passed.key and set(again.activations) == set(passed.activations)
    for model in shelved.offered():
        one, other = propagate(net, passed, model, 3), propagate(net, again, model, 3)
        assert all(torch.equal(one.at(layer), other.at(layer)) for layer in one.layers)
        np.testing.assert_array_equal(one.positive, other.positive)


def test_a_second_server_computes_nothing_that_the_first_has_shown(kept: Shelf) -> None:
    model = shelved.offered()[0]
    first = service.maps(running.network("embedded"), REF, model, 3)
    shelved.flush()
    service.clear_caches()
    counted = service.counters.propagations, service.counters.forward_passes
    again = service.maps(running.network("embedded"), REF, model, 3)
    assert service.logits(running.network("embedded"), REF).shape == (10,)
    assert (service.counters.propagations, service.counters.forward_passes) == counted
    assert first is not again and first.seconds == again.seconds and first.maps.keys() == again.maps.keys()
    for layer, values in first.maps.items():
        np.testing.assert_array_equal(values, again.maps[layer])
    np.testing.assert_array_equal(first.total, again.total)


def test_a_prepared_server_computes_nothing_for_what_every_class_looks_at(kept: Shelf, monkeypatch, capsys) -> None:
    some = {"kitten": samples()["kitten"]}
    monkeypatch.setattr(beforehand, "samples", lambda: some)
    monkeypatch.setenv("VISLRP_NETWORK", "embedded")
    counted = service.counters.propagations
    assert prepare.main(["--classes", "2"]) == 0
    beside = rule_maps.models("vgg16")  # the table of rules; one of them is an example model, too, on another picture
    count = len(some) * 2 * len(shelved.first_offered()) + len(beside)
    assert service.counters.propagations - counted == count
    assert f"{count} of {count} maps in {kept.folder}" in capsys.readouterr().out
    service.clear_caches()

    counted = service.counters.propagations, service.counters.forward_passes
    assert prepare.main(["--classes", "2"]) == 0, "again: all is there"
    service.clear_caches()
    monkeypatch.setattr(shelved, "known_trace", lambda *arguments: pytest.fail("no forward pass is needed, nor read"))
    net = running.network("embedded")
    for id in some:
        ref = ImageRef("sample", id)
        assert service.has_seen(net, ref)
        for prediction in service.predictions(net, ref, 2):
            for model in shelved.first_offered():
                assert service.maps(net, ref, model, prediction.index).error is None
    assert (service.counters.propagations, service.counters.forward_passes) == counted


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [("VISLRP_STORE_MB", "0", "VISLRP_STORE_MB is 0"), ("VISLRP_NETWORK", "net.safetensors", "VISLRP_NETWORK is net")],
)
def test_a_server_that_keeps_nothing_cannot_be_prepared(kept: Shelf, monkeypatch, capsys, variable, value, says) -> None:
    monkeypatch.setenv(variable, value)
    if variable == "VISLRP_STORE_MB":
        monkeypatch.setattr(shelf, "app_shelf", lambda: None)
    with pytest.raises(SystemExit) as ended:
        prepare.main([])
    assert ended.value.code == 2 and says in capsys.readouterr().err


def test_parts_of_denominators_and_the_pass_in_double_precision_outlive_the_server(kept: Shelf, monkeypatch) -> None:
    plain = LRPModel.basic()
    composite = LRPModel(segments=(Segment(first=1, last=plain.plan.last, rule=Rule.of("gamma")),))
    asked = [LRPModel(segments=model.segments, bias=bias) for model in (plain, composite) for bias in ("ignore", "absorb")]
    first = [service.relevance(running.network("embedded"), REF, model, 3) for model in asked]
    shelved.flush()
    whole = service.trace(running.network("embedded"), REF)
    assert whole.cache.has_double
    del whole
    service.clear_caches()

    def never(*arguments: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(steps, "refine", never)
    monkeypatch.setattr(service, "forward", never)

    def keep(self: trace.TraceCache, key: tuple, term: torch.Tensor) -> torch.Tensor:
        layer = plain.plan.rows[key[0]]
        return term if len(key) == 3 or key[0] == 1 or layer.kind != "conv" else never()

    monkeypatch.setattr(trace.TraceCache, "keep", keep)
    for model, one in zip(asked, first, strict=True):
        again = service.relevance(running.network("embedded"), REF, model, 3)
        assert again is not one and all(torch.equal(one.at(layer), again.at(layer)) for layer in one.layers)
    passed = weakref.ref(service.trace(running.network("embedded"), REF))
    service.clear_caches()
    assert passed() is None, "what is kept on disk does not hold the pass in memory"


def test_one_pass_in_double_precision_at_a_time_and_one_for_all_who_look_at_a_picture(kept: Shelf) -> None:
    net = running.network("embedded")
    passes = [forward(net, to_input(service.picture(REF), net, REF.fit)) for _ in range(2)]
    made: list[trace.Trace] = []

    def ask(passed: trace.Trace) -> trace.Trace:
        parts.attach(net, REF, passed)
        return passed.cache.double(lambda: (made.append(refine(net, passed)), made[-1])[1])

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ask, passes)
    assert len(made) == 1, "the second one has waited, and reads what the first one wrote"
    assert one is not other and all(torch.equal(one.sums[layer], other.sums[layer]) for layer in one.sums)


def test_what_visitors_bring_never_gets_there(kept: Shelf) -> None:
    net = running.network("embedded")
    other = Network.from_state_dict(tiny_state(2, dtype=torch.float32), name="embedded", any_width=True)
    assert shelved.place(net, REF) is kept
    assert shelved.place(net, ImageRef("upload", "0" * 64)) is None
    assert shelved.place(other, REF) is None
    passed = forward(net, to_input(service.picture(REF), net, REF.fit))
    shelved.keep_trace(net, ImageRef("upload", "0" * 64), passed)
    shelved.flush()
    assert not kept.folder.exists()
