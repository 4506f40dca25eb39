"""Sizes of the Neuron Ablation page."""

from __future__ import annotations

COLUMNS = (0.122, 0.598, 0.28)


def css() -> str:
    """The page's rules."""
    return """<style>
.v-abl-page{font-size:14px!important;font-weight:650;padding:0!important;margin:0;white-space:nowrap}
.v-abl-head{display:flex;gap:8px;align-items:baseline;font-size:13.5px;white-space:nowrap;overflow:hidden}
.v-abl-head b{font-weight:650}.v-abl-head span{font-size:12px;overflow:hidden;text-overflow:ellipsis}
.v-abl-none{border:1px dashed var(--st-border-color);border-radius:6px;
 padding:26px 14px;text-align:center;font-size:12.5px}
[class*=st-key-abl-line-]{min-height:30px;flex-wrap:nowrap}
[class*=st-key-abl-map-] img{border:1px solid var(--st-border-color);box-sizing:border-box;
 width:100%!important;aspect-ratio:1}
[class*=st-key-abl-map-] [data-testid=stFullScreenFrame]>div,[class*=st-key-abl-map-] [data-testid=stImage],
[class*=st-key-abl-map-] [data-testid=stImageContainer]{width:100%}
.st-key-abl-map-place{position:relative}.st-key-abl-map-place .v-note{top:6vh}
.v-abl-square{aspect-ratio:1;box-sizing:border-box;display:flex;align-items:center;justify-content:center}
.v-muted b{color:var(--st-text-color)}
.st-key-abl-charts{margin-bottom:-14px}
.v-pairs{display:grid;grid-template-columns:repeat(4,1fr);gap:8px 10px}
.v-pairs figure{margin:0;min-width:0}
.v-pairs div{display:grid;grid-template-columns:1fr 1fr;gap:1px;border:1px solid var(--st-border-color);border-radius:6px;
 overflow:hidden;background:var(--st-border-color)}
.v-pairs i{display:block;aspect-ratio:1;image-rendering:pixelated;background-repeat:no-repeat}
.v-pairs figcaption{font-size:11.5px;font-variant-numeric:tabular-nums;white-space:nowrap;overflow:hidden;
 text-overflow:ellipsis}
</style>"""
