"""Sets of neurons as text, and scores against sums written out by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.errors import InputError
from vislrp_core.neurons import (
    SCORES,
    NeuronError,
    check_layer,
    check_neurons,
    format_neurons,
    parse_neurons,
    parse_set,
    score,
)

VGG16 = ARCHITECTURES["vgg16"]


@given(st.sets(st.integers(0, 4095), max_size=60))
def test_text_of_a_set_reads_back(neurons: set[int]) -> None:
    assert parse_neurons(format_neurons(sorted(neurons))) == tuple(sorted(neurons))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("57,58,60-63", (57, 58, 60, 61, 62, 63)), (" 3 ; 1, 1 ", (1, 3)), ("5 - 7", (5, 6, 7)), ("", ()), ("9 8", (8, 9))],
)
def test_ranges_are_read(text: str, expected: tuple[int, ...]) -> None:
    assert parse_neurons(text) == expected


@pytest.mark.parametrize("text", ["a", "1-", "-3", "7-5", "1.5", "1e3", "0-999999", "1,<b>", "٣"])
def test_a_bad_set_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(NeuronError) as error:
        parse_neurons(text)
    assert "\n" not in str(error.value) and len(str(error.value)) > 20


def test_layer_of_a_set_by_number_or_name() -> None:
    assert parse_set("23:1,2", VGG16) == parse_set("relu4_3:1-2", VGG16) == (23, (1, 2))


@pytest.mark.parametrize("text", ["23", "0:1", "39:1", "conv9_9:1", "23:", ":4"])
def test_a_set_without_layer_or_neurons_is_refused(text: str) -> None:
    with pytest.raises((NeuronError, InputError)):
        parse_set(text, VGG16)


def test_short_text() -> None:
    assert format_neurons([63, 57, 58, 60, 61, 62]) == "57,58,60-63"


def test_scores_of_channels_are_sums_over_positions() -> None:
    relevance = torch.tensor([[[1.0, -2.0], [3.0, 0.0]], [[-1.0, -1.0], [0.5, 0.0]]])
    activation = torch.tensor([[[0.0, 2.0], [4.0, 0.0]], [[-1.0, 1.0], [1.0, 1.0]]])
    found = score(23, relevance, activation)
    assert found.positive_relevance.tolist() == [4.0, 0.5]
    assert found.negative_relevance.tolist() == [-2.0, -2.0]
    assert found.total_relevance.tolist() == [2.0, -1.5]
    assert found.activation_sum.tolist() == [6.0, 2.0]
    assert found.activation_mean.tolist() == [1.5, 0.5]
    assert found.active_share.tolist() == [0.5, 0.75]


def test_scores_of_units_are_their_values() -> None:
    relevance, activation = torch.tensor([1.0, -2.0, 0.0]), torch.tensor([0.5, 3.0, 0.0])
    found = score(33, relevance, activation)
    assert found.positive_relevance.tolist() == [1, 0, 0] and found.negative_relevance.tolist() == [0, -2, 0]
    assert found.activation_mean.tolist() == found.activation_sum.tolist() == [0.5, 3.0, 0.0]


def test_order_by_a_score_breaks_ties_by_number() -> None:
    found = score(33, torch.tensor([1.0, 3.0, 1.0, -5.0]), torch.zeros(4))
    assert found.strongest("positive_relevance").tolist() == [1, 0, 2, 3]
    assert found.strongest("negative_relevance").tolist() == [3, 0, 1, 2]


def test_csv_has_the_columns_of_the_definition_and_reads_back_exactly() -> None:
    found = score(33, torch.tensor([1 / 3, -2.0]), torch.tensor([0.1, 0.0]))
    rows = list(csv.DictReader(io.StringIO(found.to_csv().decode("utf-8-sig"))))
    assert list(rows[0]) == [
        "neuron",
        "positive_relevance",
        "negative_relevance",
        "total_relevance",
        "activation_sum",
        "activation_mean",
        "active_share",
    ]
    for key in SCORES:
        assert np.array_equal(found.column(key), [float(row[key]) for row in rows])


def test_shapes_that_disagree_and_unknown_scores_are_refused() -> None:
    with pytest.raises(NeuronError, match="must agree"):
        score(23, torch.zeros(2), torch.zeros(3))
    with pytest.raises(NeuronError, match="positive_relevance"):
        score(33, torch.zeros(2), torch.zeros(2)).column("size")


def test_layers_and_neurons_outside_are_named() -> None:
    with pytest.raises(NeuronError, match="Layer 0"):
        check_layer(0, VGG16)
    with pytest.raises(NeuronError, match="no 64"):
        check_neurons("conv1_1", [3, 64], 64)
