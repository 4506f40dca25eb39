"""Spaces: what they hold, that ready models lie in them, and that what is wrong is one sentence with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.compact import encode
from vislrp_core.composites import composite
from vislrp_core.model import LRPModel
from vislrp_core.search.presets import default_space, other_borders, other_parameters, same_segments
from vislrp_core.search.ready import ready_models
from vislrp_core.search.space import Space
from vislrp_core.search.wording import SpaceError

GAMMA = {"preset": "gamma", "gamma1p": {"from": 0.01, "to": 1, "scale": "log"}}
SPACE: dict[str, Any] = {
    "format": "vislrp-space",
    "version": 1,
    "architecture": "vgg16",
    "segments": [
        {"last": {"from": 5, "to": 17}, "rules": [GAMMA, {"preset": "z_plus"}]},
        {"last": {"from": 10, "to": 31}, "rules": [{"preset": "alpha_beta", "alpha": {"from": 1, "to": 3}}]},
        {"last": 38, "rules": [{"preset": "epsilon", "epsilon": 0.25, "epsilon_scale": "relative"}]},
    ],
    "pixel_rule": ["z_box", "flat"],
}


class Chosen:
    """Choices by name; what is not named becomes the first word or the lowest number."""

    def __init__(self, choices: Mapping[str, Any]) -> None:
        self.choices, self.asked = dict(choices), []  # type: tuple[dict[str, Any], list[str]]

    def suggest_categorical(self, name: str, choices: Sequence[str], /) -> Any:
        self.asked.append(name)
        return self.choices.get(name, choices[0])

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        self.asked.append(name)
        return int(self.choices.get(name, low))

    def suggest_float(self, name: str, low: float, high: float, /, *, log: bool) -> float:
        self.asked.append(name)
        return float(self.choices.get(name, low))


def rules_of(model: LRPModel) -> list[dict[str, float]]:
    """What the weighted layers compute, whatever a rule is called: z⁺ is α1β0."""
    return [model.rule_at(k).values() for k in model.plan.weighted]


class Drawn(Chosen):
    """Choices of hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        super().__init__({})
        self.data = data

    def suggest_categorical(self, name: str, choices: Sequence[str], /) -> Any:
        return self.data.draw(st.sampled_from(choices), name)

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        return self.data.draw(st.integers(low, high), name)

    def suggest_float(self, name: str, low: float, high: float, /, *, log: bool) -> float:
        return self.data.draw(st.floats(low, high), name)


def test_a_space_makes_models_by_its_choices() -> None:
    space = Space.from_data(SPACE)
    assert space.borders(0) == (5, 7, 10, 12, 14, 17) and space.borders(2) == (38,)
    choices = Chosen(
        {
            "border 1": 2,
            "rule 1": "gamma",
            "gamma1p of gamma in segment 1": 0.123456,
            "border 2": 4,
            "alpha of alpha_beta in segment 2": 1.5,
            "pixel_rule": "flat",
        }
    )
    model = space.choose(choices, "M")
    assert encode(model) == (
        "M~proportional~ignore~flat~logit~10_gamma_gamma1p=0.123~19_alpha-beta_alpha=1.5_beta=0.5~38_epsilon"
    )
    assert choices.asked == [
        "border 1",
        "rule 1",
        "gamma1p of gamma in segment 1",
        "border 2",
        "alpha of alpha_beta in segment 2",
        "pixel_rule",
    ], "what is fixed is not asked for"
    equal = Space.from_data(changed("segments.1.rules.0", {"preset": "z_plus"}))
    joined = equal.choose(Chosen({"rule 1": "z_plus"}))
    assert [one.last for one in joined.segments] == [10, 38], "equal rules are one segment"
    uneven = Space.from_data(SPACE).choose(Chosen({"alpha of alpha_beta in segment 2": 1.13})).segments[1].rule
    assert uneven.alpha - uneven.beta == 1 and uneven.warnings() == ()
    empty = space.choose(Chosen({"border 1": 5, "rule 1": "z_plus", "border 2": 0}))
    assert [one.last for one in empty.segments] == [17, 38], "a segment that ends where the one below ends is left out"


def test_a_file_gives_the_same_space_again(tmp_path: Path) -> None:
    space = Space.from_data(SPACE)
    assert Space.from_json(json.dumps(space.to_data())) == space
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    assert Space.load(str(tmp_path / "space.json")) == space


def test_the_documented_space_is_one() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "search.md").read_text(encoding="utf-8")
    documented = re.search(r"a test reads this block -->\n```json\n(.*?)```", text, re.DOTALL)
    assert documented and len(Space.from_json(documented[1]).segments) == 3


@pytest.mark.parametrize("key", list(ARCHITECTURES))
def test_every_architecture_has_a_space_that_holds_zennits_composites(key: str) -> None:
    plan = ARCHITECTURES[key]
    space = default_space(plan)
    outside = []
    for ready in ready_models(key):
        choices = space.coordinates(ready.model)
        if choices is None:
            outside.append(ready.model.name)
            continue
        model = space.choose(Chosen(choices))
        assert rules_of(model) == rules_of(ready.model)
        assert (model.pooling, model.bias) == (ready.model.pooling, ready.model.bias)
    assert set(outside) <= {"Configuration 5", "Overview composite"}


@pytest.mark.parametrize("ready", ready_models("vgg16"), ids=lambda one: one.model.name)
def test_spaces_around_a_model_hold_it(ready: Any) -> None:
    model = ready.model
    for make in (same_segments, other_parameters, other_borders):
        space = make(model)
        assert Space.from_data(space.to_data()) == space
        choices = space.coordinates(model)
        assert choices is not None, make.__name__
        assert rules_of(space.choose(Chosen(choices))) == rules_of(model)
    assert len(other_borders(model).segments) == len(model.segments)


@settings(max_examples=25)
@given(data=st.data())
def test_whatever_is_chosen_is_a_valid_model_that_lies_in_the_space(data: st.DataObject) -> None:
    space = data.draw(
        st.sampled_from(
            [Space.from_data(SPACE), default_space(ARCHITECTURES["alexnet"]), other_borders(composite("falling_gamma"))]
        )
    )
    model = space.choose(Drawn(data))
    assert LRPModel.from_json(model.to_json()) == model
    choices = space.coordinates(model)
    assert choices is not None and rules_of(space.choose(Chosen(choices))) == rules_of(model)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The space with one value changed; `path` such as segments.0.last."""
    space = json.loads(json.dumps(SPACE))
    place: Any = space
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        place = place[part]
    place[last] = value
    return space


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", "vislrp-model", 'format: must be "vislrp-space"'),
        ("version", 2, "version: must be 1, got 2"),
        ("more", 1, "more: is not a field of a space"),
        ("architecture", "vgg17", "architecture: must be one of vgg11"),
        ("segments", [], "segments: must hold 1 to 12 segments"),
        ("segments", "all", "segments: must be of the right form"),
        ("segments.0.rules", [], "segments[0].rules: must hold at least one rule"),
        ("segments.0.rules.0", {"preset": "gama"}, "segments[0].rules[0]: preset must be one of zero"),
        ("segments.0.rules.0", {"preset": "gamma", "epsilon": 1}, "rules[0]: epsilon is no parameter that preset gamma"),
        ("segments.0.rules.0", {"preset": "gamma", "gamma1p": "high"}, "rules[0].gamma1p.from: must be a finite number"),
        ("segments.0.rules.0.gamma1p", {"from": 1, "to": 0.5}, "gamma1p: to must not be smaller than from"),
        (
            "segments.0.rules.0.gamma1p",
            {"from": 0, "to": 1, "scale": "log"},
            "a logarithmic range must begin above 0, got 0",
        ),
        ("segments.0.rules.0.gamma1p", {"from": 0, "to": 1, "scale": "cubic"}, "gamma1p.scale: must be one of 'linear'"),
        ("segments.0.rules.0.gamma1p", {"from": 0, "to": 1e9}, "must lie between"),
        ("segments.0.rules.0.gamma1p", {"from": 0}, "segments[0].rules[0].gamma1p.to: is missing"),
        ("segments.0.rules.0.gamma1p", {"from": 0, "to": 1, "step": 1}, "gamma1p.step: is not a field of a space"),
        ("segments.0.last", {"from": 12, "to": 5}, "segments[0].last: to must not be smaller than from"),
        (
            "segments.0.last",
            {"from": 12, "to": 35},
            "segments[1].last: must not begin or end below that of the segment before",
        ),
        ("segments.0.last", 0, "segments[0].last.from: must be the number of a row"),
        ("segments.0.last", True, "segments[0].last.from: must be the number of a row"),
        ("segments.0.last", "pool2", "segments[0].last.from: must be the number of a row"),
        ("segments.2.last", 39, "segments[2].last: must lie between 1 and 38, got 39"),
        ("segments.2.last", 37, "segments[2].last: must be 38, the last row, got 37"),
        ("pixel_rule", ["round"], "pixel_rule: must be a list of some of z_box"),
        ("bias", [], "bias: must be a list of"),
        ("pooling", {"a": 1}, "pooling: must be a list of some of proportional"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_place(path: str, value: Any, words: str) -> None:
    with pytest.raises(SpaceError) as refused:
        Space.from_data(changed(path, value))
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be one JSON object"),
        ("{", "not valid JSON"),
        ("{}", "segments: is missing"),
        ('{"segments": 1, "segments": 2}', "appears twice"),
        ('{"segments": [1]}', "segments[0]: must be of the right form"),
        ('{"segments": [{"last": 38, "rules": [{"preset": "gamma", "gamma1p": NaN}]}]}', "must be a finite number"),
        ('{"segments": [{"last": 38, "rules": [{"preset": ["gamma"]}]}]}', "preset must be one of"),
    ],
)
def test_what_is_no_space_is_refused(text: str, words: str) -> None:
    with pytest.raises(SpaceError, match=None) as refused:
        Space.from_json(text)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_space_for_another_architecture_names_both() -> None:
    from vislrp_core.errors import InputError

    with pytest.raises(InputError, match=r"the space is for VGG16 \(vgg16\), the network is of the architecture AlexNet"):
        Space.from_data(SPACE).require(ARCHITECTURES["alexnet"])
