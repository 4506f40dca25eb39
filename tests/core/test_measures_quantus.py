"""Measures of maps that Quantus has, too: the same values."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.support.networks import tiny_network
from vislrp_core.experiments import Picture, Workspace
from vislrp_core.measures import Box, MeasureTask, Settings, pointing
from vislrp_core.model import LRPModel
from vislrp_core.propagation import propagate

SIZE = (500, 300)


@pytest.fixture(scope="module")
def space() -> Workspace:
    return Workspace(tiny_network(4, classes=7))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    file = tmp_path_factory.mktemp("quantus") / "e.png"
    pixels = Image.fromarray(np.random.default_rng(3).integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
    pixels.resize(SIZE, Image.Resampling.BICUBIC).save(file)
    return Picture.of(str(file))


def value(space: Workspace, picture: Picture, metric: str, **more: object) -> float:
    task = MeasureTask(picture, LRPModel.basic(), metric, Settings(patch=56, steps=4), **more)  # type: ignore[arg-type]
    return task.run(space.network, space).value


def arguments(space: Workspace, picture: Picture) -> dict[str, object]:
    trace = space.trace(picture)
    target = int(trace.logits.argmax())
    shown = propagate(space.network, trace, LRPModel.basic(), target).at(0).sum(0).numpy()
    return {
        "model": None,
        "x_batch": trace.x.numpy(),
        "y_batch": np.array([target]),
        "a_batch": shown[None, None],
        "device": "cpu",
    }


@pytest.fixture
def quantus() -> ModuleType:
    """Six seconds, which not every worker needs."""
    return importlib.import_module("quantus")


@pytest.mark.parametrize(("metric", "theirs"), [("gini", "Sparseness"), ("entropy", "Complexity")])
def test_concentration_is_quantus(quantus: ModuleType, space: Workspace, picture: Picture, metric: str, theirs: str) -> None:
    expected = getattr(quantus, theirs)(abs=True, normalise=False, disable_warnings=True)(**arguments(space, picture))
    assert value(space, picture, metric) == pytest.approx(expected[0], rel=1e-6)


def test_localisation_is_quantus(quantus: ModuleType, space: Workspace, picture: Picture) -> None:
    """Its relevance mass accuracy of the positive part is ours; its pointing game has no tolerance."""
    given = arguments(space, picture)
    box = Box(100, 50, 300, 200)
    inside = box.seen(SIZE, 224).pixels(224)
    given["s_batch"] = inside[None, None]
    positive = {**given, "a_batch": np.maximum(given["a_batch"], 0)}
    mass = quantus.RelevanceMassAccuracy(abs=False, normalise=False, disable_warnings=True)(**positive)
    assert value(space, picture, "box_mass", boxes=(box,), size_of_picture=SIZE) == pytest.approx(mass[0], rel=1e-6)
    values = np.asarray(given["a_batch"])[0, 0]
    for wanted in (inside, ~inside):
        given["s_batch"] = wanted[None, None]
        game = quantus.PointingGame(abs=False, normalise=False, disable_warnings=True)(**given)
        row, column = np.unravel_index(values.argmax(), values.shape)
        assert bool(game[0]) == bool(wanted[row, column])
    assert pointing(values, [box.seen(SIZE, 224)], 0) == float(inside[row, column])
