"""The spectrum below a map, with its ends as numbers or its poles in words."""

from __future__ import annotations

from vislrp_core.heatmap import RANGES, SPECTRA, format_value
from vislrp_ui import service
from vislrp_ui.state import Visit


def colour_bar(visit: Visit, limit: float) -> str:
    """The spectrum with its ends as numbers."""
    stops = SPECTRA[visit.look.spectrum].stops(service.dark_maps(visit.look))
    ends = format_value(limit) if limit else "0"
    title = f"Range: {RANGES[visit.look.range]}"
    return (
        f'<div class="v-bar" title="{title}"><span>−{ends}</span><i style="background:linear-gradient(90deg,'
        f'{",".join(stops)})"></i><span>+{ends}</span></div>'
    )


def colour_bar_words(visit: Visit) -> str:
    """The spectrum with its poles in words."""
    stops = SPECTRA[visit.look.spectrum].stops(service.dark_maps(visit.look))
    colours = f"background:linear-gradient(90deg,{','.join(stops)})"
    return f'<div class="v-bar v-words"><span>speaks against</span><i style="{colours}"></i><span>speaks for</span></div>'
