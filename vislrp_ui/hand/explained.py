"""What is said of each neuron and edge: its formulas, symbolic and with numbers, as far as the chosen step has come."""

from __future__ import annotations

from dataclasses import dataclass

from vislrp_core.formula import formula_mathml
from vislrp_core.kinds.z_box import Z_BOX
from vislrp_core.model import STARTS
from vislrp_core.rules import Rule
from vislrp_core.weighted import WeightedLayer
from vislrp_ui.hand.words import below_name, plain, rule_of
from vislrp_ui.hand.worked import ROW_OF, Worked
from vislrp_ui.shared import formulas
from vislrp_ui.shared.formulas import added, factor, math, mn, name, neuron, number, row, sign
from vislrp_ui.state_hand import SIZES, HandState

SHOWN_FROM = {"z1": 1, "a1": 2, "z2": 3, "a2": 3, "R2": 4, "e2": 5, "R1": 5, "e1": 7, "R0": 7, "a0": 0}
"""The first step that shows a quantity."""
KINDS = ("input", "hidden neuron", "output")


@dataclass(frozen=True)
class Sentence:
    """One formula with what it means."""

    words: str
    math: str = ""


def is_shown(held: HandState, quantity: str, hidden: frozenset[str]) -> bool:
    """Whether the step has come to a quantity, and the exercise does not ask for it."""
    return held.step >= SHOWN_FROM[quantity[:2]] and quantity not in hidden


def edge(held: HandState, worked: Worked, k: int, i: int, j: int, hidden: frozenset[str]) -> list[Sentence]:
    """Forward: what the edge brings. Backward: what relevance it carries down."""
    exact = held.exact
    a, w = worked.activations[k - 1][i], worked.weight(k, i, j)
    below, above = neuron(k - 1, i), neuron(k, j)
    lines = []
    if k == 1 or is_shown(held, f"a1-{i}", hidden):
        product = math(name("a", below), name("w"), sign("="), factor(a, exact), sign("·"), factor(w, exact), sign("="))
        product = product.replace("</mrow></math>", mn(a * w, exact) + "</mrow></math>")
        lines.append(Sentence(f"Forward: what {plain(f'n{k - 1}-{i}')} adds to the sum z of {plain(f'n{k}-{j}')}.", product))
    share = f"e{k}-{i}-{j}"
    if held.step < SHOWN_FROM[share[:2]] or k not in worked.parts:
        return lines
    arrow = row(below, sign("←"), above)
    rule = rule_of(held, k)
    if share in hidden:
        lines.append(
            Sentence(f"Backward under {rule.title}: the share of this edge in R of {below_name(k, i)}.", symbolic(rule))
        )
        return lines
    text = math(
        name("R", arrow), sign("="), fraction_text(held, worked, k, i, j), sign("="), mn(_part(worked, k, i, j), exact)
    )
    lines.append(
        Sentence(f"Backward under {rule.title}: the part of R of {plain(f'n{k}-{j}')} that this edge carries down.", text)
    )
    lines.append(denominators(held, worked, k, j))
    return lines


def symbolic(rule: Rule) -> str:
    """The rule's own formula."""
    return formula_mathml(rule)


def _part(worked: Worked, k: int, i: int, j: int) -> float:
    return float(worked.parts[k][i].parts[j])


def fraction_text(held: HandState, worked: Worked, k: int, i: int, j: int) -> str:
    """The rule's formula with the numbers of one edge."""
    rule = rule_of(held, k)
    a, w = worked.activations[k - 1][i], worked.weight(k, i, j)
    product = (rule.theta0 + rule.theta1 * a) * w
    numbers = {"a": a, "w": w, "R": worked.relevance[k][j], "z": worked.sums[k][j]}
    if rule.kind is Z_BOX:
        low, high = (float(bound) for bound in Z_BOX.box(WeightedLayer(worked.network, worked.trace, ROW_OF[k])))
        numbers |= {"w+": max(w, 0.0), "w-": min(w, 0.0), "l": low, "h": high}
    else:  # the sign of the contribution decides (numerics.md, section 2)
        numbers |= {"w+": w if product > 0 else 0.0, "w-": w if product < 0 else 0.0}
    fractions = [formulas.one_output(one, j) for one in worked.parts[k][i].fractions]
    return formulas.filled(rule, fractions, numbers, held.exact)


def denominators(held: HandState, worked: Worked, k: int, j: int) -> Sentence:
    """How the denominators of one neuron come about: numerators of all inputs, bias, stabilizer."""
    texts = []
    notes = ["the numerators of all edges into it"]
    for number_, _ in enumerate(worked.parts[k][0].fractions):
        ones = [formulas.one_output(parts.fractions[number_], j) for parts in worked.parts[k]]
        if float(ones[0].factor) == 0:
            continue
        text = added([float(one.numerator) for one in ones], held.exact)
        bias, stabilizer, z = float(ones[0].bias), float(ones[0].stabilizer), float(ones[0].z)
        if bias:
            text += sign("−" if bias < 0 else "+") + mn(abs(bias), held.exact, "p-bias")
            notes += ["the bias"] if "the bias" not in notes else []
        if held.exact or abs(stabilizer) > formulas.TINY * abs(z):
            text += sign("−" if stabilizer < 0 else "+") + mn(abs(stabilizer), held.exact, "p-suppression")
            rule = rule_of(held, k)
            relative = "ε · rms(z)" if rule.epsilon_scale == "relative" else "ε"
            word = relative if rule.epsilon else "10⁻⁹, which keeps it from vanishing"
            notes += [word] if word not in notes else []
        texts.append(row(text, sign("="), mn(z + stabilizer, held.exact)))
    if not texts:
        return Sentence(f"The sum z of {plain(f'n{k}-{j}')} is 0: it passes nothing on.")
    words = " and ".join([", ".join(notes[:-1]), notes[-1]] if len(notes) > 1 else notes)
    return Sentence(f"The denominator of {plain(f'n{k}-{j}')}: {words}.", math(sign(";").join(texts)))


def node(held: HandState, worked: Worked, layer: int, unit: int, hidden: frozenset[str]) -> list[Sentence]:
    """Forward: its sum and what it sends on. Backward: its relevance, term by term."""
    lines = _forward(held, worked, layer, unit, hidden)
    quantity = f"R{layer}-{unit}"
    if held.step < SHOWN_FROM[quantity[:2]] or layer not in worked.relevance:
        return lines
    return lines + (_start(held, worked, unit) if layer == 2 else _backward(held, worked, layer, unit, quantity in hidden))


def _forward(held: HandState, worked: Worked, layer: int, unit: int, hidden: frozenset[str]) -> list[Sentence]:
    exact, me = held.exact, neuron(layer, unit)
    if layer == 0:
        return [Sentence(f"An input of the network, a = {number(worked.activations[0][unit], exact)}.")]
    lines = []
    if is_shown(held, f"z{layer}-{unit}", hidden) and (layer == 1 or is_shown(held, "a1-0", hidden)):
        terms = [
            row(factor(worked.activations[layer - 1][i], exact), sign("·"), factor(worked.weight(layer, i, unit), exact))
            for i in range(SIZES[layer - 1])
        ]
        bias = [mn(worked.bias(layer, unit), exact, "p-bias")] if held.biased else []
        symbols = [name("z", me), sign("="), formulas.Writer(True).sum("i"), formulas.Writer(True).symbol("a")]
        symbols += [name("w", "<mrow><mi>i</mi><mi>j</mi></mrow>"), *([sign("+"), name("b")] if bias else [])]
        text = math(*symbols, sign("="), sign("+").join([*terms, *bias]), sign("="), mn(worked.sums[layer][unit], exact))
        lines.append(Sentence("Forward: the weighted sum of what comes in" + (", plus its bias b." if bias else "."), text))
    if layer == 1 and is_shown(held, f"a1-{unit}", hidden) and is_shown(held, f"z1-{unit}", hidden):
        z = worked.sums[1][unit]
        text = math(
            name("a", me), sign("="), "<mi>max</mi>", sign("("), mn(0), sign(","), mn(z, exact), sign(")"), sign("="),
            mn(worked.activations[1][unit], exact),
        )  # fmt: skip
        words = "ReLU lets a positive sum through" if z > 0 else "ReLU turns a sum that is not positive into 0: it is off"
        lines.append(Sentence(f"{words}.", text))
    return lines


def _start(held: HandState, worked: Worked, unit: int) -> list[Sentence]:
    r = mn(worked.relevance[2][unit], held.exact)
    text = math(name("R", neuron(2, unit)), sign("="), r)
    if held.own_start is not None:
        return [Sentence("Start: this value was typed.", text)]
    if held.model.start == "logit":
        chosen = unit == held.target
        return [Sentence("Start: its own score z." if chosen else "Start: 0, for the other output is explained.", text)]
    return [Sentence(STARTS[held.model.start].sentence, text)]


def _backward(held: HandState, worked: Worked, layer: int, unit: int, asked: bool) -> list[Sentence]:
    k = layer + 1
    rule, me = rule_of(held, k), neuron(layer, unit)
    words = f"Backward under {rule.title}: the sum over all neurons j that it feeds."
    if asked:
        return [Sentence(words, symbolic(rule))]
    count = SIZES[k]
    whole = [fraction_text(held, worked, k, unit, j) for j in range(count)]
    parts = [_part(worked, k, unit, j) for j in range(count)]
    total = worked.relevance[layer][unit]
    lines = [
        Sentence(words, symbolic(rule)),
        Sentence("With numbers, one term for each j:", math(name("R", me), sign("="), sign("+").join(whole))),
        Sentence(
            "Term by term:", math(name("R", me), sign("="), added(parts, held.exact), sign("="), mn(total, held.exact))
        ),
    ]
    if layer == 1:
        lines.append(Sentence("ReLU passes relevance on unchanged."))
    return lines
