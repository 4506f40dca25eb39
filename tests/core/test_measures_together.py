"""Measures of several models at once: forward passes are shared, values are those of each model alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.support.networks import tiny_state
from vislrp_core import composites
from vislrp_core.baselines import Baseline
from vislrp_core.experiments import Explainer, Picture, Workspace, run_all
from vislrp_core.measures import MeasureTask, Settings, Subject
from vislrp_core.measures import subject as subject_module
from vislrp_core.measures.mosaic import mosaics_with
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Network, forward
from vislrp_core.propagation import propagate
from vislrp_core.rules import Rule

METRICS = ("sensitivity", "mosaic", "top_randomised", "class_cosine")


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.from_state_dict(tiny_state(4, divisor=16, classes=7), any_width=True)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    place, random = tmp_path_factory.mktemp("together"), np.random.default_rng(5)
    for number in range(4):
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((224 + number, 230), Image.Resampling.BICUBIC).save(place / f"{number}.png")
    return [Picture.of(str(path)) for path in sorted(place.iterdir())]


def wild() -> LRPModel:
    return LRPModel(name="Wild", segments=(Segment(first=1, last=38, rule=Rule.of("custom", alpha=1e30)),))


def tasks(pictures: list[Picture], models: list[Explainer]) -> list[MeasureTask]:
    mosaics = tuple(mosaics_with(pictures, 1))
    return [
        MeasureTask(pictures[1], model, metric, mosaics=mosaics if metric == "mosaic" else ())
        for model in models
        for metric in METRICS
    ]


def test_values_are_those_of_each_model_alone_and_passes_are_shared(
    network: Network, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [composites.composite("epsilon_plus_flat"), wild(), Baseline("gradient"), Baseline("gradient_x_input")]
    passes: list[int] = []
    forward, forward_many = subject_module.forward, subject_module.forward_many
    monkeypatch.setattr(subject_module, "forward", lambda *a: passes.append(1) or forward(*a))
    monkeypatch.setattr(subject_module, "forward_many", lambda *a: passes.append(len(a[1])) or forward_many(*a))
    joint = list(run_all(network, tasks(pictures, models), workspace=Workspace(network)))
    assert sum(passes) == 10 + 4, "ten noisy copies and four mosaics, for all models"
    for one in joint:
        assert isinstance(one.task, MeasureTask)
        (alone,) = run_all(network, [one.task], workspace=Workspace(network))
        if one.task.model.key == wild().key:
            assert "not finite" in str(one.error) and "not finite" in str(alone.error)
            continue
        assert one.result is not None and alone.result is not None
        assert one.result.value == pytest.approx(alone.result.value, rel=1e-6), (one.task.metric, one.task.model.name)


def test_the_randomised_pass_is_a_forward_pass_of_the_randomised_network(network: Network, pictures: list[Picture]) -> None:
    subject = Subject(Workspace(network), pictures[0], Settings(seed=3))
    other, model = subject.randomised(), composites.composite("epsilon_alpha2_beta1")
    subject.map(model)  # parts of denominators are there
    whole = propagate(other, forward(other, subject.x), model, subject.target, layers="all")
    found = propagate(other, subject.randomised_trace(), model, subject.target, layers="all")
    for layer in (38, 31, 5, 0):
        largest = whole.at(layer).abs().max()
        assert largest > 0 and (found.at(layer) - whole.at(layer)).abs().max() <= 1e-6 * largest
    assert (subject.randomised_trace().logits - subject.trace.logits).abs().max() > 0.01
    kept = subject.trace.cache.term((3, "positive"))
    assert kept is not None and kept is subject.randomised_trace().cache.term((3, "positive"))
