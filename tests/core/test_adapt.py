"""Models carried over to another architecture (docs/numerics.md, section 9)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vislrp_core.adapt import adapt
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.cli import main
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.rules import Rule


def model(*borders: int, architecture: str = "vgg16") -> LRPModel:
    """Segments that end at these rows, each with a rule of its own."""
    firsts = [1, *(border + 1 for border in borders[:-1])]
    return LRPModel(
        name="Mine",
        architecture=architecture,
        bias="absorb",
        segments=tuple(
            Segment(first=first, last=last, rule=Rule.of("gamma", gamma1p=place / 10))
            for place, (first, last) in enumerate(zip(firsts, borders, strict=True))
        ),
    )


def borders(found: LRPModel) -> list[int]:
    return [segment.last for segment in found.segments]


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ([5, 10, 17, 24, 31, 38], "vgg11", [3, 6, 11, 16, 21, 28]),
        ([5, 10, 17, 24, 31, 38], "vgg19", [5, 10, 19, 28, 37, 44]),
        ([5, 10, 31, 38], "alexnet", [3, 6, 13, 20]),
        # Inside a block: row 1 of 5 is 3 / 5 of a row, row 3 of 5 is 9 / 5; 17 and 24 are thirds of 21 rows that become 7.
        ([1, 3, 38], "alexnet", [1, 2, 20]),
        ([17, 24, 38], "alexnet", [9, 11, 20]),
        ([14, 38], "vgg19", [16, 44]),
        # Rows 1 and 2 of VGG16 are both within the first row of VGG11; the second segment vanishes.
        ([1, 2, 38], "alexnet", [1, 2, 20]),
        ([1, 4, 5, 38], "alexnet", [1, 3, 20]),
        ([32, 33, 38], "alexnet", [14, 15, 20]),
    ],
)
def test_borders_move_with_their_blocks(given, key, expected):
    found = adapt(model(*given), key)
    assert borders(found) == expected and found.architecture == key
    assert (found.name, found.bias) == ("Mine", "absorb")


def test_segments_that_become_empty_vanish_and_the_others_keep_their_rules():
    found = adapt(model(1, 4, 5, 38), "alexnet")
    assert [segment.rule.gamma1p for segment in found.segments] == [0.0, 0.1, 0.3]


def test_from_alexnet_its_third_block_spreads_over_three():
    assert borders(adapt(model(3, 6, 13, 20, architecture="alexnet"), "vgg16")) == [5, 10, 31, 38]
    assert borders(adapt(model(7, 9, 20, architecture="alexnet"), "vgg16")) == [13, 19, 38]


@given(data=st.data(), here=st.sampled_from(list(ARCHITECTURES)), there=st.sampled_from(list(ARCHITECTURES)))
def test_every_adapted_model_is_valid(data, here, there):
    last = ARCHITECTURES[here].last
    chosen = data.draw(st.sets(st.integers(1, last - 1), max_size=11))
    found = adapt(model(*sorted(chosen), last, architecture=here), there)
    assert LRPModel.from_json(found.to_json()) == found
    ends = {
        block.last: other.last
        for block, other in zip(ARCHITECTURES[here].blocks, ARCHITECTURES[there].blocks, strict=False)
        if len(ARCHITECTURES[here].blocks) == len(ARCHITECTURES[there].blocks)
    }
    assert {ends[border] for border in chosen if border in ends} <= set(borders(found))


def test_the_same_architecture_changes_nothing_and_an_unknown_one_is_refused():
    one = model(5, 38)
    assert adapt(one, "vgg16") is one
    with pytest.raises(ModelError, match='no architecture "resnet18": choose one of vgg11, vgg13, vgg16, vgg19, alexnet'):
        adapt(one, "resnet18")


def test_command(tmp_path, capsys):
    source, out = tmp_path / "mine.json", tmp_path / "new" / "alexnet.json"
    model(1, 4, 5, 38).save(source)
    assert main(["adapt", str(source), "--architecture", "alexnet", "--out", str(out)]) == 0
    assert borders(LRPModel.load(out)) == [1, 3, 20]
    printed = capsys.readouterr().out
    assert "Mine: from VGG16 to AlexNet, 1 segment left no layer" in printed and "conv1 - conv1" in printed
    assert main(["adapt", str(source), "--architecture", "vgg11", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["architecture"] == "vgg11"
    assert main(["adapt", str(source), "--architecture", "vgg11", "--out", str(source / "x.json")]) == 2
    assert capsys.readouterr().err.startswith(f"--out {source / 'x.json'}: the file cannot be written")
    with pytest.raises(SystemExit):
        main(["adapt", str(source), "--architecture", "resnet18", "--out", str(out)])
    assert "invalid choice: 'resnet18'" in capsys.readouterr().err
