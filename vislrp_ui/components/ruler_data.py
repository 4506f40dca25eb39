"""What the ruler draws, as plain data: rows, segments with their cards, sums of relevance per layer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vislrp_core.architecture import Architecture
from vislrp_core.formula import formula_mathml
from vislrp_core.heatmap import format_value
from vislrp_core.metrics import vanishes
from vislrp_core.model import MAX_SEGMENTS, PIXEL_RULES, LRPModel
from vislrp_core.rules import PARAMETERS, Rule, format_number
from vislrp_ui.components import colours
from vislrp_ui.theme import SEGMENTS, segment_text

NOTABLE_SHARE = 0.2
"""Share of the start relevance that a segment must absorb, or add, to be told so in its head."""


class LayerSums(Protocol):
    """Sums of positive and of negative relevance at all rows; NaN where they are not known."""

    @property
    def positive(self) -> NDArray[Any]:
        """Sums of max(R, 0)."""

    @property
    def negative(self) -> NDArray[Any]:
        """Sums of min(R, 0)."""


class Failure(Protocol):
    """Why relevance below a layer is not finite (`NonFiniteRelevance`)."""

    layer: int
    suggestion: str


@dataclass(frozen=True)
class Bar:
    """One of the ten parameters: its number as text, the filled part of its slider's range (0 to 1), used or not."""

    value: str
    share: float
    zero: bool


@dataclass(frozen=True)
class Notice:
    """A mark in a card's head; `level` is "warn" or "error"."""

    level: str
    icon: str
    text: str
    short: str
    tip: str


@dataclass(frozen=True)
class RuleCard:
    """What a card says about its rule: `formula` is MathML, `used` is False where no parameter counts (zβ)."""

    title: str
    short: str
    formula: str
    bars: tuple[Bar, ...]
    used: bool
    tip: str


@dataclass(frozen=True)
class SegmentCard:
    """A segment: its layers, its rule, and the address of the map that it hands on to `layer` (None: no map)."""

    first: int
    last: int
    rule: RuleCard
    layer: int
    picture: str | None
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class RulerData:
    """All that the ruler draws.

    Attributes
    ----------
    segments : tuple of SegmentCard
        From the pixels up.
    selected : int
        Place of the selected segment.
    layer : int or None
        Layer whose map is shown large; None is the pixels.
    negative, positive : list of float or None
        Sums per layer, None where not known.
    pixel_rule : str
        Mark of row 1; empty if the first segment's rule applies there.
    updating : bool
        The pictures belong to an earlier state; they stay visible, marked as old.
    colours : dict
        CSS variables.
    rows, limits : list of dict, dict
        The architecture's rows, see `rows_of` and `limits_of`.
    """

    segments: tuple[SegmentCard, ...]
    selected: int
    layer: int | None
    negative: list[float | None]
    positive: list[float | None]
    pixel_rule: str
    pixel_tip: str
    updating: bool
    colours: dict[str, str]
    rows: list[dict[str, str]]
    limits: dict[str, int]

    def payload(self) -> dict[str, Any]:
        """As the component receives it."""
        return {**asdict(self), "parameters": SYMBOLS, "fresh": asdict(FRESH), "palette": PALETTE}


def symbol_mathml(symbol: str) -> str:
    """MathML of a parameter's symbol, such as γ with index 1 and exponent +."""
    below = {"₀": "0", "₁": "1", "₂": "2"}
    above = {"⁺": "+", "⁻": "−"}
    base, index = symbol[0], "".join(below[c] for c in symbol[1:] if c in below)
    exponent = "".join(above[c] for c in symbol[1:] if c in above)
    if exponent:
        body = f"<msubsup><mi>{base}</mi><mn>{index}</mn><mo>{exponent}</mo></msubsup>"
    elif index:
        body = f"<msub><mi>{base}</mi><mn>{index}</mn></msub>"
    else:
        body = f"<mi>{base}</mi>"
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{body}</math>'


def rule_card(rule: Rule) -> RuleCard:
    """Title, formula and bars of a rule."""
    bars = tuple(
        Bar(
            format_number(value).replace("-", "−"),
            round(min(max((value - parameter.minimum) / (parameter.maximum - parameter.minimum), 0.0), 1.0), 4),
            value == 0,
        )
        for parameter, value in ((parameter, getattr(rule, parameter.key)) for parameter in PARAMETERS)
    )
    used = rule.kind.takes_parameters
    values = ", ".join(f"{p.symbol} = {format_number(getattr(rule, p.key))}" for p in PARAMETERS)
    return RuleCard(
        rule.title,
        rule.short,
        formula_mathml(rule),
        bars,
        used,
        values if used else f"{rule.short} uses no parameter: {rule.kind.no_parameters}",
    )


def ruler_data(
    model: LRPModel,
    sums: LayerSums | None,
    *,
    selected: int,
    layer: int | None,
    pictures: Mapping[int, str],
    error: Failure | None = None,
    updating: bool = False,
    mode: str = "light",
) -> RulerData:
    """Collect what the ruler draws.

    Parameters
    ----------
    model : LRPModel
        The active model.
    sums : LayerSums or None
        A result with `positive` and `negative`, one value a row; None while there is none: the last bars stay.
    selected : int
        Place of the selected segment.
    layer : int or None
        Layer whose map is shown large.
    pictures : mapping
        Address (`data_url`) of the map of each layer that a segment hands on, `segment.first - 1`; one that is missing is
        drawn as "no map", or as the old one while `updating`.
    error : NonFiniteRelevance, optional
        Told in the head of the segment that causes it.
    updating : bool
        The maps are being computed: old ones stay visible and are marked.
    mode : str
        "light" or "dark".
    """
    cards = tuple(
        SegmentCard(
            segment.first,
            segment.last,
            rule_card(segment.rule),
            segment.first - 1,
            pictures.get(segment.first - 1),
            _notices(model, place, sums, error),
        )
        for place, segment in enumerate(model.segments)
    )
    choice, count = PIXEL_RULES[model.pixel_rule], len(model.plan.rows)
    return RulerData(
        segments=cards,
        selected=max(0, min(selected, len(cards) - 1)),
        layer=layer or None,
        negative=_plain(sums.negative if sums else None, count),
        positive=_plain(sums.positive if sums else None, count),
        pixel_rule="" if model.pixel_rule == "segment" else choice.title,
        pixel_tip=f"Pixel rule {choice.title}. {choice.sentence} Change it under Conventions.",
        updating=updating,
        colours=colours.variables(mode),
        rows=rows_of(model.plan),
        limits=limits_of(model.plan),
    )


def _plain(values: NDArray[Any] | None, count: int) -> list[float | None]:
    if values is None:
        return [None] * count
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]


def _notices(model: LRPModel, place: int, sums: LayerSums | None, error: Failure | None) -> tuple[Notice, ...]:
    segment = model.segments[place]
    found = []
    if error is not None and segment.first <= error.layer <= segment.last:
        name = model.plan.name(error.layer)
        found.append(Notice("error", "error", f"{name} not finite", f"{name}", f"{error}"))
    found += [Notice("warn", "warning", _brief(sentence), "", sentence) for sentence in segment.rule.warnings()]
    share = absorbed_share(sums, segment.first, segment.last)
    if share is not None and abs(share) >= NOTABLE_SHARE:
        word, percent = ("absorbs" if share > 0 else "adds"), f"{100 * abs(share):.0f}\u202f%"
        found.append(
            Notice(
                "warn",
                "opacity",
                f"{word} {percent}",
                percent if share > 0 else f"+{percent}",
                f"This segment {word} {percent} of the start relevance.",
            )
        )
    elif (amount := _without_share(sums, segment.first, segment.last)) is not None:
        word, value = ("absorbs" if amount > 0 else "adds"), format_value(abs(amount))
        found.append(
            Notice(
                "warn",
                "opacity",
                f"{word} {value}",
                value if amount > 0 else f"+{value}",
                f"This segment {word} {value} of relevance; the start relevance sums to 0, so no share can be given.",
            )
        )
    return tuple(found)


def _without_share(sums: LayerSums | None, first: int, last: int) -> float | None:
    """What a segment absorbs where the start's sum vanishes, if it is much of the start's positive relevance."""
    if sums is None or not vanishes(float(sums.positive[-1]), float(sums.negative[-1])):
        return None
    amount = float(sums.positive[last] + sums.negative[last] - sums.positive[first - 1] - sums.negative[first - 1])
    return amount if abs(amount) >= NOTABLE_SHARE * float(sums.positive[-1]) > 0 else None


def _brief(sentence: str) -> str:
    """The part of a warning before its colon: "α − β = 0.5", "All γ are 0"."""
    return re.split(r":", sentence, maxsplit=1)[0]


def absorbed_share(sums: LayerSums | None, first: int, last: int) -> float | None:
    """Share of the start relevance that layers `first` to `last` absorb; negative where they add.

    None if it is not known, or the start's sum vanishes.
    """
    if sums is None:
        return None
    total = np.asarray(sums.positive) + np.asarray(sums.negative)
    start = total[-1]
    known = np.isfinite([start, total[last], total[first - 1]]).all()
    if not known or vanishes(float(sums.positive[-1]), float(sums.negative[-1])):
        return None
    return float((total[last] - total[first - 1]) / abs(start))


@cache
def rows_of(rows: Architecture) -> list[dict[str, str]]:
    """What the ruler tells of each row."""
    return [{"name": row.name, "kind": row.kind, "block": row.block} for row in rows.rows]


def limits_of(rows: Architecture) -> dict[str, int]:
    """What the ruler must know before the server answers; maps as large as the image are drawn smooth."""
    smooth = max(index for index, side in enumerate(rows.sides) if side == rows.input_size)
    return {"segments": MAX_SEGMENTS, "last": rows.last, "smooth": smooth}


SYMBOLS = [
    {"key": p.key, "symbol": p.symbol, "math": symbol_mathml(p.symbol), "group": p.group, "tip": p.help} for p in PARAMETERS
]
PALETTE = [{"fill": fill, "ink": segment_text(place)} for place, fill in enumerate(SEGMENTS)]
FRESH = rule_card(Rule.of("zero"))
"""The rule of a segment that was added, so that the ruler can draw it before the server answers."""
