"""Sizes of the page By hand, and the meaning of its letters."""

from __future__ import annotations

from vislrp_ui import stacked
from vislrp_ui.shared import terms

LETTERS = (
    ("x, h, y", "an input, a hidden neuron, an output"),
    ("a", f"{terms.marked('activation')}: the number that a neuron sends on"),
    ("w", "weight of an edge: what a is multiplied by on its way"),
    (
        "z",
        "sum of all a·w that come into a neuron, plus its bias b; of an output it is the score, the "
        + terms.marked("logit"),
    ),
    (
        "R",
        f"{terms.marked('relevance')}: which part of the explained score goes back to this neuron or edge; it has the "
        f"score's unit",
    ),
    ("ε", f"{terms.marked('stabilizer', 'stabilizer')}: added to a denominator, with its sign; what it holds back is lost"),
    ("i, j", "the lower neuron of an edge, and the upper one"),
)
LEGEND = (
    '<dl class="v-hand-letters" aria-label="What the letters mean">'
    + "".join(f"<div><dt>{letter}</dt><dd>{meaning}</dd></div>" for letter, meaning in LETTERS)
    + "</dl>"
    '<p class="v-hand-note">Numbers are rounded to three digits; “All digits” shows twelve. Every denominator has '
    "10⁻⁹ more than is written, so that none vanishes. Red edges and neurons carry positive relevance, blue ones "
    "negative.</p>"
)


def css() -> str:
    """The page's rules."""
    return f"""<style>
.v-hand-title{{font-size:14px!important;font-weight:650;padding:0!important;margin:0 0 9px!important;white-space:nowrap}}
.v-hand-letters{{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1px 22px;margin:10px 0 4px;
 padding:0!important;font-size:12.5px}}
.v-hand-letters div{{padding:0!important;margin:0;display:grid;grid-template-columns:52px 1fr}}
.v-hand-letters dt{{font-style:italic;font-weight:600}}.v-hand-letters :is(dt,dd){{margin:0!important;padding:0!important}}
.v-hand-letters dd,.v-hand-note{{color:color-mix(in srgb,var(--st-text-color) 72%,var(--st-background-color))}}
.v-hand-note{{font-size:12px;margin:0}}
{stacked.HAND}</style>"""
