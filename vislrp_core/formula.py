"""A rule as mathematics with its current numbers: factors of 1 and terms of 0 vanish (guide, Figure 2.3)."""

from __future__ import annotations

from vislrp_core.notation import Writer
from vislrp_core.rules import Rule


def formula_latex(rule: Rule) -> str:
    r"""LaTeX of a rule, such as ``R_i = \sum_j \frac{a_i w_{ij}}{\sum_i a_i w_{ij}} R_j``."""
    return "R_i = " + rule.kind.formula(Writer(False), rule)


def formula_mathml(rule: Rule) -> str:
    """MathML of a rule; numbers carry the class of their parameter's group (``p-weight`` ...)."""
    body = rule.kind.formula(Writer(True), rule)
    return (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">'
        f"<mrow><msub><mi>R</mi><mi>i</mi></msub><mo>=</mo>{body}</mrow></math>"
    )
