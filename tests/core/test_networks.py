"""Networks by name or path: local files only, wrong and hostile ones included."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import VGG, make_layers

from tests.support.networks import random_image, same_weights, tiny_state
from vislrp_core import downloads, networks, state_dicts
from vislrp_core.network import IMAGENET_MEAN, IMAGENET_STD, NetworkError, forward
from vislrp_core.networks import default_network_name, find_device, imagenet_on_disk, load_network, resolve_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """torch's cache is an empty folder, and no variable of the machine decides."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("VISLRP_NETWORK", raising=False)


def save(state, path: Path, legacy: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    return path


# --- paths ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "legacy"),
    [("net.safetensors", False), ("net.pth", False), ("net.pth", True), ("net.pt", False), ("NET.PTH", False)],
)
def test_a_state_dict_from_a_path(tmp_path, name, legacy):
    state = tiny_state()
    network = load_network(save(state, tmp_path / name, legacy))
    assert same_weights(network, state)
    assert (network.name, network.title) == (Path(name).stem, Path(name).stem)
    assert network.classes == tuple(f"class {i}" for i in range(10))
    assert (network.mean, network.std) == (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize(("hidden", "classes"), [((4096, 8), 2), ((3, 5), 1), ((20, 30), 37)])
def test_widths_and_classes_come_from_the_shapes(tmp_path, hidden, classes):
    network = load_network(str(save(tiny_state(hidden=hidden, classes=classes), tmp_path / "net.pth")))
    assert [len(network.weights[k]) for k in (32, 35, 38)] == [*hidden, classes] and network.num_classes == classes


def test_torchvisions_own_model_is_read_and_computes_the_same(tmp_path):
    """torchvision's class with few channels, saved as its users save it."""
    torch.manual_seed(0)
    module = VGG(make_layers([4, 4, "M", 4, 4, "M", 4, 4, 4, "M", 6, 6, 6, "M", 6, 6, 6, "M"]), init_weights=False)
    module.classifier = torch.nn.Sequential(
        torch.nn.Linear(6 * 49, 12),
        torch.nn.ReLU(),
        torch.nn.Dropout(),
        torch.nn.Linear(12, 9),
        torch.nn.ReLU(),
        torch.nn.Dropout(),
        torch.nn.Linear(9, 5),
    )
    torch.save(module.state_dict(), tmp_path / "own.pth")
    network = load_network(tmp_path / "own.pth")
    x = random_image(dtype=torch.float32)
    with torch.inference_mode():
        assert torch.allclose(forward(network, x).logits, module.eval()(x)[0], rtol=1e-5, atol=1e-6)


def test_float64_half_precision_and_parameters(tmp_path):
    state = tiny_state()
    file = save({key: torch.nn.Parameter(value.half()) for key, value in state.items()}, tmp_path / "half.pth")
    assert load_network(file).dtype == torch.float32
    network = load_network(file, dtype="float64")
    assert network.dtype == torch.float64
    assert torch.equal(network.weights[38], state["classifier.6.weight"].half().double())


def test_a_thousand_classes_are_imagenets(tmp_path):
    network = load_network(save(tiny_state(classes=1000), tmp_path / "net.safetensors"))
    assert network.classes == tuple(VGG16_Weights.IMAGENET1K_V1.meta["categories"])


def test_a_json_file_beside_gives_preprocessing_and_names(tmp_path):
    about = {"mean": [0.1, 0.2, 1], "std": [1, 2, 3.5], "classes": ["a", "b", "c"], "title": "Mine", "description": "Text."}
    (tmp_path / "net.json").write_text(json.dumps(about))
    network = load_network(save(tiny_state(classes=3), tmp_path / "net.safetensors"))
    assert (network.mean, network.std, network.classes) == ((0.1, 0.2, 1.0), (1.0, 2.0, 3.5), ("a", "b", "c"))
    assert (network.title, network.description) == ("Mine", "Text.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not readable JSON"),
        ("[" * 100_000, "is not readable JSON"),
        ("\xff", "is not readable JSON"),
        ("[1]", "must hold an object with mean, std and classes"),
        ('{"mean": [1, 2]}', r"net\.json\", mean: must be three finite numbers, got \[1, 2\]"),
        ('{"mean": [1, 2, NaN]}', "mean: must be three finite numbers"),
        ('{"mean": [1, 2, true]}', "mean: must be three finite numbers"),
        ('{"mean": "abc"}', "mean: must be three finite numbers"),
        ('{"std": [1, 0, 1]}', "std: must be three finite positive numbers"),
        ('{"std": [1, 1, 1e999]}', "std: must be three finite positive numbers"),
        ('{"classes": "abc"}', "classes: must be a list of names"),
        ('{"classes": ["a", ""]}', "classes: must be a list of names"),
        ('{"classes": ["a", 2]}', "classes: must be a list of names"),
        ('{"classes": ["a", "b"]}', "classes: 2 names for a network of 3 classes"),
        ('{"title": 3}', "title: must be text"),
        ('{"description": []}', "description: must be text"),
    ],
)
def test_a_wrong_json_file_is_named_with_its_place(tmp_path, text, words):
    (tmp_path / "net.json").write_text(text, encoding="latin-1")
    file = save(tiny_state(classes=3), tmp_path / "net.safetensors")
    with pytest.raises(NetworkError, match=words) as caught:
        load_network(file)
    assert "\n" not in str(caught.value)


# --- wrong files ---------------------------------------------------------------------------------------------------------


def changed(**tensors):
    """A tiny state with other tensors (dots written as __); None removes."""
    state = {**tiny_state(), **{key.replace("__", "."): value for key, value in tensors.items()}}
    return {key: value for key, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (changed(features__10__weight=None), r"features\.10\.weight \(conv3_1\) is missing"),
        (changed(classifier__6__bias=None), r"classifier\.6\.bias \(fc8\) is missing"),
        (changed(features__0__weight=torch.zeros(4, 1, 3, 3)), r"features\.0\.weight \(conv1_1\) has shape \(4, 1, 3, 3\)"),
        (changed(features__0__weight=torch.zeros(4, 3, 5, 5)), r"features\.0\.weight .* expected \(4, 3, 3, 3\)"),
        (changed(features__0__bias=torch.zeros(5)), r"features\.0"),
        (changed(classifier__0__weight=torch.zeros(24, 100)), r"classifier\.0\.weight \(fc6\) has shape \(24, 100\)"),
        (changed(classifier__3__weight=torch.zeros(20, 25)), r"classifier\.3\.weight"),
        (changed(features__0__weight=torch.zeros(4, 3, 3, 3, dtype=torch.int64)), "is not a floating-point tensor"),
        (changed(features__0__bias=torch.tensor(1.0)), r"features\.0\.bias is a single number"),
        (changed(features__0__bias=torch.tensor([1.0, 2.0, float("nan"), 0.0])), r"features\.0 \(conv1_1\) holds values"),
        (changed(features__1__running_mean=torch.zeros(4)), r"features\.1\.running_mean is not a tensor of VGG16"),
        ({}, "is not a state dict"),
        (changed(features__0__bias=torch.zeros(4).to_sparse()), r"features\.0\.bias is sparse, quantized or without values"),
        (
            changed(features__0__bias=torch.zeros(4, device="meta")),
            r"features\.0\.bias is sparse, quantized or without values",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor:UserWarning")
def test_a_wrong_state_dict_is_named_with_its_place(tmp_path, state, words):
    file = save(state, tmp_path / "wrong.pth")
    with pytest.raises(NetworkError, match=words) as caught:
        load_network(file)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [torch.zeros(3), [1, 2], {"state_dict": {"epoch": 3}}, {"epoch": 3}, "text"],
    ids=["tensor", "list", "nested", "numbers", "text"],
)
def test_what_is_no_state_dict_is_named(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(NetworkError, match=r"other\.pth\" is not a state dict \(tensors by name\)"):
        load_network(tmp_path / "other.pth")


class Bomb:
    """Pickled so that unpickling it would run code."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_code_in_a_file_is_refused_and_never_executed(tmp_path, form):
    mark, file = tmp_path / "executed", tmp_path / "bomb.pth"
    content = {**tiny_state(), "features.0.weight": Bomb(mark)}
    if form == "pickle":
        file.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(NetworkError, match=r"bomb\.pth\" holds more than tensors.* not loaded, because that could run code"):
        load_network(file)
    assert not mark.exists()
    torch.load(file, weights_only=False) if form != "pickle" else pickle.loads(file.read_bytes())
    assert mark.exists(), "the file would have run code"


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    "content", [b"", b"hello", bytes(1000), b"PK\x03\x04" + bytes(500), b"\xff" * 200, b"<html>404</html>"]
)
def test_files_of_another_kind_are_named(tmp_path, suffix, content):
    file = tmp_path / f"damaged{suffix}"
    file.write_bytes(content)
    with pytest.raises(NetworkError, match=r"damaged\.\w+\" (cannot be read|holds more than tensors)") as caught:
        load_network(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "legacy"), [("cut.safetensors", False), ("cut.pth", False), ("cut.pth", True)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_files_that_were_cut_off_are_named(tmp_path, name, legacy, share):
    file = save(tiny_state(), tmp_path / name, legacy)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(NetworkError, match=r"cut\.(safetensors|pth)\" (cannot be read|holds more than tensors)"):
        load_network(file)


def test_an_archive_whose_names_are_no_text_is_named(tmp_path):
    file = tmp_path / "names.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/dätä.pkl", b"")
    file.write_bytes(file.read_bytes().replace("dätä".encode(), b"d\xf6\xf6t\xf6\xf6"))
    with pytest.raises(NetworkError, match=r"names\.pth\" cannot be read"):
        load_network(file)


@pytest.mark.parametrize("name", ["nowhere.pth", "imagenet21k", "", "nul\0byte", "x" * 5000, "."])
def test_a_name_that_leads_nowhere_lists_the_known_ones(name):
    with pytest.raises(NetworkError, match=r"There is no network .*: give auto, imagenet, embedded, or the path"):
        load_network(name)


def test_other_suffixes_are_refused(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"1")
    with pytest.raises(NetworkError, match=r"net\.onnx\" is neither \.safetensors nor \.pth"):
        load_network(tmp_path / "net.onnx")


# --- device and dtype ----------------------------------------------------------------------------------------------------


def test_an_unknown_dtype_or_device_is_named():
    with pytest.raises(NetworkError, match='dtype: must be float32 or float64, got "float16"'):
        load_network("embedded", dtype="float16")
    with pytest.raises(NetworkError, match='device: must be one of auto, cpu, cuda, mps, got "tpu"'):
        load_network("embedded", device="tpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "device", "dtype", "expected"),
    [
        (False, False, "auto", "float32", "cpu"),
        (True, False, "auto", "float32", "cuda"),
        (False, True, "auto", "float32", "mps"),
        (False, True, "auto", "float64", "cpu"),
        (True, False, "auto", "float64", "cuda"),
        (True, True, "cpu", "float32", "cpu"),
        (True, False, "cuda", "float32", "cuda"),
        (False, True, "mps", "float32", "mps"),
    ],
)
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, cuda, mps, device, dtype, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert find_device(device, dtype) == expected


def test_a_device_that_is_missing_or_cannot_do_it_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "mps"):
        with pytest.raises(NetworkError, match=f'device "{device}" is not available on this machine: use "cpu" or "auto"'):
            find_device(device)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(NetworkError, match='device "mps" cannot compute in float64'):
        find_device("mps", "float64")


# --- names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("embedded", "embedded"),
        ("imagenet", "imagenet"),
        ("/a.pth", "/a.pth"),
        ("auto", "embedded"),
        ("", "embedded"),
        ("  ", "embedded"),
    ],
)
def test_the_environment_chooses_the_network(monkeypatch, value, expected):
    monkeypatch.setenv("VISLRP_NETWORK", value)
    assert default_network_name() == expected


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_auto_is_imagenet_once_its_weights_are_on_disk(suffix):
    assert resolve_name("auto") == "embedded" and imagenet_on_disk() is None
    file = downloads.weights_folder() / f"vgg16-397923af.{suffix}"
    file.parent.mkdir(parents=True)
    file.touch()
    assert resolve_name("auto") == "imagenet" == default_network_name() and imagenet_on_disk() == file


def embedded_file(folder: Path, monkeypatch, state) -> Path:
    file = folder / "embedded_vgg16.safetensors"
    save_file(state, file)
    monkeypatch.setattr(networks, "EMBEDDED", file)
    return file


def test_the_embedded_networks_tied_fc6_is_written_out(tmp_path, monkeypatch):
    """The stored (H, C) matrix acts on the mean over the 49 positions of pool5."""
    state = {key: value.half() for key, value in tiny_state().items()}
    tied = torch.randn(24, 32, generator=torch.Generator().manual_seed(1)).half()
    del state["classifier.0.weight"]
    file = embedded_file(tmp_path, monkeypatch, {**state, state_dicts.TIED: tied})
    file.with_suffix(".json").write_text('{"title": "Embedded VGG16"}')
    network = load_network("auto")
    assert (network.name, network.title, network.dtype) == ("embedded", "Embedded VGG16", torch.float32)
    assert network.weights[32].shape == (24, 32 * 49)
    pooled = torch.rand(32, 7, 7)
    expected = tied.float() @ pooled.mean(dim=(1, 2))
    assert torch.allclose(network.weights[32] @ pooled.reshape(-1), expected, rtol=1e-4, atol=1e-5)


def test_a_tied_fc6_of_a_wrong_shape_is_named(tmp_path, monkeypatch):
    state = tiny_state()
    del state["classifier.0.weight"]
    embedded_file(tmp_path, monkeypatch, {**state, state_dicts.TIED: torch.zeros(24)})
    with pytest.raises(NetworkError, match=r"tied_weight must have two dimensions, got \(24,\)"):
        load_network("embedded")


def test_a_missing_embedded_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "EMBEDDED", tmp_path / "gone.safetensors")
    with pytest.raises(NetworkError, match=r"embedded network is missing .*VISLRP_NETWORK"):
        load_network("embedded")
