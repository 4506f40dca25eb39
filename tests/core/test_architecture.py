"""Architectures: rows, names and sizes of the known ones, and how one is declared."""

import pickle

import pytest
import torch
from torchvision import models

from vislrp_core.architecture import ARCHITECTURES, Architecture, chain, linear, relu
from vislrp_core.errors import InputError

VGG16 = ARCHITECTURES["vgg16"]
ALEXNET = ARCHITECTURES["alexnet"]


def test_the_known_ones_are_torchvisions():
    kinds = {"Conv2d": "conv", "ReLU": "relu", "MaxPool2d": "pool", "Linear": "linear", "Dropout": "dropout"}
    for key, architecture in ARCHITECTURES.items():
        with torch.device("meta"):
            network = getattr(models, key)()
        modules = {name: module for name, module in network.named_modules() if type(module).__name__ in kinds}
        rows = architecture.rows[1:]
        assert [row.module for row in rows] == list(modules)
        assert [row.kind for row in rows] == [kinds[type(module).__name__] for module in modules.values()]
        for row, module in zip(rows, modules.values(), strict=True):
            if row.is_weighted:
                assert row.channels == module.weight.shape[0]
            if row.kind in ("conv", "pool"):
                window = [
                    value if isinstance(value, int) else value[0]
                    for value in (module.kernel_size, module.stride, module.padding)
                ]
                assert [row.kernel, row.stride, row.padding] == window
        first = modules[architecture.rows[architecture.weighted[-3]].module]
        assert (
            first.weight.shape[1]
            == architecture.positions
            * architecture.rows[[k for k in architecture.weighted if k <= architecture.last_feature][-1]].channels
        )


def test_vgg16_has_the_rows_of_the_guide():
    assert len(VGG16.rows) == 39 and VGG16.input_shape == (3, 224, 224)
    assert [VGG16.name(k) for k in (0, 1, 10, 11, 17, 31, 32, 38)] == [
        "input image",
        "conv1_1",
        "pool2",
        "conv3_1",
        "pool3",
        "pool5",
        "fc6",
        "fc8",
    ]
    assert VGG16.pools == (5, 10, 17, 24, 31) and VGG16.last_feature == 31 and VGG16.positions == 49
    assert [(block.first, block.last) for block in VGG16.blocks] == [(1, 5), (6, 10), (11, 17), (18, 24), (25, 31), (32, 38)]


def test_alexnet_has_the_blocks_of_the_contract():
    assert ALEXNET.last == 20 and ALEXNET.pools == (3, 6, 13) and ALEXNET.last_feature == 13
    assert [(block.first, block.last) for block in ALEXNET.blocks] == [(1, 3), (4, 6), (7, 13), (14, 20)]
    assert ALEXNET.sides[:14] == (224, 55, 55, 27, 27, 27, 13, 13, 13, 13, 13, 13, 13, 6)
    assert ALEXNET.rows[14].name == "dropout6" and ALEXNET.sides[14] == 1


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_rows_are_found_by_number_and_by_name(architecture: Architecture):
    for row in architecture.rows:
        assert architecture.resolve(f" {row.index} ") == architecture.resolve(row.name) == row.index
    for wrong in (str(architecture.last + 1), "-1", "conv9_9", ""):
        said = f"give a number from 0 to {architecture.last} or a name of {architecture.title}"
        with pytest.raises(InputError, match=said):
            architecture.resolve(wrong)
    assert pickle.loads(pickle.dumps(architecture)) == architecture


def test_a_chain_of_fully_connected_rows_has_a_vector_as_input():
    toy = chain("toy", "Toy", [], [linear("fc1", 3), relu("relu1"), linear("fc2", 2)], input_size=3)
    assert toy.input_shape == (3,) and toy.last == 3 and toy.weighted == (1, 3)
    assert toy.last_feature == -1 and toy.positions == 1 and toy.pools == () and toy.sides == (1, 1, 1, 1)
    assert [row.module for row in toy.rows] == [None, "classifier.0", "classifier.1", "classifier.2"]


def test_titles_have_their_articles():
    assert [ARCHITECTURES[key].article for key in ("vgg16", "alexnet")] == ["a VGG16", "an AlexNet"]
