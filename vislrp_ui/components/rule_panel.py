"""The rule of the selected segment: presets, ten sliders with typed numbers in four groups, scale of ε, warnings."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from vislrp_core.kinds import KIND_OF
from vislrp_core.model import LRPModel
from vislrp_core.rules import GROUPS, KEYS, PARAMETERS, PRESETS, Rule
from vislrp_ui import state
from vislrp_ui.components import colours
from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import Edit, OnEdit, is_whole, mount
from vislrp_ui.components.ruler_data import symbol_mathml
from vislrp_ui.state import StateError, Visit
from vislrp_ui.theme import segment_colour, segment_text

PARTS = ("outbox", "nodes")
ASKS = {"alpha": "contribution", "beta": "contribution", "gamma1p": "weight", "epsilon": "suppression"}
"""Parameters with a question mark beside them, and which questions it opens (`rooms.QUESTIONS`)."""
_panel = register(
    "rule_panel", '<div class="panel" role="group" aria-label="Rule of the selected segment"></div>', parts=PARTS
)


@dataclass(frozen=True)
class RulePanelData:
    """All that the panel draws.

    Attributes
    ----------
    segment : int
        Place of the segment whose rule is shown.
    preset : str
        Key of `PRESETS`.
    values : dict
        The ten parameters.
    scale : str
        "absolute" or "relative": ε itself, or times the root mean square of the layer's denominators.
    warnings : list of str
        Sentences shown below the sliders.
    fill, ink : str
        The segment's colour and the text colour on it.
    colours : dict
        CSS variables.
    """

    segment: int
    preset: str
    values: dict[str, float]
    scale: str
    warnings: list[str]
    fill: str
    ink: str
    colours: dict[str, str]

    def payload(self) -> dict[str, Any]:
        """As the component receives it."""
        return {**asdict(self), "groups": _GROUPS, "presets": _PRESETS}


def rule_panel_data(model: LRPModel, segment: int, *, warnings: tuple[str, ...] = (), mode: str = "light") -> RulePanelData:
    """Collect what the panel draws.

    Parameters
    ----------
    model : LRPModel
        The active model.
    segment : int
        Place of the selected segment.
    warnings : tuple of str
        Further sentences, such as why relevance is not finite in this segment; those of the rule are added automatically.
    mode : str
        "light" or "dark".
    """
    rule = model.segments[segment].rule
    return RulePanelData(
        segment,
        rule.preset,
        rule.values(),
        rule.epsilon_scale,
        [*warnings, *rule.warnings()],
        segment_colour(segment),
        segment_text(segment),
        colours.variables(mode),
    )


def rule_panel(key: str, data: RulePanelData, on_edit: OnEdit) -> None:
    """Draw the panel.

    Parameters
    ----------
    key : str
        Component key; the raw message is `st.session_state[key]["edit"]`.
    data : RulePanelData
        See `rule_panel_data`.
    on_edit : callable
        Gets each edit once, in order, as `{"seq": int, "kind": str, "segment": int, ...}`; kinds are "preset", "parameter"
        and "scale", see `apply_edit`, and "ask" (about), which changes nothing. A slider sends one edit when it is
        released. On a page: `lambda edit: session.update(apply_edit, edit)`.
    """
    mount(_panel, key, data.payload(), on_edit)


def apply_edit(visit: Visit, edit: Edit) -> Visit:
    """The visit after one edit of the panel; an edit that makes no sense (any more) changes nothing.

    Kinds: preset (segment, preset); parameter (segment, key, value); scale (segment, value).

    Raises
    ------
    StateError
        If a value cannot be used; one sentence.
    """
    segment = edit.get("segment")
    if not isinstance(segment, int) or not is_whole(segment) or not 0 <= segment < len(visit.model.segments):
        return visit
    rule = visit.model.segments[segment].rule
    new = edited(rule, edit)
    return visit if new is rule else state.set_rule(visit, segment, new)


def edited(rule: Rule, edit: Edit) -> Rule:
    """The rule after one edit, see `apply_edit`; the same one where the edit makes no sense (StateError as there)."""
    value = edit.get("value")
    match edit.get("kind"):
        case "preset" if edit.get("preset") in tuple(PRESETS):  # a list has no hash
            return with_preset(rule, str(edit["preset"]))
        case "parameter" if edit.get("key") in KEYS:
            return with_parameter(rule, str(edit["key"]), value)
        case "scale" if value in ("absolute", "relative"):
            return rule.changed("epsilon_scale", value)
    return rule


def with_preset(rule: Rule, preset: str) -> Rule:
    """The preset with its usual values; "custom" keeps the values that the rule has now."""
    if preset == rule.preset:
        return rule
    if preset == "custom":
        return Rule.of("custom", epsilon_scale=rule.epsilon_scale, **rule.values())
    return Rule.of(preset)


def with_parameter(rule: Rule, key: str, value: object) -> Rule:
    """The rule with one parameter set; one that the preset fixes makes it custom (StateError for what is no number)."""
    symbol = next(p.symbol for p in PARAMETERS if p.key == key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise StateError(f"{symbol} needs a number: nothing was changed.")
    try:
        return rule.changed(key, float(value))
    except ValidationError:
        raise StateError(f"{symbol} = {value:.3g} is too large to compute with: nothing was changed.") from None


_GROUPS = [
    {
        "key": group,
        "number": number,
        "title": title,
        "explanation": explanation,
        "parameters": [
            {
                "key": p.key,
                "symbol": p.symbol,
                "math": symbol_mathml(p.symbol),
                "minimum": p.minimum,
                "maximum": p.maximum,
                "step": p.step,
                "help": p.help,
                "ask": ASKS.get(p.key, ""),
            }
            for p in PARAMETERS
            if p.group == group
        ],
    }
    for group, (number, title, explanation) in GROUPS.items()
]
_PRESETS = [
    {
        "key": key,
        "title": preset.title,
        "free": list(preset.free),
        "scale": preset.epsilon_scale,
        "values": {name: preset.value(name) for name in KEYS},
        "used": KIND_OF[key].takes_parameters,
        "note": KIND_OF[key].no_parameters,
        "tip": " · ".join(text for text in (preset.summary.rstrip("."), preset.usage, preset.reference) if text),
    }
    for key, preset in PRESETS.items()
]
