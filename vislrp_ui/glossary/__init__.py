"""The words of the pages and of the documentation, each with one meaning; docs/glossary.md is written from here.

python -m vislrp_ui.glossary > docs/glossary.md
"""

from __future__ import annotations

from vislrp_ui.glossary.numbers import NUMBERS
from vislrp_ui.glossary.term import GlossaryTerm as GlossaryTerm
from vislrp_ui.glossary.words import WORDS

TERMS: dict[str, GlossaryTerm] = {**WORDS, **NUMBERS}
"""All words by key."""

HEAD = """# Glossary

One word for one thing, on screen, in the documentation and in the code. The button *Terms* at the top right of every page
shows those of the page. This file is written by `python -m vislrp_ui.glossary > docs/glossary.md`.

## Words

| word | meaning | in the code |
|---|---|---|
"""
MEASURED = """
## Measured numbers

| number | what it is | range, and what a high value means | what it does not prove | in the code |
|---|---|---|---|---|
"""


def of_page(page: str) -> dict[str, GlossaryTerm]:
    """The words of a page: those first that are no measured numbers, each part in the order of the alphabet."""
    found = [(key, term) for key, term in TERMS.items() if page in term.pages]
    return dict(sorted(found, key=lambda one: (one[1].measured, one[1].word.casefold())))


def document() -> str:
    """The whole of docs/glossary.md."""
    ordered = sorted(TERMS.values(), key=lambda term: term.word.casefold())
    words = [f"| {one.word} | {_cell(one.meaning)} | {one.code} |\n" for one in ordered if not one.measured]
    numbers = [
        f"| {one.word} | {_cell(one.meaning)} | {_cell(one.reading)} | {_cell(one.caveat)} | {one.code} |\n"
        for one in ordered
        if one.measured
    ]
    return HEAD + "".join(words) + MEASURED + "".join(numbers)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
