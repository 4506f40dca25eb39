"""The guide of the original program, which descriptions and guided cases cite: its title, and texts with a link to it."""

from __future__ import annotations

import re

from vislrp_ui.shared.literal import escaped

TITLE = "User Guide of VisLRPDesigner"
ADDRESS = "http://vis.cs.kent.edu/VisLRPDesigner"


def linked(text: str) -> str:
    """Markdown that shows a text as it is; where it cites the guide, the word leads there."""
    return re.sub(r"\bguide(?=, (?:Figure|Table|section|chapter|Eq))", f"[guide]({ADDRESS})", escaped(text))


def heading(words: str) -> str:
    """HTML of a heading about the guide, which it names and leads to."""
    return (
        f'<h2 class="v-head">{words} <span class="v-muted" style="font-weight:400">after the '
        f'<a href="{ADDRESS}" target="_blank" rel="noopener" style="color:inherit">{TITLE}</a></span></h2>'
    )
