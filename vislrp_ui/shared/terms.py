"""The glossary on the pages: the button that shows a page's words, and words in a text that show their meaning.

Both are the browser's own popovers: no widget, no run of the script, by mouse, touch and keyboard. Components, whose nodes
are apart, open the same ones by their ids (`showPopover`).
"""

from __future__ import annotations

from functools import cache
from html import escape

import streamlit as st

from vislrp_ui import glossary
from vislrp_ui.glossary import TERMS, GlossaryTerm

PANEL = "terms"
CSS = """<style>
.v-terms,.v-term{font:inherit;color:inherit;background:none;border:0;margin:0;padding:0;cursor:pointer}
.v-term{border-radius:2px;text-align:inherit;letter-spacing:inherit;line-height:inherit;
 text-decoration:underline dotted 1px;text-underline-offset:3px;text-decoration-color:currentcolor}
.v-term:hover,.v-terms:hover{color:var(--st-link-color)}
.v-term:focus-visible,.v-terms:focus-visible{outline:2px solid var(--st-link-color);outline-offset:2px}
.v-terms{display:flex;align-items:center;gap:5px;height:34px;min-width:34px;padding:0 7px;border-radius:6px;font-size:13px;
 justify-content:center;white-space:nowrap}
.v-terms:hover{background:var(--st-secondary-background-color)}
.v-terms i{font:normal 18px/1 "Material Symbols Rounded";user-select:none}
.v-def,.v-glossary{color:var(--st-text-color);background:var(--st-background-color);border:1px solid var(--st-border-color);
 border-radius:8px;box-shadow:0 3px 12px #0003;font-size:13px;line-height:1.45;padding:10px 14px;box-sizing:border-box;
 overflow-y:auto;overscroll-behavior:contain}
.v-def{width:min(340px,calc(100vw - 24px));max-height:70vh;inset:auto 12px 12px auto;margin:0}
.v-def p,.v-glossary dd p{font-size:13px!important;margin:0!important;padding:0!important}
.v-def p+p,.v-glossary dd p+p{margin-top:4px!important}
.v-def b,.v-glossary dt{font-weight:650}
.v-glossary{inset:56px 12px auto auto;margin:0;width:min(460px,calc(100vw - 24px));max-height:calc(100vh - 76px)}
.v-glossary dl{margin:0!important;padding:0!important}.v-glossary dt{margin:8px 0 0!important}
.v-glossary :is(dt,dd){padding:0!important}.v-glossary dd{margin:0!important}.v-glossary h3{font-size:12px!important;
 font-weight:600!important;margin:12px 0 0!important;padding:0!important;color:color-mix(in srgb,var(--st-text-color) 66%,
 var(--st-background-color))}
@supports (position-area:bottom span-right){.v-def{inset:auto;margin:4px;position-area:bottom span-right;
 position-try-fallbacks:flip-block,flip-inline,flip-block flip-inline}}
@media(max-width:1100px){.v-terms span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}
</style>"""


def button(page: str) -> None:
    """The button that shows the words of a page, and their meanings for the marked words of its texts."""
    if glossary.of_page(page):
        st.html(_html(page), width="content")


def marked(key: str, words: str = "") -> str:
    """HTML of a word that shows its meaning when it is pressed (KeyError if the glossary lacks it).

    Parameters
    ----------
    key : str
        Of `TERMS`; the page must be among the term's pages.
    words : str
        As it stands in the text, which is escaped; the glossary's own word by default.
    """
    shown = words or TERMS[key].word
    return f'<button type="button" class="v-term" popovertarget="{place(key)}">{escape(shown)}</button>'


def place(key: str) -> str:
    """Id of a term's meaning on the page."""
    return "term-" + key.replace(" ", "-").replace(",", "")


def told(term: GlossaryTerm) -> str:
    """HTML of a meaning; of a measured number also how to read it and what it does not prove."""
    parts = [f"<p>{escape(term.meaning)}</p>"]
    if term.measured:
        caveat = term.caveat[:1].lower() + term.caveat[1:]
        parts.append(f'<p>{escape(term.reading)}</p><p class="v-muted">Does not prove: {escape(caveat)}</p>')
    return "".join(parts)


@cache
def _html(page: str) -> str:
    terms = glossary.of_page(page)
    words, numbers = (
        "".join(f"<dt>{escape(one.word)}</dt><dd>{told(one)}</dd>" for one in terms.values() if one.measured == measured)
        for measured in (False, True)
    )
    meanings = "".join(
        f'<div popover class="v-def" id="{place(key)}"><b>{escape(one.word)}</b>{told(one)}</div>'
        for key, one in terms.items()
    )
    return (
        f'{CSS}<button type="button" class="v-terms" popovertarget="{PANEL}" title="Terms on this page">'
        '<i aria-hidden="true">dictionary</i><span>Terms</span></button>'
        f'<div popover class="v-glossary" id="{PANEL}" tabindex="0" role="region" aria-label="Terms on this page">'
        f'<h2 class="v-head">Terms on this page</h2><dl>{words}</dl>'
        f"<h3>Measured numbers</h3><dl>{numbers}</dl></div>{meanings}"
    )
