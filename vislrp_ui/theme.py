"""Colours, the page's one rule of CSS, and the look of all charts."""

from __future__ import annotations

from typing import Any

import streamlit as st

from vislrp_ui import stacked

SEGMENTS = (
    "#A5DAF4",
    "#D8BC58",
    "#469C8C",
    "#BA5250",
    "#6E6DBE",
    "#AC94CB",
    "#1C7B4D",
    "#E1905A",
    "#973B66",
    "#94A130",
    "#466AA0",
    "#808EAA",
)
_WHITE_TEXT = {3, 4, 6, 8, 10}
GROUP_FILL = {
    "light": {"contribution": "#7E5BB5", "activation": "#2E9461", "weight": "#C99700", "suppression": "#CC4A55"},
    "dark": {"contribution": "#B79AEE", "activation": "#63C994", "weight": "#EBC04A", "suppression": "#F0868C"},
}
GROUP_TEXT = {
    "light": {"contribution": "#62409B", "activation": "#1D6E46", "weight": "#7F5D00", "suppression": "#A8323D"},
    "dark": {"contribution": "#C6AEF4", "activation": "#7BD8A8", "weight": "#F1CE6B", "suppression": "#F59EA3"},
}
ACCENT = {"light": "#0B6E7F", "dark": "#4CC3D4"}
MUTED = {"light": "#5E6976", "dark": "#9AA4B0"}
MARKED = "#FFD100"
_CURVES = (
    "#4A9BC7",
    "#B8961F",
    "#3F9E8E",
    "#BA5250",
    "#6E6DBE",
    "#9A7FC0",
    "#1C7B4D",
    "#D97B3A",
    "#973B66",
    "#7F8C1E",
    "#466AA0",
    "#6E7A92",
)
_CURVES_DARK = (
    "#8CCBEB",
    "#D8BC58",
    "#5DB9A8",
    "#E07F7C",
    "#9796E6",
    "#C3AEDD",
    "#4FB07F",
    "#EFA778",
    "#CF7BA3",
    "#B7C45A",
    "#7F9FD0",
    "#A7B2C8",
)


def segment_colour(segment: int) -> str:
    """Fill of a segment by its place; repeats after twelve."""
    return SEGMENTS[segment % len(SEGMENTS)]


def segment_text(segment: int) -> str:
    """Text colour on a segment's fill."""
    return "#FFFFFF" if segment % len(SEGMENTS) in _WHITE_TEXT else "#10171E"


def is_dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def mode() -> str:
    """Key of the palettes above: "dark" or "light"."""
    return "dark" if is_dark() else "light"


_VARIABLES = {
    "primary-color": "primaryColor",
    "background-color": "backgroundColor",
    "secondary-background-color": "secondaryBackgroundColor",
    "text-color": "textColor",
    "border-color": "borderColor",
    "link-color": "linkColor",
}


def variables() -> str:
    """The theme's colours as CSS variables on pages: Streamlit defines them inside components alone."""
    colours = {name: st.get_option(f"theme.{mode()}.{option}") for name, option in _VARIABLES.items()}
    return ":root{" + ";".join(f"--st-{name}:{colour}" for name, colour in colours.items() if colour) + "}"


def css() -> str:
    """Style of every page: less padding at the sides, a line under the header, the classes that pages use."""
    # Streamlit writes white on the primary colour, which is too light for that in the dark theme.
    dark = "[data-testid=stBaseButton-primary]:not(:disabled){color:#10171E!important}" if is_dark() else ""
    return (
        f"<style>{variables()}{dark}"
        + """
[data-testid=stMainBlockContainer]{padding-inline:1.4rem;max-width:none}
[data-testid=stHeader]{border-bottom:1px solid var(--st-border-color)}
[data-testid=stImage] img{border-radius:6px}
[data-testid=stElementToolbarButton]:has([aria-label^=Fullscreen]){display:none}
[data-testid=stLayoutWrapper]:has(>:is([class*=st-key-store-],.st-key-large-view-place)){position:absolute;width:0;height:0;
 overflow:hidden}
[data-testid=stLayoutWrapper]:has(>.st-key-page-tools){position:fixed;z-index:1000000;top:9px;right:1.2rem;width:auto}
[data-testid=stToolbarActions],[data-testid=stStatusWidget]{margin-right:255px}
[data-stale=true]{opacity:1!important}
:is([data-testid=stTopNavLink],[data-testid=stSidebarNavLink],[data-testid=stBaseButton-elementToolbar],
 [data-testid=stCode]):focus-visible{outline:2px solid var(--st-link-color);outline-offset:-2px}
[data-testid=stLayoutWrapper]:has(>:is(.st-key-notices,.st-key-lesson-place):empty),
[data-testid=stLayoutWrapper]:has(>[class*=st-key-stamp-]){display:none}
kbd[aria-label^=Shortcut]{display:none}
[class*=-head] [data-testid=stPopoverButton] div[aria-hidden=true],
:is(.st-key-menu-twin,.st-key-menu-look,.st-key-abl-toolbar .st-key-menu-report) div[aria-hidden=true]{display:none}
:is([class*=-head],.st-key-undo,.st-key-redo,.st-key-hand-undo,.st-key-hand-redo,
 .st-key-menu-twin,.st-key-menu-look,.st-key-abl-toolbar .st-key-menu-report,
 [class*=st-key-kept-delete-],[class*=st-key-lesson-up-],[class*=st-key-lesson-remove-],
 [class*=st-key-ask-],.st-key-hide-aside) button p{position:absolute;width:1px;
 height:1px;overflow:hidden;clip-path:inset(50%);margin:0;white-space:nowrap}
[data-testid=stPopoverBody]{max-width:430px}
[class*=st-key-own-weights-] [data-testid=stFileUploaderDropzoneInstructions]{display:none}
.v-bar{display:flex;align-items:center;justify-content:center;gap:8px;font-size:11.5px;font-variant-numeric:tabular-nums;
 color:color-mix(in srgb,var(--st-text-color) 66%,var(--st-background-color))}
.v-bar i{flex:0 1 210px;min-width:40px;height:9px;border-radius:2px;position:relative}
.v-bar i::after{content:"";position:absolute;left:50%;top:-1px;bottom:-1px;border-left:1px solid var(--st-text-color)}
.v-words span{flex:0 1 auto;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.v-words i{flex:0 0 76px}
:is([class*=st-key-pick-],[class*=st-key-case-]){position:relative}
:is([class*=st-key-sample-],[class*=st-key-case-] [class*=st-key-open-]){position:static!important}
[class*=st-key-sample-] button::after,[class*=st-key-case-] [class*=st-key-open-] button::after{content:"";
 position:absolute;inset:0;border-radius:8px;cursor:pointer}
[class*=st-key-pick-]:hover img,[class*=st-key-case-]:hover img{filter:brightness(.96)}
.v-head,:is(.v-flip-head,.v-abl-head) h2{font-size:13.5px!important;font-weight:650!important;line-height:1.35!important;
 padding:0!important;margin:0!important;letter-spacing:0}
[data-testid=stCaptionContainer]{opacity:1!important}
[data-testid=stCaptionContainer] p{color:color-mix(in srgb,var(--st-text-color) 72%,var(--st-background-color))}
.v-hidden{position:absolute!important;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);margin:0;white-space:nowrap}
.v-page{font-size:14px!important;font-weight:650;padding:0!important;margin:0;white-space:nowrap}
:root:has(.st-key-aside-line){--aside-line:40px;--row-least:13px}
.st-key-aside-line{margin-block:-5px -13px}.st-key-aside-line button{min-height:26px;padding-block:0}
.st-key-notices{max-height:min(34vh,240px);overflow-y:auto}
.st-key-notices [data-testid=stAlertContainer]{padding:6px 12px}
.v-muted{color:color-mix(in srgb,var(--st-text-color) 66%,var(--st-background-color))}
.v-facts{font-size:12px;font-variant-numeric:tabular-nums}
.st-key-facts-head{margin-block:-7px}.st-key-facts-head button{min-height:26px;padding-block:0}
"""
        + stacked.EVERY
        + "</style>"
    )


def curve_colours(count: int, dark: bool) -> list[str]:
    """Colours of so many curves in a chart; they repeat after twelve."""
    palette = _CURVES_DARK if dark else _CURVES
    return [palette[place % len(palette)] for place in range(count)]


def chart_theme(dark: bool) -> dict[str, Any]:
    """Altair's top-level `config` for all charts (use with `theme=None`), see the design guide."""
    muted = MUTED["dark" if dark else "light"]
    text, grid = ("#E6EAEF", "#262E37") if dark else ("#1B2430", "#EBEEF2")
    axis = {
        "labelColor": muted,
        "titleColor": muted,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "gridColor": grid,
        "domainColor": muted,
        "tickColor": muted,
        "tickCount": 5,
    }
    return {
        "font": '"Source Sans", sans-serif',
        "background": "transparent",
        "view": {"stroke": None},
        "axis": axis,
        "axisY": {"minExtent": 34},
        "title": {"color": text, "fontSize": 13, "fontWeight": 600, "anchor": "start"},
        "legend": {"labelColor": muted, "titleColor": muted, "labelFontSize": 12, "titleFontSize": 12},
    }


def design_css(rows: int) -> str:
    """Sizes of the Design page with a ruler of so many rows: one view without scrolling from 720 to 1080 px."""
    return (
        """<style>
.st-key-design-image{--picture-width:min(100%,max(22vh,205px))}
.st-key-final-map{position:relative;--picture-width:min(100%,33vh - var(--aside-line,0px));--picture-margin:auto}
.v-nomap{width:min(100%,33vh - var(--aside-line,0px));aspect-ratio:1;margin:auto;
 border:1px dashed var(--st-border-color);border-radius:6px;
 display:flex;align-items:center;justify-content:center;text-align:center;padding:16px;font-size:12.5px;
 background:repeating-linear-gradient(45deg,transparent 0 7px,
 color-mix(in srgb,var(--st-text-color) 6%,transparent) 7px 8px)}
.st-key-model-cards{--cards-height:calc(100vh - 572px - var(--aside-line,0px))}
.v-based{font-size:13px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.st-key-map-place{position:relative}
@media(min-width:1001px){[data-testid=stPopoverBody]:has(.st-key-look-spectrum){translate:-116% 0}}
.st-key-ruler-slot{min-height:calc(
 clamp(var(--row-least,14px),calc((100vh - 176px - var(--aside-line,0px))/@ROWS@),24px)*@ROWS@ + 48px)}
.st-key-ruler-slot:not(:has(.st-key-ruler-place)){border-radius:8px;background:var(--st-secondary-background-color)}
.st-key-final-slot:not(:has(.st-key-final-map)){min-height:33vh;border-radius:8px;
 background:var(--st-secondary-background-color)}
.v-note{position:absolute;z-index:5;left:50%;top:13vh;transform:translateX(-50%);width:min(86%,260px);padding:10px 14px;
 border-radius:8px;border:1px solid var(--st-border-color);background:var(--st-background-color);
 box-shadow:0 3px 12px #0003;font-size:12.5px}
.v-note i{display:block;height:4px;border-radius:2px;background:var(--st-secondary-background-color);margin-bottom:8px}
.v-note b{display:block;height:100%;border-radius:2px;background:var(--st-primary-color)}
@media (max-height:800px){.st-key-model-cards{--cards-height:calc(100vh - 507px - var(--aside-line,0px))}
 .st-key-final-map{--picture-width:min(100%,27vh - var(--aside-line,0px))}
 .v-nomap{width:min(100%,27vh - var(--aside-line,0px))}
 .st-key-design-image{--picture-width:min(100%,22vh)}}
""".replace("@ROWS@", str(rows))
        + stacked.DESIGN
        + "</style>"
    )


def home_css() -> str:
    """Sizes of the welcome page."""
    return (
        f"<style>{stacked.HOME}"
        + """
.v-title{font-size:30px;font-weight:650;line-height:1.2;margin:0;padding:0;max-width:22ch}
.v-strip{display:grid;grid-template-columns:repeat(4,1fr);gap:4px;margin-bottom:12px}
.v-strip img{width:100%;aspect-ratio:1;border-radius:4px;border:1px solid var(--st-border-color);box-sizing:border-box}
[class*=st-key-case-] p{color:color-mix(in srgb,var(--st-text-color) 66%,var(--st-background-color))}
[class*=st-key-case-] [class*=st-key-open-]{margin-top:auto}
[class*=st-key-case-] [class*=st-key-open-] p{color:var(--st-text-color)}
.v-intro,.v-primer{font-size:1rem!important;line-height:1.6;margin:0 0 10px!important}.v-primer{max-width:110ch}
.v-math{font-family:KaTeX_Main,"Cambria Math","STIX Two Math",serif;white-space:nowrap}
.v-math i{font-family:KaTeX_Math,"Cambria Math","STIX Two Math",serif}.v-math sub{font-size:.72em;font-style:italic}
.v-letters{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:2px 24px;padding:0!important;
 margin:0 0 10px!important;font-size:13px}
.v-letters>div{display:grid;grid-template-columns:62px 1fr}.v-letters :is(dt,dd){margin:0!important;padding:0!important}
.v-letters dd{color:color-mix(in srgb,var(--st-text-color) 72%,var(--st-background-color))}
.st-key-home-rules td:is(:nth-child(2),:nth-child(3)){width:96px;font-size:11.5px;line-height:15px;white-space:nowrap;
 color:color-mix(in srgb,var(--st-text-color) 72%,var(--st-background-color))}
.st-key-home-rules img{display:block;width:84px;height:84px;max-width:none;border-radius:4px;margin-bottom:1px;
 border:1px solid var(--st-border-color);box-sizing:border-box;background:var(--st-secondary-background-color)}
.st-key-home-rules a{display:block;width:84px}.st-key-home-rules a:hover img{border-color:var(--st-link-color)}
[data-testid=stMarkdown] table{width:100%}
[data-testid=stMarkdown] table td{vertical-align:middle;padding:4px 10px 4px 0;border-width:0 0 1px}
[data-testid=stMarkdown] table th{padding:4px 10px 4px 0;border-width:0 0 1px;text-align:left;font-size:12px}
</style>"""
    )
