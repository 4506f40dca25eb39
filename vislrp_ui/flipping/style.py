"""Sizes of the Pixel Flipping page: three pictures of one size next to the predictions, in any window."""

from __future__ import annotations

from vislrp_ui import stacked
from vislrp_ui.components.canvas import SIDE
from vislrp_ui.stacked import MIDDLE, NARROW

WEIGHTS = (304, 304, 304, 440)
"""Columns of the active row; at 1440 pixels these are their widths."""
_OUTSIDE = 2 * 20 + 3 * 16 + 16  # page padding, three gaps, scroll bar
SMALL = 120


def css() -> str:
    """The page's rules. A canvas has a fixed size of its own, so steps of the window's size choose its zoom."""
    widths = "".join(
        f"@media(min-width:{width}px){{:root{{--flip-w:{_side(width) / SIDE:.3f}}}}}"
        for width in (*range(360, NARROW, 20), *range(NARROW, 2600, 40))
    )
    heights = "".join(
        f"@media(min-height:{height}px){{:root{{--flip-h:{0.34 * height / SIDE:.3f}}}}}" for height in range(560, 1700, 30)
    )
    return f"""<style>
:root{{--flip-w:{_side(360) / SIDE:.3f};--flip-h:{0.34 * 560 / SIDE:.3f};--flip-zoom:min(var(--flip-w),var(--flip-h))}}
{widths}{heights}
[class*=st-key-flip-picture-]{{width:calc({SIDE}px*var(--flip-zoom));height:calc({SIDE}px*var(--flip-zoom));
 clip-path:inset(0 round 6px);overflow:clip;flex:none}}
[class*=st-key-flip-canvas-]{{zoom:var(--flip-zoom);width:{SIDE}px;height:{SIDE}px}}
[class*=st-key-flip-head-]{{min-height:2.5rem!important;flex-wrap:nowrap}}
.v-flip-head{{display:flex;gap:8px;align-items:baseline;font-size:13.5px;white-space:nowrap;overflow:hidden}}
.v-flip-head b{{font-weight:650}}.v-flip-head span{{font-size:12px;overflow:hidden;text-overflow:ellipsis}}
.v-flip-none{{width:calc({SIDE}px*var(--flip-zoom));aspect-ratio:1;border:1px dashed var(--st-border-color);
 border-radius:6px;display:flex;align-items:center;justify-content:center;text-align:center;padding:16px;font-size:12.5px;box-sizing:border-box}}
.st-key-flip-note .v-note{{display:flex;gap:12px;align-items:center;font-size:12.5px}}
.st-key-flip-note .v-note i{{flex:0 0 180px;height:4px;border-radius:2px;background:var(--st-secondary-background-color)}}
.st-key-flip-note .v-note b{{display:block;height:100%;border-radius:2px;background:var(--st-primary-color)}}
.v-flip-empty{{border:1px dashed var(--st-border-color);border-radius:6px;padding:28px;text-align:center;font-size:12.5px}}
.v-flip-bar .v-bar{{width:calc({SIDE}px*var(--flip-zoom))}}
{stacked.flipping()}</style>"""


def _side(width: int) -> float:
    """Side of a picture in a window of this width, see `stacked.flipping`."""
    if width <= NARROW - 20:
        return width - 2 * 11 - 16
    if width <= MIDDLE:
        return (width - _OUTSIDE) / 3
    return (width - _OUTSIDE) * WEIGHTS[0] / sum(WEIGHTS)
