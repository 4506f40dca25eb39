"""Model files from elsewhere: the original program's, and ours by the same door."""

from __future__ import annotations

import json

import pytest

from vislrp_core.imports import read_model
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.rules import KEYS, PRESETS, Rule

ZERO = {"theta0": 0, "theta1": 1, "gamma0": 0, "gamma1": 1, "gamma1p": 0, "gamma1n": 0, "gamma2": 0, "eps": 0, "alpha": 1,
        "beta": 0}


def entry(x0: int, x1: int, method: str = "0", **values) -> dict:
    return {"method": [method], "x0": x0, "x1": x1, **ZERO, **values}


def original(*entries: dict, **fields) -> bytes:
    return json.dumps({"name": "From the original", "configuration": list(entries), **fields}).encode()


def test_a_file_of_the_original_program():
    """Configuration 5 of the guide's Figure 3.2, as the original program stores it."""
    model = read_model(original(
        entry(1, 11, "gamma", gamma1p=0.3), entry(11, 24, "customize", gamma2=1), entry(24, 31, "epsilon", eps=0.3),
        entry(31, 39, "0")), "configuration_5.json")
    assert model.name == "From the original"
    assert (model.pooling, model.bias, model.pixel_rule, model.start) == ("proportional", "absorb", "z_box", "logit")
    assert [(one.first, one.last) for one in model.segments] == [(1, 10), (11, 23), (24, 30), (31, 38)]
    assert [one.rule.preset for one in model.segments] == ["gamma", "custom", "epsilon", "zero"]
    assert all(one.rule.epsilon_scale == "relative" for one in model.segments)
    assert model.segments[0].rule.gamma1p == 0.3 and model.segments[1].rule.gamma2 == 1
    assert model.segments[2].rule.epsilon == 0.3
    assert LRPModel.from_json(model.to_json()) == model


@pytest.mark.parametrize(("method", "values", "expected"), [
    ("alpha_beta", {"alpha": 2, "beta": 1, "gamma1": 0, "gamma1p": 1}, Rule.of("alpha_beta", epsilon_scale="relative")),
    ("alphabeta", {"alpha": 1, "beta": 0, "gamma1": 0, "gamma1p": 1},
     Rule.of("alpha_beta", alpha=1, beta=0, epsilon_scale="relative")),
    ("Gamma", {"gamma1p": 0.5}, Rule.of("gamma", gamma1p=0.5, epsilon_scale="relative")),
    ("gamma", {"gamma1p": 0.5, "eps": 0.1}, Rule.of("custom", gamma1p=0.5, epsilon=0.1, epsilon_scale="relative")),
    ("0", {"eps": 0.1}, Rule.of("custom", epsilon=0.1, epsilon_scale="relative")),
    ("customize", {}, Rule.of("zero", epsilon_scale="relative")),
    ("unheard of", {"gamma0": 1}, Rule.of("custom", gamma0=1, epsilon_scale="relative")),
    ("customize", {"alpha": "2.5", "eps": "1e-3"}, Rule.of("custom", alpha=2.5, epsilon=0.001, epsilon_scale="relative")),
])
def test_methods_become_presets_where_their_numbers_agree(method, values, expected):
    assert read_model(original(entry(1, 39, method, **values))).segments[0].rule == expected


@pytest.mark.parametrize("method", ["gamma", ["gamma"], [], None, 3, [["gamma"]]])
def test_whatever_stands_under_method_the_numbers_count(method):
    model = read_model(original({**entry(1, 39), "method": method, "gamma1p": 0.4}))
    assert model.segments[0].rule.gamma1p == 0.4


@pytest.mark.parametrize(("method", "preset"), [("epsilon", "epsilon"), ("gamma", "gamma"), ("alpha_beta", "alpha_beta"),
                                                ("0", "zero")])
def test_a_method_without_numbers_has_its_presets(method, preset):
    rule = read_model(original({"method": [method], "x0": 1, "x1": 39})).segments[0].rule
    assert rule.preset == preset
    assert rule.values() == {key: PRESETS[preset].value(key) for key in KEYS}


def test_segments_in_any_order_and_a_missing_name():
    content = json.loads(original(entry(20, 39), entry(1, 20, "gamma", gamma1p=1)))
    del content["name"]
    model = read_model(json.dumps(content))
    assert [(one.first, one.last) for one in model.segments] == [(1, 19), (20, 38)]
    assert model.name == "Imported model"


@pytest.mark.parametrize(("content", "words"), [
    (original(configuration={}), r"configuration: must be a list of 1 to 38 segments"),
    (original(), "configuration: must be a list"),
    (original(*[entry(1, 2)] * 39), "configuration: must be a list"),
    (original(5), r"configuration\[0\]: must be an object with x0, x1"),  # type: ignore[arg-type]
    (original(entry(1, 11), {**entry(11, 39), "x1": None}), r"configuration\[1\]\.x1: must be a finite number"),
    (original({"method": ["0"], "x1": 39}), r"configuration\[0\]\.x0: must be a finite number"),
    (original({**entry(1, 39), "x0": 1.5}), r"configuration\[0\]\.x0: segments begin and end at whole layer numbers"),
    (original(entry(1, 39, alpha="much")), r"configuration\[0\]\.alpha: must be a finite number"),
    (original(entry(1, 39, eps=True)), r"configuration\[0\]\.eps: must be a finite number"),
    (original(entry(1, 39, gamma2=[1])), r"configuration\[0\]\.gamma2: must be a finite number"),
    (original(entry(1, 10**400)), r"configuration\[0\]\.x1: must be a finite number"),
    (original(entry(1, 39, beta=1e300)), r"configuration\[0\]\.beta: must be a finite number"),
    (original(entry(1, 39, beta=float("nan"))), r"beta: must be a finite number"),
    (original(entry(1, 39, beta=float("inf"))), r"beta: must be a finite number"),
    (original(entry(1, 12), entry(11, 39)), r"segments\[1\]\.first: must be 12"),
    (original(entry(1, 10), entry(11, 39)), r"segments\[1\]\.first: must be 10"),
    (original(entry(1, 38)), r"segments\[0\]\.last: must be 38"),
    (original(entry(1, 50)), r"segments\[0\]\.last: must be a layer number from 1 to 38"),
    (original(entry(0, 39)), r"segments\[0\]\.first: must be a layer number from 1 to 38"),
    (b"", "not valid JSON"),
    (b"[]", "must hold one JSON object"),
    (b'{"name": "x"}', "format: must be"),
    (b'{"configuration": [], "configuration": []}', "configuration: stands twice"),
    (b"\xff\xfe{}", "not valid JSON"),
])
def test_each_kind_of_wrong_file_is_one_sentence_with_the_place(content, words):
    with pytest.raises(ModelError, match=words) as caught:
        read_model(content, "strange.json")
    assert str(caught.value).startswith("strange.json: ") and "\n" not in str(caught.value)


def test_our_own_files_come_through_the_same_door():
    model = LRPModel.basic("Mine")
    assert read_model(model.to_json()) == read_model(model.to_json().encode()) == model
