"""Where a description cites the guide, it leads there; all else in it is text."""

from __future__ import annotations

from vislrp_ui import session
from vislrp_ui.compare.sets import SETS
from vislrp_ui.shared import guide
from vislrp_ui.shared.literal import escaped


def test_descriptions_that_cite_the_guide_lead_to_it() -> None:
    models = [entry.model for entry in session.examples()] + list(SETS["configurations"].models())
    cited = [model.description for model in models if "guide" in model.description]
    assert len(cited) >= 5
    assert all(f"[guide]({guide.ADDRESS})" in guide.linked(text) for text in cited)


def test_nothing_else_in_a_description_is_markup() -> None:
    shown = guide.linked("![x](https://elsewhere.example/x.png) <b>guide</b>")
    assert shown == escaped("![x](https://elsewhere.example/x.png) <b>guide</b>") and "\\[x\\]" in shown and "\\<b>" in shown
