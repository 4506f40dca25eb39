"""Right column of Design: the large map with its colour bar, facts, downloads."""

from __future__ import annotations

import io
from functools import partial
from html import escape

import streamlit as st

from vislrp_core.export import relevance_npz
from vislrp_core.heatmap import RANGES, SMOOTH_FROM, figure_png
from vislrp_core.network import Network
from vislrp_core.report_explained import kept_in_words
from vislrp_ui import service, session, state
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.picture import picture
from vislrp_ui.design import origins
from vislrp_ui.service import Maps
from vislrp_ui.shared import large, terms, views, widgets
from vislrp_ui.shared.asking import question_mark
from vislrp_ui.shared.colour_bar import colour_bar
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit
from vislrp_ui.streamlit_inside import PopoverContainer


def shown_layer(visit: Visit) -> int:
    """Layer of the large map; 0 is the pixels."""
    return visit.selected_layer or 0


def head(network: Network, visit: Visit, target: int) -> PopoverContainer:
    """What the map shows, and what can be done with it; returns the place of the downloads."""
    layer = shown_layer(visit)
    name = network.classes[target]
    where = f" at {visit.model.plan.name(layer)}" if layer else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="result-head"):
        st.html(
            f'<h2 class="v-head">{terms.marked("relevance", "Relevance")}{where} for “{escape(name)}”</h2>', width="stretch"
        )
        if layer:
            st.button(
                "Back to the pixels",
                icon=":material/close:",
                type="tertiary",
                key="back-to-pixels",
                help="Back to the pixels",
                on_click=session.update,
                args=(state.select_layer, None),
            )
        if widgets.pressed(
            "Relevance per layer",
            icon=":material/bar_chart:",
            type="tertiary",
            key="open-sums",
            help="Relevance per layer as a larger chart",
        ):
            _open_sums(network)
            widgets.answered("open-sums")
        widgets.look_popover(visit)
        question_mark(network, "map", "the map")
        return widgets.menu(
            "Download", key="menu-download", icon=":material/download:", help="Download the map or its relevance"
        )


def _open_sums(network: Network) -> None:
    from vislrp_ui.design.sums import sums_dialog  # altair and pandas take a tenth of the app's start

    sums_dialog(network)


def map_and_facts(network: Network, visit: Visit, result: Maps) -> None:
    """The large map, its colour bar, one line of facts."""
    layer = shown_layer(visit)
    with st.container(key="final-map", horizontal_alignment="center", gap="xsmall"):
        if layer not in result.maps:
            st.html(f'<div class="v-nomap" role="img" aria-label="No map">{escape(why_not(visit, result, layer))}</div>')
            return
        values = result.maps[layer]
        limit = service.limit_of(values, visit.look)
        png = service.heatmap_png(
            values,
            views.map_key(network, visit, result, layer),
            visit.look,
            limit=limit,
            size=None if values.shape[0] >= SMOOTH_FROM else _enlarged(values.shape),
            ref=visit.image,
        )
        # In the page itself: a file on the server would be gone as soon as a newer edit replaces this run.
        view = large.offer(
            f"map-{layer}",
            partial(views.map_view, network, visit.image, visit.model, result.target, layer, visit.look),
            origins.asker(network, layer),
        )
        picture(
            "final",
            data_url(png),
            f"Heatmap of relevance at {visit.model.plan.name(layer)}",
            view,
            smooth=values.shape[0] >= SMOOTH_FROM,
        )
        st.html(colour_bar(visit, limit))
    # Not in the head: with one button more it takes two lines in a small window.
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="facts-head"):
        st.html(f'<div class="v-muted v-facts">{_marked(facts(result, layer))}</div>', width="stretch")
        origins.button(layer)
    widgets.plain_hint(visit)


def _marked(text: str) -> str:
    """The facts with their words marked."""
    for key, word in (("sum", "Σ"), ("conservation", "kept")):
        text = text.replace(word, terms.marked(key, word), 1)
    return text


def _enlarged(shape: tuple[int, ...]) -> int:
    """A whole multiple of the map's longer side, so that its pixels stay square."""
    longest = max(shape)
    return longest * -(-448 // longest)


def facts(result: Maps, layer: int) -> str:
    """How much of the start arrives at the layer shown."""
    return kept_in_words(result.positive, result.negative, layer)


def why_not(visit: Visit, result: Maps, layer: int) -> str:
    """Why there is no map of a layer."""
    if result.error is not None:
        error = result.error
        return (
            f"Relevance is not finite below {visit.model.plan.name(error.layer)} ({error.rule}): {error.cause}; "
            f"{error.suggestion}."
        )
    return f"The map of {visit.model.plan.name(layer)} is not computed yet."


def _size(values: int) -> str:
    """Bytes of so many numbers in single precision, for a button."""
    return f"{4 * values / 1e6:.0f} MB" if values > 2_000_000 else f"{4 * values / 1e6:.1f} MB"


def downloads(network: Network, visit: Visit, target: int, result: Maps) -> None:
    """The map as a figure, the relevance of all layers as numbers."""
    layer = shown_layer(visit)
    if layer not in result.maps or result.error is not None:
        st.caption(f"Nothing to download: {escaped(why_not(visit, result, layer))}")
        return
    stem = file_stem(f"{visit.image.id[:24]}_{network.classes[target]}_{visit.entry().name}")
    st.download_button(
        "Map with colour bar (PNG)",
        session.with_pictures(lambda: _figure(network, visit, result, layer)),
        f"{stem}.png",
        "image/png",
        key="download-png",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
        help="896 pixels and more, with its range; in the light colours unless the background is set to dark",
    )
    trace = service.trace(network, visit.image)
    shapes = [trace.shape(layer) for layer in range(len(result.total))]
    every = sum(shape.numel() for shape in shapes)
    st.download_button(
        f"Relevance of the pixels (.npz, {_size(shapes[0].numel())})",
        session.with_pictures(lambda: _pixels(network, visit, target)),
        f"{stem}_pixels.npz",
        "application/octet-stream",
        key="download-npz-pixels",
        icon=":material/dataset:",
        on_click="ignore",
        width="stretch",
        help="One array, named 0: channels, rows, columns",
    )
    st.download_button(
        f"Relevance of all layers (.npz, {_size(every)})",
        session.with_pictures(lambda: _all_layers(network, visit, target)),
        f"{stem}.npz",
        "application/octet-stream",
        key="download-npz",
        icon=":material/dataset:",
        on_click="ignore",
        width="stretch",
        help="Arrays named by layer number, 0 for the pixels",
    )


def _figure(network: Network, visit: Visit, result: Maps, layer: int) -> bytes:
    look = visit.look
    over = service.view(visit.image) if look.overlay else None
    return figure_png(
        result.maps[layer],
        range=look.range,
        spectrum=look.spectrum,
        dark=look.paper == "dark",
        title=f"{network.classes[result.target]}, {visit.entry().name}",
        image=over,
        opacity=look.opacity,
        caption=f"{visit.model.plan.name(layer)}; {network.title}; range: {RANGES[look.range]}",
    )


def _pixels(network: Network, visit: Visit, target: int) -> io.BytesIO:
    return io.BytesIO(relevance_npz(service.relevance(network, visit.image, visit.model, target, layers=(0,)), [0]))


def _all_layers(network: Network, visit: Visit, target: int) -> io.BytesIO:
    return io.BytesIO(relevance_npz(service.relevance(network, visit.image, visit.model, target, layers="all")))
