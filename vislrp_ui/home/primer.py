"""The LRP primer: what relevance is, and the rules at a glance (guide, section 1.1 and Table 1.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape

from vislrp_ui.shared import terms
from vislrp_ui.theme import GROUP_TEXT

SYMBOLS = (
    ("`k`", "the number of a layer; 0 is the picture"),
    ("`i`, `j`", "a neuron below a layer, and one that the layer makes"),
    ("`a_i`", "{activation}: what neuron `i` sends on"),
    ("`w_ij`", "the weight on the way from `i` to `j`"),
    ("`b_j`", "the {bias} of `j`, a number added to its sum"),
    ("`z_j`", "the sum that `j` makes of its inputs: all `a_i w_ij`, plus `b_j`"),
    ("`R_i`, `R_j`", "{relevance}: the part of the score that goes back to a neuron"),
    ("ε", "{stabilizer}: added to a denominator, with its sign"),
    ("( )⁺, ( )⁻", "the positive or the negative part, such as max(`w`, 0) and min(`w`, 0)"),
    ("`l_i`, `h_i`", "a black and a white pixel, as the network gets them"),
)
"""The letters of the formulas; what is in braces is a marked word, in backticks mathematics."""
WORDS = (
    "A network turns a picture into a score for each class, its {logit}: the sum `z` of the last layer. LRP takes the score "
    "of one class as the relevance of that output and hands it down layer by layer, from `R[k]` to `R[k − 1]`, to the "
    "pixels. Neuron `j` shares its relevance among the neurons `i` below it, in proportion to each one’s {contribution} "
    "`a_i w_ij`. Red pixels speak for the class, blue ones against it.",
    "{conservation}: where nothing is absorbed, the shares add up to what came in, `Σ_i R_i = Σ_j R_j`, and so the pixels "
    "add up to the score. Two things can {absorb} relevance. The stabilizer ε keeps back ε / (`|z_j|` + ε) of `R_j`: nearly "
    "all where the sum is close to 0 because contributions contradict each other, and little where it is large. A bias that "
    "counts as one more input takes the share `b_j / z_j`, which no pixel gets; where that is negative, the others share "
    "more than came in. A bias that is ignored takes nothing: this is the usual setting here.",
)
"""Two paragraphs in the same writing."""
_MARKS = {
    "activation": "activation",
    "bias": "bias",
    "relevance": "relevance",
    "stabilizer": "stabilizer",
    "logit": "logit",
    "contribution": "contribution",
    "conservation": "Conservation",
    "absorb": "absorb",
}
_LETTER = re.compile(r"([A-Za-zΣ])(?:_(ij|[ij]))?")


@cache
def introduction() -> str:
    """HTML of the first paragraph and of the letters."""
    letters = "".join(f"<div><dt>{_written(letter)}</dt><dd>{_written(meaning)}</dd></div>" for letter, meaning in SYMBOLS)
    head = '<dl class="v-letters" aria-label="What the letters mean">'
    return f'<p class="v-primer">{_written(WORDS[0])}</p>{head}{letters}</dl>'


def conservation(numbers: str = "") -> str:
    """HTML of the second paragraph, and of the sentence with numbers of the running network below it."""
    return f'<p class="v-primer">{_written(WORDS[1])}</p><p class="v-primer">{numbers or "&nbsp;"}</p>'


def _written(text: str) -> str:
    """HTML of a text: its words marked, its letters as mathematics."""
    found = re.sub(r"`([^`]+)`", lambda one: _LETTER.sub(_letter, one[1]), escape(text))
    return re.sub(r"\{(\w+)\}", lambda one: terms.marked(one[1], _MARKS[one[1]]), found)


def _letter(found: re.Match[str]) -> str:
    name = found[1] if found[1] == "Σ" else f"<i>{found[1]}</i>"
    return f'<span class="v-math">{name}{f"<sub>{found[2]}</sub>" if found[2] else ""}</span>'


def here(name: str, start: float, arrived: float) -> str:
    """What conservation is in the example above, as one sentence of HTML; nothing where the start is 0."""
    if not (math.isfinite(start) and math.isfinite(arrived)) or abs(start) < 1e-6:
        return ""
    share = arrived / start
    said = (
        "all of it is kept"
        if abs(share - 1) < 0.005
        else f"{100 * share:.0f}\u202f% is kept, the rest was absorbed on the way"
        if 0 <= share < 1
        else f"that is {100 * share:.0f}\u202f% of it"
    )
    numbers = [f"{one:.2f}".replace("-", "−") for one in (start, arrived)]
    return f"In the example above, “{escape(name)}” starts with {numbers[0]} and the pixels add up to {numbers[1]}: {said}."


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    rule: str
    formula: str
    effect: str
    where: str
    source: str
    preset: str


def _fraction(term: str, below: str = "") -> str:
    return r"R_i = \sum_j \dfrac{" + term + r"}{\sum_{i} " + term + below + r"}\,R_j"


LINES: tuple[Line, ...] = (
    Line(
        "LRP-0",
        _fraction("a_i w_{ij}"),
        "shares in proportion to what each input contributed",
        "upper layers",
        "Bach 2015",
        "zero",
    ),
    Line(
        "LRP-ε",
        _fraction("a_i w_{ij}", r" + {@suppression \varepsilon}"),
        "damps weak and contradictory contributions",
        "middle layers",
        "Bach 2015",
        "epsilon",
    ),
    Line(
        "LRP-γ",
        _fraction(r"a_i (w_{ij} + {@weight \gamma} w_{ij}^+)"),
        "favours positive contributions",
        "lower layers",
        "Montavon 2019",
        "gamma",
    ),
    Line(
        "LRP-αβ",
        r"R_i = \sum_j \left({@contribution \alpha} \dfrac{(a_i w_{ij})^+}{\sum_i (a_i w_{ij})^+} - "
        r"{@contribution \beta} \dfrac{(a_i w_{ij})^-}{\sum_i (a_i w_{ij})^-}\right) R_j",
        "treats positive and negative contributions apart, α − β = 1",
        "lower layers",
        "Bach 2015",
        "alpha_beta",
    ),
    Line(
        "LRP-α1β0, z⁺",
        _fraction("a_i w_{ij}^+"),
        "positive contributions alone",
        "lower layers",
        "Montavon 2017",
        "alpha1_beta0",
    ),
    Line(
        "LRP-w²",
        _fraction("w_{ij}^2"),
        "squared weights, independent of the image",
        "first layer",
        "Montavon 2017",
        "w_square",
    ),
    Line(
        "LRP-flat",
        r"R_i = \sum_j \dfrac{1}{\sum_i 1}\,R_j",
        "every input gets the same share",
        "first layer",
        "Lapuschkin 2019",
        "flat",
    ),
    Line(
        "LRP-zβ",
        _fraction("a_i w_{ij} - l_i w_{ij}^+ - h_i w_{ij}^-"),
        "contributions within the box of possible pixels, $l_i$ black and $h_i$ white",
        "pixels",
        "Montavon 2017",
        "z_box",
    ),
)


def table(mode: str, maps: Callable[[Line], tuple[str, str]]) -> str:
    """The rules as a markdown table; parameters in the colours that they have on Design.

    Parameters
    ----------
    maps : callable
        Markdown of a rule's two small maps: on all layers, and at its usual place.
    """
    rows = [
        "| Rule | On all layers | At its usual place | Formula | What it does | Where | First described |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in LINES:
        formula = line.formula
        for group, colour in GROUP_TEXT[mode].items():
            formula = formula.replace(f"@{group} ", rf"\textcolor{{{colour}}} ")
        everywhere, usual = maps(line)
        rows.append(
            f"| **{line.rule}** | {everywhere} | {usual} | ${_braced(formula)}$ | {line.effect} | {line.where} | "
            f"{line.source} |"
        )
    return "\n".join(rows)


def _braced(formula: str) -> str:
    r"""`{\textcolor{c} x}` as KaTeX wants it: `\textcolor{c}{x}`."""
    for symbol in (r"\varepsilon", r"\gamma", r"\alpha", r"\beta"):
        formula = formula.replace(f" {symbol}}}", f"{{{symbol}}}}}")
    return formula
