"""The address holds the view; a damaged or hostile one costs its part, one sentence, and nothing else."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.networks import VGG16
from vislrp_core.heatmap import RANGES, SPECTRA
from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule
from vislrp_ui import permalink, state
from vislrp_ui.state import ImageRef, ModelEntry, Visit

EXAMPLE = ModelEntry("example_one", LRPModel.basic("Example one"), "example")


def fresh() -> Visit:
    return state.start((EXAMPLE,))


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    visit = fresh()
    kind = draw(st.sampled_from(["working", "own", "example"]))
    if kind == "example":
        visit = state.activate(visit, EXAMPLE.id)
    if kind == "own":
        visit = state.duplicate(visit, EXAMPLE.id)
    if kind != "example":
        for row in draw(st.lists(st.integers(1, VGG16.last - 1), max_size=5)):
            visit = state.split_segment(visit, state.segment_of(visit.model, row), row)
        visit = state.set_rule(visit, 0, Rule.of("gamma", gamma1p=draw(st.floats(0, 1))))
        visit = state.rename(visit, draw(st.text(string.printable + "äγ🙂&=%/", min_size=1).filter(str.strip)))
    upload = draw(st.booleans())
    image = ImageRef("upload", "ab" * 32) if upload else ImageRef("sample", "kitten")
    visit = state.choose_image(visit, image)
    visit = state.set_fit(visit, draw(st.sampled_from(["crop", "squash"])))
    visit = state.choose_target(visit, draw(st.none() | st.integers(0, 999)))
    visit = state.choose_network(visit, draw(st.sampled_from([None, *permalink.NETWORKS])))
    visit = state.select_layer(visit, draw(st.none() | st.integers(1, VGG16.last)))
    overlay = draw(st.booleans())
    visit = state.set_look(
        visit,
        spectrum=draw(st.sampled_from(list(SPECTRA))),
        range=draw(st.sampled_from(list(RANGES))),
        overlay=overlay,
        paper=draw(st.sampled_from(["theme", "light", "dark"])),
    )
    return state.set_look(visit, opacity=draw(st.integers(0, 100)) / 100) if overlay else visit


@given(visits())
def test_an_address_opens_the_same_view(visit):
    opened, damaged = permalink.from_params(permalink.to_params(visit), fresh())
    assert damaged == ()
    assert opened.model == visit.model
    assert opened.entry().origin == visit.entry().origin
    for field in ("image", "target", "network", "selected_segment", "selected_layer", "look"):
        assert getattr(opened, field) == getattr(visit, field)
    assert opened.past == ()


@given(visits())
def test_an_address_is_short_text(visit):
    params = permalink.to_params(visit)
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in params.items())
    assert sum(map(len, params.values())) < 2000


KEYS = [
    "image",
    "fit",
    "target",
    "network",
    "model",
    "as",
    "based",
    "segment",
    "layer",
    "spectrum",
    "range",
    "overlay",
    "paper",
    "unknown",
]


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=60)))
def test_nonsense_never_breaks_the_page(params):
    opened, damaged = permalink.from_params(params, fresh())
    assert opened.entry().model.segments[-1].last == VGG16.last
    assert 0 <= opened.selected_segment < len(opened.model.segments)
    assert all(sentence.endswith(".") for sentence in damaged)


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"image": "../../etc/passwd"}, "image"),
        ({"image": "upload-123"}, "image"),
        ({"image": "kitten", "fit": "stretch"}, "image"),
        ({"target": "-1"}, "target class"),
        ({"target": "٣"}, "target class"),
        ({"network": "/etc/passwd"}, "network"),
        ({"model": "garbage"}, "model"),
        ({"model": "example-nothing"}, "model"),
        ({"model": "x" * 9000}, "model"),
        ({"segment": "5"}, "segment"),
        ({"layer": "39"}, "layer"),
        ({"spectrum": "<script>"}, "colour spectrum"),
        ({"range": "p50"}, "colour range"),
        ({"overlay": "101"}, "overlay"),
        ({"paper": "pink"}, "background"),
    ],
)
def test_each_damaged_part_has_one_sentence_and_the_rest_counts(params, what):
    opened, damaged = permalink.from_params({"target": "7", "spectrum": "blue-white-red", **params}, fresh())
    assert len(damaged) == 1 and f"The {what} in the address cannot be read" in damaged[0]
    assert "<script>" not in damaged[0]
    assert opened.target == (None if what == "target class" else 7)
    assert opened.image == ImageRef()


def test_a_huge_address_is_refused_as_a_whole():
    opened, damaged = permalink.from_params({"model": "x" * 100_000}, fresh())
    assert opened == fresh() and len(damaged) == 1
