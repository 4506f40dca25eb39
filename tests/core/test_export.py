"""What leaves the program computes the same elsewhere: .npz, Python script, Zennit script."""

from __future__ import annotations

import ast
import io
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.support.networks import VGG16, for_pictures_of, random_image, tiny_network, tiny_state
from tests.support.small import SIDE, picture, small_network
from vislrp_core import explain
from vislrp_core.export import ExportError, python_script, relevance_npz, zennit_script
from vislrp_core.images import read_image, to_input
from vislrp_core.model import BIASES, PIXEL_RULES, POOLINGS, STARTS, LRPModel
from vislrp_core.network import Network, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import default_layers, propagate
from vislrp_core.rules import PRESETS

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "sample_images" / "castle_on_lake.jpg"
STORE = sorted((ROOT / "model_store").glob("*.json"))


def model_of(*rules: dict, **fields) -> LRPModel:
    """Model with the rules on equal shares of the layers."""
    borders = np.linspace(0, VGG16.last, len(rules) + 1).round().astype(int).tolist()
    return LRPModel.from_data(
        {
            "format": "vislrp-model",
            "version": 1,
            "name": "m",
            **fields,
            "segments": [
                {"first": first + 1, "last": last, "rule": rule}
                for first, last, rule in zip(borders, borders[1:], rules, strict=False)
            ],
        }
    )


def run(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(file), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """As `run`, in this process, which has PyTorch and Zennit already; answers what is printed."""

    def go(script: str, folder: Path, *arguments: str) -> str:
        file = folder / "script.py"
        file.write_text(script, encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(sys, "argv", [str(file), *arguments])
            runpy.run_path(str(file), run_name="__main__")
        return capsys.readouterr().out

    return go


@pytest.fixture(scope="module")
def network() -> Network:
    return small_network("vgg16", seed=2, divisor=32)


# --- .npz ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_npz_holds_arrays_by_layer_number(dtype):
    network = tiny_network(dtype=dtype)
    relevance = propagate(network, forward(network, random_image(dtype=dtype)), LRPModel.basic(), 3, layers="all")
    with np.load(io.BytesIO(relevance_npz(relevance)), allow_pickle=False) as file:
        assert set(file) == {str(layer) for layer in range(VGG16.last + 1)}
        for layer in range(VGG16.last + 1):
            assert file[str(layer)].dtype == np.dtype(str(dtype).removeprefix("torch."))
            assert np.array_equal(file[str(layer)], relevance.at(layer))
        assert file["0"].shape == (3, 224, 224) and file["31"].shape == (32, 7, 7) and file["32"].shape == (24,)
        assert file["38"].tolist() == [0.0] * 3 + [file["38"][3]] + [0.0] * 6


def test_npz_of_chosen_layers(network):
    model = model_of({"preset": "gamma"}, {"preset": "zero"})
    relevance = propagate(network, forward(network, picture(network.architecture)), model, 0)
    with np.load(io.BytesIO(relevance_npz(relevance))) as file:
        assert set(file) == {str(layer) for layer in default_layers(model)} == {"0", "19"}
    with np.load(io.BytesIO(relevance_npz(relevance, [19]))) as file:
        assert set(file) == {"19"}


# --- Python script -------------------------------------------------------------------------------------------------------


def test_the_python_script_repeats_the_heatmap_to_the_bit(tmp_path):
    save_file(tiny_state(4, divisor=32), tmp_path / "net.safetensors")
    model = model_of(
        {"preset": "gamma", "gamma1p": 0.3},
        {"preset": "epsilon"},
        {"preset": "zero"},
        name='"""γ\n\\ @NAME@',
        bias="absorb",
        start="probability",
    )
    script = python_script(model, str(PICTURE), "class 7", str(tmp_path / "net.safetensors"), fit="squash")
    printed = run(script, tmp_path).stdout
    from vislrp_core import load_network

    expected = explain(load_network(tmp_path / "net.safetensors"), PICTURE, model, "class 7", fit="squash")
    with np.load(tmp_path / "relevance.npz") as file:
        assert np.array_equal(file["0"], expected.relevance.at(0))
        assert set(file) == {str(layer) for layer in expected.relevance.layers}
    assert printed.startswith("class 7: logit ") and (tmp_path / "heatmap.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", STORE, ids=lambda path: path.stem)
def test_every_example_model_becomes_a_valid_script(path):
    if '"vislrp-model"' not in path.read_text(encoding="utf-8"):
        return
    model = LRPModel.load(path)
    tree = ast.parse(python_script(model, "a picture.jpg", 483))
    values = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    call = values["MODEL"]
    assert isinstance(call, ast.Call) and LRPModel.from_data(ast.literal_eval(call.args[0])) == model
    assert ast.literal_eval(values["TARGET"]) == 483


@pytest.mark.parametrize("text", ['"""', "'''", "\\", "\n", "@IMAGE@", "\x00", '\\"""\n__import__("os").abort()\n"""'])
def test_no_text_can_leave_its_place_in_a_script(text):
    model = LRPModel.basic(f"a{text}b")
    tree = ast.parse(python_script(model, f"pic{text}.jpg", f"class{text}", f"net{text}"))
    plain = ast.parse(python_script(LRPModel.basic("ab"), "pic.jpg", "class", "net"))
    assert [type(node) for node in tree.body] == [type(node) for node in plain.body]
    assert len(ast.parse(zennit_script(model)).body) == len(ast.parse(zennit_script(LRPModel.basic())).body)


# --- Zennit script -------------------------------------------------------------------------------------------------------


def state_of(network: Network) -> dict[str, torch.Tensor]:
    rows = network.architecture
    return {
        f"{rows.rows[k].module}.{kind}": tensors[k]
        for k in rows.weighted
        for kind, tensors in (("weight", network.weights), ("bias", network.biases))
    }


def zennit_relevance(script: str, network: Network, x: torch.Tensor, target: int) -> torch.Tensor:
    space: dict = {"__name__": "script"}
    exec(compile(script, "zennit_script.py", "exec"), space)
    _, relevance = space["attribute"](space["Network"](state_of(network)), x, target)
    return relevance


CUSTOM = {
    "preset": "custom",
    "alpha": 1.5,
    "beta": 0.25,
    "theta0": 0.1,
    "theta1": 0.7,
    "gamma0": 0.03,
    "gamma1": 0.6,
    "gamma1p": 0.4,
    "gamma1n": 0.2,
    "gamma2": 0.1,
    "epsilon": 0.05,
    "epsilon_scale": "relative",
}
RULES = [{"preset": preset} for preset in PRESETS if preset not in ("z_box", "custom")] + [
    CUSTOM,
    {**CUSTOM, "epsilon_scale": "absolute"},
    {"preset": "epsilon", "epsilon": 0.1, "epsilon_scale": "absolute"},
    {"preset": "alpha_beta", "alpha": 3, "beta": 1},
    {"preset": "zero", "epsilon_scale": "relative"},
]


def assert_zennit_agrees(network: Network, model: LRPModel, target: int = 4) -> None:
    x = picture(network.architecture, seed=3)
    expected = propagate(network, forward(network, x), model, target).at(0)
    found = zennit_relevance(zennit_script(model), network, x, target)
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()


@pytest.mark.parametrize("bias", list(BIASES))
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "-".join(map(str, rule.values()))[:30])
def test_zennit_agrees_for_every_rule(network, rule, bias):
    assert_zennit_agrees(network, model_of(rule, {"preset": "zero"}, bias=bias, pixel_rule="segment"))


@pytest.mark.parametrize("pooling", list(POOLINGS))
@pytest.mark.parametrize("pixel_rule", list(PIXEL_RULES))
def test_zennit_agrees_for_every_pooling_and_pixel_rule(network, pooling, pixel_rule):
    assert_zennit_agrees(
        network,
        model_of({"preset": "gamma"}, {"preset": "epsilon"}, {"preset": "zero"}, pooling=pooling, pixel_rule=pixel_rule),
    )


@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_zennit_agrees_where_pooling_is_damped(network, scale):
    damped = {"preset": "epsilon", "epsilon": 0.3, "epsilon_scale": scale}
    assert_zennit_agrees(network, model_of({"preset": "gamma"}, damped, {"preset": "zero"}, pooling_epsilon="segment"))


@pytest.mark.parametrize("start", list(STARTS))
def test_zennit_agrees_for_every_start(network, start):
    assert_zennit_agrees(network, model_of({"preset": "z_plus"}, {"preset": "zero"}, start=start))


def test_contrast_with_a_single_class():
    assert_zennit_agrees(
        for_pictures_of(tiny_network(classes=1), SIDE), model_of({"preset": "zero"}, start="contrast"), target=0
    )


def test_what_zennit_cannot_express_is_named():
    model = model_of({"preset": "gamma"}, {"preset": "z_box"}, {"preset": "zero"})
    with pytest.raises(ExportError, match=r"LRP-zβ on conv3_3 to conv5_1: its box ends at the largest activation"):
        zennit_script(model)
    assert "ZBox" in zennit_script(model_of({"preset": "z_box"}, *[{"preset": "zero"}] * 37, pixel_rule="segment"))


@pytest.mark.parametrize(("fit", "wrapped"), [("crop", False), ("squash", True)])
def test_the_zennit_script_as_its_user_runs_it(tmp_path, run_here, fit, wrapped):
    """It knows the network it was made with, its preprocessing, the class and how the picture is brought to its size."""
    state = tiny_state(5, divisor=32, dtype=torch.float64)
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in state.items()}} if wrapped else state,
        tmp_path / "weights.pth",
    )
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
    network = Network.from_state_dict(state, any_width=True, mean=mean, std=std)
    model = model_of({"preset": "gamma"}, {"preset": "epsilon"}, {"preset": "zero"})
    script = zennit_script(model, mean, std, network="weights.pth", target=6, fit=fit)
    start = run_here if wrapped else lambda *given: run(*given).stdout  # a process of its own imports PyTorch for seconds
    printed = start(script, tmp_path, str(PICTURE), "--out", "map.pt")
    trace = forward(network, to_input(read_image(PICTURE), network, fit))
    expected = propagate(network, trace, model, 6).at(0)
    assert (torch.load(tmp_path / "map.pt") - expected).abs().max() <= 1e-6 * expected.abs().max()
    assert printed.startswith(f"class 6: logit {float(trace.logits[6]):.4g}")
    printed = run_here(script, tmp_path, str(PICTURE), "--target", "2", "--weights", "weights.pth")
    assert printed.startswith("class 2: logit ")


def test_the_zennit_script_of_the_embedded_network_repeats_the_map_on_screen(tmp_path, run_here):
    network = load_network("embedded")
    model = LRPModel.load(ROOT / "model_store" / "overview_composite.json")
    script = zennit_script(model, network.mean, network.std, network="embedded", target=483)
    (tmp_path / "model_store").symlink_to(ROOT / "model_store")
    run_here(script, tmp_path, str(PICTURE), "--out", "map.pt")
    expected = explain(network, PICTURE, model, 483).relevance.at(0)
    found = torch.load(tmp_path / "map.pt")
    assert torch.nn.functional.cosine_similarity(found.flatten(), expected.flatten(), dim=0) >= 0.9999
    assert float(found.sum()) == pytest.approx(float(expected.sum()), rel=1e-3)


def test_a_zennit_script_without_its_weights_says_how_to_give_them(tmp_path, run_here):
    script = zennit_script(LRPModel.basic(), network="embedded")
    with pytest.raises(SystemExit) as caught:
        run_here(script, tmp_path, str(PICTURE))
    assert "model_store/embedded_vgg16.safetensors: give the weights with --weights FILE." in str(caught.value)
    assert "run the script in that folder" in script
