"""One function that runs many tasks: here or in a pool, resumable, telling how far it is, stopping when asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, Generic, Protocol, TypeVar

from vislrp_core.errors import InputError, VisLRPError
from vislrp_core.experiments.record import MemoryRecord, Recorder, key_of
from vislrp_core.experiments.workspace import Picture, Wish, Workspace, together
from vislrp_core.network import Network

Result = TypeVar("Result")


class Task(Protocol[Result]):
    """A piece of work as a value: frozen and picklable, complete in itself."""

    @property
    def picture(self) -> Picture:
        """The picture that it is about; tasks of one picture that follow each other share a worker."""

    @property
    def key(self) -> tuple[Any, ...]:
        """All that the result depends on besides the network, as JSON can hold it."""

    @property
    def size(self) -> int:
        """Steps, for progress."""

    @property
    def wish(self) -> Wish | None:
        """The map that it will ask for, to be made together with those of other pictures; None where it needs none."""

    def run(self, network: Network, workspace: Workspace | None = None) -> Result:
        """The result (VisLRPError, OSError: there is none, and why)."""

    def pack(self, result: Result) -> Any:
        """The result as JSON."""

    def unpack(self, data: Any) -> Result:
        """The result from JSON."""


@dataclass(frozen=True, eq=False)
class Outcome(Generic[Result]):
    """What became of a task: a result, or the error that says why there is none.

    Attributes
    ----------
    reused : bool
        Whether the result was there already.
    """

    task: Task[Result]
    result: Result | None
    error: VisLRPError | OSError | None = None
    reused: bool = False


@dataclass(frozen=True)
class Group:
    """Tasks that are run one after the other, and the maps that are made before, see `Workspace.prepare`."""

    tasks: tuple[Task[Any], ...]
    wishes: tuple[Wish, ...] = ()


class Pool(Protocol):
    """Several workers, see `pool.ProcessPool`."""

    def map(self, groups: Iterable[Group]) -> Iterator[tuple[Group, list[Any]]]:
        """Groups, whole or in parts, with their packed results (or errors), as they are finished."""


Progress = Callable[[int, int], None]


def record_key(network: Network, task: Task[Any]) -> str:
    """The key of a result in a record."""
    return key_of([network.digest, str(network.dtype), *task.key])


def run_all(
    network: Network,
    tasks: Iterable[Task[Result]],
    *,
    workspace: Workspace | None = None,
    record: Recorder | None = None,
    pool: Pool | None = None,
    progress: Progress | None = None,
) -> Iterator[Outcome[Result]]:
    """Run tasks and hand out what becomes of them: one that has no result does not stop the others.

    Parameters
    ----------
    network : Network
        Run by all of them.
    workspace : Workspace, optional
        What they share in this process.
    record : Recorder, optional
        Results that are there already are not computed again; new ones are put there before they are handed out.
    pool : Pool, optional
        Workers besides this process; outcomes then come in the order in which they are finished.
    progress : callable, optional
        Called with the steps done and all steps; may raise to stop, what is complete stays in the record.

    Yields
    ------
    Outcome
        For each task, in their order where there is no pool.
    """
    wanted = list(tasks)
    kept: Recorder = record if record is not None else MemoryRecord()
    total = sum(task.size for task in wanted)
    done = 0
    named = {id(task): record_key(network, task) for task in wanted}
    tell: Progress = progress or (lambda done, total: None)

    def known(task: Task[Result]) -> Outcome[Result] | None:
        packed = kept.get(named[id(task)])
        return None if packed is None else Outcome(task, task.unpack(packed), reused=True)

    if pool is None:
        space = workspace or Workspace(network)
        for tasks in groups_of(wanted):
            space.ahead = tuple(task for task in tasks if kept.get(named[id(task)]) is None)
            space.prepare(wishes_of(tasks, space.ahead))
            for task in tasks:
                outcome = known(task)
                if outcome is None:
                    before = done
                    space.tell = lambda step, before=before: tell(before + step, total)  # type: ignore[misc]
                    try:
                        result = task.run(network, space)
                        kept.put(named[id(task)], task.pack(result))
                        outcome = Outcome(task, result)
                    except (VisLRPError, OSError) as error:
                        outcome = Outcome(task, None, error)
                done += task.size
                yield outcome
        return
    groups: list[Group] = []
    for tasks in groups_of(wanted):
        missing: list[Task[Result]] = []
        for task in tasks:
            outcome = known(task)
            if outcome is None:
                missing.append(task)
            else:
                done += task.size
                yield outcome
        if missing:
            groups.append(Group(tuple(missing), wishes_of(tasks, missing)))
    tell(done, total)
    for group, answers in pool.map(groups):
        for task, answer in zip(group.tasks, answers, strict=True):
            done += task.size
            if isinstance(answer, VisLRPError | OSError):
                yield Outcome(task, None, answer)
                continue
            kept.put(named[id(task)], answer)
            yield Outcome(task, task.unpack(answer))
        tell(done, total)


def groups_of(tasks: Sequence[Task[Result]]) -> Iterator[list[Task[Result]]]:
    """Tasks of pictures whose maps are made together, see `workspace.together`; tasks that follow each other alone."""
    by_picture = [list(group) for _, group in groupby(tasks, key=lambda task: task.picture)]
    size = together(len({task.picture for task in tasks}))
    for first in range(0, len(by_picture), size):
        yield list(chain.from_iterable(by_picture[first : first + size]))


def wishes_of(tasks: Sequence[Task[Any]], missing: Sequence[Task[Any]]) -> tuple[Wish, ...]:
    """Maps of all tasks of a group, under the models of those whose results are missing.

    What is there already of an interrupted group does not change with which pictures the others are computed.
    """
    models = {wish[1].key for task in missing if (wish := task.wish) is not None}
    return tuple(dict.fromkeys(wish for task in tasks if (wish := task.wish) is not None and wish[1].key in models))


def answers(network: Network, group: Group, workspace: Workspace) -> Iterator[Any]:
    """What a worker sends back, task by task: packed results, and errors whose text survives the way."""
    workspace.ahead = group.tasks
    workspace.prepare(group.wishes)
    for task in group.tasks:
        try:
            yield task.pack(task.run(network, workspace))
        except OSError as error:
            yield OSError(error.errno, error.strerror, error.filename) if error.strerror else OSError(str(error))
        except VisLRPError as error:
            yield InputError(str(error))
