"""State dicts as people have them: every architecture, wrapped, prefixed, in other formats; and why one cannot be used."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn
from torchvision import models

from tests.support.networks import random_image, tiny_network, tiny_state
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.canonize import fold_batch_norm
from vislrp_core.checkpoints import read_state_dict
from vislrp_core.network import Network, NetworkError
from vislrp_core.networks import load_network
from vislrp_core.state_dicts import understand

ALL = [(key, normalised) for key in ARCHITECTURES for normalised in (False, True) if not (key == "alexnet" and normalised)]
NAMES = [f"{key}{'_bn' if normalised else ''}" for key, normalised in ALL]


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def equal(one: Network, other: Network) -> bool:
    return one.architecture is other.architecture and all(
        torch.equal(one.weights[k], other.weights[k]) and torch.equal(one.biases[k], other.biases[k])
        for k in one.architecture.weighted
    )


@pytest.mark.parametrize(("key", "normalised"), ALL, ids=NAMES)
def test_the_architecture_is_read_from_keys_and_shapes(tmp_path, key, normalised):
    state = tiny_state(3, architecture=key, normalised=normalised)
    network = load_network(saved(state, tmp_path / "net.pth"))
    assert network.architecture is ARCHITECTURES[key] and network.num_classes == 10
    save_file(state, tmp_path / "same.safetensors")
    assert equal(load_network(tmp_path / "same.safetensors"), network)


@pytest.mark.parametrize("name", NAMES)
def test_torchvisions_own_networks_are_known(name):
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in getattr(models, name)().state_dict().items()}
    # Full shapes without memory: one value is shown in all places of a tensor.
    state = {
        key: torch.full((), 0.5).expand(shape)
        for key, shape in shapes.items()
        if not key.startswith("classifier") or not key.endswith("weight")
    }
    hidden = {key: shape for key, shape in shapes.items() if key not in state}
    state |= {key: torch.full((), 0.5).expand(shape) for key, shape in hidden.items()}
    found = understand(state)
    assert found.architecture.key == name.removesuffix("_bn")
    for index in found.architecture.weighted:
        row = found.architecture.rows[index]
        assert found.tensors[f"{row.module}.weight"].shape[0] == row.channels


@pytest.mark.parametrize("key", ["vgg11", "vgg16"])
def test_normalisation_is_folded_exactly(key):
    """torchvision's class in double precision and the folded chain compute the same."""
    plan = [[1, 1, 2, 2, 2], [2, 2, 3, 3, 3]][key == "vgg16"]
    layers = [entry for count in plan for entry in [4] * count + ["M"]]
    torch.manual_seed(0)
    module = models.vgg.VGG(models.vgg.make_layers(layers, batch_norm=True), init_weights=False)  # type: ignore[arg-type]
    module.classifier = nn.Sequential(
        nn.Linear(4 * 49, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 3)
    )
    module = module.double()
    for one in module.modules():
        if isinstance(one, nn.BatchNorm2d):
            one.running_mean.normal_(0, 0.3), one.running_var.uniform_(0.2, 2)
            one.weight.data.normal_(1, 0.3), one.bias.data.normal_(0, 0.3)
    module.eval()
    network = Network.from_state_dict(module.state_dict(), any_width=True)
    assert network.architecture.key == key and network.dtype == torch.float64
    x = random_image()
    a = x
    for row in network.architecture.rows[1:]:  # as torch computes the folded chain
        if row.is_weighted:
            w, b = network.weights[row.index], network.biases[row.index]
            a = nn.functional.conv2d(a, w, b, padding=1) if row.kind == "conv" else nn.functional.linear(a.flatten(1), w, b)
        elif row.kind != "dropout":
            a = a.relu() if row.kind == "relu" else nn.functional.max_pool2d(a, 2)
    with torch.no_grad():
        assert torch.allclose(a, module(x), rtol=1e-10, atol=1e-12)


def test_folding_by_hand():
    state = tiny_state(0, architecture="vgg11", normalised=True, dtype=torch.float64)
    state |= {
        "features.0.weight": torch.full((4, 3, 3, 3), 2.0),
        "features.0.bias": torch.full((4,), 5.0),
        "features.1.weight": torch.full((4,), 3.0),
        "features.1.bias": torch.full((4,), 7.0),
        "features.1.running_mean": torch.full((4,), 1.0),
        "features.1.running_var": torch.full((4,), 4 - 1e-5),
    }
    folded = fold_batch_norm(state, ARCHITECTURES["vgg11"])
    assert folded["features.0.weight"].unique().tolist() == pytest.approx([3.0])  # 2 * 3 / 2
    assert folded["features.0.bias"].unique().tolist() == pytest.approx([13.0])  # (5 - 1) * 3 / 2 + 7
    assert set(folded) == {
        f"{row.module}.{kind}" for row in ARCHITECTURES["vgg11"].rows if row.is_weighted for kind in ("weight", "bias")
    }
    del state["features.0.bias"]
    assert fold_batch_norm(state, ARCHITECTURES["vgg11"])["features.0.bias"].unique().tolist() == pytest.approx([5.5])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3, "loss": 0.5},
        lambda state: {"model": state, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
        lambda state: {"model_state_dict": state, "history": [1, 2]},
        lambda state: {"epoch": 1, "model": {"state_dict": OrderedDict(state)}},
        lambda state: {"net": state, "scale": torch.ones(3)},
        lambda state: {"ema": state, "epoch": 1},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"model.{key}": value for key, value in state.items()}},
        lambda state: {f"_orig_mod.module.{key}": value for key, value in state.items()},
        lambda state: {**state, "epoch": 3, "norm.mean": torch.zeros(3), "temperature": torch.tensor(2.0)},
        lambda state: {key: value.half() for key, value in state.items()},
        lambda state: {key: value.bfloat16() for key, value in state.items()},
        lambda state: {key: (value.half() if "bias" in key else value) for key, value in state.items()},
        lambda state: {key: (value.T.contiguous().T if value.ndim == 2 else value) for key, value in state.items()},
        lambda state: {key: torch.stack([value, value], -1)[..., 0] for key, value in state.items()},
        lambda state: {key: nn.Parameter(value) for key, value in state.items()},
    ],
    ids=[
        "state_dict",
        "model",
        "model_state_dict",
        "nested",
        "net",
        "other name",
        "module.",
        "model.",
        "compiled",
        "extra keys",
        "half",
        "bfloat16",
        "mixed",
        "column-major",
        "strided",
        "parameters",
    ],
)
@pytest.mark.parametrize("key", ["vgg16", "alexnet"])
def test_every_form_gives_the_same_network(tmp_path, wrap, key):
    state = {name: tensor.bfloat16().half().float() for name, tensor in tiny_state(5, architecture=key).items()}
    state = {name: tensor.bfloat16().float() for name, tensor in state.items()}  # digits that all formats hold
    plain = load_network(saved(state, tmp_path / "plain.pth"))
    other = load_network(saved(wrap(state), tmp_path / "wrapped.pth"))
    assert equal(other, plain) and other.dtype == torch.float32
    assert all(
        weight.is_contiguous(memory_format=torch.channels_last if weight.ndim == 4 else torch.contiguous_format)
        for weight in other.weights.values()
    )


def test_keys_that_are_not_used_are_named():
    state = {**tiny_state(), "head.weight": torch.zeros(3, 3)}
    assert Network.from_state_dict(state, any_width=True).description == "Not used of the file: head.weight."


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"layer1.0.conv1.weight": torch.zeros(4, 4, 3, 3)}, r"layer1\.0\.conv1\.weight belongs to a ResNet"),
        (
            {
                "features.0.weight": torch.zeros(4, 3, 3, 3),
                "features.3.squeeze.weight": torch.zeros(4, 4, 1, 1),
                "features.3.squeeze.bias": torch.zeros(4),
            },
            "belongs to a SqueezeNet",
        ),
        ({"features.conv0.weight": torch.zeros(4, 3, 7, 7)}, "belongs to a DenseNet"),
        (
            {"features.0.0.weight": torch.zeros(4, 3, 3, 3), "classifier.1.weight": torch.zeros(3, 3)},
            "network of nested blocks",
        ),
        ({"Mixed_5b.branch.conv.weight": torch.zeros(4, 3, 1, 1)}, "belongs to an Inception network"),
        ({"cls_token": torch.zeros(1, 1, 8)}, "belongs to a transformer"),
        ({"conv1_1.weight": torch.zeros(4, 3, 3, 3)}, "has Caffe's name"),
        ({"block1_conv1.kernel": torch.zeros(3, 3, 3, 4)}, "has Keras's name"),
        (
            {
                **{key: value for key, value in tiny_state().items() if "features" in key},
                "pre_logits.fc1.weight": torch.zeros(8, 8, 7, 7),
            },
            "has timm's name",
        ),
        (
            {"conv.weight": torch.zeros(4, 3, 3, 3)},
            r"conv\.weight is not a tensor of any known network: usable are VGG11, .*AlexNet",
        ),
        ({**tiny_state(), "classifier.7.weight": torch.zeros(3, 10)}, r"classifier\.7\.weight is not a tensor of VGG16"),
        (
            {**tiny_state(), "classifier.6.0.weight": torch.zeros(3, 10)},
            r"classifier\.6\.0\.weight is not a tensor of VGG16",
        ),
        (
            {f"{part}.{key}": value for part in "ab" for key, value in tiny_state().items()},
            r"several networks \(a\.features, b\.features\)",
        ),
        (
            {key: value for key, value in tiny_state(normalised=True).items() if key != "features.4.running_var"},
            r"features\.4\.running_var is missing",
        ),
        ({**tiny_state(normalised=True), "features.1.running_var": -torch.ones(4)}, "running_var holds negative values"),
        (
            {**tiny_state(normalised=True), "features.1.bias": torch.ones(5)},
            r"features\.1\.bias has shape \(5,\), expected \(4,\)",
        ),
        (
            {**tiny_state(architecture="alexnet"), "features.0.weight": torch.zeros(4, 3, 3, 3)},
            r"features\.0\.weight \(conv1\) has shape \(4, 3, 3, 3\), expected \(4, 3, 11, 11\)",
        ),
        (
            {**tiny_state(architecture="vgg19"), "classifier.0.weight": torch.zeros(24, 77)},
            r"classifier\.0\.weight \(fc6\) has shape \(24, 77\).*not a VGG19",
        ),
        (
            {key: value for key, value in tiny_state(architecture="vgg13").items() if key != "features.12.bias"},
            r"features\.12\.bias \(conv3_2\) is missing: not a VGG13",
        ),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(tmp_path, state, sentence):
    with pytest.raises(NetworkError, match=sentence) as caught:
        load_network(saved(state, tmp_path / "net.pth"))
    assert "net.pth" in str(caught.value) and "\n" not in str(caught.value)


def test_real_networks_of_other_kinds(tmp_path):
    for name, words in (
        ("resnet18", "ResNet"),
        ("squeezenet1_0", "SqueezeNet"),
        ("mobilenet_v2", "nested blocks"),
        ("densenet121", "DenseNet"),
        ("efficientnet_b0", "nested blocks"),
        ("vit_b_16", "transformer"),
    ):
        with torch.device("meta"):
            keys = getattr(models, name)().state_dict()
        state = {key: torch.zeros(()).expand(value.shape) for key, value in keys.items()}
        with pytest.raises(NetworkError, match=words):
            load_network(saved(state, tmp_path / f"{name}.pth"))


def test_scripted_and_pickled_networks_are_never_run(tmp_path):
    class Toy(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Toy(), torch.zeros(1)).save(str(tmp_path / "script.pt"))
    with pytest.raises(NetworkError, match=r"script\.pt\" is a TorchScript archive, which holds code and was not loaded"):
        load_network(tmp_path / "script.pt")
    torch.save(models.vgg11(init_weights=False).features[:2], tmp_path / "whole.pth")
    with pytest.raises(NetworkError, match=r"holds a whole pickled network \(torch\.nn\.modules\.container\.Sequential\)"):
        load_network(tmp_path / "whole.pth")
    import argparse

    torch.save({"state_dict": tiny_state(), "args": argparse.Namespace(lr=1)}, tmp_path / "args.pth")
    with pytest.raises(NetworkError, match=r"holds more than tensors \(argparse\.Namespace\)"):
        load_network(tmp_path / "args.pth")


def test_a_marked_description_beside_a_network_is_read(tmp_path):
    file = saved(tiny_state(classes=2), tmp_path / "net.pth")
    (tmp_path / "net.json").write_bytes(b"\xef\xbb\xbf" + b'{"classes": ["a", "b"]}')
    assert load_network(file).classes == ("a", "b")


def test_digests_tell_networks_apart():
    digests = {tiny_network(architecture=key, normalised=normalised).digest for key, normalised in ALL}
    assert len(digests) == len(ALL)


def test_nothing_and_too_much_are_one_sentence():
    with pytest.raises(NetworkError, match="it holds no tensors: give the state dict of VGG11, VGG13"):
        understand({})
    with pytest.raises(NetworkError, match=r'^"a\.safetensors" holds more than 1 MB of weights, which is this server'):
        read_state_dict(save({"features.0.weight": torch.zeros(600, 600)}), "a.safetensors", max_bytes=1_000_000)


def test_a_normalisation_without_gain_and_shift_is_folded_and_half_a_one_is_refused():
    """`BatchNorm2d(affine=False)` saves its statistics alone."""
    state = tiny_state(5, architecture="vgg11", normalised=True)
    gains = {f"{name.removesuffix('.running_mean')}.weight" for name in state if name.endswith(".running_mean")}
    shifts = {name.replace("weight", "bias") for name in gains}
    plain = (
        state
        | {name: torch.ones_like(state[name]) for name in gains}
        | {name: torch.zeros_like(state[name]) for name in shifts}
    )
    bare = {name: tensor for name, tensor in state.items() if name not in gains | shifts}
    expected, found = (Network.from_state_dict(one, any_width=True) for one in (plain, bare))
    for row in expected.weights:
        assert torch.equal(expected.weights[row], found.weights[row])
        assert torch.equal(expected.biases[row], found.biases[row])
    with pytest.raises(NetworkError, match=r"weight is missing: the batch normalisation after a convolution needs it"):
        understand({name: tensor for name, tensor in state.items() if name not in gains})
