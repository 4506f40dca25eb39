"""Properties over random rules and segmentations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.networks import VGG16, random_image, tiny_network
from vislrp_core import edits
from vislrp_core.compact import decode, encode
from vislrp_core.formula import formula_latex, formula_mathml
from vislrp_core.model import (
    BIASES,
    MAX_SEGMENTS,
    PIXEL_RULES,
    POOLING_EPSILONS,
    POOLINGS,
    STARTS,
    LRPModel,
    ModelError,
    Segment,
)
from vislrp_core.network import forward
from vislrp_core.propagation import propagate
from vislrp_core.rules import KEYS, PRESETS, Rule
from vislrp_core.texts import is_visible

# The same examples everywhere, and no limit on time: a busy machine must not turn a property red.
settings.register_profile("vislrp", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("vislrp")

numbers = st.floats(-100, 100, allow_nan=False).map(lambda value: value + 0.0)


@st.composite
def rules(draw, presets=tuple(PRESETS)):
    preset = draw(st.sampled_from(presets))
    values = {key: draw(numbers) for key in PRESETS[preset].free if draw(st.booleans())}
    return Rule.of(preset, **values, epsilon_scale=draw(st.sampled_from(["absolute", "relative"])))


@st.composite
def models(draw, rule=None, name=None):
    borders = [*sorted(draw(st.sets(st.integers(1, VGG16.last - 1), max_size=6))), VGG16.last]
    firsts = [1, *(border + 1 for border in borders[:-1])]
    segments = tuple(
        Segment(first=first, last=last, rule=draw(rule if rule is not None else rules()))
        for first, last in zip(firsts, borders, strict=True)
    )
    names = st.text(min_size=1, max_size=30).filter(is_visible)
    return LRPModel(
        name=draw(name if name is not None else names),
        segments=segments,
        description=draw(st.text(max_size=30)),
        pooling=draw(st.sampled_from(list(POOLINGS))),
        pooling_epsilon=draw(st.sampled_from(list(POOLING_EPSILONS))),
        bias=draw(st.sampled_from(list(BIASES))),
        pixel_rule=draw(st.sampled_from(list(PIXEL_RULES))),
        start=draw(st.sampled_from(list(STARTS))),
    )


@given(models())
def test_file_round_trip(model):
    again = LRPModel.from_json(model.to_json())
    assert again == model and again.key == model.key


@given(models())
def test_address_round_trip(model):
    again = decode(encode(model))
    assert again == model.model_copy(update={"description": ""})
    assert all(character.isalnum() or character in "~._-=+%" for character in encode(model))


@given(
    st.text(max_size=60) | models().map(encode).flatmap(lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut]))
)
def test_damaged_addresses_give_one_sentence(text):
    try:
        assert isinstance(decode(text), LRPModel)
    except ModelError as error:
        assert "\n" not in str(error) and str(error)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_foreign_files_give_one_sentence(content):
    with pytest.raises(ModelError) as error:
        LRPModel.from_json(content)
    assert "\n" not in str(error.value)


edit = st.one_of(
    st.tuples(st.just("add_segment")),
    st.tuples(st.just("remove_segment"), st.integers(-1, 12)),
    st.tuples(st.just("split_segment"), st.integers(-1, 12), st.integers(-1, 40)),
    st.tuples(st.just("move_border"), st.integers(-1, 12), st.integers(-5, 50)),
    st.tuples(st.just("set_rule"), st.integers(-1, 12), rules()),
)


@given(models(), st.lists(edit, max_size=12))
def test_any_sequence_of_edits_leaves_a_valid_model(model, sequence):
    for name, *arguments in sequence:
        try:
            model = getattr(edits, name)(model, *arguments)
        except ModelError as error:
            assert "\n" not in str(error)
        assert LRPModel.from_json(model.to_json()) == model
        assert [model.segments[0].first, model.segments[-1].last] == [1, VGG16.last]
        assert len(model.segments) <= MAX_SEGMENTS


@given(rules(), st.sampled_from(KEYS), st.floats(-10, 10))
def test_a_moved_parameter_keeps_the_preset_only_if_it_is_its_own(rule, key, value):
    moved = rule.changed(key, value)
    assert getattr(moved, key) == value
    assert all(getattr(moved, other) == getattr(rule, other) for other in KEYS if other != key)
    own = key in PRESETS[rule.preset].free or value == getattr(rule, key)
    assert moved.preset == (rule.preset if own else "custom")


@given(rules())
def test_every_rule_has_a_formula(rule):
    assert formula_latex(rule).startswith("R_i = ")
    text = formula_mathml(rule)
    assert text.count("<mrow>") == text.count("</mrow>") and text.count("<mfrac>") == text.count("</mfrac>")


NETWORK = tiny_network(seed=4)
slow = settings(max_examples=12)
factors = st.floats(0.0, 1.0)
conserving = st.one_of(
    st.just(Rule.of("zero")),
    factors.map(lambda value: Rule.of("gamma", gamma1p=value)),
    factors.map(lambda value: Rule.of("custom", gamma1p=value, gamma2=value / 2)),
)


@pytest.fixture(scope="module")
def trace():
    return forward(NETWORK, random_image(seed=4))


@slow
@given(
    model=models(conserving, st.just("c")), target=st.integers(0, 9), pixel=st.sampled_from(["z_box", "flat", "w_square"])
)
def test_relevance_is_conserved_where_it_must_be(trace, model, target, pixel):
    conventions = {"bias": "ignore", "pixel_rule": pixel, "start": "logit", "pooling_epsilon": "none"}
    result = propagate(NETWORK, trace, model.model_copy(update=conventions), target)
    scale = (result.positive - result.negative).max()
    assert abs(result.total - result.total[VGG16.last]).max() <= 1e-5 * scale


@slow
@given(
    model=models(
        rules(("gamma", "epsilon", "z_plus", "z_box", "flat")).map(
            lambda rule: rule if rule.preset != "gamma" else Rule.of("gamma")
        ),
        st.just("b"),
    ),
    row=st.integers(1, VGG16.last - 1),
)
def test_a_border_between_equal_rules_changes_nothing(trace, model, row):
    place = next(i for i, segment in enumerate(model.segments) if segment.first <= row <= segment.last)
    if row == model.segments[place].last:
        return
    split = edits.split_segment(model, place, row)
    before, after = (propagate(NETWORK, trace, m, 3, layers=(0,)).at(0) for m in (model, split))
    assert bool((before == after).all())
