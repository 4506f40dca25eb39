"""An exercise's answers: what is right, and where a slip is.

A slip is recognised by what it leads to: the quantity is computed again with that one thing wrong, from the engine's own
parts or by the engine under another convention, and compared with the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from vislrp_core.contributions import Contributions
from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule
from vislrp_ui.hand.words import below_name, plain, rule_of
from vislrp_ui.hand.worked import Worked, parts_of
from vislrp_ui.shared.formulas import number
from vislrp_ui.state import StateError
from vislrp_ui.state_hand import SIZES, HandState, asked, read_number

Slip = tuple[float, str]
"""What an answer would be, and the sentence about it."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one answer."""

    right: bool
    sentence: str


def close(answer: float, value: float) -> bool:
    """Whether an answer is a value to three digits."""
    return abs(answer - value) <= max(0.006 * abs(value), 0.0051)


def verdicts(held: HandState, worked: Worked) -> list[dict[str, Any]]:
    """All answers of the exercise, in its order, and a last word when all are right."""
    found = [verdict for name in asked(held.exercise) if (verdict := verdict_of(held, worked, name)) is not None]
    said = [{"right": one.right, "sentence": one.sentence} for one in found]
    if found and len(found) == len(asked(held.exercise)) and all(one.right for one in found):
        said.append(
            {
                "right": True,
                "sentence": "All of it is right. “New numbers” gives another one, the list beside it other exercises.",
            }
        )
    return said


def verdict_of(held: HandState, worked: Worked, name: str) -> Verdict | None:
    """Judge one answer; None where nothing was filled in, or nothing is defined."""
    typed, value = dict(held.answers).get(name), worked.value(name)
    if typed is None or value is None:
        return None
    title = titled(name)
    try:
        answer = read_number(typed)
    except StateError as error:
        return Verdict(False, f"{title}: {error}")
    if close(answer, value):
        return Verdict(True, f"{title} = {number(value)}: right.")
    matching = (sentence for slip, sentence in slips(held, worked, name) if close(answer, slip) and not close(slip, value))
    found = list(islice(matching, 2))  # several slips may lead to the same number
    if found:
        return Verdict(False, f"{title}: {' Or: '.join(found)}")
    return Verdict(False, f"{title}: not {number(answer)}. {hint(held, worked, name)}")


def titled(name: str) -> str:
    """A quantity in words: ``z of h1``, ``R along x1 → h2``."""
    return f"R along {plain(name)}" if name[0] == "e" else f"{name[0]} of {plain('n' + name[1:])}"


def slips(held: HandState, worked: Worked, name: str) -> Iterator[Slip]:
    """What wrong answers there may be, the likeliest first."""
    numbers = [int(part) for part in name[1:].split("-")]
    if name[0] == "z":
        yield from _of_sum(worked, *numbers)
    elif name[0] == "a":
        layer, unit = numbers
        yield worked.sums[layer][unit], "ReLU is missing: a negative sum becomes 0."
        yield -worked.activations[layer][unit], "the sign is wrong."
    else:
        yield from _of_relevance(held, worked, name, numbers)
    for other in asked(held.exercise):
        value = worked.value(other)
        if other != name and value is not None:
            yield value, f"this is {titled(other)}."


def _of_sum(worked: Worked, layer: int, unit: int) -> Iterator[Slip]:
    z, b = worked.sums[layer][unit], worked.bias(layer, unit)
    products = [worked.activations[layer - 1][i] * worked.weight(layer, i, unit) for i in range(SIZES[layer - 1])]
    yield -z, "the sign is wrong."
    if b:
        yield z - b, f"the bias b = {number(b)} is forgotten."
        yield z - 2 * b, f"the bias has the wrong sign: b = {number(b)} is added."
    for i, product in enumerate(products):
        of = plain(f"n{layer - 1}-{i}")
        yield z - 2 * product, f"the sign of the contribution of {of} is wrong: a·w = {number(product)}."
        yield z - product, f"the contribution of {of} is missing: a·w = {number(product)}."
    if layer == 2:
        before = sum(worked.sums[1][i] * worked.weight(2, i, unit) for i in range(SIZES[1])) + b
        yield before, "ReLU is missing: take a of the hidden neurons, not z."


@dataclass(frozen=True)
class _Edge:
    """The fractions of one edge as plain numbers."""

    fractions: tuple[tuple[float, float, float, float], ...]
    """Factor, numerator, z, stabilizer."""
    relevance: float

    def value(
        self, share: Callable[[float, float, float, float], float] | None = None, relevance: float | None = None
    ) -> float:
        """R along the edge, or with another way to make its shares."""
        made = share or (lambda factor, q, z, s: factor * q / (z + s))
        total = 0.0
        for one in self.fractions:
            try:
                total += made(*one)
            except ZeroDivisionError:
                return float("nan")
        return total * (self.relevance if relevance is None else relevance)


def _edges(parts: Contributions) -> list[_Edge]:
    """All edges of one lower neuron."""
    return [
        _Edge(
            tuple(
                (float(one.factor[j]), float(one.numerator[j]), float(one.z[j]), float(one.stabilizer[j]))
                for one in parts.fractions
                if float(one.factor[j]) != 0
            ),
            float(parts.relevance[j]),
        )
        for j in range(len(parts.relevance))
    ]


def _of_relevance(held: HandState, worked: Worked, name: str, numbers: list[int]) -> Iterator[Slip]:
    """Slips of one share, or of the R of a neuron, which is the sum of its shares."""
    k, i = (numbers[0], numbers[1]) if name[0] == "e" else (numbers[0] + 1, numbers[1])
    every = _edges(worked.parts[k][i])
    chosen = [numbers[2]] if name[0] == "e" else list(range(SIZES[k]))
    edges = [every[j] for j in chosen]
    value = sum(edge.value() for edge in edges)
    rule = rule_of(held, k)
    yield -value, "the sign is wrong."
    if len(chosen) > 1:
        for j in chosen:
            above = plain(f"n{k}-{j}")
            yield (
                value - 2 * every[j].value(),
                f"the sign of the part from {above} is wrong: it is {number(every[j].value())}.",
            )
            yield value - every[j].value(), f"the part from {above} is missing: R is the sum over all edges upwards."
    yield from _of_stabilizer(rule, edges)
    yield from _of_engine(held, worked, k, i, chosen, rule)
    yield from _of_neighbours(k, i, chosen, every)
    yield (
        sum(edge.value(relevance=1.0) for edge in edges),
        "the shares are right, but they are not multiplied by R of the upper neuron.",
    )
    yield sum(edge.value(lambda f, q, z, s: f * q) for edge in edges), "the denominator is missing."
    yield (
        sum(edge.value(lambda f, q, z, s: f * q, 1.0) for edge in edges),
        "this is the numerator alone: divide it, and multiply by R.",
    )
    if max(len(edge.fractions) for edge in edges) > 1:
        first = [_Edge(edge.fractions[:1], edge.relevance) for edge in edges]
        yield sum(edge.value() for edge in first), "the β term is missing."
        yield (
            sum(edge.value(lambda f, q, z, s: abs(f) * q / (z + s)) for edge in edges),
            "the β term is subtracted, not added.",
        )


def _of_stabilizer(rule: Rule, edges: list[_Edge]) -> Iterator[Slip]:
    if not rule.epsilon:
        return
    size = number(abs(edges[0].fractions[0][3])) if edges[0].fractions else "ε"
    yield (
        sum(edge.value(lambda f, q, z, s: f * q / z) for edge in edges),
        f"the stabilizer is forgotten: add {size} to the size of the denominator.",
    )
    yield (
        sum(edge.value(lambda f, q, z, s: f * q / (z - s)) for edge in edges),
        "the stabilizer has the wrong sign: it takes that of z, so that the denominator only grows in size.",
    )
    yield (
        sum(edge.value(lambda f, q, z, s: f * q / (z + abs(s))) for edge in edges),
        "the stabilizer takes the sign of z: where z is negative it is subtracted.",
    )
    if rule.epsilon_scale == "relative":
        e = rule.epsilon
        yield (
            sum(edge.value(lambda f, q, z, s: f * q / (z + (e if z >= 0 else -e))) for edge in edges),
            f"ε is relative here: it is multiplied by rms(z), which makes {size}.",
        )


def _of_engine(held: HandState, worked: Worked, k: int, i: int, chosen: list[int], rule: Rule) -> Iterator[Slip]:
    """The engine itself under the other convention for biases, and under LRP-0."""

    def under(model: LRPModel) -> float:
        relevance = torch.tensor(worked.relevance[k], dtype=torch.float64)
        parts = parts_of(worked.network, worked.trace, model, k, relevance)[i].parts
        return sum(float(parts[j]) for j in chosen)

    if held.biased:
        absorbed = held.model.bias == "absorb"
        other = held.model.model_copy(update={"bias": "ignore" if absorbed else "absorb"})
        yield (
            under(other),
            "the bias is forgotten: it counts as one more input in the denominator."
            if absorbed
            else "the bias is ignored here: it has no place in the denominator.",
        )
    if rule.preset != "zero":
        segments = tuple(
            one.model_copy(update={"rule": Rule.of("zero")}) if place == k - 1 else one
            for place, one in enumerate(held.model.segments)
        )
        yield under(held.model.model_copy(update={"segments": segments})), f"this is LRP-0; the rule here is {rule.title}."


def _of_neighbours(k: int, i: int, chosen: list[int], every: list[_Edge]) -> Iterator[Slip]:
    """Denominators, or R, of another neuron."""
    for j in chosen:
        others = sum(every[one].value() for one in chosen if one != j)
        mine, me = every[j], plain(f"n{k}-{j}")
        for other, edge in enumerate(every):
            if other == j or len(edge.fractions) != len(mine.fractions):
                continue
            mixed = _Edge(
                tuple((f, q, z, s) for (f, q, _, _), (_, _, z, s) in zip(mine.fractions, edge.fractions, strict=True)),
                mine.relevance,
            )
            neighbour = plain(f"n{k}-{other}")
            yield (
                others + mixed.value(),
                f"the denominator is that of {neighbour}; the edge {below_name(k, i)} → {me} needs that of {me}.",
            )
            yield (
                others + mine.value(relevance=edge.relevance),
                f"R is that of {neighbour}; the edge {below_name(k, i)} → {me} needs R of {me}.",
            )


def hint(held: HandState, worked: Worked, name: str) -> str:
    """Where to look when no slip is recognised."""
    numbers = [int(part) for part in name[1:].split("-")]
    if name[0] == "z":
        layer, unit = numbers
        product = worked.activations[layer - 1][0] * worked.weight(layer, 0, unit)
        first = plain(f"n{layer - 1}-0")
        return f"Begin with {first}: it adds a·w = {number(product)}. Add the others" + (", then b." if held.biased else ".")
    if name[0] == "a":
        return "It is max(0, z)."
    k, i, j = numbers if name[0] == "e" else (numbers[0] + 1, numbers[1], 0)
    fractions = _edges(worked.parts[k][i])[j].fractions
    above = plain(f"n{k}-{j}")
    if not fractions:
        return f"{above} passes nothing on."
    _, q, z, s = fractions[0]
    return f"On the edge to {above} the numerator is {number(q)}, the denominator {number(z + s)}."
