"""Measures of maps: their definitions worked by hand."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.stats import spearmanr

from tests.support.networks import tiny_state
from vislrp_core import flipping
from vislrp_core.baselines import Baseline
from vislrp_core.cli import measured_runs
from vislrp_core.cli.pictures import find_images
from vislrp_core.errors import InputError
from vislrp_core.experiments import Picture, Workspace
from vislrp_core.fills import filled_image
from vislrp_core.images import network_view, read_image, to_input
from vislrp_core.measures import MEASURES, Box, MeasureTask, Settings, box_mass, pointing, read_boxes
from vislrp_core.measures import catalogue as catalogue_module
from vislrp_core.measures.boxes import boxes_of, named
from vislrp_core.measures.mosaic import PLACES, as_input, compose, mosaics_with, quadrant_share
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, forward, logits
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate

SETTINGS = Settings(patch=56, steps=4)
BASIC = LRPModel.basic()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("measures")
    save_file(tiny_state(4, divisor=16, classes=7), place / "net.safetensors")
    random = np.random.default_rng(3)
    for name, size in (
        ("a.png", (240, 230)),
        ("b.png", (320, 256)),
        ("c.png", (256, 400)),
        ("d.png", (224, 224)),
        ("e.png", (500, 300)),
    ):
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize(size, Image.Resampling.BICUBIC).save(place / name)
    return place


@pytest.fixture(scope="module")
def network(folder: Path) -> Network:
    return load_network(folder / "net.safetensors", dtype="float64")


@pytest.fixture(scope="module")
def space(network: Network) -> Workspace:
    return Workspace(network)


@pytest.fixture(scope="module")
def pictures(folder: Path) -> list[Picture]:
    return [Picture.of(str(path)) for path in sorted(folder.glob("*.png"))]


def value(
    space: Workspace,
    picture: Picture,
    metric: str,
    model: LRPModel | Baseline = BASIC,
    settings: Settings = SETTINGS,
    **more: object,
) -> float:
    found = MeasureTask(picture, model, metric, settings, **more).run(space.network, space)  # type: ignore[arg-type]
    assert found.seconds > 0
    return found.value


def own_map(network: Network, x: torch.Tensor, target: int, model: LRPModel = BASIC) -> np.ndarray:
    return propagate(network, forward(network, x), model, target, layers=(0,)).at(0).sum(0).numpy()


def test_every_measure_says_how_it_is_computed_and_what_it_does_not_prove() -> None:
    assert list(MEASURES) == [
        "srg",
        "aopc",
        "abpc",
        "class_cosine",
        "top_randomised",
        "mosaic",
        "box_mass",
        "pointing",
        "sensitivity",
        "faithfulness",
        "gini",
        "entropy",
        "conservation",
        "seconds",
    ]
    for key, one in MEASURES.items():
        assert len(one.formula) > 20 and len(one.caveat) > 20 and (one.source or key == "seconds")
    assert "Binder et al. 2023" in MEASURES["top_randomised"].caveat
    for key in ("srg", "aopc", "abpc", "faithfulness"):
        assert "leave the data" in MEASURES[key].caveat
    better = {key: one.better for key, one in MEASURES.items()}
    assert [key for key, one in better.items() if one == "low"] == ["class_cosine", "top_randomised", "sensitivity"]
    assert [key for key, one in better.items() if one == ""] == ["gini", "entropy", "conservation", "seconds"]


# --- flipping ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [BASIC, Baseline("edges")], ids=["model", "baseline"])
def test_scores_of_flipping_are_those_of_the_curves(
    space: Workspace, pictures: list[Picture], model: LRPModel | Baseline
) -> None:
    network, trace = space.network, space.trace(pictures[0])
    target = int(trace.logits.argmax())
    values = (
        (
            model.relevance(network, trace.x, target)
            if isinstance(model, Baseline)
            else propagate(network, trace, model, target).at(0)
        )
        .sum(0)
        .numpy()
    )
    curves = [
        flipping.measure(
            network,
            trace.x,
            filled_image(trace.x, network, "mean"),
            flipping.order_of(values, 56, order),
            target,
            patch=56,
            steps=4,
            kind=order,
        )
        for order in ("morf", "lerf")
    ]
    expected = flipping.scores(*curves)
    for name in ("srg", "aopc", "abpc"):
        assert value(space, pictures[0], name, model) == pytest.approx(getattr(expected, name), rel=1e-9)
    fall, late = (curve.probabilities for curve in curves)
    assert expected.srg == pytest.approx(np.trapezoid(late - fall, dx=0.25))


# --- classes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["top", "3"])
def test_class_cosine_is_the_mean_over_the_four_next_classes(space: Workspace, pictures: list[Picture], target: str) -> None:
    network, trace = space.network, space.trace(pictures[1])
    order = torch.argsort(trace.probabilities, descending=True).tolist()
    own = order[0] if target == "top" else 3
    maps = {one: own_map(network, trace.x, one).ravel() for one in order}
    others = [one for one in order if one != own][:4]
    expected = np.mean([maps[own] @ maps[one] / np.linalg.norm(maps[own]) / np.linalg.norm(maps[one]) for one in others])
    settings = replace(SETTINGS, target=target)
    assert value(space, pictures[1], "class_cosine", settings=settings) == pytest.approx(expected, rel=1e-6)
    assert value(space, pictures[1], "class_cosine", Baseline("edges")) == pytest.approx(1)


@pytest.mark.parametrize("seed", [0, 5])
def test_top_randomised_permutes_the_last_weights_then_the_biases(
    space: Workspace, pictures: list[Picture], seed: int
) -> None:
    network, trace = space.network, space.trace(pictures[2])
    last, target = network.architecture.last, int(trace.logits.argmax())
    rng = np.random.default_rng(seed)
    weight, bias = network.weights[last].numpy(), network.biases[last].numpy()
    weights = {**network.weights, last: torch.from_numpy(rng.permutation(weight.flatten()).reshape(weight.shape))}
    biases = {**network.biases, last: torch.from_numpy(rng.permutation(bias))}
    other = replace(network, weights=weights, biases=biases)
    before, after = (np.abs(own_map(one, trace.x, target)).ravel() for one in (network, other))
    expected = spearmanr(before, after).statistic
    assert value(space, pictures[2], "top_randomised", settings=replace(SETTINGS, seed=seed)) == pytest.approx(expected)
    assert torch.equal(network.weights[last], torch.from_numpy(weight)), "the network itself is not touched"
    assert value(space, pictures[2], "top_randomised", Baseline("edges")) == pytest.approx(1)


# --- localisation --------------------------------------------------------------------------------------------------------


def test_mosaics_show_four_pictures_in_a_circle(pictures: list[Picture], network: Network) -> None:
    for place in range(5):
        shown = mosaics_with(pictures, place)
        for quadrant, mosaic in enumerate(shown):
            first = pictures.index(mosaic[0])
            assert mosaic == tuple(pictures[(first + step) % 5] for step in range(4)) and mosaic[quadrant] == pictures[place]
    sheet = np.asarray(compose(pictures[:4], 224))
    for picture, (row, column) in zip(pictures[:4], PLACES, strict=True):
        view = network_view(read_image(picture.path)).resize((112, 112), Image.Resampling.BILINEAR)
        assert np.array_equal(sheet[112 * row : 112 * row + 112, 112 * column : 112 * column + 112], np.asarray(view))
    view = network_view(read_image(pictures[0].path))
    assert torch.equal(as_input(view, network), to_input(read_image(pictures[0].path), network))
    with pytest.raises(InputError, match="at least 4 pictures, got 3"):
        mosaics_with(pictures[:3], 0)


def test_a_quadrants_share_by_hand() -> None:
    values = np.array([[2.0, -9, 0, 1], [1, 0, 0, 0], [-5, 0, 3, 0], [0, 1, 0, 0]])
    assert [quadrant_share(values, quadrant) for quadrant in range(4)] == [3 / 8, 1 / 8, 1 / 8, 3 / 8]
    assert math.isnan(quadrant_share(-np.ones((4, 4)), 0))


@pytest.mark.parametrize("model", [BASIC, Baseline("gradient")], ids=["model", "baseline"])
def test_mosaic_is_the_mean_over_four_places(space: Workspace, pictures: list[Picture], model: LRPModel | Baseline) -> None:
    network = space.network
    place, shares = 1, []
    first = int(space.trace(pictures[place]).logits.argmax())
    for quadrant in range(4):
        sheet = Image.new("RGB", (224, 224))
        for step, corner in enumerate([(0, 0), (112, 0), (0, 112), (112, 112)]):
            view = network_view(read_image(pictures[(place - quadrant + step) % 5].path))
            sheet.paste(view.resize((112, 112), Image.Resampling.BILINEAR), corner)
        x = as_input(sheet, network)
        values = (
            own_map(network, x, first) if isinstance(model, LRPModel) else model.relevance(network, x, first).sum(0).numpy()
        )
        x0, y0 = [(0, 0), (112, 0), (0, 112), (112, 112)][quadrant]
        shares.append(values[y0 : y0 + 112, x0 : x0 + 112].clip(0).sum() / values.clip(0).sum())
    found = value(
        space, pictures[place], "mosaic", model, replace(SETTINGS, target="2"), mosaics=tuple(mosaics_with(pictures, place))
    )
    assert found == pytest.approx(np.mean(shares), rel=1e-9)


def test_boxes_follow_the_picture_into_the_networks_view() -> None:
    # 500 x 300: the short side becomes 256, the long 426; (426 - 224) / 2 = 101 pixels are cut off, above 16.
    box = Box(250, 150, 500, 300).seen((500, 300), 224)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((250 * 426 / 500 - 101, 128 - 16, 426 - 101, 256 - 16))
    assert vars(Box(10, 20, 30, 40).seen((100, 200), 224, "squash")) == pytest.approx(
        {"x0": 22.4, "y0": 22.4, "x1": 67.2, "y1": 44.8}
    )
    gone = Box(0, 0, 10, 300).seen((500, 300), 224)
    assert gone.pixels(224).sum() == 0, "cut off with the edge"
    values = np.zeros((224, 224))
    values[100, 0] = 1
    assert pointing(values, [gone]) == 0, "the edge of the view is far from a box that was cut off"
    assert pointing(values, [Box(0, 0, 105, 300).seen((500, 300), 224)]) == 1, "11.5 pixels outside"
    assert Box(1.4, 0.5, 3.6, 2.5).pixels(4).tolist() == [
        [False, True, True, True],
        [False, True, True, True],
        [False] * 4,
        [False] * 4,
    ]


def test_a_box_drawn_into_the_picture_is_where_the_network_sees_it(tmp_path: Path) -> None:
    for size in ((640, 480), (300, 500), (256, 256), (1000, 230)):
        x0, y0 = size[0] // 2 - 40, size[1] // 2 - 30
        picture = Image.new("RGB", size, "black")
        picture.paste("white", (x0, y0, x0 + 80, y0 + 60))
        bright = np.asarray(network_view(picture).convert("L")) > 127
        box = Box(x0, y0, x0 + 80, y0 + 60).seen(size, 224).pixels(224)
        assert (bright != box).sum() <= 0.04 * box.sum(), size


def test_box_mass_and_pointing_by_hand() -> None:
    values = np.zeros((40, 40))
    values[10, 10], values[30, 5], values[0, 39], values[20, 20] = 4.0, 3.0, 1.0, -50.0
    assert box_mass(values, [Box(5, 5, 21, 21)]) == 0.5
    assert box_mass(values, [Box(5, 5, 15, 15), Box(0, 25, 12, 40)]) == 7 / 8
    assert math.isnan(box_mass(-np.ones((4, 4)), [Box(0, 0, 2, 2)]))
    assert pointing(values, [Box(10, 10, 11, 11)]) == 1 and pointing(values, [Box(25, 10, 30, 12)]) == 1
    assert pointing(values, [Box(26, 10, 30, 12)]) == 0 and pointing(values, [Box(26, 10, 30, 12), Box(0, 0, 1, 1)]) == 1


def test_boxes_in_a_task(space: Workspace, pictures: list[Picture]) -> None:
    values = own_map(space.network, space.trace(pictures[4]).x, int(space.trace(pictures[4]).logits.argmax()))
    boxes, size = (Box(100, 50, 300, 200),), (500, 300)
    inside = boxes[0].seen(size, 224).pixels(224)
    for metric, expected in (
        ("box_mass", values.clip(0)[inside].sum() / values.clip(0).sum()),
        ("pointing", pointing(values, [boxes[0].seen(size, 224)])),
    ):
        assert value(space, pictures[4], metric, boxes=boxes, size_of_picture=size) == pytest.approx(expected)
    with pytest.raises(InputError, match="needs the boxes"):
        MeasureTask(pictures[4], BASIC, "box_mass")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must name the columns"),
        (b"image,x0,y0,x1,y1\n", "holds no boxes, give one line of image,x0,y0,x1,y1 for each"),
        (b"image,x0,y0,x1\na,1,2,3", "y1 is missing"),
        (b"image,x0,y0,x1,y1\na,1,2,3", "line 2: x0, y0, x1 and y1 must be numbers"),
        (b"image,x0,y0,x1,y1\na,1,2,x,4", "line 2"),
        (b"image,x0,y0,x1,y1\na,1,2,nan,4", "line 2"),
        (b"image,x0,y0,x1,y1\na,0,0,9,9\na,5,2,5,4", "line 3: x1 must be larger"),
        (b"\xff\xfei\0", "not UTF-8"),
    ],
)
def test_wrong_files_of_boxes_are_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "boxes.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_boxes(tmp_path / "boxes.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_boxes(tmp_path / "missing.csv")


def test_boxes_are_found_by_path_or_name(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_bytes(
        b"\xef\xbb\xbfimage,x0,y0,x1,y1,note\na.png,0,0,2,2,x\na.png,3,3,5,5,\nsub/b.png,1,1,2,2,\n"
    )
    boxes = read_boxes(tmp_path / "boxes.csv")
    assert boxes_of("photos/a.png", boxes) == (Box(0, 0, 2, 2), Box(3, 3, 5, 5))
    assert boxes_of("sub/b.png", boxes) == (Box(1, 1, 2, 2),) and boxes_of("b.png", boxes) == ()


def test_boxes_of_pictures_with_the_same_name_need_paths(tmp_path: Path) -> None:
    options = argparse.Namespace(boxes=str(tmp_path / "boxes.csv"))
    (tmp_path / "boxes.csv").write_text("image,x0,y0,x1,y1\nx.png,0,0,2,2\n")
    with pytest.raises(InputError, match=r"x\.png may be any of 2 pictures \(a/x\.png, b/x\.png\), write its path"):
        measured_runs.boxes_for(options, ("box_mass",), ["a/x.png", "b/x.png"])
    (tmp_path / "boxes.csv").write_text("image,x0,y0,x1,y1\na/x.png,0,0,2,2\nx.png,1,1,2,2\nnone.png,1,1,2,2\n")
    boxes = measured_runs.boxes_for(options, ("box_mass",), ["a/x.png", "b/x.png"])
    assert boxes_of("a/x.png", boxes) == (Box(0, 0, 2, 2),) and boxes_of("b/x.png", boxes) == (Box(1, 1, 2, 2),)
    assert named(["a/x.png", "b/x.png"], boxes) == {"a/x.png": ["a/x.png"], "x.png": ["b/x.png"], "none.png": []}


def test_a_picture_is_one_however_its_path_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"")
    assert find_images(["a", "./a/x.png", "a/../a/x.png", str(tmp_path / "a")]) == ["a/x.png"]


# --- robustness and faithfulness -----------------------------------------------------------------------------------------


def test_sensitivity_is_the_mean_relative_change(space: Workspace, pictures: list[Picture]) -> None:
    network, trace = space.network, space.trace(pictures[3])
    target = int(trace.logits.argmax())
    own, rng = own_map(network, trace.x, target), np.random.default_rng(0)
    changes = []
    for _ in range(10):
        other = own_map(network, trace.x + torch.from_numpy(rng.uniform(-0.2, 0.2, size=(3, 224, 224))), target)
        changes.append(np.linalg.norm(other - own) / np.linalg.norm(own))
    assert value(space, pictures[3], "sensitivity") == pytest.approx(np.mean(changes), rel=1e-6)
    assert value(space, pictures[3], "sensitivity", Baseline("random")) == 0


def test_faithfulness_is_the_correlation_over_quarters_of_the_patches(space: Workspace, pictures: list[Picture]) -> None:
    network, trace = space.network, space.trace(pictures[0])
    target, rng = int(trace.logits.argmax()), np.random.default_rng(0)
    values = own_map(network, trace.x, target)
    sums, lost = [], []
    for _ in range(100):
        chosen = rng.choice(16, 4, replace=False)
        mask = np.zeros((4, 4), dtype=bool)
        mask.flat[chosen] = True
        mask = np.kron(mask, np.ones((56, 56), dtype=bool))
        sums.append(values[mask].sum())
        lost.append(float(trace.logits[target] - logits(network, trace.x * torch.from_numpy(~mask))[0, target]))
    assert value(space, pictures[0], "faithfulness") == pytest.approx(np.corrcoef(sums, lost)[0, 1], rel=1e-6)


def test_what_models_share_is_computed_once(
    network: Network, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(
        catalogue_module, "logits_of", lambda net, batch, size: calls.append(len(batch)) or logits(net, batch)
    )
    fresh = Workspace(network, batch=7)
    first = value(fresh, pictures[0], "faithfulness")
    assert sum(calls) == 100 and max(calls) == 7
    assert value(fresh, pictures[0], "faithfulness", Baseline("edges")) != first and sum(calls) == 100


# --- facts of the map ----------------------------------------------------------------------------------------------------


def test_conservation_and_seconds(space: Workspace, pictures: list[Picture]) -> None:
    trace = space.trace(pictures[0])
    found = propagate(space.network, trace, BASIC, int(trace.logits.argmax()))
    assert value(space, pictures[0], "conservation") == pytest.approx(found.total[0] / found.total[-1], rel=1e-6)
    assert math.isnan(value(space, pictures[0], "conservation", Baseline("gradient")))
    assert value(space, pictures[0], "seconds") > 0


def test_unknown_measures_are_refused(pictures: list[Picture]) -> None:
    with pytest.raises(InputError, match="must be some of srg"):
        MeasureTask(pictures[0], BASIC, "accuracy")
    with pytest.raises(InputError, match="four mosaics"):
        MeasureTask(pictures[0], BASIC, "mosaic")
