"""Sizes of the Search page."""

from vislrp_ui import stacked


def css(dark: bool) -> str:
    """The page's rules; words on the accent colour of the dark theme are dark."""
    return _CSS + (_DARK if dark else "")


_DARK = "<style>.st-key-search-form [data-tag],.st-key-search-form [data-tag] *{color:#10171E!important}</style>"
_CSS = f"""<style>
.v-search-page{{font-size:14px!important;font-weight:650;padding:0!important;margin:0;white-space:nowrap}}
.v-search-head{{display:flex;gap:8px;align-items:baseline;flex-wrap:wrap;font-size:13.5px}}
.v-search-head b{{font-weight:650}}.v-search-head span{{font-size:12px}}
.v-search-empty{{border:1px dashed var(--st-border-color);border-radius:6px;padding:28px;text-align:center;font-size:12.5px}}
.v-search-map{{font-size:12.5px;font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}}
.st-key-search-maps{{--picture-width:min(100%,34vh)}}
.v-search-bar{{width:min(100%,34vh)}}
.st-key-search-rules-place table{{font-size:12.5px}}.st-key-search-rules-place{{overflow-x:auto}}
.st-key-search-rules-place thead{{display:none}}
.st-key-search-line,.st-key-search-space-head,.st-key-search-budget,.st-key-search-buttons{{flex-wrap:wrap!important}}
{stacked.search()}</style>"""
