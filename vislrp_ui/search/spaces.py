"""The space of a search, from a preset and what is changed of it; nothing here draws or computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vislrp_core.architecture import Architecture
from vislrp_core.model import LRPModel
from vislrp_core.rules import PRESETS
from vislrp_core.search import presets
from vislrp_core.search.space import Rows, RuleChoice, SegmentSpace, Space
from vislrp_ui.state_search import FREE, SearchState, pushed

TITLES = {
    "gamma": "LRP-γ",
    "gammapm": "LRP-γ±",
    "zplus": "LRP-z⁺",
    "alphabeta": "LRP-αβ",
    "epsilon": "LRP-ε, relative",
    "tiny": "LRP-ε, 10⁻⁶",
    "zero": "LRP-0",
}
_DATA: dict[str, dict[str, Any]] = {
    "gamma": {"preset": "gamma", "gamma1p": presets.GAMMA},
    "gammapm": {"preset": "gamma_generalized", "gamma1p": presets.GAMMA},
    "zplus": {"preset": "z_plus"},
    "alphabeta": {"preset": "alpha_beta", "alpha": presets.RANGES["alpha"]},
    "epsilon": {"preset": "epsilon", "epsilon": presets.EPSILON, "epsilon_scale": "relative"},
    "tiny": {"preset": "epsilon", "epsilon": 1e-6, "epsilon_scale": "absolute"},
    "zero": {"preset": "zero"},
}
RULES = {key: RuleChoice.model_validate(data) for key, data in _DATA.items()}
"""Rules that any segment may be given, by short names that addresses hold."""
_AROUND: dict[str, Callable[[LRPModel], Space]] = {
    "parameters": presets.other_parameters,
    "segments": presets.same_segments,
    "borders": presets.other_borders,
}


def base(preset: str, model: LRPModel, plan: Architecture) -> Space:
    """The space of a preset; all but "anything" are made around a model."""
    return _AROUND[preset](model) if preset in _AROUND else presets.default_space(plan)


def keys_of(segment: SegmentSpace) -> dict[str, RuleChoice]:
    """A segment's rules by name; those that are not among `RULES` are its own."""
    found: dict[str, RuleChoice] = {}
    for choice in segment.rules:
        key = next((name for name, known in RULES.items() if known == choice), "")
        if not key:
            own = sum(name.startswith("own") for name in found)
            key = f"own{own + 1}" if own else "own"
        found[key] = choice
    return found


def menu(segment: SegmentSpace) -> dict[str, RuleChoice]:
    """Rules that a segment of a preset may be given: its own, and all others."""
    return {**keys_of(segment), **{key: choice for key, choice in RULES.items() if choice not in segment.rules}}


def title(key: str, choice: RuleChoice) -> str:
    """Name of a rule on screen."""
    if key in TITLES:
        return TITLES[key]
    free = any(not one.fixed for one in choice.values.values())
    return f"{PRESETS[choice.preset].title}, {'other values' if free else 'as it is'}"


def edited(asked: SearchState, model: LRPModel, plan: Architecture) -> Space:
    """The space that is asked for.

    A border that is moved past others pushes them along; what was changed of a segment that is no longer there is left out.
    """
    first = base(asked.preset, model, plan)
    segments = list(first.segments)
    for edit in asked.edits:
        if edit.place >= len(segments):
            continue
        own = segments[edit.place]
        known = menu(first.segments[edit.place])
        chosen = tuple(known[key] for key in edit.rules if key in known)
        if chosen:
            segments[edit.place] = own = own.model_copy(update={"rules": chosen})
        if edit.high and edit.place < len(segments) - 1:
            low, high = max(1, min(edit.low, plan.last)), max(1, min(edit.high, plan.last))
            segments = [_pushed(one, place, edit.place, low, high) for place, one in enumerate(segments)]
    space = first.model_copy(update={"segments": tuple(segments)})
    if asked.free is not None:
        conventions = {
            field: tuple(dict.fromkeys((*getattr(first, field), *(presets.FREE[field] if field in asked.free else ()))))
            for field in FREE
        }
        conventions = {field: words if field in asked.free else words[:1] for field, words in conventions.items()}
        space = space.model_copy(update=conventions)
    return Space.from_data(space.to_data())


def _pushed(one: SegmentSpace, place: int, moved: int, low: int, high: int) -> SegmentSpace:
    first, last = pushed((one.last.low, one.last.high), place, moved, (low, high))
    return one.model_copy(update={"last": Rows.model_validate({"from": first, "to": last})})


def free_of(space: Space) -> tuple[str, ...]:
    """Conventions that a space leaves free."""
    return tuple(field for field in FREE if len(getattr(space, field)) > 1)
