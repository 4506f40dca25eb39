"""Formulas on screen: the rule's current numbers, factors of 1 and terms of 0 left out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from vislrp_core.formula import formula_latex, formula_mathml
from vislrp_core.rules import PRESETS, Rule


@pytest.mark.parametrize(
    ("rule", "latex"),
    [
        (Rule.of("zero"), r"R_i = \sum_j \frac{a_iw_{ij}}{\sum_i a_iw_{ij}}R_j"),
        (Rule.of("epsilon"), r"R_i = \sum_j \frac{a_iw_{ij}}{\sum_i a_iw_{ij} + 0.25\,\mathrm{rms}(z)}R_j"),
        (
            Rule.of("epsilon", epsilon=0.1, epsilon_scale="absolute"),
            r"R_i = \sum_j \frac{a_iw_{ij}}{\sum_i a_iw_{ij} + 0.1}R_j",
        ),
        (Rule.of("gamma"), r"R_i = \sum_j \frac{a_i(w_{ij} + 0.25w_{ij}^{+})}{\sum_i a_i(w_{ij} + 0.25w_{ij}^{+})}R_j"),
        (Rule.of("z_plus"), r"R_i = \sum_j \frac{a_iw_{ij}^{+}}{\sum_i a_iw_{ij}^{+}}R_j"),
        (
            Rule.of("alpha_beta"),
            r"R_i = \sum_j (2\frac{a_iw_{ij}^{+}}{\sum_i a_iw_{ij}^{+}} - \frac{a_iw_{ij}^{-}}"
            r"{\sum_i a_iw_{ij}^{-}})R_j",
        ),
        (Rule.of("w_square"), r"R_i = \sum_j \frac{w_{ij}^{2}}{\sum_i w_{ij}^{2}}R_j"),
        (Rule.of("flat"), r"R_i = \sum_j \frac{1}{\sum_i 1}R_j"),
        (
            Rule.of("z_box"),
            r"R_i = \sum_j \frac{a_iw_{ij} - l_iw_{ij}^{+} - h_iw_{ij}^{-}}"
            r"{\sum_i a_iw_{ij} - l_iw_{ij}^{+} - h_iw_{ij}^{-}}R_j",
        ),
        (
            Rule.of("custom", theta0=0.5, gamma0=-0.1),
            r"R_i = \sum_j \frac{(0.5 + a_i)( - 0.1 + w_{ij})}"
            r"{\sum_i (0.5 + a_i)( - 0.1 + w_{ij})}R_j",
        ),
        (Rule.of("custom", alpha=0.0, beta=-1.0), r"R_i = \sum_j \frac{a_iw_{ij}}{\sum_i a_iw_{ij}}R_j"),
        (Rule.of("custom", alpha=0.0), "R_i = 0"),
        (Rule.of("custom", gamma1=0.0), r"R_i = \sum_j \frac{0}{\sum_i 0}R_j"),
        (Rule.of("custom", epsilon=-0.5), r"R_i = \sum_j \frac{a_iw_{ij}}{\sum_i a_iw_{ij} - 0.5}R_j"),
        (Rule.of("custom", gamma1=-1.0), r"R_i = \sum_j \frac{a_i( - w_{ij})}{\sum_i a_i( - w_{ij})}R_j"),
    ],
)
def test_latex(rule, latex):
    assert formula_latex(rule) == latex


@pytest.mark.parametrize(
    "rule",
    [*(Rule.of(preset) for preset in PRESETS), Rule.of("custom", theta0=0.5, gamma2=-2.0)],
    ids=lambda rule: rule.preset,
)
def test_mathml_is_well_formed(rule):
    root = ElementTree.fromstring(formula_mathml(rule))
    assert root.tag.endswith("math")
    fractions = [element for element in root.iter() if element.tag.endswith("mfrac")]
    assert fractions and all(len(fraction) == 2 for fraction in fractions)


def test_numbers_carry_their_group():
    rule = Rule.of("custom", alpha=2.0, theta0=0.3, gamma1p=0.4, epsilon=0.7)
    numbers = {
        element.text: element.get("class")
        for element in ElementTree.fromstring(formula_mathml(rule)).iter()
        if element.tag.endswith("mn")
    }
    assert numbers == {"2": "p-contribution", "0.3": "p-activation", "0.4": "p-weight", "0.7": "p-suppression"}
