"""Sizes of the Compare page."""

HEAD_SHARE, GRID_SHARE = 0.125, 0.875


def css(tall_heads: bool) -> str:
    """The heads stay while rows scroll, unless formulas make them too tall; pictures in the head of a row are small."""
    return _CSS + ("" if tall_heads else _STICKY)


_STICKY = """<style>
[data-testid=stLayoutWrapper]:has(>.st-key-compare-heads){position:sticky;top:52px;z-index:20;
 background:var(--st-background-color)}
</style>"""
_CSS = """<style>
.v-page{font-size:14px!important;font-weight:650;padding:0!important;margin:0;white-space:nowrap}
.st-key-compare-toolbar{flex-wrap:nowrap}
.v-compare-note{display:flex;align-items:center;gap:8px;font-size:12.5px;min-width:0;white-space:nowrap;overflow:hidden}
.v-compare-note i{flex:0 0 90px;height:4px;border-radius:2px;background:var(--st-secondary-background-color)}
.v-compare-note b{display:block;height:100%;border-radius:2px;background:var(--st-primary-color)}
.v-compare-note span{overflow:hidden;text-overflow:ellipsis}
[class*=st-key-compare-side-] [data-testid=stImage],[class*=st-key-compare-side-] [data-testid=stImageContainer]{width:100%}
[data-testid=stLayoutWrapper]:has(>.st-key-compare-difference-place:empty){display:none}
[class*=st-key-compare-side-] img{width:min(100%,12.5vh)!important;border-radius:6px}
.v-compare-odds{font-size:11.5px;line-height:15px}
.v-shared .v-bar{justify-content:flex-end;white-space:nowrap}
.v-measured{font-size:11.5px;line-height:15px}.v-measured b{display:block;font-size:13.5px;font-weight:650;margin-bottom:4px;
 color:var(--st-text-color)}
.v-diff{position:relative;width:min(100%,27vh);aspect-ratio:1}
.v-diff img{width:100%;height:100%;display:block;border-radius:6px;box-shadow:0 0 0 1px var(--st-border-color)}
.v-diff-name{font-size:12.5px;font-weight:600;min-height:19px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.v-diff+.v-bar{width:min(100%,27vh);margin-top:6px}
</style>"""
