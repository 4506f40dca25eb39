"""A page inside another one, ``?embed=true``: pictures and maps without menus, and the way to the whole program.

Streamlit itself leaves out its header then; the address of the view stays the same.
"""

from __future__ import annotations

from html import escape

import streamlit as st

from vislrp_core.rules import PRESETS
from vislrp_ui import rooms, session, stacked
from vislrp_ui.shared import sharing, widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit

_OF_MODEL = ("design", "flipping", "ablation")
_OF_IMAGE = ("home", *_OF_MODEL)
"""Pages of the visit's model, and of its image; Compare's rows have images of their own."""
HEIGHT = 620
"""Of the frame that the dialog proposes, in pixels."""
_HIDDEN = (
    *("page-tools", "notices", "aside-place", "title-row", "models-head", "model-cards", "image-head"),
    *("class-line", "plain-hint", "lesson-fold", "lesson-close", "menu-look", "menu-download", "open-sums", "menu-network"),
    *("ruler-slot", "rule-panel", "compare-toolbar", "compare-evidence-place", "compare-flips", "compare-add-row"),
    *("flip-toolbar", "flip-rows-foot", "flip-measure-line", "flip-results", "hand-toolbar", "abl-toolbar"),
    *("abl-line-curves", "abl-line-selected", "menu-report", "home-cases", "home-teaching", "home-questions"),
)
_HOME = "[data-testid=stVerticalBlock]:has(>[data-testid=stLayoutWrapper]>.st-key-home-hero)"
CSS = (
    "<style>"
    + ",".join(f".st-key-{key}" for key in _HIDDEN)
    + f""",[class*=st-key-ask-],[class*=st-key-compare-actions-],[data-testid=stHeader],
[data-testid=stLayoutWrapper]:has(>:is(.st-key-page-tools,.st-key-ruler-slot,.st-key-notices,.st-key-aside-place)),
{_HOME}>:not(:has(.st-key-home-hero,.st-key-lesson-place,.st-key-embedded-foot)),{stacked.column("home-hero", 1)},
{stacked.column("abl-columns", 1)},{stacked.column("abl-columns", 2)},
{stacked.column("design-columns", 2)}{{display:none!important}}
{stacked.column("abl-columns", 3)},{stacked.column("home-hero", 2)}{{flex:1 1 100%!important;min-width:100%!important}}
{stacked.row("design-columns")}{{flex-wrap:nowrap!important}}
{stacked.column("design-columns", 1)}{{order:1!important;flex:1 1 40%!important;min-width:0!important}}
{stacked.column("design-columns", 3)}{{order:2!important;flex:1 1 60%!important;min-width:0!important}}
.st-key-design-image,.st-key-final-map{{--picture-width:min(100%,60vh)!important}}
[data-testid=stMainBlockContainer]{{padding-block:.5rem!important}}
.st-key-embedded-foot a{{color:var(--st-link-color);font-size:13px}}
</style>"""
)


def address(link: str) -> str:
    """A view's link for a frame."""
    return f"{link}&embed=true"


def snippet(link: str) -> str:
    """HTML of a frame that shows a view, for a course page or slides made of HTML."""
    return (
        f'<iframe src="{escape(address(link))}" title="VisLRP Designer" width="100%" height="{HEIGHT}" '
        'style="border:0" loading="lazy" allow="clipboard-write"></iframe>'
    )


def is_on() -> bool:
    """Whether the page is inside another one."""
    return bool(st.context.is_embedded)


def begin() -> None:
    """What to leave out."""
    if is_on():
        st.html(CSS)


def foot() -> None:
    """Below the page: what it shows, whose picture it is, and the link to the whole program."""
    if not is_on():
        return
    visit = session.get_visit()
    link = escape(sharing.link(visit, rooms.drawn()))
    with st.container(horizontal=True, gap="small", key="embedded-foot"):
        lines = [_model(visit)] if rooms.drawn() in _OF_MODEL else []
        lines += [widgets.image_credit(visit.image)] if rooms.drawn() in _OF_IMAGE else []
        st.caption("  \n".join(lines), width="stretch")
        st.html(f'<a href="{link}" target="_blank" rel="noopener">Open in VisLRP Designer</a>', width="content")


def _model(visit: Visit) -> str:
    """The active model in one line: which rule acts where."""
    plan = visit.model.plan
    parts = [
        f"{PRESETS[segment.rule.preset].title} {plan.name(segment.first)} to {plan.name(segment.last)}"
        for segment in visit.model.segments
    ]
    return f"**{escaped(visit.entry().name)}**: {escaped(', '.join(parts))}"
