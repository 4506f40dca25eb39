"""A tiny network, three pictures and the curves over them, for experiments in one process and in several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.curves import fill, tasks_of
from vislrp_core.experiments import NetworkSource, Task
from vislrp_core.network import Network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds pictures and the weights of a network."""
    return fill(tmp_path_factory.mktemp("experiments"))


@pytest.fixture(scope="module")
def source(folder: Path) -> NetworkSource:
    """Where a worker finds the network."""
    return NetworkSource(str(folder / "net.safetensors"), "cpu", "float64")


@pytest.fixture(scope="module")
def network(source: NetworkSource) -> Network:
    """The network, in double precision."""
    return source.load()


@pytest.fixture
def tasks(folder: Path) -> list[Task[Any]]:
    """Curves of both kinds over the pictures."""
    return tasks_of(folder)
