"""A rule as mathematics with its current numbers: factors of 1 and terms of 0 vanish (guide, Figure 2.3)."""

from __future__ import annotations

from dataclasses import dataclass

from vislrp_core.rules import PARAMETERS, Rule, format_number

_GROUP = {parameter.key: parameter.group for parameter in PARAMETERS}


@dataclass(frozen=True)
class _Writer:
    """How numbers, symbols and fractions are written in one language."""

    mathml: bool

    def number(self, value: float, key: str) -> str:
        text = format_number(abs(value))
        return f'<mn class="p-{_GROUP[key]}">{text}</mn>' if self.mathml else text

    def symbol(self, name: str) -> str:
        if not self.mathml:
            return {"a": "a_i", "w": "w_{ij}", "w+": "w_{ij}^{+}", "w-": "w_{ij}^{-}", "w2": "w_{ij}^{2}", "l": "l_i",
                    "h": "h_i", "R": "R_j"}[name]
        ij = "<mrow><mi>i</mi><mi>j</mi></mrow>"
        if name == "w":
            return f"<msub><mi>w</mi>{ij}</msub>"
        if name[0] == "w":
            top = f"<mo>{'+' if name[1] == '+' else '−'}</mo>" if name[1] in "+-" else "<mn>2</mn>"
            return f"<msubsup><mi>w</mi>{ij}{top}</msubsup>"
        return f"<msub><mi>{name}</mi><mi>{'j' if name == 'R' else 'i'}</mi></msub>"

    def sign(self, text: str) -> str:
        return f"<mo>{'−' if text == '-' else text}</mo>" if self.mathml else f" {text} "

    def bracket(self, body: str) -> str:
        return f"<mo>(</mo>{body}<mo>)</mo>" if self.mathml else f"({body})"

    def sum(self, index: str) -> str:
        if self.mathml:
            return f'<msub><mo largeop="false" class="sum">∑</mo><mi>{index}</mi></msub>'
        return rf"\sum_{index} "

    def fraction(self, top: str, bottom: str) -> str:
        if self.mathml:
            return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"
        return rf"\frac{{{top}}}{{{bottom}}}"

    def rms(self) -> str:
        return "<mi>rms</mi><mo>(</mo><mi>z</mi><mo>)</mo>" if self.mathml else r"\,\mathrm{rms}(z)"


def _polynomial(writer: _Writer, terms: list[tuple[str, float, str]]) -> tuple[str, int]:
    """Sum of the terms that do not vanish, and how many they are; a term is (key, factor, symbol or "")."""
    text, count = "", 0
    for key, factor, name in terms:
        if factor == 0:
            continue
        if factor < 0:
            text += writer.sign("-")
        elif text:
            text += writer.sign("+")
        if abs(factor) != 1 or not name:
            text += writer.number(factor, key)
        text += writer.symbol(name) if name else ""
        count += 1
    return text, count


def _contribution(writer: _Writer, rule: Rule, exchanged: bool) -> str:
    p, n = (rule.gamma1n, rule.gamma1p) if exchanged else (rule.gamma1p, rule.gamma1n)
    u, terms_u = _polynomial(writer, [("theta0", rule.theta0, ""), ("theta1", rule.theta1, "a")])
    weight_terms = [("gamma0", rule.gamma0, ""), ("gamma1", rule.gamma1, "w"), ("gamma1p", p, "w+"),
                    ("gamma1n", n, "w-"), ("gamma2", rule.gamma2, "w2")]
    w, terms_w = _polynomial(writer, weight_terms)
    if not terms_u or not terms_w:
        return writer.number(0, "theta1")
    one = writer.number(1, "theta0")
    if u == one:
        return w
    left = writer.bracket(u) if terms_u > 1 else u
    if w == writer.number(1, "gamma0"):
        return left
    return left + (writer.bracket(w) if terms_w > 1 or w.startswith(writer.sign("-")) else w)


def _term(writer: _Writer, rule: Rule, exchanged: bool) -> str:
    q = _contribution(writer, rule, exchanged)
    bottom = writer.sum("i") + q
    if rule.epsilon:
        bottom += writer.sign("+" if rule.epsilon > 0 else "-") + writer.number(rule.epsilon, "epsilon")
        if rule.epsilon_scale == "relative":
            bottom += writer.rms()
    return writer.fraction(q, bottom)


def _body(writer: _Writer, rule: Rule) -> str:
    if rule.preset == "z_box":
        q = (writer.symbol("a") + writer.symbol("w") + writer.sign("-") + writer.symbol("l") + writer.symbol("w+")
             + writer.sign("-") + writer.symbol("h") + writer.symbol("w-"))
        return writer.sum("j") + writer.fraction(q, writer.sum("i") + q) + writer.symbol("R")
    parts = ""
    count = 0
    for key, factor, exchanged in (("alpha", rule.alpha, False), ("beta", -rule.beta, True)):
        if factor == 0:
            continue
        parts += writer.sign("-") if factor < 0 else writer.sign("+") if parts else ""
        parts += (writer.number(factor, key) if abs(factor) != 1 else "") + _term(writer, rule, exchanged)
        count += 1
    if not count:
        return writer.number(0, "alpha")
    return writer.sum("j") + (writer.bracket(parts) if count > 1 else parts) + writer.symbol("R")


def formula_latex(rule: Rule) -> str:
    r"""LaTeX of a rule, such as ``R_i = \sum_j \frac{a_i w_{ij}}{\sum_i a_i w_{ij}} R_j``."""
    return "R_i = " + _body(_Writer(False), rule)


def formula_mathml(rule: Rule) -> str:
    """MathML of a rule; numbers carry the class of their parameter's group (``p-weight`` ...)."""
    body = _body(_Writer(True), rule)
    return ('<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">'
            f"<mrow><msub><mi>R</mi><mi>i</mi></msub><mo>=</mo>{body}</mrow></math>")
