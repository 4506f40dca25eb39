"""The table of rules with its small maps: what is there is drawn at once, what is missing follows when it is computed."""

from __future__ import annotations

import streamlit as st

from vislrp_core.model import LRPModel
from vislrp_core.network import Network
from vislrp_ui import inbox, rule_maps, service, theme
from vislrp_ui.home import miniatures, primer
from vislrp_ui.home.primer import Line
from vislrp_ui.samples import samples
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit

SECONDS = 1.0
"""Between two looks at maps that are being computed."""
EMPTY = "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%201%201'/%3E"
CAPTION = (
    "Maps of “{picture}”{name}, computed by {network}, each with a colour range of its own; below each, how much relevance "
    "is kept. On all layers: the pixels, too, have this rule. Usual place: in a standard composite, γ in the lower layers, "
    "ε in the middle, LRP-0 above, zβ at the pixels, of which one is replaced where it has another rule. A click opens the "
    "model on Design in a new tab."
)


def section(network: Network, visit: Visit, quiet: bool) -> None:
    """Draw it.

    Parameters
    ----------
    quiet : bool
        Whether a dialog is open, which a new run of the page would close.
    """
    if any(miniatures.known(network, model) is None for model in rule_maps.models(network.architecture.key)):
        miniatures.begin(network)
    running = miniatures.job(network).progress.running
    st.fragment(_look, run_every=SECONDS if running else None)(network, visit, running, quiet)


def _look(network: Network, visit: Visit, watching: bool, quiet: bool) -> None:
    with inbox.stamped("rules"):
        if watching and not quiet and not miniatures.job(network).progress.running:
            st.rerun()  # the page no longer looks again
        pairs = rule_maps.pairs(network.architecture.key)

        def cells(line: Line) -> tuple[str, str]:
            pair = pairs[line.preset]
            return (
                _cell(network, visit, pair.everywhere, f"{line.rule} on all layers"),
                _cell(network, visit, pair.usual, f"{line.rule} at its usual place"),
            )

        with st.container(key="home-rules"):
            st.markdown(primer.table(theme.mode(), cells))
        seen = service.has_seen(network, rule_maps.PICTURE)
        target = service.target_of(network, rule_maps.PICTURE, None) if seen else None
        name = "" if target is None else f", class “{network.classes[target]}”"
        picture = samples()[rule_maps.PICTURE.id].title
        st.caption(escaped(CAPTION.format(picture=picture, name=name, network=network.title)))


def _cell(network: Network, visit: Visit, model: LRPModel, words: str) -> str:
    """Markdown of one small map, a link to its model; a place of the same size where there is none yet."""
    shown = miniatures.known(network, model)
    if shown is None:
        return f"![Not computed yet, {words}]({EMPTY}) …"  # a line below it, as there will be
    source = miniatures.picture(network, model, shown, visit.look)
    if not source:
        return f"![Not finite, {words}]({EMPTY}) not finite"
    picture = f"![Heatmap, {words}, opens on Design]({source})"
    address = miniatures.address(network, model, visit.network)
    kept = f"kept {100 * shown.kept:.0f}\u202f%".replace("-", "−")
    return f"[{picture}]({address}) {kept}" if address else f"![Heatmap, {words}]({source}) {kept}"
