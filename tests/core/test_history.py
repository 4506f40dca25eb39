"""What a call gives depends on its arguments alone: not on what was computed before, nor on other threads."""

from __future__ import annotations

import dataclasses
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from tests.support.networks import tiny_network
from tests.support.small import picture, small_network
from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, forward
from vislrp_core.networks import load_network
from vislrp_core.propagation import propagate, propagate_many
from vislrp_core.rules import Rule
from vislrp_core.store import RelevanceStore
from vislrp_core.trace import Trace

ROOT = Path(__file__).resolve().parents[2]


def composite(*parts: tuple[int, Rule], **fields) -> LRPModel:
    firsts = [1, *(last + 1 for last, _ in parts[:-1])]
    return LRPModel(
        segments=tuple(
            Segment(first=first, last=last, rule=rule) for first, (last, rule) in zip(firsts, parts, strict=True)
        ),
        **fields,
    )


MODELS = [
    composite((38, Rule.of("zero"))),
    composite((17, Rule.of("gamma")), (31, Rule.of("epsilon")), (38, Rule.of("zero"))),
    composite((17, Rule.of("gamma", gamma1p=0.5)), (31, Rule.of("epsilon")), (38, Rule.of("zero"))),
    composite((10, Rule.of("alpha_beta")), (38, Rule.of("gamma_generalized")), bias="absorb"),
    composite((20, Rule.of("custom", theta0=0.3, gamma2=0.5, gamma1n=0.4)), (38, Rule.of("flat")), pixel_rule="flat"),
    composite((12, Rule.of("zero")), (38, Rule.of("epsilon", epsilon=1e-4)), pooling="winner-takes-all", start="one"),
]
"""Some need the pass in double precision from the top, some below a layer, some never."""


@pytest.fixture(scope="module")
def network() -> Network:
    return small_network("vgg16", seed=4, dtype=torch.float32, side=96)


@pytest.fixture(scope="module")
def pictures(network) -> list[torch.Tensor]:
    return list(picture(network.architecture, seed=8, count=16, dtype=torch.float32).split(1))


@pytest.fixture(scope="module")
def expected(network, pictures) -> dict[tuple[int, int], torch.Tensor]:
    """Every map from a fresh trace."""
    return {
        (place, number): propagate(network, forward(network, x), model, 2).at(0)
        for place, x in enumerate(pictures)
        for number, model in enumerate(MODELS)
    }


def test_the_models_differ_in_what_they_ask_for(network, pictures):
    asked = []
    for model in MODELS:
        trace = forward(network, pictures[0])
        propagate(network, trace, model, 2)
        asked.append(trace.cache.has_double)
    assert True in asked and False in asked


@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_the_same_bits(network, pictures, expected, seed):
    traces = [forward(network, x) for x in pictures]
    store = RelevanceStore(10**8) if seed else None
    jobs = list(expected)
    random.Random(seed).shuffle(jobs)
    for place, number in jobs + jobs[:20]:
        found = propagate(network, traces[place], MODELS[number], 2, store=store).at(0)
        assert torch.equal(found, expected[place, number]), (place, number)


def test_a_store_that_forgets_and_other_classes_change_nothing(network, pictures, expected):
    trace, store = forward(network, pictures[0]), RelevanceStore(200_000)
    for number in (0, 1, 2, 5, 1, 0, 2, 4, 1):
        propagate(network, trace, MODELS[number], 3, store=store, layers=(0, 20))
        propagate_many(network, trace, MODELS[number], [1, 2, 3])
        assert torch.equal(propagate(network, trace, MODELS[number], 2, store=store).at(0), expected[0, number])


def test_eight_threads_at_once_give_the_same_bits(network, pictures, expected):
    traces, store = [forward(network, x) for x in pictures], RelevanceStore(10**7)
    jobs = list(expected)
    random.Random(9).shuffle(jobs)

    def work(job: tuple[int, int]) -> bool:
        place, number = job
        kept = store if (place + number) % 2 else None
        return torch.equal(propagate(network, traces[place], MODELS[number], 2, store=kept).at(0), expected[job])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, jobs))


def test_eight_threads_on_one_picture_with_real_convolutions():
    network = load_network("embedded")
    x = to_input(read_image(ROOT / "sample_images" / "castle_on_lake.jpg"), network)
    chosen = MODELS[:2]
    expected = [propagate(network, forward(network, x), model, 5).at(0) for model in chosen]
    trace = forward(network, x)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: propagate(network, trace, chosen[number % 2], 5).at(0), range(8)))
    assert all(torch.equal(one, expected[number % 2]) for number, one in enumerate(found))


def test_a_trace_cannot_be_rewritten():
    network = tiny_network(dtype=torch.float32)
    trace = forward(network, torch.zeros(1, 3, 224, 224))
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.exact = True  # type: ignore[misc]
    with pytest.raises(TypeError):
        trace.activations[1] = trace.x  # type: ignore[index]
    with pytest.raises(TypeError):
        trace.sums[1] = trace.x  # type: ignore[index]


def test_a_cache_keeps_to_its_bytes_and_makes_the_double_once():
    trace = Trace(torch.zeros(1, 10), {0: torch.zeros(1, 10)}, {}, ())
    for number in range(5):
        trace.cache.keep(number, torch.zeros(4))
    assert trace.cache.term(0) is None and trace.cache.term(4) is not None and trace.cache.nbytes <= 40
    made = []
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: trace.cache.double(lambda: made.append(1) or trace), range(16)))
    assert made == [1] and all(one is trace for one in found)
