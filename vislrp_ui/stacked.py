"""Layouts of narrow windows: columns are placed below each other, wide things scroll inside their own box.

Streamlit itself stacks columns below 640 pixels; the pages need more room than that, also where the browser's zoom takes it.
"""

from __future__ import annotations

MIDDLE, NARROW = 1160, 640
"""Widths of the window, in pixels, from which on pages are laid out for a small screen and for a phone."""


def column(key: str, number: int | None = None) -> str:
    """CSS selector of the columns (or of one, from 1) that are directly in the container with this key."""
    which = "" if number is None else f":nth-child({number})"
    return f".st-key-{key}>[data-testid=stLayoutWrapper]>[data-testid=stHorizontalBlock]>[data-testid=stColumn]{which}"


def row(key: str) -> str:
    """CSS selector of the row of columns in the container with this key."""
    return f".st-key-{key}>[data-testid=stLayoutWrapper]>[data-testid=stHorizontalBlock]"


def _whole(key: str) -> str:
    return f"{row(key)}{{flex-wrap:wrap}}{column(key)}{{flex:1 1 100%!important;min-width:100%!important}}"


EVERY = f"""
@media(max-width:{MIDDLE}px){{
 .st-key-title-row,.st-key-abl-toolbar,.st-key-flip-toolbar,.st-key-compare-toolbar,[class*=st-key-abl-line-],
 .st-key-flip-measure-line{{flex-wrap:wrap!important}}
 [data-testid=stMainBlockContainer] [data-testid=stHorizontalBlock]{{min-width:0}}}}
@media(max-width:{NARROW}px){{
 [data-testid=stMainBlockContainer]{{padding-inline:.75rem}}
 [data-testid=stPopoverBody]{{max-width:calc(100vw - 1rem)}}
 [data-testid=stMarkdown]:has(table){{overflow-x:auto}}
 [data-testid=stMarkdown] table{{min-width:520px}}.st-key-home-rules table{{min-width:860px!important}}}}
"""

DESIGN = f"""
@media(max-width:1000px){{
 {row("design-columns")}{{flex-wrap:wrap}}
 {column("design-columns", 1)}{{order:2;flex:1 1 30%!important;min-width:200px!important}}
 {column("design-columns", 3)}{{order:1;flex:1 1 60%!important;min-width:330px!important}}
 {column("design-columns", 2)}{{order:3;flex:1 1 100%!important;min-width:100%!important}}
 .st-key-final-map{{--picture-width:min(100%,52vh)}}.v-nomap{{width:min(100%,52vh)}}
 .st-key-model-cards{{--cards-height:none}}}}
@media(max-width:{NARROW}px){{
 {column("design-columns", 1)}{{order:3;flex-basis:100%!important;min-width:100%!important}}
 {column("design-columns", 3)}{{order:1;flex-basis:100%!important;min-width:100%!important}}
 {column("design-columns", 2)}{{order:2}}
 .st-key-design-image{{--picture-width:min(100%,320px)}}
 .st-key-final-map{{--picture-width:min(100%,60vh)}}.v-nomap{{width:min(100%,60vh)}}}}
"""

HAND = f"""
.st-key-hand-toolbar{{flex-wrap:wrap!important}}
@media(max-width:{MIDDLE}px){{{_whole("hand-columns")}}}
@media(max-width:{NARROW}px){{.v-hand-letters{{grid-template-columns:1fr!important}}}}
"""

HOME = f"""
@media(max-width:1000px){{{_whole("home-hero")}
 {row("home-cases")}{{flex-wrap:wrap}}
 {column("home-cases")}{{flex:1 1 calc(50% - 1rem)!important;min-width:calc(50% - 1rem)!important}}}}
@media(max-width:{NARROW}px){{{_whole("home-cases")}}}
"""

ABLATION = f"""
@media(max-width:{MIDDLE}px){{
 {row("abl-columns")}{{flex-wrap:wrap}}
 {column("abl-columns", 1)}{{flex:0 0 134px!important;min-width:134px!important}}
 {column("abl-columns", 2)}{{flex:1 1 calc(100% - 200px)!important;min-width:0!important}}
 {column("abl-columns", 3)}{{flex:1 1 100%!important;min-width:100%!important}}
 [class*=st-key-abl-map-]{{--picture-width:min(100%,48vh)}}
 .v-abl-square{{width:min(100%,48vh)}}}}
@media(max-width:{NARROW}px){{
 {column("abl-columns", 1)}{{display:none}}
 {column("abl-columns", 2)}{{flex:1 1 100%!important;min-width:100%!important}}}}
"""

COMPARE = f"""
@media(max-width:{MIDDLE}px){{
 .st-key-compare-body [data-testid=stHorizontalBlock]:has(>[data-testid=stColumn]){{gap:.75rem}}
 .st-key-compare-body [data-testid=stColumn]:first-child:nth-last-child(2){{flex:0 0 128px!important;
  min-width:128px!important}}
 .st-key-compare-body [data-testid=stColumn]:nth-child(2):last-child{{flex:1 1 0!important;min-width:0!important}}}}
@media(max-width:{NARROW}px){{
 .st-key-compare-body [data-testid=stColumn]:first-child:nth-last-child(2),
 .st-key-compare-body [data-testid=stColumn]:nth-child(2):last-child{{flex:1 1 100%!important;min-width:100%!important}}
 .st-key-compare-heads [data-testid=stColumn]:first-child{{display:none}}
 [class*=st-key-compare-side-]{{display:grid!important;grid-template-columns:104px minmax(0,1fr);gap:6px 12px!important}}
 [class*=st-key-compare-side-]>:first-child{{grid-row:1/6}}
 [class*=st-key-compare-side-]{{--picture-width:100%}}}}
"""


def flipping(results: str = "flip-results") -> str:
    """Flipping's rows: three pictures side by side, the predictions below; on a phone one below the other."""
    active = "[class*=st-key-flip-active-]>[data-testid=stLayoutWrapper]>[data-testid=stHorizontalBlock]"
    each = f"{active}>[data-testid=stColumn]"
    return f"""
@media(max-width:{MIDDLE}px){{
 {active}{{flex-wrap:wrap}}
 {each}{{flex:1 1 calc(33% - 1rem)!important;min-width:calc(33% - 1rem)!important}}
 {each}:nth-child(4){{flex:1 1 100%!important;min-width:100%!important}}
 [class*=st-key-flip-small-]{{flex-wrap:wrap!important}}
 {row(results)}{{flex-wrap:wrap}}
 {column(results, 1)}{{flex:1 1 100%!important;min-width:100%!important}}
 {column(results, 2)}{{flex:1 1 28%!important;min-width:190px!important}}
 {column(results, 3)}{{flex:1 1 60%!important;min-width:300px!important}}}}
@media(max-width:{NARROW}px){{
 {each}{{flex:1 1 100%!important;min-width:100%!important}}
 {column(results)}{{flex:1 1 100%!important;min-width:100%!important}}}}
"""


def search() -> str:
    """Search: the form, or charts and maps, one below the other in a small window."""
    return f"""
@media(max-width:{MIDDLE}px){{{_whole("search-form")}{_whole("search-columns")}}}
"""
