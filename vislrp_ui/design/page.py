"""The Design page: three columns, one view."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_core.network import Network
from vislrp_ui import running, service, theme
from vislrp_ui.design import centre, left, origins, report, result, title
from vislrp_ui.service import Maps
from vislrp_ui.shared.entrance import boot
from vislrp_ui.shared.progress import ProgressNote
from vislrp_ui.shared.required import require_image
from vislrp_ui.state import Visit


def design() -> None:
    """Draw the page.

    Once the network has seen the image, the maps come first: the browser still shows all controls of the run before, and
    drawing them again would take the cores that the maps need. For a new image the controls come first.
    """
    visit = boot()
    st.html(theme.design_css(len(visit.model.plan.rows)))
    network = require_image(visit)
    with st.container(key="design-columns"):
        first, middle, last = st.columns([0.166, 0.578, 0.256], gap="medium")
    image_place = first.container(gap="xsmall")
    with middle, st.container(gap="xsmall"):
        title_place = st.container(gap="xsmall")
        ruler_place = st.container(gap="xsmall", key="ruler-slot")
    with last, st.container(gap="xsmall"):
        head_place = st.container(gap="xsmall")
        with st.container(key="map-place"):
            note_place = st.empty()
            map_place = st.container(gap="xsmall", key="final-slot")
        rule_place = st.container()
    seen = service.has_seen(network, visit.image)
    if seen:
        maps = _maps(network, visit, note_place, map_place, ruler_place, rule_place)
    with image_place:
        target = left.image_and_class(network, visit)
        left.models(visit)
    with title_place:
        files = title.title_row(network, visit, target, running.network_file())
    with head_place:
        downloads = result.head(network, visit, target)
    if not seen:
        maps = _maps(network, visit, note_place, map_place, ruler_place, rule_place)
    if downloads.open:
        with downloads:
            result.downloads(network, visit, target, maps)
    if files.open:
        with files:
            report.offer(network, visit, target, maps)
    origins.show(network, visit)


def _maps(
    network: Network, visit: Visit, note: DeltaGenerator, large: DeltaGenerator, ruler: DeltaGenerator, rule: DeltaGenerator
) -> Maps:
    """Compute the maps, the note above them while that takes time, and draw what shows them."""
    progress = ProgressNote(note)
    maps = service.maps(
        network,
        visit.image,
        visit.model,
        service.target_of(network, visit.image, visit.target),
        layers=(result.shown_layer(visit),),
        watch=progress,
    )
    with large:
        result.map_and_facts(network, visit, maps)
    with ruler:
        centre.segments_and_maps(network, visit, maps)
    with rule:
        centre.rule(network, visit, maps)
    progress.done()
    return maps
