"""An edit recomputes the layers below it and no other; what is put together equals a run from the top."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.networks import random_image, tiny_network
from vislrp_core import edits
from vislrp_core.layers import LAST
from vislrp_core.model import LRPModel
from vislrp_core.network import forward
from vislrp_core.propagation import NonFiniteRelevance, default_layers, propagate
from vislrp_core.rules import Rule
from vislrp_ui import borders

NETWORK = tiny_network(3)
TRACE = forward(NETWORK, random_image(5))


def run(model: LRPModel, store, *, target: int = 2, more: tuple[int, ...] = ()):
    layers: list[int] = []
    wanted = frozenset(default_layers(model) | set(more))
    result = borders.propagate_again(NETWORK, TRACE, model, target, wanted, layers.append, store, "picture")
    return result, layers, wanted


def three() -> LRPModel:
    model = LRPModel.basic()
    for row, rule in ((10, Rule.of("gamma")), (23, Rule.of("epsilon"))):
        model = edits.set_rule(edits.split_segment(model, len(model.segments) - 1, row), len(model.segments) - 1, rule)
    return model


def assert_as_from_the_top(result, model: LRPModel, wanted: frozenset[int], target: int = 2) -> None:
    whole = propagate(NETWORK, TRACE, model, target, layers=wanted)
    assert result.layers == whole.layers == tuple(sorted(wanted))
    for layer in wanted:
        assert torch.equal(result.at(layer), whole.at(layer))
    np.testing.assert_array_equal(result.positive, whole.positive)
    np.testing.assert_array_equal(result.negative, whole.negative)


def test_a_rule_changes_its_segment_and_those_below():
    store, model = borders.new_store(10**8), three()
    _, layers, _ = run(model, store)
    assert layers == list(range(LAST, 0, -1))
    changed = edits.set_rule(model, 1, Rule.of("gamma", gamma1p=0.5))
    result, layers, wanted = run(changed, store)
    assert layers == list(range(23, 0, -1))
    assert_as_from_the_top(result, changed, wanted)


def test_a_moved_border_begins_at_the_border_above_it():
    store, model = borders.new_store(10**8), three()
    run(model, store)
    result, layers, wanted = run(moved := edits.move_border(model, 0, 14), store)
    assert max(layers) == 23
    assert_as_from_the_top(result, moved, wanted)


def test_splitting_a_segment_changes_no_number_and_computes_from_the_border_above():
    store, model = borders.new_store(10**8), three()
    first, _, _ = run(model, store)
    result, layers, wanted = run(split := edits.split_segment(model, 1, 17), store)
    assert max(layers) == 23 and torch.equal(result.at(0), first.at(0))
    assert_as_from_the_top(result, split, wanted)


def test_another_class_or_start_shares_nothing_and_another_pixel_rule_almost_all():
    store, model = borders.new_store(10**8), three()
    run(model, store)
    assert max(run(model, store, target=3)[1]) == LAST
    assert max(run(edits.set_field(model, "start", "one"), store)[1]) == LAST
    assert max(run(edits.set_field(model, "bias", "absorb"), store)[1]) == LAST
    assert run(edits.set_field(model, "pixel_rule", "flat"), store)[1] == list(range(10, 0, -1))


def test_a_further_layer_is_computed_from_the_border_above_it():
    store, model = borders.new_store(10**8), three()
    run(model, store)
    result, layers, wanted = run(model, store, more=(17,))
    assert max(layers) == 23
    assert_as_from_the_top(result, model, wanted)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["move", "rule", "split", "remove", "layer"]), st.integers(0, 5),
                          st.integers(1, 37)), min_size=1, max_size=6))
def test_any_row_of_edits_gives_what_a_run_from_the_top_gives(sequence):
    store, model = borders.new_store(10**6), three()
    presets = ["gamma", "epsilon", "alpha_beta", "flat"]
    for kind, place, row in sequence:
        more: tuple[int, ...] = ()
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
            more = (row,)
        result, _, wanted = run(model, store, more=more)
        assert_as_from_the_top(result, model, wanted)


def test_a_failure_below_a_known_border_tells_all_that_is_known_above():
    network = tiny_network(3, torch.float32)
    trace = forward(network, random_image(5, torch.float32))
    store, model = borders.new_store(10**8), three()

    def go(model: LRPModel):
        wanted = frozenset(default_layers(model))
        return borders.propagate_again(network, trace, model, 2, wanted, lambda layer: None, store, "picture")

    go(model)
    with pytest.raises(NonFiniteRelevance) as caught:
        go(edits.set_rule(model, 0, Rule.of("custom", alpha=1e30)))
    above = caught.value.relevance
    assert above is not None and set(above.layers) == {10, 23}
    assert np.isfinite(above.positive[10:]).all() and np.isnan(above.positive[caught.value.layer - 1])
