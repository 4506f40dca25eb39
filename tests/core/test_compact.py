"""A model in an address: short, URL-safe, and checked when it comes back."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from vislrp_core.compact import decode, encode
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.rules import Rule

MODEL = LRPModel(
    name="Mine ~ 1_2 & co/γ",
    bias="absorb",
    segments=(
        Segment(first=1, last=10, rule=Rule.of("gamma", gamma1p=0.3)),
        Segment(first=11, last=11, rule=Rule.of("alpha1_beta0")),
        Segment(first=12, last=30, rule=Rule.of("epsilon", epsilon=1e-7, epsilon_scale="absolute")),
        Segment(first=31, last=38, rule=Rule.of("custom", theta0=-0.5, alpha=1.25)),
    ),
)


def test_round_trip():
    text = encode(MODEL)
    assert decode(text) == MODEL
    assert quote(text, safe="~=_-.%") == text


def test_epsilon_at_pooling_goes_with_the_pooling():
    damped = MODEL.model_copy(update={"pooling_epsilon": "segment"})
    text = encode(damped)
    assert decode(text) == damped and "~proportional.segment~" in text
    with pytest.raises(ModelError, match="pooling_epsilon: must be one of"):
        decode(text.replace(".segment", ".half"))


def test_it_is_short():
    assert encode(LRPModel.basic("A")) == "A~proportional~ignore~z_box~logit~38_zero"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~~~~~",
        "A",
        "A~proportional~ignore~z_box~logit",
        "A~proportional~ignore~z_box~logit~37_zero",
        "A~proportional~ignore~z_box~logit~x_zero",
        "A~proportional~ignore~z_box~logit~38",
        "A~proportional~ignore~z_box~logit~38_nothing",
        "A~proportional~ignore~z_box~logit~38_gamma_gamma1p=x",
        "A~proportional~ignore~z_box~logit~38_gamma_gamma1p=nan",
        "A~proportional~ignore~z_box~logit~38_zero_scale=q",
        "A~proportional~ignore~z_box~logit~38_zero_theta0=1",
        "A~median~ignore~z_box~logit~38_zero",
        "~proportional~ignore~z_box~logit~38_zero",
        "A~proportional~ignore~z_box~logit~-1_zero",
        "A~proportional~ignore~z_box~logit~10_zero~10_zero",
        "A~proportional~ignore~z_box~logit~38_zero_first=3",
        "A" * 7000 + "~proportional~ignore~z_box~logit~38_zero",
    ],
)
def test_damaged_text_is_refused_in_one_sentence(text):
    with pytest.raises(ModelError) as error:
        decode(text)
    assert "\n" not in str(error.value)


def test_the_architecture_is_there_where_it_is_not_vgg16():
    for key in ("vgg11", "vgg19", "alexnet"):
        text = encode(LRPModel.basic("Plain ~ one", key))
        assert f"~{key}~" in text and decode(text) == LRPModel.basic("Plain ~ one", key)
    assert "vgg16" not in encode(LRPModel.basic())
    with pytest.raises(ModelError, match="architecture: must be one of"):
        decode(encode(LRPModel.basic("Plain", "vgg11")).replace("vgg11", "resnet"))
    with pytest.raises(ModelError, match="incomplete"):
        decode(encode(LRPModel.basic("Plain", "vgg11")).rsplit("~", 1)[0])
