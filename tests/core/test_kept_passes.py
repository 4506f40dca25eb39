"""What a workspace keeps beside forward passes: of the picture at hand alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.networks import tiny_network
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.experiments import Picture, Workspace
from vislrp_core.measures import MeasureTask, Settings
from vislrp_core.measures.mosaic import mosaics_with
from vislrp_core.model import LRPModel, Segment
from vislrp_core.rules import Rule

PLAN = ARCHITECTURES["alexnet"]  # the quickest
BASIC, TWO_TERMS = (
    LRPModel(name=rule.title, architecture=PLAN.key, segments=(Segment(first=1, last=PLAN.last, rule=rule),))
    for rule in (Rule.of("zero"), Rule.of("alpha_beta", alpha=2.0, beta=1.0))
)
"""The second keeps a part of its denominators beside the pass."""


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    random = np.random.default_rng(5)
    for name in "abcde":
        pixels = Image.fromarray(random.integers(0, 256, size=(9, 9, 3), dtype=np.uint8))
        pixels.resize((224, 224), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    return [Picture.of(str(tmp_path / f"{name}.png")) for name in "abcde"]


def test_of_pictures_and_mosaics_that_wait_the_passes_alone_are_kept(pictures: list[Picture]) -> None:
    """What is computed beside a pass takes up to three times its memory: with six passes a search held 2.6 GB."""
    network = tiny_network(3, architecture=PLAN.key)
    space = Workspace(network)
    for place in range(2):
        for model in (BASIC, TWO_TERMS):
            mosaics = tuple(mosaics_with(pictures, place))
            MeasureTask(pictures[place], model, "mosaic", Settings(), mosaics=mosaics).run(network, space)
            waiting = list(space._kept["mosaic trace"].values())
            assert len(waiting) == 4 and all(one.cache.nbytes == 0 for one in waiting)
        space.values(pictures[place], TWO_TERMS, 2)
        *others, own = space._kept["trace"].values()
        assert own.cache.nbytes > 0 and all(one.cache.nbytes == 0 for one in others) and len(others) == place
    space.trace(pictures[2])
    assert "mosaic trace" not in space._kept and len(space._kept["trace"]) == 2
