"""The glossary: one source for the pages and the documentation, and every marked word of a page has its meaning there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vislrp_core.measures import MEASURES
from vislrp_core.metrics import FACTS
from vislrp_ui import glossary, rooms
from vislrp_ui.glossary import TERMS
from vislrp_ui.home import primer
from vislrp_ui.shared import terms

ROOT = Path(__file__).resolve().parents[2]
PAGES = [room.key for room in rooms.ROOMS]


def test_the_documentation_has_the_same_words() -> None:
    written = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert written == glossary.document(), "python -m vislrp_ui.glossary > docs/glossary.md"


def test_every_measured_number_is_spelled_out() -> None:
    assert not {*FACTS, *MEASURES} - TERMS.keys()
    assert all(TERMS[key].reading and TERMS[key].caveat for key in {*FACTS, *MEASURES})
    assert {page for one in TERMS.values() for page in one.pages} == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_meaning_of_every_word_that_it_marks(page: str) -> None:
    meanings = re.findall(r'popover class="v-def" id="([^"]+)"', terms._html(page))
    assert len(meanings) == len(set(meanings)) >= 8
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "vislrp_ui" / page).rglob("*.py"))
    used = re.findall(r"terms\.(?:marked|place)\(\s*[\"']([^\"']+)[\"']", sources)
    if page == "home":
        used += [
            key for text in (*primer.WORDS, *(one for _, one in primer.SYMBOLS)) for key in re.findall(r"{(\w+)}", text)
        ]
    assert used and {terms.place(key) for key in used} <= set(meanings)


def test_meanings_are_text() -> None:
    assert terms.marked("sum", "<b>") == ('<button type="button" class="v-term" popovertarget="term-sum">&lt;b&gt;</button>')
    assert "Does not prove: that a map is right" in terms.told(TERMS["gini"])
    with pytest.raises(KeyError):
        terms.marked("no such word")


@pytest.mark.parametrize(
    ("start", "arrived", "said"),
    [(9.37, 9.37, "all of it is kept"), (8, 0.48, "6\u202f% is kept"), (2, 3, "that is 150\u202f% of it"), (0, 0, "")],
)
def test_the_primer_says_what_is_kept(start: float, arrived: float, said: str) -> None:
    told = primer.here("<castle>", start, arrived)
    assert said in told and (not told or "&lt;castle&gt;" in told)


def test_the_primer_names_its_letters() -> None:
    text = primer.introduction() + primer.conservation()
    assert '<span class="v-math"><i>a</i><sub>i</sub></span>' in text and "`" not in text and "{" not in text
    formulas = "".join(line.formula for line in primer.LINES)
    named = " ".join(letter for letter, _ in primer.SYMBOLS)
    assert all(letter in named for letter in ("a_i", "w_ij", "l_i", "h_i", "R_i", "R_j", "ε") if letter[0] in formulas + "ε")
