"""Experiments: tasks are values; one function runs them, resumes, tells how far it is, can be stopped."""

from __future__ import annotations

import ast
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.curves import LAYER, same
from vislrp_core import ablation, flipping
from vislrp_core.baselines import Baseline
from vislrp_core.errors import InputError
from vislrp_core.experiments import AblationCurve, FlipCurve, Group, NetworkSource, Picture, Record, Task, Workspace, run_all
from vislrp_core.experiments import workspace as workspaces
from vislrp_core.experiments.run import answers, groups_of, wishes_of
from vislrp_core.fills import filled_image
from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_core.neurons import score
from vislrp_core.propagation import propagate

ROOT = Path(__file__).resolve().parents[3]


# --- tasks ---------------------------------------------------------------------------------------------------------------


def test_tasks_are_values(tasks: list[Task[Any]]) -> None:
    for task in tasks:
        again = pickle.loads(pickle.dumps(task))
        assert again == task and again.key == task.key and hash(task.picture) == hash(again.picture)
        assert json.loads(json.dumps(task.key)) == [list(one) if isinstance(one, tuple) else one for one in task.key]
        with pytest.raises(AttributeError):
            task.target = 3  # type: ignore[misc]
    assert len({repr(task.key) for task in tasks}) == len(tasks)


def test_the_key_holds_whatever_changes_the_result(folder: Path) -> None:
    picture = Picture.of(str(folder / "a.png"))
    gamma = LRPModel.basic("Same name").model_dump()
    gamma["segments"][0]["rule"] = {"preset": "gamma"}
    flip = FlipCurve(picture, 2, "morf", LRPModel.basic("Same name"))
    changes: list[dict[str, Any]] = [
        {"target": 3},
        {"order": "lerf"},
        {"model": LRPModel.model_validate(gamma)},
        {"patch": 16},
        {"fill": "mean"},
        {"steps": 4},
        {"picture": replace(picture, fit="squash")},
        {"picture": Picture.of(str(folder / "b.png"))},
        {"model": Baseline("edges")},
        {"model": Baseline("random", 1)},
        {"model": Baseline("random", 2)},
    ]
    assert len({repr(one.key) for one in [flip, *(replace(flip, **change) for change in changes)]}) == len(changes) + 1
    assert replace(flip, model=LRPModel.basic("Another name")).key == flip.key
    ablate = AblationCurve(picture, 2, LAYER, (0, 2), "relevance", LRPModel.basic())
    changes = [
        {"target": 3},
        {"layer": 32},
        {"counts": (0, 3)},
        {"order": "activation", "model": None},
        {"value": "mean"},
        {"model": LRPModel.model_validate(gamma)},
        {"order": "random", "model": None, "seed": 1},
        {"by": "positive_relevance"},
    ]
    assert len({repr(one.key) for one in [ablate, *(replace(ablate, **change) for change in changes)]}) == len(changes) + 1


def test_a_flipping_task_is_measured_flipping(network: Network, folder: Path) -> None:
    picture = Picture.of(str(folder / "a.png"))
    space = Workspace(network)
    trace = space.trace(picture)
    for order, model, seed in (("lerf", LRPModel.basic(), None), ("random", None, 3), ("morf", Baseline("edges"), None)):
        values = (
            None
            if model is None
            else propagate(network, trace, model, 1).map(0)
            if isinstance(model, LRPModel)
            else model.relevance(network, trace.x, 1).sum(0).numpy()
        )
        squares = flipping.order_of(values, 56, order, seed)
        expected = flipping.measure(
            network, trace.x, filled_image(trace.x, network, "blur"), squares, 1, patch=56, steps=5, kind=order, seed=seed
        )
        task = FlipCurve(picture, 1, order, model, seed, 56, "blur", 5)
        for found in (task.run(network), task.run(network, space)):
            assert found.order == order and found.seed == seed
            for name in ("shares", "logits", "probabilities"):
                assert np.allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-12)
        assert same(task.unpack(json.loads(json.dumps(task.pack(found)))), found)


@pytest.mark.parametrize(
    ("order", "model", "seed"), [("relevance", LRPModel.basic(), None), ("activation", None, None), ("random", None, 2)]
)
@pytest.mark.parametrize("counts", [(0, 1, 5, 20), (2, 7)])
def test_an_ablation_task_is_an_ablation_per_point(
    network: Network, folder: Path, order: str, model: LRPModel | None, seed: int | None, counts: tuple[int, ...]
) -> None:
    task = AblationCurve(Picture.of(str(folder / "a.png")), 2, LAYER, counts, order, model, seed)
    found = task.run(network, Workspace(network, batch=2))
    trace = Workspace(network).trace(task.picture)
    activation = trace.activation(LAYER)
    relevance = propagate(network, trace, LRPModel.basic(), 2, layers=(LAYER,)).at(LAYER)
    neurons = {
        "relevance": ablation.ranking(score(LAYER, relevance, activation)),
        "activation": torch.argsort(-activation, stable=True).numpy(),
        "random": ablation.random_order(len(activation), 2),
    }[order]
    assert found.counts.tolist() == list(counts)
    for place, count in enumerate(counts):
        logits = ablation.ablate(network, trace, {LAYER: neurons[:count].tolist()})
        assert found.logits[place] == pytest.approx(float(logits[2]), rel=1e-9)
        assert found.first_class[place] == int(logits.argmax())
    assert same(task.unpack(json.loads(json.dumps(task.pack(found)))), found)


def test_measuring_is_written_once() -> None:
    """Command line, pages and tools hand tasks to `run_all`; none has a loop of its own."""
    own = [
        path
        for place in ("vislrp_core", "vislrp_ui", "tools")
        for path in (ROOT / place).rglob("*.py")
        if "experiments" not in path.parts
    ]
    for path in own:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called not in ("flipping.measure", "ablation.curve", "curve_of", "flipping.ends"), f"{path}: {called}"


# --- running many --------------------------------------------------------------------------------------------------------


def test_outcomes_come_in_order_and_what_is_there_is_not_computed_again(
    network: Network, tasks: list[Task[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Record(tmp_path / "results.jsonl") as record:
        first = list(run_all(network, tasks[:5], record=record))
        assert [one.task for one in first] == tasks[:5] and not any(one.reused or one.error for one in first)
    content = (tmp_path / "results.jsonl").read_bytes()
    (tmp_path / "results.jsonl").write_bytes(content[:-9])  # killed while a line was written
    ran: list[object] = []
    run = FlipCurve.run
    monkeypatch.setattr(FlipCurve, "run", lambda self, *rest: ran.append(self) or run(self, *rest))
    with Record(tmp_path / "results.jsonl") as record:
        assert len(record) == 4
        second = list(run_all(network, tasks, record=record))
    assert [one.reused for one in second] == [True] * 4 + [False] * 5
    assert ran == [tasks[4], tasks[6], tasks[7]]
    assert all(same(one.result, other.result) for one, other in zip(first, second, strict=False))


def test_a_record_of_another_network_or_number_format_does_not_count(
    network: Network, tasks: list[Task[Any]], tmp_path: Path
) -> None:
    with Record(tmp_path / "results.jsonl") as record:
        found = [
            one.reused
            for other in (network, network.to(dtype=torch.float32), replace(network, digest="other"), network)
            for one in run_all(other, tasks[:1], record=record)
        ]
    assert found == [False, False, False, True]


def test_a_task_without_a_result_says_why_and_the_others_go_on(
    network: Network, tasks: list[Task[Any]], folder: Path
) -> None:
    broken = FlipCurve(Picture(str(folder / "gone.png"), "digest"), 0, "random", None, 0, 56)
    wild = LRPModel.basic().model_dump()
    wild["segments"][0]["rule"] = {"preset": "custom", "alpha": 1e30, "beta": 0.0}
    odd = replace(tasks[0], model=LRPModel.model_validate(wild))
    outcomes = list(run_all(network, [broken, odd, tasks[1]]))
    assert "gone.png" in str(outcomes[0].error) and "not finite" in str(outcomes[1].error)
    assert outcomes[0].result is outcomes[1].result is None and outcomes[2].result is not None


def test_a_mistake_in_the_program_is_no_outcome(
    network: Network, tasks: list[Task[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(flipping, "order_of", fail)
    with pytest.raises(ZeroDivisionError):
        list(run_all(network, tasks))


def test_progress_counts_steps_and_may_stop_the_run(network: Network, tasks: list[Task[Any]], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    list(run_all(network, tasks[:4], workspace=Workspace(network, batch=1), progress=lambda *both: told.append(both)))
    assert {total for _, total in told} == {3 + 3 + 4 + 3}
    done = [step for step, _ in told]
    assert done == sorted(done) and done[0] == 0 and {3, 6, 10} <= set(done) and len(set(done)) > 6

    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= 7:
            raise Enough

    with Record(tmp_path / "results.jsonl") as record:
        with pytest.raises(Enough):
            list(run_all(network, tasks[:4], record=record, progress=stop))
        assert len(record) == 2, "what was complete stays"


# --- several pictures at once --------------------------------------------------------------------------------------------


@pytest.fixture
def all_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A folder of three is one group; how many pictures each forward pass of a group had."""
    monkeypatch.setattr(workspaces, "GROUPS", 1)
    sizes: list[int] = []
    whole = workspaces.forward_many
    monkeypatch.setattr(workspaces, "forward_many", lambda network, x: sizes.append(len(x)) or whole(network, x))
    return sizes


def test_a_small_folder_is_one_group_for_each_picture_a_large_one_has_groups_of_four() -> None:
    assert [workspaces.together(count) for count in (0, 1, 31, 32, 63, 64, 5000)] == [1, 1, 1, 2, 3, 4, 4]


def test_the_pictures_of_a_folder_are_explained_together(
    network: Network, tasks: list[Task[Any]], all_at_once: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(run_all(network, tasks))
    assert all_at_once == [3] and [one.task for one in found] == tasks
    alone = [task.run(network) for task in tasks]
    for one, expected in zip(found, alone, strict=True):
        assert one.error is None and np.allclose(one.result.logits, expected.logits, rtol=1e-9, atol=1e-12)
    space = Workspace(network)
    models = (LRPModel.basic(), Baseline("edges"))
    pictures = list(dict.fromkeys(task.picture for task in tasks))
    space.prepare([(picture, model, "top") for picture in pictures for model in models])
    monkeypatch.setattr(workspaces, "propagate", None)  # all maps are there
    for picture in pictures:
        trace = Workspace(network).trace(picture)
        target = int(trace.logits.argmax())
        expected_map = propagate(network, trace, models[0], target)
        values, share = space.explained(picture, models[0], target)
        assert np.allclose(values, expected_map.map(0), rtol=1e-9, atol=1e-9 * abs(expected_map.map(0)).max())
        assert share == pytest.approx(expected_map.total[0] / expected_map.total[-1], rel=1e-6)
        assert np.allclose(space.trace(picture).logits, trace.logits)


def test_neither_an_interruption_nor_workers_change_what_is_explained_together(
    source: NetworkSource, tasks: list[Task[Any]], all_at_once: list[int], tmp_path: Path
) -> None:
    network = source.load().to(dtype=torch.float32)
    wanted = [task for task in tasks if isinstance(task, FlipCurve)]
    whole = [one.result for one in run_all(network, wanted)]
    with Record(tmp_path / "results.jsonl") as record:
        first = next(iter(run_all(network, wanted, record=record)))
        rest = list(run_all(network, wanted, record=record))
    assert rest[0].reused and not rest[2].reused and all_at_once == [3, 3, 3]
    assert all(same(one.result, expected) for one, expected in zip([first, *rest[1:]], whole, strict=True))
    (group,) = [Group(tuple(one), wishes_of(one, one[1:])) for one in groups_of(wanted)]
    assert [picture for picture, _, _ in group.wishes] == list(dict.fromkeys(task.picture for task in wanted))
    packed = answers(network, group, Workspace(network))
    assert all(same(task.unpack(one), expected) for task, one, expected in zip(wanted, packed, whole, strict=True))


def test_a_picture_or_map_that_cannot_be_made_is_its_own_tasks_error(
    network: Network, tasks: list[Task[Any]], folder: Path, all_at_once: list[int]
) -> None:
    broken = FlipCurve(Picture(str(folder / "gone.png"), "digest"), 0, "morf", LRPModel.basic(), None, 56)
    found = list(run_all(network, [*tasks[:4], broken]))
    assert [one.error is None for one in found] == [True] * 4 + [False] and all_at_once == []
    huge = LRPModel.basic().model_dump()
    huge["segments"][0]["rule"] = {"preset": "custom", "alpha": 1e30}
    endless = [replace(task, model=LRPModel.model_validate(huge)) for task in (tasks[0], tasks[3])]
    found = list(run_all(network.to(dtype=torch.float32), [*endless, tasks[1]]))
    assert ["not finite" in str(one.error) for one in found] == [True, True, False] and all_at_once == [2]


Wrong = Callable[[], object]


@pytest.mark.parametrize("wrong", [lambda: Baseline("saliency"), lambda: Baseline("")])
def test_unknown_baselines_are_refused(wrong: Wrong) -> None:
    with pytest.raises(InputError, match="must be some of gradient"):
        wrong()
