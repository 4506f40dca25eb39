"""Maps that come with the program: today's, complete, and never in the way."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from safetensors.numpy import load

from tools.ship_maps import NETWORK, Wanted, seen, wanted, write
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate
from vislrp_core.resources import model_store
from vislrp_ui import beforehand, rule_maps, running, service, shelf, shelved, shipped
from vislrp_ui.answers import Maps, maps_from
from vislrp_ui.samples import samples
from vislrp_ui.shelf import Shelf
from vislrp_ui.state import ImageRef

ROBUST = ("EpsilonPlusFlat", "Configuration 2")
"""Models whose denominators never nearly cancel: every machine finds the same maps."""


@pytest.fixture(scope="module")
def embedded() -> Network:
    return load_network(NETWORK)


def first(net: Network) -> tuple[ImageRef, tuple[LRPModel, ...]]:
    """A sample and the models that explain its first class."""
    one = next(wanted(net))
    return one.ref, one.models[0]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: Network) -> Iterator[Shelf]:
    """A server that has just begun: nothing in memory, an empty folder of results."""
    made = Shelf(tmp_path / "results", 500_000_000)
    monkeypatch.setattr(shelf, "app_shelf", lambda: made)
    monkeypatch.setattr(shelved, "_shared", {embedded.digest})
    monkeypatch.setattr(running, "_networks", {NETWORK: embedded})
    service.clear_caches()
    yield made
    shelved.flush()
    service.clear_caches()


def test_the_first_looks_at_all_samples_compute_nothing(kept: Shelf, embedded: Network) -> None:
    counted = service.counters.propagations, service.counters.forward_passes
    shown = 0
    for one in wanted(embedded):
        for seen_as, models in zip(service.predictions(embedded, one.ref), one.models, strict=False):
            for model in models:
                found = service.maps(embedded, one.ref, model, seen_as.index)
                assert found.target == seen_as.index and found.error is None and np.isnan(found.seconds)
                assert shelved.has_maps(embedded, one.ref, model, seen_as.index), "nothing is left to compute beforehand"
                shown += 1
    offered = {model.key for model in shelved.first_offered()}
    beside = {model.key for model in rule_maps.models("vgg16")} - offered
    assert shown == 14 * beforehand.FIRST_CLASSES * len(offered) + len(beside), "python -m tools.ship_maps"
    assert (service.counters.propagations, service.counters.forward_passes) == counted, "python -m tools.ship_maps"
    assert not kept.folder.exists(), "nor is it written again"


def test_they_are_what_is_computed_today(kept: Shelf, embedded: Network) -> None:
    ref, models = first(embedded)
    passed = seen(embedded, ref)
    target = int(passed.logits.argmax())
    stored = service.logits(embedded, ref).numpy()
    np.testing.assert_allclose(stored, passed.logits.numpy(), atol=1e-3, err_msg="python -m tools.ship_maps")
    for model in (one for one in models if one.name in ROBUST):
        found, today = (
            service.maps(embedded, ref, model),
            maps_from(propagate(embedded, passed, model, target), model, target),
        )
        assert found.maps.keys() == today.maps.keys()
        np.testing.assert_allclose(found.positive, today.positive, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found.negative, today.negative, rtol=1e-3, atol=1e-4)
        for layer, values in today.maps.items():
            largest = float(np.abs(values).max())
            np.testing.assert_allclose(
                found.maps[layer], values, rtol=0, atol=8e-4 * largest, err_msg="python -m tools.ship_maps"
            )
    # Another class, and a layer that no segment ends at, are computed.
    counted = service.counters.propagations
    other = service.predictions(embedded, ref)[-1].index
    assert service.maps(embedded, ref, models[0], other).target == other
    assert 17 in service.maps(embedded, ref, models[0], layers=(17,)).maps
    assert service.counters.propagations == counted + 2


def test_a_prepared_server_has_what_other_classes_and_parameters_need(
    kept: Shelf, embedded: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, models = first(embedded)
    monkeypatch.setattr(beforehand, "samples", lambda: {ref.id: samples()[ref.id]})
    monkeypatch.setattr(beforehand.rule_maps, "models", lambda architecture: ())
    monkeypatch.setattr(shelved, "first_offered", lambda: models[:1])
    target = service.predictions(embedded, ref, 1)[0].index
    assert np.isnan(service.maps(embedded, ref, models[0], target).seconds), "in memory as it came with the program"
    counted = service.counters.propagations
    for expected in (1, 1):  # what is there is not computed again
        beforehand.fill(NETWORK, 2, lambda done, count: None)
        assert service.counters.propagations == counted + expected
    assert kept.has(shelved.trace_name(embedded, ref)) and kept.has(shelved.maps_name(embedded, ref, models[0], target))


@pytest.mark.parametrize("largest", [1e-30, 1.0, 3e8])
def test_rounding_is_bounded_and_signs_and_sums_stay(largest: float) -> None:
    random = np.random.default_rng(0)
    values = (random.normal(size=(9, 7)) ** 5).astype(np.float32)
    values *= np.float32(largest) / np.abs(values).max()
    values[0, 0] = 0
    one = Maps({0: values, 31: np.zeros((2, 3), np.float32)}, random.random(39), -random.random(39), 5, "key")
    again = shipped.unpack(load(shipped.pack(one)), "key", 5)
    assert again.maps.keys() == {0, 31} and (again.target, again.model_key) == (5, "key")
    np.testing.assert_array_equal(again.positive, one.positive)
    np.testing.assert_array_equal(again.negative, one.negative)
    np.testing.assert_array_equal(again.maps[31], one.maps[31])
    assert float(np.abs(again.maps[0] - values).max()) <= 5e-4 * largest
    small = np.abs(values) < 1e-4 * largest
    assert float(np.abs(again.maps[0] - values)[small].max()) <= 5e-6 * largest
    assert (np.sign(again.maps[0]) * np.sign(values) >= 0).all() and again.maps[0][0, 0] == 0


def test_they_are_for_samples_under_the_embedded_network_alone(kept: Shelf, embedded: Network, monkeypatch) -> None:
    ref, models = first(embedded)
    target = service.predictions(embedded, ref, 1)[0].index
    assert shelved.known_maps(embedded, ref, models[0], target) is not None
    assert shelved.known_maps(embedded, ImageRef("upload", "0" * 64), models[0], target) is None
    assert shelved.known_maps(embedded, ImageRef("sample", ref.id, "squash"), models[0], target) is None
    monkeypatch.setattr(shelf, "app_shelf", lambda: None)
    assert shelved.known_maps(embedded, ref, models[0], target) is None, "VISLRP_STORE_MB=0: everything is computed"
    monkeypatch.setattr(shelved, "_shared", set())
    assert shelved.known_logits(embedded, ref) is None


@pytest.mark.parametrize("harm", ["missing", "short", "changed"])
def test_a_damaged_file_costs_time_alone(
    kept: Shelf, embedded: Network, tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    ref, models = first(embedded)
    target = service.predictions(embedded, ref, 1)[0].index
    name = shelved.shipped_maps(embedded, ref, models[0], target)
    path = tmp_path / shipped.FILE
    if harm != "missing":
        shutil.copy(model_store() / shipped.FILE, path)
    if harm == "short":
        path.write_bytes(path.read_bytes()[:1000])
    if harm == "changed":
        with ZipFile(path) as archive:
            begin = archive.getinfo(name).header_offset
        data = bytearray(path.read_bytes())
        data[begin + 2000 : begin + 2100] = bytes(100)
        path.write_bytes(data)
    monkeypatch.setattr(shipped, "model_store", lambda: tmp_path)
    shipped._archive.cache_clear()
    service.clear_caches()
    with caplog.at_level(logging.WARNING, "vislrp_ui.shipped"):
        assert shelved.known_maps(embedded, ref, models[0], target) is None
    assert "computed anew" in caplog.text and str(path) in caplog.text
    shipped._archive.cache_clear()


def test_the_tool_writes_the_same_bytes_twice(tmp_path: Path, monkeypatch, embedded: Network) -> None:
    ref, models = first(embedded)
    monkeypatch.setattr("tools.ship_maps.wanted", lambda net: iter([Wanted(ref, (models[4:5],))]))
    for name in "ab":
        write(embedded, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
