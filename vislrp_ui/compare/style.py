"""Sizes of the Compare page."""

from vislrp_ui import stacked

HEAD_SHARE, GRID_SHARE = 0.125, 0.875


def css(tall_heads: bool) -> str:
    """The heads stay while rows scroll, unless formulas make them too tall; pictures in the head of a row are small."""
    return _CSS + f"<style>{stacked.COMPARE}</style>" + ("" if tall_heads else _STICKY)


_STICKY = """<style>
[data-testid=stLayoutWrapper]:has(>.st-key-compare-heads){position:sticky;top:52px;z-index:20;
 background:var(--st-background-color)}
</style>"""
_CSS = """<style>
[data-testid=stLayoutWrapper]:has(>.st-key-compare-progress){position:fixed;z-index:40;left:50%;bottom:18px;width:auto;
 transform:translateX(-50%)}
.st-key-compare-progress{padding:2px 14px;border:1px solid var(--st-border-color);border-radius:8px;
 background:var(--st-background-color);box-shadow:0 3px 12px #0003}
.st-key-compare-progress:not(:has(button,.v-compare-note)){display:none}
.v-compare-note{display:flex;align-items:center;gap:8px;font-size:12.5px;min-width:0;white-space:nowrap;overflow:hidden}
.v-compare-note i{flex:0 0 90px;height:4px;border-radius:2px;background:var(--st-secondary-background-color)}
.v-compare-note b{display:block;height:100%;border-radius:2px;background:var(--st-primary-color)}
.v-compare-note span{overflow:hidden;text-overflow:ellipsis}
[data-testid=stLayoutWrapper]:has(>.st-key-compare-difference-place:empty){display:none}
[class*=st-key-compare-side-]{--picture-width:min(100%,max(12.5vh,84px))}
.v-compare-odds{font-size:11.5px;line-height:15px}
.v-shared .v-bar{justify-content:flex-end;white-space:nowrap}
.v-measured{font-size:11.5px;line-height:15px}.v-measured b{display:block;font-size:13.5px;font-weight:650;margin-bottom:4px;
 color:var(--st-text-color)}
.st-key-compare-difference-panel{--picture-width:min(100%,27vh)}
.v-diff-name{font-size:12.5px;font-weight:600;min-height:19px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.v-diff-bar{width:min(100%,27vh)}
[data-testid=stLayoutWrapper]:has(>.st-key-compare-evidence-place:empty){display:none}
.st-key-evidence-panel .v-flip-head{display:flex;gap:8px;align-items:baseline;font-size:13.5px;flex-wrap:wrap}
.st-key-evidence-panel .v-flip-head span{font-size:12px}
.st-key-evidence-line{flex-wrap:wrap!important}
.st-key-evidence-panel .v-flip-empty{border:1px dashed var(--st-border-color);border-radius:6px;padding:28px;
 text-align:center; font-size:12.5px}
.st-key-evidence-panel{border-top:1px solid var(--st-border-color);padding-top:10px}
.st-key-evidence-charts{display:grid!important;gap:14px 22px;
 grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr))}
.st-key-evidence-charts>*{min-width:0;width:100%!important}
.st-key-evidence-pair{--picture-width:min(100%,30vh)}
.st-key-evidence-canvas{zoom:.6}
</style>"""
