"""ImageNet's weights: from torch's cache, from their address, damaged, and the copy that can be mapped."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.support.networks import same_weights, tiny_state
from tests.support.weights_server import Plan, serve
from vislrp_core import downloads, networks
from vislrp_core.network import NetworkError
from vislrp_core.networks import imagenet_on_disk, load_network


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """torch's cache is an empty folder, and no variable of the machine decides."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("VISLRP_NETWORK", raising=False)


@pytest.fixture(scope="module")
def imagenet_like():
    """A small stand-in for torchvision's file: legacy format, full convolutions; state and content."""
    state = tiny_state(divisor=1, hidden=(6, 5), classes=1000)
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=False)
    return state, file.getvalue()


@pytest.fixture
def published(imagenet_like, monkeypatch):
    """State, content and file name, with a hash in it, of what stands at the address of torchvision's weights."""
    state, content = imagenet_like
    name = f"vgg16-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    monkeypatch.setattr(downloads, "IMAGENET_URL", f"http://127.0.0.1/{name}")
    return state, content, name


def place(published) -> Path:
    _, content, name = published
    file = downloads.weights_folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_imagenet_from_torchs_cache_gets_a_copy_that_can_be_mapped(published):
    file = place(published)
    network = load_network("imagenet")
    assert same_weights(network, published[0])
    assert (network.name, network.num_classes, network.classes[483]) == ("imagenet", 1000, "castle")
    copy = file.with_suffix(".safetensors")
    assert imagenet_on_disk() == copy and {one.name for one in file.parent.iterdir()} == {file.name, copy.name}
    file.unlink()
    again = load_network("auto")
    assert again.digest == network.digest and again.name == "imagenet"
    assert all(torch.equal(load_file(copy)[key], value) for key, value in published[0].items())


def test_imagenet_is_downloaded_where_it_is_missing(published, monkeypatch):
    state, content, name = published
    seen: list[int] = []
    monkeypatch.delenv("VISLRP_ALLOW_DOWNLOAD", raising=False)
    with serve(Plan(content)) as address:
        monkeypatch.setattr(downloads, "IMAGENET_URL", f"{address}/{name}")
        network = load_network("imagenet", progress=lambda done, _: seen.append(done))
    assert same_weights(network, state) and seen[-1] == len(content)
    assert (downloads.weights_folder() / name).read_bytes() == content


def test_a_forbidden_download_is_explained(monkeypatch):
    monkeypatch.setenv("VISLRP_ALLOW_DOWNLOAD", "0")
    with pytest.raises(NetworkError, match="Downloads are switched off here"):
        load_network("imagenet")


def test_a_damaged_file_in_the_cache_is_named(published):
    file = place(published)
    file.write_bytes(published[1][:-1] + bytes([published[1][-1] ^ 1]))
    with pytest.raises(NetworkError, match=r"vgg16-.*\.pth\" is damaged \(its SHA-256 differs from its name\): delete it"):
        load_network("imagenet")


def test_a_cache_that_cannot_be_written_costs_the_mapping_only(published, monkeypatch):
    file = place(published)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(networks, "save_file", full)
    assert same_weights(load_network("imagenet"), published[0])
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_file_that_can_be_mapped_needs_no_copy(published):
    file = place(published)
    torch.save(published[0], file)
    assert same_weights(load_network("imagenet"), published[0])
    assert imagenet_on_disk() == file
