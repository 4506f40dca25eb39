"""Which chart holds a brush: a brush can only be cleared from here by drawing its chart again, so each has a generation."""

from __future__ import annotations

from typing import Any

import streamlit as st

_HELD, _GENERATIONS, _PICKED = "_ablation_brush", "_ablation_generations", "_ablation_picked"


def key(score: str, place: str) -> str:
    """Key of a score's chart; `place` names the gesture."""
    return f"abl-chart-{score}-{place}-{_generations().get(score, 0)}"


def _generations() -> dict[str, int]:
    return st.session_state.setdefault(_GENERATIONS, {})


def hold(score: str) -> None:
    """The brush of this chart now says what is chosen; another chart's is cleared."""
    if st.session_state.get(_HELD) not in (None, score):
        forget()
    st.session_state[_HELD] = score


def forget() -> None:
    """No brush says what is chosen any more."""
    held = st.session_state.pop(_HELD, None)
    if held is not None:
        _generations()[held] = _generations().get(held, 0) + 1


def newly_picked(chart: str, points: list[dict[str, Any]]) -> set[int]:
    """Neurons clicked since the last message of this chart, which always names all that are picked in it."""
    now = {int(point["neuron"]) for point in points if isinstance(point.get("neuron"), int | float)}
    known: dict[str, set[int]] = st.session_state.setdefault(_PICKED, {})
    fresh = now ^ known.get(chart, set())
    known.clear()
    known[chart] = now
    return fresh
