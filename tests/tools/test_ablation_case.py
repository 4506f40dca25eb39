"""The search behind the ablation case and its picture: what they report is what single ablations show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from tests.support.networks import tiny_network, tiny_state
from tools.draw_ablation_case import draw, main
from tools.find_ablation_case import cases, counts_of, table
from vislrp_core.ablation import ablate, random_order
from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import forward
from vislrp_core.networks import load_network
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
    assert f"| {found[0].image} | {network.architecture.name(found[0].layer)} |" in table(found, network.architecture)


def test_the_drawn_parts_add_up_and_the_numbers_are_those_of_the_ablation(
    pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(tiny_state(3), tmp_path / "net.safetensors")
    LRPModel.basic().save(tmp_path / "model.json")
    main(
        [
            str(pictures[0]),
            "--ablate",
            "30:0-3",
            "--network",
            str(tmp_path / "net.safetensors"),
            "--model",
            str(tmp_path / "model.json"),
            "--out",
            str(tmp_path / "case.webp"),
        ]
    )
    printed = capsys.readouterr().out
    drawn = draw(pictures[0], load_network(tmp_path / "net.safetensors"), LRPModel.basic(), 30, (0, 1, 2, 3))
    np.testing.assert_allclose(drawn.through + drawn.rest, drawn.whole, atol=1e-4 * np.abs(drawn.whole).max())
    assert np.abs(drawn.through).max() > 0 and np.abs(drawn.rest).max() > 0
    with Image.open(tmp_path / "case.webp") as sheet:
        assert sheet.size == (4 * 224 + 3 * 8, 224)
    assert "one, relu5_3, 4 neurons" in printed
    assert f"| 1 | {drawn.before[0].name} | {100 * drawn.before[0].probability:.1f} % | {drawn.after[0].name} |" in printed
