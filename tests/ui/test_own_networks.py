"""A visitor's own network from its files: what is taken, and the one sentence for what is not."""

from __future__ import annotations

import ast
import functools
import io
import json
import threading
import weakref
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save
from streamlit import config
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from torch import Tensor, nn

from tests.support.networks import tiny_state
from vislrp_core.network import NetworkError
from vislrp_ui import own_networks, streamlit_inside


def small(key: str = "alexnet", **options) -> dict[str, Tensor]:
    return tiny_state(3, divisor=32, hidden=(12, 10), classes=5, architecture=key, **options)


def pickled(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def plain() -> bytes:
    return save(small())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (save(small()), "mine.safetensors"),
        (pickled(small()), "mine.PTH"),
        (pickled({"state_dict": small()}), "mine.ckpt"),
        (pickled({f"module.{key}": value for key, value in small().items()}), "mine.bin"),
        (save({key: value.double() for key, value in small().items()}), "mine.safetensors"),
    ],
)
def test_a_file_becomes_a_network_of_this_visit(data, name):
    found = own_networks.read(data, name)
    assert found.architecture.key == "alexnet" and found.title == "mine" and found.dtype == torch.float32
    assert found.classes == tuple(f"class {number}" for number in range(5))
    for key, tensor in small().items():
        module, part = key.rsplit(".", 1)
        row = next(row.index for row in found.architecture.rows if row.module == module)
        assert torch.equal((found.weights if part == "weight" else found.biases)[row], tensor)
    assert own_networks.read(data, name).digest != found.digest, "results are shared by digest, this network is not"


def test_normalised_networks_and_many_classes_are_taken():
    found = own_networks.read(save(small("vgg11", normalised=True)), "bn.safetensors")
    assert found.architecture.key == "vgg11" and len(found.weights) == 11


LABELS = ["tench", "goldfish", "great white shark", "tiger shark", "hammerhead"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (json.dumps(LABELS).encode(), "names.json"),
        (b"\xef\xbb\xbf" + json.dumps(LABELS).encode(), "names.JSON"),
        (json.dumps({"classes": LABELS, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}).encode(), "names.json"),
        ("\n".join(LABELS).encode(), "names.txt"),
        (b"\xef\xbb\xbf" + "\r\n".join(LABELS).encode() + b"\r\n\r\n", "names.txt"),
        ("\n".join(f"  {one} " for one in LABELS).encode(), "names"),
    ],
)
def test_class_names_are_read_from_every_kind_of_file(plain, data, name):
    found = own_networks.read(plain, "mine.safetensors", (data, name))
    assert found.classes == tuple(LABELS)
    assert found.mean == ((0.5, 0.5, 0.5) if b"mean" in data else (0.485, 0.456, 0.406))


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b'["a", "b", "c"]', "names.json", r'"names\.json", classes: 3 names for a network of 5 classes'),
        (b"a\nb\nc\nd\ne\nf", "names.txt", r"classes: 6 names for a network of 5 classes"),
        (b"a\nb\n\nd\ne", "names.txt", r'"names\.txt", line 3 is empty: give one class name per line'),
        (b"", "names.txt", r"classes: 0 names for a network of 5 classes"),
        ("é".encode("latin-1"), "names.txt", r'"names\.txt" is not text in UTF-8'),
        ("\n".join(LABELS).encode("utf-16"), "names.txt", r'"names\.txt" is not text in UTF-8'),
        (b"[1, 2", "names.json", r'"names\.json" is not readable JSON: give a list of class names'),
        (b"[" * 100_000, "names.json", r'"names\.json" is not readable JSON'),
        (b"[1, 2, 3, 4, 5]", "names.json", r'"names\.json", classes: must be a list of names'),
        (b'"a"', "names.json", r'"names\.json" must hold an object with mean, std and classes'),
        (
            b'{"classes": ["a", "b", "c", "d", "e"], "std": [1, 2, 0]}',
            "names.json",
            r'"names\.json", std: must be three finite',
        ),
        (b"a" * 1_000_001, "names.txt", r'"names\.txt" is larger than 1 MB'),
    ],
)
def test_wrong_class_names_are_told_in_one_sentence(plain, data, name, sentence):
    with pytest.raises(NetworkError, match=sentence) as caught:
        own_networks.read(plain, "mine.safetensors", (data, name))
    assert "\n" not in str(caught.value)


def test_a_network_ends_with_its_visit_even_where_the_session_is_not_collected(plain, monkeypatch):
    there = {"one": True, "two": True}
    names = iter(there)
    monkeypatch.setattr(own_networks, "Owner", lambda id, seconds: functools.partial(there.__getitem__, next(names)))
    monkeypatch.setattr(own_networks, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(own_networks, "_places", weakref.WeakSet())  # not those of other tests' sessions
    monkeypatch.setattr(own_networks, "_watching", False)
    sessions: list[dict[str, object]] = [{}, {}]
    networks = []
    for session in sessions:
        monkeypatch.setattr(own_networks.st, "session_state", session)
        networks.append(weakref.ref(own_networks.take(plain, "mine.safetensors").network))
    assert own_networks.own() is not None and None not in [one() for one in networks]
    there["one"] = False
    assert own_networks.release_ended() and [one() is None for one in networks] == [True, False]
    held = own_networks.own()
    assert held is not None and held.network is networks[1]()
    del held
    there["two"] = False
    for thread in threading.enumerate():
        if thread.name == "vislrp-own-networks":
            thread.join(30)
    assert networks[1]() is None and own_networks.own() is None and not own_networks.release_ended()


def test_class_names_can_follow_the_weights(plain, monkeypatch):
    monkeypatch.setattr(own_networks, "_watch", lambda: None)
    monkeypatch.setattr(own_networks.st, "session_state", {})
    own_networks.name_classes(b"a", "names.txt")
    assert own_networks.own() is None, "there is no network to name classes of"
    first = own_networks.take(plain, "mine.safetensors").network
    with pytest.raises(
        NetworkError, match=r'^"names\.txt", classes: 1 names for a network of 5 classes; give one name per class'
    ):
        own_networks.name_classes(b"a", "names.txt")
    own_networks.name_classes(json.dumps({"classes": LABELS, "title": "Fish", "std": [1, 1, 1]}).encode(), "about.json")
    held = own_networks.own()
    assert held is not None and held.file == "mine.safetensors" and held.network.title == "Fish"
    assert held.network.classes == tuple(LABELS) and held.network.std == (1, 1, 1) and held.network.mean == first.mean
    assert held.network.digest not in ("", first.digest) and held.network.weights is first.weights
    assert list(own_networks._living).count(first) == 0, "the same weights do not count twice"


def test_an_uploaded_file_can_be_taken_out_of_the_servers_memory(monkeypatch):
    files = MemoryUploadedFileManager("/upload")
    one, other = (UploadedFileRec(name, "net.pth", "", bytes(10)) for name in ("one", "other"))
    for record in (one, other):
        files.add_file("mine", record)
        files.add_file("another visit", record)
    context = SimpleNamespace(session_id="mine", uploaded_file_mgr=files)
    monkeypatch.setattr(streamlit_inside, "run_context", lambda: context)
    streamlit_inside.forget_upload(SimpleNamespace(file_id="one"))
    assert files.get_files("mine", ["one", "other"]) == [other]
    assert files.get_files("another visit", ["one", "other"]) == [one, other]


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("archive/data/0", bytes(3_000_000))
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.ReLU(), torch.zeros(1)), buffer)
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (
            lambda: save({**small(), "features.3.weight": torch.zeros(6, 2, 3, 3)}),
            "mine.safetensors",
            r"features\.3\.weight \(conv2\) has shape \(6, 2, 3, 3\), expected \(6, 2, 5, 5\)",
        ),
        (
            lambda: save({key: value for key, value in small().items() if key != "classifier.4.bias"}),
            "mine.safetensors",
            r"classifier\.4\.bias \(fc7\) is missing",
        ),
        (
            lambda: save({**small(), "classifier.6.bias": torch.full((5,), float("nan"))}),
            "mine.safetensors",
            r"classifier\.6 \(fc8\) holds values that are not finite",
        ),
        (lambda: save({"layer1.0.conv1.weight": torch.zeros(4, 4, 3, 3)}), "mine.safetensors", "belongs to a ResNet"),
        (scripted, "mine.pt", "is a TorchScript archive"),
        (lambda: pickled(nn.ReLU()), "mine.pth", "holds a whole pickled network"),
        (lambda: pickled([1, 2]), "mine.pth", "is not a state dict"),
        (lambda: save(small())[:-100], "mine.safetensors", "cannot be read as .safetensors"),
        (lambda: b"", "mine.pth", "mine.pth"),
        (lambda: b"", "mine.safetensors", "cannot be read"),
        (lambda: save(small()), "mine.onnx", "neither .safetensors nor .pth"),
        (bomb, "mine.pth", "unpacks to more than 1 MB, which is this server's limit"),
        (lambda: save(small()) + bytes(2_000_000), "mine.safetensors", "has 2 MB; this server accepts up to 1 MB"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(monkeypatch, data, name, sentence):
    monkeypatch.setenv("VISLRP_NETWORK_MB", "1")
    with pytest.raises(NetworkError, match=sentence) as caught:
        own_networks.read(data(), name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "mb"),
    [
        ({}, 600),
        ({"VISLRP_NETWORK_MB": "900"}, 900),
        ({"VISLRP_NETWORK_MB": "a lot"}, 600),
        ({"VISLRP_NETWORK_MB": "3"}, 10),
        ({"VISLRP_ALLOW_NETWORKS": "0"}, 10),
    ],
)
def test_the_server_takes_files_as_large_as_is_said(monkeypatch, variables, mb):
    """Streamlit refuses what is larger than its own option, whatever the uploader says."""
    option = "server.maxUploadSize"
    for name in ("VISLRP_NETWORK_MB", "VISLRP_ALLOW_NETWORKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    kept, where = config.get_option(option), config.get_where_defined(option)
    try:
        config.set_option(option, 200, "<default>")
        own_networks.open_door()
        assert config.get_option(option) == mb
        assert own_networks.file_mb() == min(own_networks.limit_mb(), mb)
        config.set_option(option, 40, "command-line argument or environment variable")
        own_networks.open_door()
        assert config.get_option(option) == 40, "whoever runs the server has the last word"
        assert own_networks.file_mb() == min(own_networks.limit_mb(), 40)
    finally:
        config.set_option(option, kept, where)


def test_every_other_uploader_states_its_own_limit():
    """The server takes large files for networks: pictures and models are refused by their uploaders."""
    found = []
    for path in (Path(own_networks.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "file_uploader":
                found.append((path.name, "max_upload_size" in {one.arg for one in node.keywords}))
    assert len(found) >= 8 and all(stated for _, stated in found), found
