"""Predictions before and after an intervention, side by side: paired bars, both numbers, the change, one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vislrp_core.network import Prediction
from vislrp_ui import theme
from vislrp_ui.components import colours
from vislrp_ui.components.assets import register
from vislrp_ui.components.classbars import percent

SHOWN = 7

_table = register("beforeafter", '<div class="pairs"></div>')


def signed(value: float) -> str:
    """One decimal with its sign; a change that rounds to nothing has none."""
    text = f"{abs(value):.1f}"
    if text == "0.0":
        return text
    return ("−" if value < 0 else "+") + text


def shown_classes(
    before: Sequence[Prediction], after: Sequence[Prediction], target: int | None, shown: int = SHOWN
) -> list[int]:
    """Class numbers of the rows, most probable before first.

    Both first classes and the target are always among them; the rest are the next classes of either side in turn.
    Only classes that both sides know can be compared.
    """
    common = {p.index for p in before} & {p.index for p in after}
    first = sorted((p for p in before if p.index in common), key=lambda p: -p.logit)
    second = sorted((p for p in after if p.index in common), key=lambda p: -p.logit)
    wanted = [target] if target in common else []
    for one, other in zip(first, second, strict=True):
        wanted += [one.index, other.index]
    kept = set(list(dict.fromkeys(wanted))[: max(shown, 3)])
    return [p.index for p in first if p.index in kept]


def verdict(before: Sequence[Prediction], after: Sequence[Prediction], target: int | None) -> list[tuple[str, bool]]:
    """The sentence below the bars as (text, bold) parts: does the first class change, and what becomes of the target."""
    old, new = max(before, key=lambda p: p.logit), max(after, key=lambda p: p.logit)
    if old.index == new.index:
        parts = [("First class stays ", False), (old.name, True), (".", False)]
    else:
        parts = [("First class changes: ", False), (old.name, True), (" → ", False), (new.name, True), (".", False)]
    watched = old.index if target is None else target
    one = next((p for p in before if p.index == watched), None)
    other = next((p for p in after if p.index == watched), None)
    if one and other:
        move = other.probability - one.probability
        old_text, new_text = percent(one.probability), percent(other.probability)
        word = "stays at" if old_text == new_text else "falls from" if move < 0 else "rises from"
        numbers = f"{old_text}\u202f%" if old_text == new_text else f"{old_text}\u202f% to {new_text}\u202f%"
        parts.append((f" “{one.name}” {word} {numbers}, its logit changes by {signed(other.logit - one.logit)}.", False))
    return parts


def pair_rows(
    before: Sequence[Prediction], after: Sequence[Prediction], target: int | None, shown: int = SHOWN
) -> list[dict[str, Any]]:
    """Payload of the rows: name, tag, both percentages, change of probability (points) and logit, widths of the bars.

    The widths are in percent of the longest bar, so that all bars of the table share one axis.
    """
    old, new = {p.index: p for p in before}, {p.index: p for p in after}
    first, second = max(before, key=lambda p: p.logit).index, max(after, key=lambda p: p.logit).index
    classes = shown_classes(before, after, target, shown)
    longest = max((p.probability for index in classes for p in (old[index], new[index])), default=1.0) or 1.0
    rows = []
    for index in classes:
        one, other = old[index], new[index]
        change = 100.0 * (other.probability - one.probability)
        points = f"{abs(change):.1f}"
        rows.append(
            {
                "index": index,
                "name": one.name,
                "tag": "1st" if index == second else "was 1st" if index == first else "",
                "moved": first != second,
                "target": index == target,
                "before": percent(one.probability),
                "after": percent(other.probability),
                "change": points,
                "direction": "same" if points == "0.0" else "down" if change < 0 else "up",
                "logit": signed(other.logit - one.logit),
                "logits": f"logit {one.logit:.2f} → {other.logit:.2f}".replace("-", "−"),
                "widths": [round(100.0 * p.probability / longest, 2) for p in (one, other)],
            }
        )
    return rows


def before_after(
    key: str,
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    target: int | None,
    shown: int = SHOWN,
    stale: str = "",
) -> None:
    """Draw predictions before and after as paired bars on one axis.

    Parameters
    ----------
    key : str
        Component key; the component sends nothing back.
    before, after : sequence of Prediction
        Predictions in any order. Give all classes of the network (`trace.predictions(network.num_classes)`), so that
        every class that is among the first on either side can be compared; a class missing on one side is left out.
    target : int or None
        Class that the sentence is about and whose row is always shown; None is the first class before.
    shown : int
        Number of rows (at least 3).
    stale : str
        Note such as "for an earlier model": dims the table and hides its numbers; empty when it is up to date.

    Raises
    ------
    ValueError
        If `before` or `after` is empty.
    """
    if not before or not after:
        raise ValueError("before_after needs predictions on both sides")
    _table(
        key=key,
        data={
            "rows": pair_rows(before, after, target, shown),
            "sentence": verdict(before, after, target),
            "stale": stale,
            "colours": colours.variables(theme.mode()),
        },
    )
