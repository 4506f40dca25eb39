"""What the drawing shows: neurons, edges, steps, formulas and the foot, as the component receives them."""

from __future__ import annotations

from typing import Any

from vislrp_ui.hand import explained, slips
from vislrp_ui.hand.explained import is_shown
from vislrp_ui.hand.words import plain, rule_of
from vislrp_ui.hand.worked import Worked
from vislrp_ui.shared.formulas import number
from vislrp_ui.state_hand import SIZES, HandState, asked, ids, quantities

STEPS = (
    ("Inputs", "The numbers that go in, a of each input x."),
    ("Forward: sums", "Each hidden neuron h adds up what its inputs bring: z = Σ a·w, plus its bias b if it has one."),
    ("Forward: ReLU", "A negative sum becomes 0: a = max(0, z)."),
    ("Forward: outputs", "Each output y adds up what the hidden neurons bring. Its z is its score, the logit."),
    ("Start", "Relevance R starts at the chosen output as its score; the others get 0."),
    ("Backward: hidden neurons", "Each output shares its R among the hidden neurons below it, by the rule of layer 2."),
    ("Backward: ReLU", "ReLU passes relevance on unchanged."),
    (
        "Backward: inputs",
        "Each hidden neuron shares its R among the inputs, by the rule of layer 1. Their R is the explanation.",
    ),
)
ACTIVE = {
    0: ("n0",), 1: ("n1", "e1"), 2: ("n1",), 3: ("n2", "e2"), 4: ("n2",), 5: ("n1", "e2"), 6: ("n1",), 7: ("n0", "e1")
}  # fmt: skip
"""Neurons and edges of a step, by the beginning of their ids."""
BEHIND = {"forward": ("R", "e"), "hidden": ("R1", "e2", "R0", "e1"), "shares": ("R0",), "inputs": ("R0", "e1")}
"""Quantities by whose values an exercise would be given away."""


def hidden_of(held: HandState) -> frozenset[str]:
    """Quantities that the exercise keeps back."""
    if not held.exercise or held.solved:
        return frozenset()
    return frozenset(asked(held.exercise)) | {one for one in quantities() if one.startswith(BEHIND[held.exercise])}


def payload(held: HandState, worked: Worked, mode_colours: dict[str, str]) -> dict[str, Any]:
    """All that the component draws."""
    hidden = hidden_of(held)
    return {
        "colours": mode_colours,
        "nodes": [_node(held, worked, layer, unit, hidden) for layer, size in enumerate(SIZES) for unit in range(size)],
        "edges": [
            _edge(held, worked, k, i, j, hidden) for k in (1, 2) for i in range(SIZES[k - 1]) for j in range(SIZES[k])
        ],
        "formulas": {id: _formulas(held, worked, id, hidden) for id in ids()},
        "steps": [{"title": title, "sentence": sentence} for title, sentence in STEPS],
        "step": held.step,
        "shown": held.shown,
        "foot": _foot(held, worked, hidden),
        "error": worked.error,
        "verdicts": slips.verdicts(held, worked),
    }


def _cell(held: HandState, worked: Worked, quantity: str, label: str, hidden: frozenset[str]) -> dict[str, Any]:
    """One number of a neuron or edge: shown, asked for, or not there yet."""
    value = worked.value(quantity)
    if not held.solved and quantity in asked(held.exercise):
        verdict = slips.verdict_of(held, worked, quantity)
        state = "" if verdict is None else "right" if verdict.right else "wrong"
        return {"id": quantity, "label": label, "asked": True, "text": dict(held.answers).get(quantity, ""), "state": state}
    if value is None or not is_shown(held, quantity, hidden):
        return {"id": quantity, "label": label, "text": "·", "missing": True}
    return {"id": quantity, "label": label, "text": number(value, held.exact), "sign": (value > 0) - (value < 0)}


def _field(held: HandState, name: str, place: int, label: str, spoken: str) -> dict[str, Any]:
    """A number that can be edited."""
    value = (held.own_start or (0.0, 0.0))[place] if name == "start" else getattr(held, name)[place]
    text = number(value, True)
    return {
        "id": f"{name}-{place}",
        "name": name,
        "place": place,
        "label": label,
        "spoken": spoken,
        "text": text,
        "value": value,
    }


def _node(held: HandState, worked: Worked, layer: int, unit: int, hidden: frozenset[str]) -> dict[str, Any]:
    id = f"n{layer}-{unit}"
    who = plain(id)
    fields, cells = [], []
    if layer == 0:
        fields.append(_field(held, "inputs", unit, "a", f"input {who}"))
    elif held.biased:
        fields.append(_field(held, ("lower_bias", "upper_bias")[layer - 1], unit, "b", f"bias of {who}"))
    if layer:
        cells.append(_cell(held, worked, f"z{layer}-{unit}", "z", hidden))
    if layer == 1:
        cells.append(_cell(held, worked, f"a1-{unit}", "a", hidden))
    if layer == 2 and held.own_start is not None:
        fields.append(_field(held, "start", unit, "R", f"R of {who}"))
    else:
        cells.append(_cell(held, worked, f"R{layer}-{unit}", "R", hidden))
    off = layer == 1 and is_shown(held, f"a1-{unit}", hidden) and worked.activations[1][unit] == 0
    explains = layer == 2 and unit == held.target and held.own_start is None
    return {
        "id": id,
        "name": who,
        "layer": layer,
        "unit": unit,
        "kind": explained.KINDS[layer],
        "fields": fields,
        "cells": cells,
        "active": id.startswith(ACTIVE[held.step]),
        "off": off,
        "target": explains,
        "relevance": _strength(worked, f"R{layer}-{unit}", held, hidden),
    }


def _strength(worked: Worked, quantity: str, held: HandState, hidden: frozenset[str]) -> float:
    """Relevance over the largest of its layer, −1 to 1; 0 while it is not shown."""
    value = worked.value(quantity)
    if value is None or not is_shown(held, quantity, hidden):
        return 0.0
    layer = int(quantity[1])
    if quantity[0] == "e":
        every = [abs(float(part)) for parts in worked.parts[layer] for part in parts.parts]
    else:
        every = [abs(one) for one in worked.relevance[layer]]
    return value / max(every) if max(every) > 0 else 0.0


def _edge(held: HandState, worked: Worked, k: int, i: int, j: int, hidden: frozenset[str]) -> dict[str, Any]:
    id = f"e{k}-{i}-{j}"
    name, place = (("lower", 3 * j + i), ("upper", 3 * j + i))[k - 1]
    backward = held.step >= explained.SHOWN_FROM[id[:2]]
    cell = _cell(held, worked, id, "R", hidden) if backward else _product(held, worked, k, i, j, hidden)
    return {
        "id": id, "name": plain(id), "layer": k, "from": i, "to": j,
        "field": _field(held, name, place, "w", f"weight {plain(id)}"), "cell": cell,
        "active": id.startswith(ACTIVE[held.step]), "relevance": _strength(worked, id, held, hidden),
    }  # fmt: skip


def _product(held: HandState, worked: Worked, k: int, i: int, j: int, hidden: frozenset[str]) -> dict[str, Any]:
    """Forward: a·w of an edge."""
    needed, from_step = ("a0-0", 1) if k == 1 else (f"a1-{i}", 3)
    if held.step < from_step or not is_shown(held, needed, hidden) or (held.exercise == "forward" and not held.solved):
        return {"id": f"q{k}-{i}-{j}", "label": "a·w", "text": "·", "missing": True}
    value = worked.activations[k - 1][i] * worked.weight(k, i, j)
    return {"id": f"q{k}-{i}-{j}", "label": "a·w", "text": number(value, held.exact), "sign": 0}


def _formulas(held: HandState, worked: Worked, id: str, hidden: frozenset[str]) -> dict[str, Any]:
    numbers = [int(part) for part in id[1:].split("-")]
    if id[0] == "n":
        lines = explained.node(held, worked, numbers[0], numbers[1], hidden)
        title = f"{plain(id)}, {'an' if numbers[0] != 1 else 'a'} {explained.KINDS[numbers[0]]}"
    else:
        lines = explained.edge(held, worked, numbers[0], numbers[1], numbers[2], hidden)
        title = f"The edge {plain(id)}"
    return {"title": title, "lines": [{"words": line.words, "math": line.math} for line in lines]}


def _foot(held: HandState, worked: Worked, hidden: frozenset[str]) -> list[dict[str, str]]:
    """Sums of relevance from the outputs down, and what was lost on the way."""
    found: list[dict[str, str]] = []
    for layer, name, step in ((2, "outputs", 4), (1, "hidden neurons", 5), (0, "inputs", 7)):
        if (
            held.step < step
            or layer not in worked.relevance
            or any(f"R{layer}-{unit}" in hidden for unit in range(SIZES[layer]))
        ):
            break
        total = sum(worked.relevance[layer])
        note = ""
        if layer < 2:
            kept = worked.balances[layer + 1]
            lost = [
                (words, value)
                for words, value in (
                    ("biases", kept.bias),
                    ("ε" if rule_of(held, layer + 1).epsilon else "denominators that vanish", kept.stabilizer),
                    ("α − β other than 1", kept.factors),
                )
                if abs(value) > 1e-6 * (1 + abs(kept.above))
            ]
            ways = ((value > 0, number(abs(value), held.exact), words) for words, value in lost)
            note = "; ".join(f"{size} {'lost to' if less else 'gained from'} {words}" for less, size, words in ways)
            note = note or "conserved"
        found.append({"name": name, "sum": number(total, held.exact), "note": note})
    return found
