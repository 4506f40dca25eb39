"""Relevance kept at borders: what it saves, that it changes nothing, and that it stays within its bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.networks import VGG16, random_image, tiny_network
from vislrp_core import edits, propagation
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.propagation import NonFiniteRelevance, default_layers, propagate, propagate_many
from vislrp_core.rules import Rule
from vislrp_core.store import KeptRelevance, RelevanceStore, upper_part

MODEL = LRPModel(
    segments=(
        Segment(first=1, last=12, rule=Rule.of("gamma")),
        Segment(first=13, last=28, rule=Rule.of("epsilon")),
        Segment(first=29, last=VGG16.last, rule=Rule.of("zero")),
    )
)


@pytest.fixture(scope="module")
def tiny():
    network = tiny_network(seed=5)
    return network, forward(network, random_image(seed=5))


def passed(tiny, model, store, target=2, layers=None) -> tuple[list[int], object]:
    """The layers that were propagated through, and the result."""
    network, trace = tiny
    seen: list[int] = []
    return seen, propagate(network, trace, model, target, layers=layers, store=store, checkpoint=seen.append)


def same(one, other) -> bool:
    return (
        one.layers == other.layers
        and all(bool((one.at(k) == other.at(k)).all()) for k in one.layers)
        and (one.positive == other.positive).all()
        and (one.negative == other.negative).all()
    )


def test_a_view_already_seen_costs_nothing(tiny):
    store = RelevanceStore(10**9)
    first, result = passed(tiny, MODEL, store)
    again, kept = passed(tiny, MODEL, store)
    assert first == list(range(VGG16.last, 0, -1)) and again == [] and same(result, kept)


@pytest.mark.parametrize(("segment", "highest"), [(0, 12), (1, 28), (2, VGG16.last)])
def test_a_changed_rule_costs_the_layers_below_its_upper_border(tiny, segment, highest):
    store = RelevanceStore(10**9)
    passed(tiny, MODEL, store)
    changed = edits.set_rule(MODEL, segment, Rule.of("gamma", gamma1p=0.7))
    seen, result = passed(tiny, changed, store)
    assert seen == list(range(highest, 0, -1))
    assert same(result, passed(tiny, changed, None)[1])


def test_a_moved_border_starts_at_the_next_kept_layer_above(tiny):
    store = RelevanceStore(10**9)
    passed(tiny, MODEL, store)
    moved = edits.move_border(MODEL, 0, 15)
    seen, result = passed(tiny, moved, store)
    assert seen == list(range(17, 0, -1)) and same(result, passed(tiny, moved, None)[1])


def test_a_border_moved_across_a_relu_costs_nothing_below_it(tiny):
    assert upper_part(MODEL, 0) == upper_part(edits.move_border(MODEL, 1, 27), 0)
    assert upper_part(MODEL, 0) != upper_part(edits.move_border(MODEL, 1, 26), 0)
    absorbing = edits.set_field(MODEL, "bias", "absorb")
    assert upper_part(MODEL, 20) != upper_part(absorbing, 20)
    other_pooling = edits.set_field(MODEL, "pooling", "winner-takes-all")
    assert upper_part(MODEL, 31) == upper_part(other_pooling, 31) and upper_part(MODEL, 30) != upper_part(other_pooling, 30)


def test_epsilon_at_pooling_counts_where_it_is_used():
    damped = edits.set_field(MODEL, "pooling_epsilon", "segment")
    assert upper_part(MODEL, 20) != upper_part(damped, 20) and upper_part(MODEL, 31) == upper_part(damped, 31)
    across = edits.move_border(damped, 0, 9)  # pool2, layer 10, now lies in the segment of epsilon
    assert upper_part(damped, 10) == upper_part(edits.set_field(MODEL, "pooling_epsilon", "segment"), 10)
    assert upper_part(damped, 9) != upper_part(across, 9)
    winner = edits.set_field(damped, "pooling", "winner-takes-all")
    assert upper_part(winner, 0) == upper_part(edits.set_field(winner, "pooling_epsilon", "none"), 0)


def test_targets_images_and_layers_are_kept_apart(tiny):
    network = tiny[0]
    store = RelevanceStore(10**9)
    passed(tiny, MODEL, store, target=2)
    seen, result = passed(tiny, MODEL, store, target=3)
    assert seen[0] == VGG16.last and same(result, passed(tiny, MODEL, None, target=3)[1])
    other = forward(network, random_image(seed=6))
    assert same(propagate(network, other, MODEL, 2, store=store), propagate(network, other, MODEL, 2))
    seen, result = passed(tiny, MODEL, store, layers=(0, 20))
    assert seen[0] == 24 and same(result, passed(tiny, MODEL, None, layers=(0, 20))[1])


@pytest.mark.parametrize("most", [500_000, 100], ids=["one batch", "large layers one by one"])
def test_several_classes_at_once_are_the_classes_one_by_one(tiny, monkeypatch, most):
    monkeypatch.setattr(propagation, "BATCH_VALUES", most)
    network, trace = tiny
    together = propagate_many(network, trace, MODEL, [1, 4, 7])
    assert [result.target for result in together] == [1, 4, 7]
    for result in together:
        alone = propagate(network, trace, MODEL, result.target)
        assert result.layers == alone.layers
        assert all(torch.allclose(result.at(k), alone.at(k), rtol=1e-9) for k in alone.layers)


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(st.sampled_from(["move", "rule", "split", "remove", "layer"]), st.integers(0, 5), st.integers(1, 37)),
        min_size=1,
        max_size=6,
    )
)
def test_any_row_of_edits_gives_what_a_run_from_the_top_gives(tiny, sequence):
    store, model = RelevanceStore(10**6), MODEL
    presets = ["gamma", "epsilon", "alpha_beta", "flat"]
    for kind, place, row in sequence:
        layers: set[int] = default_layers(model)
        place %= len(model.segments)
        segment = model.segments[place]
        if kind == "move" and place + 1 < len(model.segments):
            model = edits.move_border(model, place, row)
        elif kind == "rule":
            model = edits.set_rule(model, place, Rule.of(presets[row % 4]))
        elif kind == "split" and segment.first <= row < segment.last:
            model = edits.split_segment(model, place, row)
        elif kind == "remove" and len(model.segments) > 1:
            model = edits.remove_segment(model, place)
        elif kind == "layer":
            layers = layers | {row}
        assert same(passed(tiny, model, store, layers=layers)[1], passed(tiny, model, None, layers=layers)[1])


def test_a_failure_below_a_known_border_tells_all_that_is_known_above():
    network = tiny_network(3, torch.float32)
    tiny = network, forward(network, random_image(5, torch.float32))
    store = RelevanceStore(10**8)
    passed(tiny, MODEL, store)
    with pytest.raises(NonFiniteRelevance) as caught:
        passed(tiny, edits.set_rule(MODEL, 0, Rule.of("custom", alpha=1e30)), store)
    above = caught.value.relevance
    assert above is not None and set(above.layers) == {12, 28}
    assert np.isfinite(above.positive[12:]).all() and np.isnan(above.positive[caught.value.layer - 1])


def test_another_start_shares_nothing_and_another_pixel_rule_almost_all(tiny):
    store = RelevanceStore(10**8)
    passed(tiny, MODEL, store)
    assert passed(tiny, edits.set_field(MODEL, "start", "one"), store)[0][0] == VGG16.last
    assert passed(tiny, edits.set_field(MODEL, "bias", "absorb"), store)[0][0] == VGG16.last
    assert passed(tiny, edits.set_field(MODEL, "pixel_rule", "flat"), store)[0] == list(range(5, 0, -1))


def kept(values: int) -> KeptRelevance:
    sums = torch.zeros(0).numpy()
    return KeptRelevance(torch.zeros(values, dtype=torch.float64), sums, sums)


def test_bytes_are_bounded_and_the_least_used_goes_first():
    store = RelevanceStore(800)
    for name in "abcd":
        store.put(name, kept(25))
    assert store.nbytes == 800 and store.get("a") is not None
    store.put("e", kept(25))
    assert store.nbytes == 800 and store.get("b") is None and store.get("a") is not None
    store.put("a", kept(20))
    assert store.nbytes == 760
    store.put("large", kept(26))
    assert store.get("large") is None
    store.clear()
    assert store.nbytes == 0 and store.get("a") is None


def test_what_is_kept_holds_nothing_else(tiny):
    network, trace = tiny
    store = RelevanceStore(10**9)
    propagate(network, trace, MODEL, 3, store=store)
    tensors = [value.relevance for value in store._kept._values.values()]
    assert tensors and all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in tensors)
