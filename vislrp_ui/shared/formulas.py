"""Formulas with their numbers filled in, as MathML: a writer of `vislrp_core.notation` that knows numbers, not symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vislrp_core.contributions import Fraction
from vislrp_core.notation import Writer
from vislrp_core.rules import Rule

_DOT = '<mo class="dot">·</mo>'
_NEEDLESS = re.compile(r"(^|<mrow>|<mo>[(+−]</mo>)" + re.escape(_DOT))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
TINY = 1e-6
"""A stabilizer smaller than this part of its denominator is not written: the 1e-9 that every denominator has."""


def number(value: float, exact: bool = False, digits: int = 3) -> str:
    """A number as text: three significant digits, or twelve; a true minus sign, no exponent where it can be read."""
    digits = 12 if exact else digits
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        text = f"{value:.{digits}g}"
        mantissa, e, power = text.partition("e")
        text = f"{mantissa}·10{str(int(power)).translate(_RAISED)}" if e else text
    elif abs(value) >= 10 ** (digits - 1):
        text = f"{value:.{1 if exact else 0}f}".removesuffix(".0")
        text = f"{value:.{digits}g}" if exact else text
    else:
        text = f"{value:.{digits}g}"
    return ("0" if text in ("-0", "-0.0") else text).replace("-", "−")


def mn(value: float, exact: bool = False, css: str = "") -> str:
    """A number as MathML; a negative one keeps its sign with it."""
    text = number(value, exact)
    size = f"<mn{css and f' class={chr(34)}{css}{chr(34)}'}>{text.removeprefix('−')}</mn>"
    return f"<mrow><mo>−</mo>{size}</mrow>" if text.startswith("−") else size


def factor(value: float, exact: bool = False) -> str:
    """A number inside a product or sum: negative ones in parentheses."""
    return f"<mo>(</mo>{mn(value, exact)}<mo>)</mo>" if number(value, exact).startswith("−") else mn(value, exact)


def name(letter: str, low: str = "") -> str:
    """A letter with an index."""
    if not low:
        return f"<mi>{letter}</mi>"
    return f"<msub><mi>{letter}</mi>{low if low.startswith('<') else f'<mn>{low}</mn>'}</msub>"


def neuron(layer: int, unit: int) -> str:
    """x, h or y with its number."""
    return name("xhy"[layer], str(unit + 1))


def row(*parts: str) -> str:
    """Pieces side by side."""
    return f"<mrow>{''.join(parts)}</mrow>"


def sign(text: str) -> str:
    """An operator."""
    return f"<mo>{text}</mo>"


def math(*parts: str) -> str:
    """A formula as a document of its own, as the browser takes it over."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">{row(*parts)}</math>'


def added(values: Sequence[float], exact: bool = False) -> str:
    """A sum written out; negative summands subtract."""
    text = ""
    for place, value in enumerate(values):
        written = number(value, exact)
        if place == 0:
            text += mn(value, exact)
        else:
            text += sign("−" if written.startswith("−") else "+") + f"<mn>{written.removeprefix('−')}</mn>"
    return text


@dataclass(frozen=True)
class FilledWriter(Writer):
    """Writes a kind's formula for one edge, with its numbers in place of the symbols.

    Attributes
    ----------
    numbers : dict
        Values by the name of `Writer.symbol`.
    fractions : iterator of Fraction
        What the rule divides by, in the order in which the formula writes it; of each the only output is taken.
    exact : bool
        Twelve digits.
    """

    numbers: dict[str, float] = field(default_factory=dict)
    fractions: Iterator[Fraction] = field(default_factory=lambda: iter(()))
    exact: bool = False

    def symbol(self, name: str) -> str:
        """The number that the symbol stands for; the square of a weight as a power."""
        if name == "w2":
            return f"{_DOT}<msup>{row(factor(self.numbers['w'], self.exact))}<mn>2</mn></msup>"
        return _DOT + factor(self.numbers[name], self.exact)

    def power(self, body: str, top: str) -> str:
        """The sign that decides is that of the neuron's sum."""
        return f"<msup>{row(tidy(body))}{sign('+' if self.numbers['z'] > 0 else '−')}</msup>"

    def bracket(self, body: str) -> str:
        """A factor in parentheses."""
        return f"{_DOT}{sign('(')}{body}{sign(')')}"

    def sum(self, index: str) -> str:
        """One edge is one summand."""
        return ""

    def fraction(self, top: str, bottom: str) -> str:
        """The numerator as the formula has it, the denominator as the engine has it."""
        one = next(self.fractions)
        return f"<mfrac>{row(tidy(top))}{row(denominator(one, self.exact))}</mfrac>"


def tidy(text: str) -> str:
    """Without signs of multiplication that have nothing before them."""
    return _NEEDLESS.sub(r"\1", text)


def denominator(one: Fraction, exact: bool = False) -> str:
    """z, and the stabilizer where it is not negligible."""
    z, stabilizer = float(one.z), float(one.stabilizer)
    text = mn(z, exact)
    if exact or abs(stabilizer) > TINY * abs(z):
        text += sign("−" if stabilizer < 0 else "+") + mn(abs(stabilizer), exact, "p-suppression")
    return text


def filled(rule: Rule, fractions: Sequence[Fraction], numbers: dict[str, float], exact: bool = False) -> str:
    """The rule's formula for one edge with the numbers of that edge; nothing where the neuron passes nothing on."""
    counting = [one for one in fractions if float(one.factor) != 0]
    if not counting:
        return mn(0)
    return tidy(rule.kind.formula(FilledWriter(True, numbers, iter(counting), exact), rule))


def one_output(fraction: Fraction, j: int) -> Fraction:
    """The fraction of one output alone."""
    return Fraction(*(getattr(fraction, key)[j] for key in ("factor", "numerator", "z", "bias", "stabilizer")))
