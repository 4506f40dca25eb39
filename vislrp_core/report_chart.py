"""The conservation chart of a report: positive, negative and total relevance of every layer, as an SVG in the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vislrp_core.heatmap import format_value
from vislrp_core.texts import as_html

WIDTH, LEFT, TOP, PLOT, BELOW = 900, 62, 10, 230, 66
"""Of the drawing: its width, the room for numbers, above, for the bars, and for the names below."""


def _scaled(value: float, unit: float) -> float:
    """Linear near 0 and logarithmic beyond `unit`, as on the page."""
    return math.copysign(math.log1p(abs(value) / unit), value)


def _ticks(largest: float, unit: float) -> list[float]:
    """0 and a few round values of both signs."""
    top = math.floor(math.log10(largest)) if largest > 0 else 0
    powers = [10.0**power for power in range(top, top - 3, -1)]
    first = next(factor * powers[0] for factor in (5, 2, 1) if factor * powers[0] <= largest) if largest > 0 else 0.0
    chosen = [first]
    for one in powers:
        if one >= unit and _scaled(chosen[-1], unit) - _scaled(one, unit) > 0.14 * _scaled(largest, unit):
            chosen.append(one)
    return [0.0, *chosen]


def sums_svg(names: Sequence[str], positive: Sequence[float], negative: Sequence[float], title: str) -> str:
    """The chart; layers whose sums are not known (NaN) have no bars.

    Parameters
    ----------
    names : sequence of str
        Of the layers, from the input to the logits.
    positive, negative : sequence of float
        Sums of positive and of negative relevance by layer.
    title : str
        What a reader who cannot see it is told.
    """
    pairs = list(zip(positive, negative, strict=True))
    known = [(plus, minus) for plus, minus in pairs if math.isfinite(plus) and math.isfinite(minus)]
    unit = 1.0
    up, down = max((one[0] for one in known), default=0.0), max((-one[1] for one in known), default=0.0)
    largest = max(up, down)
    if largest < 1:  # a start of 1 or of a probability
        unit = largest or 1.0
    high, low = _scaled(up, unit), -_scaled(down, unit)
    span = (high - low) or 1.0
    step = (WIDTH - LEFT - 6) / max(len(names), 1)

    def y(value: float) -> float:
        return TOP + PLOT * (high - _scaled(value, unit)) / span

    parts = []
    for size in _ticks(largest, unit):
        for value in {size, -size}:
            if low - 1e-9 <= _scaled(value, unit) <= high + 1e-9:
                parts.append(
                    f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 6}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
                    f'<text x="{LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end">{as_html(format_value(value))}</text>'
                )
    line, pen = [], "M"
    for place, (plus, minus) in enumerate(pairs):
        x = LEFT + place * step
        if not (math.isfinite(plus) and math.isfinite(minus)):
            pen = "M"
            continue
        for kind, value in (("plus", plus), ("minus", minus)):
            top = min(y(value), y(0))
            parts.append(
                f'<rect class="{kind}" x="{x + 0.12 * step:.1f}" y="{top:.2f}" width="{0.76 * step:.1f}" '
                f'height="{abs(y(value) - y(0)):.2f}"/>'
            )
        line.append(f"{pen}{x:.1f} {y(plus + minus):.2f}H{x + step:.1f}")
        pen = "L"
    parts.append(f'<path class="total" d="{"".join(line)}"/>' if line else "")
    foot = TOP + PLOT + 12
    for place, name in enumerate(names):
        x = LEFT + (place + 0.6) * step
        parts.append(
            f'<text x="{x:.1f}" y="{foot}" text-anchor="end" transform="rotate(-60 {x:.1f} {foot})">{as_html(name)}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{as_html(title)}" '
        f'viewBox="0 0 {WIDTH} {TOP + PLOT + BELOW}">{"".join(parts)}</svg>'
    )
