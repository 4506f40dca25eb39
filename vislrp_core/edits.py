"""Pure changes to an LRP model's segments: each returns a new model that covers all layers without gap."""

from __future__ import annotations

from typing import Any

from vislrp_core.model import MAX_SEGMENTS, LRPModel, ModelError, Segment
from vislrp_core.rules import Rule

__all__ = [
    "MAX_SEGMENTS",
    "add_segment",
    "move_border",
    "remove_segment",
    "rename",
    "set_field",
    "set_rule",
    "split_segment",
]


def _with(model: LRPModel, **changes: Any) -> LRPModel:
    return LRPModel.model_validate({**{name: getattr(model, name) for name in LRPModel.model_fields}, **changes})


def _check(model: LRPModel, segment: int) -> None:
    if not 0 <= segment < len(model.segments):
        raise ModelError(f"segment {segment + 1}: the model has segments 1 to {len(model.segments)}")


def _split(model: LRPModel, segment: int, last: int, rule: Rule) -> LRPModel:
    if len(model.segments) >= MAX_SEGMENTS:
        raise ModelError(f"a model has at most {MAX_SEGMENTS} segments: remove one first")
    old = model.segments[segment]
    if not old.first <= last < old.last:
        raise ModelError(
            f"segment {segment + 1} cannot be split below layer {last}: it covers layers {old.first} to {old.last}"
        )
    parts = (Segment(first=old.first, last=last, rule=old.rule), Segment(first=last + 1, last=old.last, rule=rule))
    return _with(model, segments=model.segments[:segment] + parts + model.segments[segment + 1 :])


def add_segment(model: LRPModel) -> LRPModel:
    """Add a segment with LRP-0 at the highest layers.

    It takes the upper half of the last segment; where that has one layer only, the nearest longer segment gives one.
    """
    segments = model.segments
    donor = next((i for i in reversed(range(len(segments))) if segments[i].last > segments[i].first), None)
    if donor is None or len(segments) >= MAX_SEGMENTS:
        raise ModelError(f"a model has at most {min(MAX_SEGMENTS, model.plan.last)} segments: remove one first")
    if donor == len(segments) - 1:
        last = segments[donor].first + (segments[donor].last - segments[donor].first - 1) // 2
        return _split(model, donor, last, Rule.of("zero"))
    moved = [(s.first - (i > donor), s.last - (i >= donor), s.rule) for i, s in enumerate(segments)]
    last = model.plan.last
    moved.append((last, last, Rule.of("zero")))
    return _with(model, segments=tuple(Segment(first=first, last=last, rule=rule) for first, last, rule in moved))


def split_segment(model: LRPModel, segment: int, row: int) -> LRPModel:
    """Split a segment below layer ``row``: the lower part ends there; both keep the rule."""
    _check(model, segment)
    return _split(model, segment, row, model.segments[segment].rule)


def remove_segment(model: LRPModel, segment: int) -> LRPModel:
    """Remove a segment; its layers join the one below, those of the first join the one above."""
    _check(model, segment)
    if len(model.segments) == 1:
        raise ModelError("the last segment cannot be removed: a model covers all layers")
    segments = list(model.segments)
    gone = segments.pop(segment)
    heir = max(segment - 1, 0)
    kept = segments[heir]
    segments[heir] = Segment(first=min(kept.first, gone.first), last=max(kept.last, gone.last), rule=kept.rule)
    return _with(model, segments=tuple(segments))


def move_border(model: LRPModel, border: int, last: int) -> LRPModel:
    """Let segment ``border`` end at layer ``last`` and the next one begin after it; both keep at least one layer."""
    _check(model, border)
    if border == len(model.segments) - 1:
        raise ModelError(f"the last segment ends at layer {model.plan.last}: it has no border to move")
    below, above = model.segments[border : border + 2]
    end = min(max(last, below.first), above.last - 1)
    pair = (Segment(first=below.first, last=end, rule=below.rule), Segment(first=end + 1, last=above.last, rule=above.rule))
    return _with(model, segments=model.segments[:border] + pair + model.segments[border + 2 :])


def set_rule(model: LRPModel, segment: int, rule: Rule) -> LRPModel:
    """Give a segment another rule."""
    _check(model, segment)
    old = model.segments[segment]
    changed = Segment(first=old.first, last=old.last, rule=rule)
    return _with(model, segments=(*model.segments[:segment], changed, *model.segments[segment + 1 :]))


def set_field(model: LRPModel, field: str, value: str) -> LRPModel:
    """Set a convention: ``pooling``, ``pooling_epsilon``, ``bias``, ``pixel_rule`` or ``start``."""
    return _with(model, **{field: value})


def rename(model: LRPModel, name: str, description: str | None = None) -> LRPModel:
    """Give the model another name (and description)."""
    return _with(model, name=name, description=model.description if description is None else description)
