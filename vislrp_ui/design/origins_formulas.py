"""Formulas of "Where does this come from": of the row that shares relevance out, and of each part with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from vislrp_core.contributions import Contributions
from vislrp_core.formula import formula_mathml
from vislrp_core.kinds.gamma_generalized import GAMMA_GENERALIZED
from vislrp_core.kinds.z_box import Z_BOX
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Trace
from vislrp_core.notation import Writer
from vislrp_core.weighted import WeightedLayer
from vislrp_ui.shared import formulas
from vislrp_ui.shared.formulas import factor, math, mn, name, row, sign

Bounds = list[tuple[float, float]]
COLOURS = ("red", "green", "blue")


def symbolic(model: LRPModel, layer: int) -> str:
    """The formula of a row that shares relevance out, MathML."""
    if model.plan.rows[layer].kind != "pool":
        return formula_mathml(model.rule_at(layer))
    writer = Writer(True)
    body = [name("R", "<mi>i</mi>"), sign("="), writer.sum("j")]
    if model.pooling == "winner-takes-all":
        return ""  # said in words
    top, bottom = writer.symbol("a"), writer.sum("i") + writer.symbol("a")
    rule = model.rule_at(layer)
    if model.pooling_epsilon == "segment" and rule.epsilon:
        top, bottom = (f"<mfrac>{row(one)}<mi>n</mi></mfrac>" for one in (top, bottom))
        bottom += sign("+") + writer.number(rule.epsilon, "epsilon")
        bottom += writer.rms() if rule.epsilon_scale == "relative" else ""
    return math(*body, writer.fraction(top, bottom), writer.symbol("R"))


def bounds(network: Network, trace: Trace, model: LRPModel, layer: int) -> Bounds:
    """l and h of zβ at a row, one or one for each channel; nothing under other rules."""
    if network.architecture.rows[layer].kind == "pool" or model.rule_at(layer).kind is not Z_BOX:
        return []
    low, high = (bound.flatten().tolist() for bound in Z_BOX.box(WeightedLayer(network, trace, layer)))
    return list(zip(low, high, strict=True))


def part(network: Network, model: LRPModel, each: Sequence[Contributions], number: int, box: Bounds) -> tuple[str, ...]:
    """One part with its numbers, MathML: a line for each input asked about (the colours of a pixel) and their sum."""
    values = [float(one.parts[number]) for one in each]
    arrow = row("<mi>i</mi>", sign("←"), "<mi>j</mi>")
    lines = []
    for place, (one, value) in enumerate(zip(each, values, strict=True)):
        low = f"<mi>{COLOURS[place]}</mi>" if len(each) > 1 else arrow
        lines.append(math(name("R", low), sign("="), _term(network, model, one, number, box), sign("="), mn(value)))
    if len(each) > 1:
        lines.append(math(name("R", arrow), sign("="), formulas.added(values), sign("="), mn(sum(values))))
    return tuple(lines)


def _term(network: Network, model: LRPModel, one: Contributions, number: int, box: Bounds) -> str:
    fractions = [formulas.one_output(fraction, number) for fraction in one.fractions]
    relevance = float(one.relevance[number])
    if network.architecture.rows[one.layer].kind == "pool":
        top, bottom = mn(float(fractions[0].numerator)), formulas.denominator(fractions[0])
        return f"<mfrac>{row(top)}{row(bottom)}</mfrac>" + sign("·") + factor(relevance)
    rule, a, w = model.rule_at(one.layer), one.activation, float(one.weights[number])
    product = (rule.theta0 + rule.theta1 * a) * w
    numbers = {"a": a, "w": w, "R": relevance}
    if box:
        low, high = box[one.place[0] if len(box) > 1 else 0]
        numbers |= {"w+": max(w, 0.0), "w-": min(w, 0.0), "l": low, "h": high}
    else:  # the sign of the contribution decides (numerics.md, section 2)
        numbers |= {"w+": w if product > 0 else 0.0, "w-": w if product < 0 else 0.0}
    if rule.kind is GAMMA_GENERALIZED:
        numbers["z"] = 1.0 if float(fractions[0].factor) else -1.0
    return formulas.filled(rule, fractions, numbers)
