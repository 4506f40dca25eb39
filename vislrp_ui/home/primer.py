"""The LRP primer: what relevance is, and the rules at a glance (guide, section 1.1 and Table 1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from vislrp_ui.theme import GROUP_TEXT

INTRODUCTION = r"""
A network turns an image into a score for each class. LRP takes the score of one class as the **relevance** $R_j$ of the
output and hands it down layer by layer: neuron $j$ shares its relevance among the neurons $i$ below it, in proportion to
what they contributed, $a_i w_{ij}$. In each layer the shares add up to what came in, so the pixels of the heatmap add up
to the score: $\sum_i R_i = \sum_j R_j$. Red pixels speak for the class, blue ones against it.
"""


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    rule: str
    formula: str
    effect: str
    where: str
    source: str


def _fraction(term: str, below: str = "") -> str:
    return r"R_i = \sum_j \dfrac{" + term + r"}{\sum_{i} " + term + below + r"}\,R_j"


LINES: tuple[Line, ...] = (
    Line(
        "LRP-0", _fraction("a_i w_{ij}"), "shares in proportion to what each input contributed", "upper layers", "Bach 2015"
    ),
    Line(
        "LRP-ε",
        _fraction("a_i w_{ij}", r" + {@suppression \varepsilon}"),
        "damps weak and contradictory contributions",
        "middle layers",
        "Bach 2015",
    ),
    Line(
        "LRP-γ",
        _fraction(r"a_i (w_{ij} + {@weight \gamma} w_{ij}^+)"),
        "favours what speaks for the class",
        "lower layers",
        "Montavon 2019",
    ),
    Line(
        "LRP-αβ",
        r"R_i = \sum_j \left({@contribution \alpha} \dfrac{(a_i w_{ij})^+}{\sum_i (a_i w_{ij})^+} - "
        r"{@contribution \beta} \dfrac{(a_i w_{ij})^-}{\sum_i (a_i w_{ij})^-}\right) R_j",
        "treats positive and negative contributions apart, α − β = 1",
        "lower layers",
        "Bach 2015",
    ),
    Line("LRP-α1β0, z⁺", _fraction("a_i w_{ij}^+"), "positive contributions alone", "lower layers", "Montavon 2017"),
    Line("LRP-w²", _fraction("w_{ij}^2"), "squared weights, independent of the image", "first layer", "Montavon 2017"),
    Line(
        "LRP-flat",
        r"R_i = \sum_j \dfrac{1}{\sum_i 1}\,R_j",
        "every input gets the same share",
        "first layer",
        "Lapuschkin 2019",
    ),
    Line(
        "LRP-zβ",
        _fraction("a_i w_{ij} - l_i w_{ij}^+ - h_i w_{ij}^-"),
        "contributions within the box of possible pixels, $l_i$ black and $h_i$ white",
        "pixels",
        "Montavon 2017",
    ),
)


def table(mode: str) -> str:
    """The rules as a markdown table; parameters in the colours that they have on Design."""
    rows = ["| Rule | Formula | What it does | Where | First described |", "|---|---|---|---|---|"]
    for line in LINES:
        formula = line.formula
        for group, colour in GROUP_TEXT[mode].items():
            formula = formula.replace(f"@{group} ", rf"\textcolor{{{colour}}} ")
        rows.append(f"| **{line.rule}** | ${_braced(formula)}$ | {line.effect} | {line.where} | {line.source} |")
    return "\n".join(rows)


def _braced(formula: str) -> str:
    r"""`{\textcolor{c} x}` as KaTeX wants it: `\textcolor{c}{x}`."""
    for symbol in (r"\varepsilon", r"\gamma", r"\alpha", r"\beta"):
        formula = formula.replace(f" {symbol}}}", f"{{{symbol}}}}}")
    return formula
