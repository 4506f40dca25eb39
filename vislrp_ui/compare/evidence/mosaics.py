"""The mosaics of the grid pointing game, as the network sees them, and maps of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vislrp_core.experiments import Picture
from vislrp_core.measures import Subject
from vislrp_core.measures.mosaic import PLACES, as_input, compose, quadrant_share
from vislrp_ui.compare.evidence.plan import Plan
from vislrp_ui.shared.turns import MeasuringWorkspace

COLUMNS = 4
MAX_KEPT = 64
_KEPT = "_evidence_mosaics"
QUADRANTS = ("top left", "top right", "bottom left", "bottom right")


def sheet(plan: Plan, pictures: tuple[Picture, ...]) -> Image.Image:
    """Four pictures as one, kept for the visit: a visitor's pictures are nobody else's."""
    side = plan.network.architecture.input_size
    kept: dict[tuple[Any, ...], Image.Image] = st.session_state.setdefault(_KEPT, {})
    key = (side, *pictures)
    if key not in kept:
        kept[key] = compose(pictures, side)
        while len(kept) > MAX_KEPT:
            kept.pop(next(iter(kept)))
    return kept[key]


def caption(plan: Plan, pictures: Sequence[Picture]) -> str:
    """What a mosaic shows, place by place."""
    titles = {one.picture: one.title for one in reversed(plan.subjects)}
    return ", ".join(f"{place}: {titles[one]}" for place, one in zip(QUADRANTS, pictures, strict=True))


def gallery(plan: Plan) -> None:
    """All mosaics of a plan."""
    st.caption(
        "Each model is asked for the first class of one quadrant at a time; what counts is the share of positive relevance "
        "that lies in it."
    )
    mosaics = [plan.mosaics(picture)[0] for picture in plan.pictures]
    for first in range(0, len(mosaics), COLUMNS):
        columns = st.columns(COLUMNS, gap="small")
        for column, pictures in zip(columns, mosaics[first : first + COLUMNS], strict=False):
            with column:
                told = caption(plan, pictures)
                st.image(sheet(plan, pictures), alt=f"Mosaic, {told}", width="stretch")


def map_of(plan: Plan, picture: Picture, name: str) -> NDArray[np.float32]:
    """Map of a model for a picture's first class in the mosaic that has it at the top left (NonFiniteRelevance)."""
    subject = Subject(MeasuringWorkspace(plan.network), picture, plan.settings)
    x = as_input(sheet(plan, plan.mosaics(picture)[0]), plan.network)
    return subject.map_of(plan.models[name], x, subject.first).astype(np.float32)


def share(values: NDArray[np.float32]) -> float:
    """Share of positive relevance in the first quadrant."""
    return quadrant_share(values.astype(np.float64), PLACES.index((0, 0)))
