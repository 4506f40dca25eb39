"""The steps that built the embedded network, on small made-up material."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models import vgg16

from tools.build_embedded_network.archives import package_of
from tools.build_embedded_network.crops import SIZE, CropMaker
from tools.build_embedded_network.data import Features, read_features
from tools.build_embedded_network.evaluate import agreement
from tools.build_embedded_network.export import export, half
from tools.build_embedded_network.extract import extract_blocks
from tools.build_embedded_network.head import Head, expand_tied, relevance_growth
from tools.build_embedded_network.networks import CLASSES, Convolutions
from tools.build_embedded_network.rcc import read_rcc, unpack_rcc
from tools.build_embedded_network.sources import Picture, Source, is_held_out, list_pictures, read_list, write_list
from tools.build_embedded_network.train import Recipe, merge_heads, train_head
from tools.build_embedded_network.winograd import speed_up
from vislrp_core.network import logits
from vislrp_core.networks import load_network


def rcc_archive(name: str, content: bytes, *, packed: bool) -> bytes:
    """A resource file (version 2) with one file in its root, as the format's documentation lays it out."""
    names = struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    payload = struct.pack(">I", len(content)) + zlib.compress(content) if packed else content
    data = struct.pack(">I", len(payload)) + payload
    root = struct.pack(">IHII", 0, 2, 1, 1) + bytes(8)
    file = struct.pack(">IHHHI", 0, int(packed), 0, 0, 0) + bytes(8)
    start = 20
    return (
        b"qres"
        + struct.pack(">4I", 2, start + len(data) + len(names), start, start + len(data))
        + data
        + names
        + root
        + file
    )


@pytest.mark.parametrize("packed", [False, True])
def test_resource_files_give_their_pictures(tmp_path: Path, packed: bool):
    content = rcc_archive("cat.png", b"a picture" * 20, packed=packed)
    assert list(read_rcc(content)) == [("cat.png", b"a picture" * 20)]
    archive = tmp_path / "pictures.rcc"
    archive.write_bytes(content)
    assert [path.name for path in unpack_rcc(archive, tmp_path / "out", (".png",))] == ["cat.png"]
    assert unpack_rcc(archive, tmp_path / "none", (".webp",)) == []


def test_damaged_and_hostile_resource_files_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="qres"):
        list(read_rcc(b"no archive"))
    with pytest.raises(ValueError, match="cut off"):
        list(read_rcc(rcc_archive("cat.png", b"x" * 50, packed=False)[:-10]))
    archive = tmp_path / "hostile.rcc"
    archive.write_bytes(rcc_archive("../../cat.png", b"x", packed=False))
    with pytest.raises(ValueError, match="outside"):
        unpack_rcc(archive, tmp_path / "out", (".png",))


def test_archives_belong_to_packages_of_the_catalogue():
    assert package_of("gcompris-qt-data_3.1-2_all.deb") == "gcompris-qt-data"
    assert package_of("scikit_learn-1.9.1-cp311.whl") == "scikit-learn"
    assert package_of("creative-tim-official-argon-dashboard-2.0.4.tgz") == "argon-dashboard"
    assert package_of("leftpad-1.0.0.tgz") is None


def picture(path: Path, seed: int, mode: str = "RGB") -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (150, 200, len(mode)), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels, mode).save(path)
    return path


def test_pictures_are_listed_once_split_by_name_and_never_sample_photographs(tmp_path: Path):
    first = picture(tmp_path / "pack" / "a" / "one.png", 1)
    (tmp_path / "pack" / "a" / "twin.png").write_bytes(first.read_bytes())
    picture(tmp_path / "pack" / "a" / "citrus.png", 2)
    picture(tmp_path / "pack" / "b" / "left_out.png", 3)
    Image.new("RGB", (20, 20)).save(tmp_path / "pack" / "a" / "small.png")
    listed = list_pictures(tmp_path, [Source("pack", "pypi", "photo", r"pack/a/"), Source("absent", "npm", "art", ".")])
    assert [Path(one.path).name for one in listed] == ["one.png"]
    assert listed[0].held_out == is_held_out("pack/a/one")
    write_list(listed, tmp_path / "list.json")
    assert read_list(tmp_path / "list.json") == listed


def pictures(folder: Path) -> list[Picture]:
    kinds = [("photo", False), ("photo", False), ("photo", True), ("cutout", False), ("cutout", True), ("art", False)]
    return [
        Picture(str(picture(folder / f"{i}.png", i, "RGBA" if kind == "cutout" else "RGB")), kind, "p", 1.0, held_out)
        for i, (kind, held_out) in enumerate(kinds)
    ]


def test_crops_are_reproducible_and_keep_held_out_pictures_out_of_training(tmp_path: Path):
    listed = pictures(tmp_path)
    maker, again = CropMaker(listed), CropMaker(listed)
    for number in range(12):
        crop = maker.training_crop(number)
        assert crop.image.size == (SIZE, SIZE) and not listed[crop.picture].held_out
        assert np.array_equal(np.asarray(crop.image), np.asarray(again.training_crop(number).image))
    assert maker.measuring_count() == 3 + 2
    assert all(listed[maker.measuring_crop(number).picture].held_out for number in range(5))


class TinyTeacher(nn.Module):
    """Stands in for the teacher: 1280 features that are not negative."""

    def extract_features(self, images: torch.Tensor) -> torch.Tensor:
        return images.abs().mean(1, keepdim=True).expand(-1, 1280, -1, -1)


def tiny_convolutions() -> Convolutions:
    stages = nn.Sequential(nn.Conv2d(3, 512, 3, padding=1), nn.AdaptiveMaxPool2d(7))
    return Convolutions(stages.requires_grad_(False), [0.5, 0.5, 0.5], [0.2, 0.2, 0.2])


def test_extraction_continues_where_it_stopped(tmp_path: Path):
    maker = CropMaker(pictures(tmp_path / "pictures"))
    folder = tmp_path / "features"
    extract_blocks(maker, tiny_convolutions(), TinyTeacher(), folder, 3)
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {path.name for path in written} == {"measure_00000.npz", "train_00000.npz"}
    extract_blocks(maker, tiny_convolutions(), TinyTeacher(), folder, 3)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    features = read_features(folder, "train")
    assert features.maps.shape[1:] == (512, 49) and features.pooled.shape == (len(features), 512)
    with pytest.raises(FileNotFoundError, match="extract"):
        read_features(folder, "validation")


def made_up_features(count: int) -> Features:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(count, 512, 49, generator=generator)
    teacher = (maps.mean(2) @ torch.randn(512, 1280, generator=generator)).relu()
    return Features(maps.half(), teacher, torch.zeros(count, dtype=torch.long), torch.ones(count, dtype=torch.bool))


def test_training_lowers_the_loss_and_merging_keeps_the_mean():
    data = made_up_features(64)
    last = nn.Linear(1280, 1000)
    errors = []
    for epochs in (1, 6):
        recipe = Recipe(width=32, epochs=epochs, batch=16, average=0.5, mix=0.5, dropout=0.0)
        head = train_head(data, last, recipe)
        errors.append((head.features(data.pooled) - data.teacher).square().mean().item())
    assert errors[1] < errors[0]
    assert (head.fc6.bias <= 0).all() and (head.fc7.bias <= 0).all()
    other = train_head(data, last, Recipe(width=16, epochs=1, batch=16, seed=1))
    merged = merge_heads([head, other])
    inputs = data.pooled
    outputs = [one.eval().fc7(one.fc6(inputs / one.scale).relu()) for one in (head, other, merged)]
    assert torch.allclose(outputs[2], (outputs[0] + outputs[1]) / 2, rtol=1e-4, atol=1e-5)
    assert torch.allclose(merged.sharpened(1.5).features(inputs), 1.5 * merged.features(inputs), rtol=1e-4, atol=1e-5)


def test_relevance_growth_equals_conservation_for_positive_weights():
    weights = {
        "classifier.0.tied_weight": torch.rand(8, 512),
        "classifier.0.bias": torch.zeros(8),
        "classifier.3.weight": torch.rand(6, 8),
        "classifier.3.bias": torch.zeros(6),
        "classifier.6.weight": torch.rand(4, 6),
        "classifier.6.bias": torch.zeros(4),
    }
    growth = relevance_growth(weights, torch.rand(5, 512))
    assert torch.allclose(growth, torch.ones(5, 3), rtol=1e-4)


def test_agreement_counts_first_and_first_five():
    wanted = torch.eye(10)[:4]
    student = torch.arange(10.0).repeat(4, 1)
    student[0, 0] = 20
    student[1, 1] = 6.5
    result = agreement(student, wanted)
    assert (result.top1, result.top5) == (0.25, 0.5)
    assert str(result) == "25.0 % / 50.0 % of 4"


def test_exported_network_gives_the_heads_logits(tmp_path: Path):
    torch.manual_seed(0)
    features = vgg16(weights=None).features.eval().requires_grad_(False)
    head = Head(16, torch.ones(512), nn.Linear(1280, 1000)).eval()
    path = tmp_path / "small.safetensors"
    export(path, Convolutions(features, [0.5] * 3, [0.2] * 3), head.folded(), "A small one.")
    network = load_network(str(path))
    assert network.classes == tuple(CLASSES) and network.description == "A small one."
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        wanted = head(features(x).mean((2, 3)))
    assert torch.allclose(logits(network, x), wanted, rtol=1e-2, atol=1e-2)
    full = expand_tied(head.folded()["classifier.0.tied_weight"])
    assert full.shape == (16, 25088)
    with pytest.raises(ValueError, match="half precision"):
        half({"w": torch.tensor([1e6])})


def test_quick_convolutions_agree_with_plain_ones():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 3, 3, padding=1)).requires_grad_(False)
    x = torch.randn(2, 4, 13, 10)
    assert torch.allclose(speed_up(plain, 1)(x), plain(x), atol=1e-4)
    with pytest.raises(ValueError, match="3 x 3"):
        speed_up(nn.Sequential(nn.Conv2d(4, 6, 5)), 1)
