"""Model files: what is accepted, and the sentence that refuses each kind of wrong one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.rules import Rule

LAST = ARCHITECTURES["vgg16"].last
STORE = Path(__file__).parents[2] / "model_store"
EXAMPLE = {
    "format": "vislrp-model",
    "version": 2,
    "name": "Overview composite",
    "description": "γ low, ε middle, 0 high",
    "architecture": "vgg16",
    "pooling": "proportional",
    "bias": "ignore",
    "pixel_rule": "z_box",
    "start": "logit",
    "segments": [
        {"first": 1, "last": 17, "rule": {"preset": "gamma", "gamma1p": 0.25}},
        {"first": 18, "last": 31, "rule": {"preset": "epsilon", "epsilon": 0.25, "epsilon_scale": "relative"}},
        {"first": 32, "last": 38, "rule": {"preset": "zero"}},
    ],
}


def changed(path: str, value: object) -> str:
    """The example file with one value set (or, for ..., removed); the path is written as in the messages."""
    data = json.loads(json.dumps(EXAMPLE))
    *where, last = [int(part) if part.isdigit() else part for part in path.replace("[", ".").replace("]", "").split(".")]
    place = data
    for part in where:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(data)


def test_the_documented_file():
    model = LRPModel.from_json(json.dumps(EXAMPLE))
    assert [(s.first, s.last, s.rule.preset) for s in model.segments] == [
        (1, 17, "gamma"),
        (18, 31, "epsilon"),
        (32, 38, "zero"),
    ]
    assert model.segments[0].rule.gamma1p == 0.25 and model.segments[1].rule.epsilon_scale == "relative"
    assert model.rule_at(1).preset == "z_box" and model.rule_at(3).preset == "gamma" and model.rule_at(18).epsilon == 0.25
    assert json.loads(model.to_json()) == EXAMPLE
    by_segment = model.model_copy(update={"pixel_rule": "segment"})
    assert by_segment.rule_at(1).preset == "gamma"


@pytest.mark.parametrize(
    "left_out",
    [
        "description",
        "architecture",
        "pooling",
        "bias",
        "pixel_rule",
        "start",
        "segments[0].rule.gamma1p",
        "segments[1].rule.epsilon",
        "segments[1].rule.epsilon_scale",
    ],
)
def test_fields_with_defaults_may_be_left_out(left_out):
    assert LRPModel.from_json(changed(left_out, ...)).key == LRPModel.from_json(json.dumps(EXAMPLE)).key


WRONG = [
    ("format", "other", 'format: must be "vislrp-model", got "other"'),
    ("format", ..., 'format: must be "vislrp-model"'),
    ("version", 3, "version: must be 1 or 2, got 3"),
    ("version", True, "version: must be 1 or 2, got true"),
    ("version", 2.0, "version: must be 1 or 2, got 2.0"),
    ("version", 1, "architecture: is not a field of version 1, which is for VGG16 alone"),
    ("architecture", "resnet50", 'architecture: must be one of vgg11, vgg13, vgg16, vgg19, alexnet, got "resnet50"'),
    ("architecture", 16, "architecture: must be text"),
    ("architecture", None, "architecture: must be text"),
    ("architecture", "alexnet", "segments[1].last: must be a layer number from 1 to 20, got 31"),
    ("architecture", "vgg19", "segments[2].last: must be 44, got 38"),
    ("name", ..., "name: is missing"),
    ("name", "", "name: must be text"),
    ("name", 7, "name: must be text"),
    ("name", "x" * 300, "name: must be text"),
    ("pooling", "max", "pooling: must be one of 'proportional' or 'winner-takes-all', got \"max\""),
    ("bias", 1, "bias: must be one of"),
    ("pooling_epsilon", 0.25, "pooling_epsilon: must be one of 'none' or 'segment', got 0.25"),
    ("pixel_rule", "zero", "pixel_rule: must be one of"),
    ("start", None, "start: must be one of"),
    ("colour", "red", "colour: is not a field of an LRP model"),
    ("segments", ..., "segments: is missing"),
    ("segments", [], "segments: must hold"),
    ("segments", {}, "segments: must be"),
    ("segments", [7], "segments[0]: must be an object"),
    ("segments[0].first", 2, "segments[0].first: must be 1, so that the segments cover layers 1 to 38"),
    ("segments[1].first", 19, "segments[1].first: must be 18"),
    ("segments[1].first", 17, "segments[1].first: must be 18"),
    ("segments[2].last", 37, "segments[2].last: must be 38, got 37"),
    ("segments[1].last", 17, "segments[1].last: must be at least 18"),
    ("segments[1].last", 39, "segments[1].last: must be a layer number from 1 to 38, got 39"),
    ("segments[1].last", "31", "segments[1].last: must be a layer number"),
    ("segments[1].last", 31.5, "segments[1].last: must be a layer number"),
    ("segments[1].note", "x", "segments[1].note: is not a field"),
    ("segments[1].rule", ..., "segments[1].rule: is missing"),
    ("segments[1].rule", "epsilon", "segments[1].rule: must be an object"),
    ("segments[1].rule.preset", "delta", "segments[1].rule.preset: must be one of"),
    ("segments[1].rule.preset", ["zero"], "segments[1].rule.preset: must be one of"),
    ("segments[1].rule.epsilon", "abc", 'segments[1].rule.epsilon: must be a finite number, got "abc"'),
    ("segments[1].rule.epsilon", True, "segments[1].rule.epsilon: must be a finite number, got true"),
    ("segments[1].rule.epsilon", 1e300, "segments[1].rule.epsilon: must be a finite number"),
    ("segments[1].rule.epsilon_scale", "rms", "segments[1].rule.epsilon_scale: must be one of"),
    ("segments[0].rule.theta0", 0.5, "segments[0].rule.theta0: preset gamma fixes it at 0, got 0.5; use preset custom"),
    ("segments[0].rule.gamma3", 0.5, "segments[0].rule.gamma3: is not a field"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), WRONG, ids=[f"{path}={str(value)[:20]}" for path, value, _ in WRONG])
def test_wrong_files_are_refused_with_the_place(path, value, sentence):
    with pytest.raises(ModelError) as error:
        LRPModel.from_json(changed(path, value))
    assert str(error.value).startswith(sentence) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is not valid JSON"),
        (b"{", "the file is not valid JSON (line 1)"),
        (b"\xff\xfe", "the file is in UTF-16: save it as UTF-8"),
        (b"[1, 2]", "the file must hold one JSON object"),
        (b"null", "the file must hold one JSON object"),
        (b'{"name": "a", "name": "b"}', "name: appears twice"),
        (b"[" * 100_000, "the file is not valid JSON"),
        (b" " * 2_000_000, "the file is larger than 1 MB"),
    ],
    ids=["empty", "cut", "not text", "list", "null", "repeated", "deep", "large"],
)
def test_files_that_are_no_json_object(content, sentence):
    with pytest.raises(ModelError) as error:
        LRPModel.from_json(content)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite(number):
    text = json.dumps(EXAMPLE).replace('"epsilon": 0.25', f'"epsilon": {number}')
    with pytest.raises(ModelError, match=r"segments\[1\]\.rule\.epsilon: must be a finite number"):
        LRPModel.from_json(text)


def test_a_marked_text_file_is_read_too():
    assert LRPModel.from_json(b"\xef\xbb\xbf" + json.dumps(EXAMPLE).encode()).name == "Overview composite"


def test_saved_and_loaded(tmp_path):
    model = LRPModel.from_json(json.dumps(EXAMPLE))
    model.save(tmp_path / "model.json")
    assert LRPModel.load(tmp_path / "model.json") == model


def test_files_that_cannot_be_read_name_themselves(tmp_path):
    with pytest.raises(ModelError, match=r"none\.json: cannot be read"):
        LRPModel.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ModelError, match=r"bad\.json: format: must be"):
        LRPModel.load(tmp_path / "bad.json")


@pytest.mark.parametrize("path", sorted(STORE.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_models_are_valid(path):
    if json.loads(path.read_text()).get("format") == "vislrp-model":
        assert LRPModel.load(path).segments[-1].last == LAST


def test_the_key_knows_everything_but_the_words():
    model = LRPModel.from_json(json.dumps(EXAMPLE))
    renamed = model.model_copy(update={"name": "Another", "description": "words"})
    assert renamed.key == model.key
    for field, value in (
        ("pooling", "winner-takes-all"),
        ("pooling_epsilon", "segment"),
        ("bias", "absorb"),
        ("pixel_rule", "flat"),
        ("start", "one"),
        ("segments", (Segment(first=1, last=LAST, rule=Rule.of("zero")),)),
    ):
        assert model.model_copy(update={field: value}).key != model.key


def test_epsilon_at_pooling_stands_in_the_file_where_it_is_used():
    model = LRPModel.from_json(json.dumps(EXAMPLE))
    assert model.pooling_epsilon == "none" and "pooling_epsilon" not in model.to_json()
    damped = model.model_copy(update={"pooling_epsilon": "segment"})
    assert LRPModel.from_json(damped.to_json()) == damped and '"pooling_epsilon": "segment"' in damped.to_json()


def test_version_1_means_vgg16():
    old = {key: value for key, value in EXAMPLE.items() if key != "architecture"} | {"version": 1}
    model = LRPModel.from_json(json.dumps(old))
    assert model == LRPModel.from_json(json.dumps(EXAMPLE)) and model.architecture == "vgg16"


@pytest.mark.parametrize("key", ARCHITECTURES)
def test_a_model_knows_its_architecture(key):
    model = LRPModel.basic("Plain", key)
    assert model.segments[-1].last == ARCHITECTURES[key].last and model.plan is ARCHITECTURES[key]
    assert LRPModel.from_json(model.to_json()) == model and (key == "vgg16") == (model.key == LRPModel.basic().key)
    model.require(ARCHITECTURES[key])
    other = ARCHITECTURES["alexnet" if key != "alexnet" else "vgg13"]
    with pytest.raises(ModelError, match=rf'"Plain" is for {model.plan.title} \({key}\), .* {other.title} \({other.key}\)'):
        model.require(other)
