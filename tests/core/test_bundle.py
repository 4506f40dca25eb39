"""Several models in one file: what is written is read again, what is damaged is named."""

from __future__ import annotations

import json

import pytest

from vislrp_core.bundle import FORMAT, read_models, write_bundle
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.rules import Rule

MODELS = (
    LRPModel.basic("LRP-0"),
    LRPModel(
        name='Quotes " and γ',
        description="two\nlines",
        pooling="winner-takes-all",
        segments=(
            Segment(first=1, last=10, rule=Rule.of("gamma", gamma1p=0.3)),
            Segment(first=11, last=38, rule=Rule.of("zero")),
        ),
    ),
)


def test_round_trip():
    assert read_models(write_bundle(MODELS), "compared.json") == MODELS
    assert read_models(write_bundle(MODELS).encode()) == MODELS


def test_single_files_are_read_too():
    assert read_models(MODELS[1].to_json()) == (MODELS[1],)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.update(version=2), "version: must be 1"),
        (lambda data: data.update(version=True), "version: must be 1"),
        (lambda data: data.update(models="all"), "models: must be a list"),
        (lambda data: data.update(models=[]), "1 to 40 LRP models, got 0"),
        (lambda data: data.update(models=data["models"] * 30), "got 60"),
        (lambda data: data.update(author="x"), "author: is not a field"),
        (lambda data: data["models"][1].pop("name"), r"models\[1\]: name: is missing"),
        (lambda data: data["models"].append(7), r"models\[2\]: the file must hold one JSON object"),
    ],
)
def test_damage_is_named(change, sentence):
    data = json.loads(write_bundle(MODELS))
    change(data)
    with pytest.raises(ModelError, match=r"^compared\.json: .*" + sentence):
        read_models(json.dumps(data), "compared.json")


def test_nothing_to_write():
    with pytest.raises(ModelError, match="got 0"):
        write_bundle([])
    assert FORMAT in write_bundle(MODELS)


def test_no_json():
    with pytest.raises(ModelError, match=r"bad\.json: the file is not valid JSON"):
        read_models(b"{", "bad.json")
