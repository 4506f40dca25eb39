"""Sizes of the Neuron Ablation page."""

from __future__ import annotations

from vislrp_ui import stacked

COLUMNS = (0.122, 0.598, 0.28)


def css() -> str:
    """The page's rules."""
    return (
        f"<style>{stacked.ABLATION}"
        + """
.v-abl-head{display:flex;gap:8px;align-items:baseline;font-size:13.5px;white-space:nowrap;overflow:hidden}
.v-abl-head{flex-wrap:wrap;height:1.4em}  /* words that have no room beside their heading are left out, not cut */
.v-abl-head b{font-weight:650}.v-abl-head span{font-size:12px}
.v-abl-none{border:1px dashed var(--st-border-color);border-radius:6px;
 padding:26px 14px;text-align:center;font-size:12.5px}
[class*=st-key-abl-line-]{min-height:30px;flex-wrap:nowrap}
.st-key-abl-map-place{position:relative}.st-key-abl-map-place .v-note{top:6vh}
.v-abl-square{aspect-ratio:1;box-sizing:border-box;display:flex;align-items:center;justify-content:center}
.v-muted b{color:var(--st-text-color)}
.st-key-abl-charts{margin-bottom:-14px}
</style>"""
    )
