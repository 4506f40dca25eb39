"""How formulas are written: numbers, symbols and fractions in LaTeX or MathML."""

from __future__ import annotations

from dataclasses import dataclass

from vislrp_core.parameters import PARAMETERS, format_number

_GROUP = {parameter.key: parameter.group for parameter in PARAMETERS}
_LATEX = {"−": "-", "±": r"\pm"}


@dataclass(frozen=True)
class Writer:
    """Writes in one language; every method returns a piece of a formula."""

    mathml: bool

    def number(self, value: float, key: str) -> str:
        """Absolute value of a parameter, in the colour of its group where the language has colours."""
        text = format_number(abs(value))
        return f'<mn class="p-{_GROUP[key]}">{text}</mn>' if self.mathml else text

    def symbol(self, name: str) -> str:
        """One of a, w, w+, w-, w2, l, h, R with its indices."""
        letter, top = name[0], {"+": "+", "-": "−", "2": "2"}.get(name[1:], "")
        return self.scripts(letter, "ij" if letter == "w" else "j" if letter == "R" else "i", top)

    def scripts(self, letter: str, index: str, top: str = "") -> str:
        """A letter with an index below and a sign or number above."""
        if not self.mathml:
            low = index if len(index) == 1 else f"{{{index}}}"
            return f"{letter}_{low}" + (f"^{{{_LATEX.get(top, top)}}}" if top else "")
        low = "".join(f"<mi>{one}</mi>" for one in index)
        low = low if len(index) == 1 else f"<mrow>{low}</mrow>"
        if not top:
            return f"<msub><mi>{letter}</mi>{low}</msub>"
        return f"<msubsup><mi>{letter}</mi>{low}{self._top(top)}</msubsup>"

    def power(self, body: str, top: str) -> str:
        """Something with a sign or number above."""
        return f"<msup><mrow>{body}</mrow>{self._top(top)}</msup>" if self.mathml else f"{body}^{{{_LATEX.get(top, top)}}}"

    @staticmethod
    def _top(top: str) -> str:
        return f"<mn>{top}</mn>" if top.isdigit() else f"<mo>{top}</mo>"

    def sign(self, text: str) -> str:
        """A sign between two terms."""
        return f"<mo>{'−' if text == '-' else text}</mo>" if self.mathml else f" {text} "

    def bracket(self, body: str) -> str:
        """A body in parentheses."""
        return f"<mo>(</mo>{body}<mo>)</mo>" if self.mathml else f"({body})"

    def sum(self, index: str) -> str:
        """The sign of a sum over an index."""
        if self.mathml:
            return f'<msub><mo largeop="false" class="sum">∑</mo><mi>{index}</mi></msub>'
        return rf"\sum_{index} "

    def fraction(self, top: str, bottom: str) -> str:
        """One body over another."""
        if self.mathml:
            return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"
        return rf"\frac{{{top}}}{{{bottom}}}"

    def rms(self) -> str:
        """Root mean square of the denominators."""
        return "<mi>rms</mi><mo>(</mo><mi>z</mi><mo>)</mo>" if self.mathml else r"\,\mathrm{rms}(z)"

    def polynomial(self, terms: list[tuple[str, float, str]]) -> tuple[str, int]:
        """Sum of the terms that do not vanish, and how many they are.

        Parameters
        ----------
        terms : list of (key, factor, symbol)
            Key of the parameter, its value, and a name for `symbol` or nothing.
        """
        text, count = "", 0
        for key, factor, name in terms:
            if factor == 0:
                continue
            if factor < 0:
                text += self.sign("-")
            elif text:
                text += self.sign("+")
            if abs(factor) != 1 or not name:
                text += self.number(factor, key)
            text += self.symbol(name) if name else ""
            count += 1
        return text, count
