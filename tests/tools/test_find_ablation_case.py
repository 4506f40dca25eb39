"""The search behind case 4: what it reports is what single ablations show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.networks import tiny_network
from tools.find_ablation_case import cases, counts_of, table
from vislrp_core.ablation import ablate, random_order
from vislrp_core.images import read_image, to_input
from vislrp_core.layers import layer_name
from vislrp_core.model import LRPModel
from vislrp_core.network import forward
from vislrp_core.neurons import score
from vislrp_core.propagation import propagate

LAYERS = (30, 33)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(2)
    paths = [tmp_path / f"{name}.png" for name in ("one", "two")]
    for path in paths:
        pixels = random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC).save(path)
    return paths


def test_numbers_tried_start_with_none_and_one_and_end_at_the_share() -> None:
    assert counts_of(512, 0.25)[[0, 1, -1]].tolist() == [0, 1, 128]
    assert counts_of(3, 0.01).tolist() == [0, 1]
    assert (np.diff(counts_of(64, 0.5)) > 0).all()


def test_a_case_is_what_single_ablations_show(pictures: list[Path]) -> None:
    network, model = tiny_network(3), LRPModel.basic()
    found = cases(network, model, pictures, LAYERS, share=0.8, seeds=2)
    assert found
    assert [case.selectivity for case in found] == sorted((case.selectivity for case in found), reverse=True)
    for case in found:
        path = next(path for path in pictures if path.stem == case.image)
        trace = forward(network, to_input(read_image(path), network))
        first = trace.predictions(1)[0]
        relevance = propagate(network, trace, model, first.index, layers=(case.layer,)).at(case.layer)
        order = score(case.layer, relevance, trace.activation(case.layer)).strongest("positive_relevance")
        count = len(case.neurons)
        after = ablate(network, trace, {case.layer: case.neurons})
        assert case.neurons == tuple(sorted(order[:count].tolist()))
        assert (case.first, case.now) == (first.name, network.classes[int(after.argmax())]) and case.first != case.now
        assert case.after == pytest.approx(float(after.softmax(0)[first.index]))
        random = [ablate(network, trace, {case.layer: random_order(case.size, seed)[:count]}) for seed in range(2)]
        assert case.random_changes == sum(int(logits.argmax()) != first.index for logits in random)
        least = ablate(network, trace, {case.layer: order[::-1][:count]})
        assert case.least_changes == (int(least.argmax()) != first.index)
    assert f"| {found[0].image} | {layer_name(found[0].layer)} |" in table(found)
