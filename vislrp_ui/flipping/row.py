"""One row: image and map to brush on, the flipped picture, predictions before and after."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from vislrp_core import masks
from vislrp_core.fills import FILLS
from vislrp_core.heatmap import format_value
from vislrp_core.images import SIDE
from vislrp_core.masks import Mask
from vislrp_core.network import Network
from vislrp_ui import inbox, service, session, state_flipping
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.beforeafter import before_after
from vislrp_ui.components.canvas import canvas
from vislrp_ui.components.picture import enlarge, picture
from vislrp_ui.flipping import strokes, work
from vislrp_ui.flipping.report import FlippingShown, ShownRow
from vislrp_ui.flipping.style import SMALL, WEIGHTS
from vislrp_ui.flipping.toolbar import change, changing
from vislrp_ui.flipping.work import Flipped
from vislrp_ui.service import Maps
from vislrp_ui.shared import large, lesson_watch, terms, views, widgets
from vislrp_ui.shared.colour_bar import colour_bar
from vislrp_ui.state import Visit
from vislrp_ui.state_flipping import FlippingMeasurement, FlippingRow, FlippingState


def outline(flipping: FlippingState) -> object:
    """What the toolbar and the other rows show: all but the brushes and the measurement."""
    rows = tuple(replace(row, mask="", past=()) for row in flipping.rows)
    return replace(flipping, rows=rows, measurement=FlippingMeasurement())


@st.fragment
def active_row(network: Network, id: int, maps: Maps, seen: object, shown: FlippingShown) -> None:
    """The row that the tools change; a stroke draws this part of the page alone again.

    Parameters
    ----------
    seen : object
        `outline` as the rest of the page shows it; where it has changed, the whole page is drawn again.
    shown : FlippingShown
        Told what is drawn.
    """
    with inbox.stamped("flip-row"):
        _active_row(network, id, maps, seen, shown)


def _active_row(network: Network, id: int, maps: Maps, seen: object, shown: FlippingShown) -> None:
    visit = session.get_visit()
    flipping = state_flipping.of(visit)
    if outline(flipping) != seen:
        st.rerun()
    row = flipping.row(id)
    session.save("row")
    lesson_watch.look()
    values = work.values_of(maps)
    sheet = strokes.sheet_of(row, flipping.tool)
    picked = work.selected(row, values)
    marked = row.brushed | picked
    with st.container(key=f"flip-active-{id}"):
        image, heat, changed, results = st.columns(WEIGHTS, gap="small")
    with image, st.container(gap="xsmall"):
        with _head_line(id, "image"):
            st.html('<div class="v-flip-head"><h2>Image</h2><span class="v-muted">brush here</span></div>', width="stretch")
            title = widgets.image_title(visit.image)
            enlarge(
                f"flip-enlarge-{id}-image",
                f"Image: {title}",
                large.offer("image", partial(views.photo_view, visit.image, title)),
            )
            st.button(
                "",
                icon=":material/undo:",
                type="tertiary",
                key=f"flip-undo-{id}",
                help="Undo the last change",
                disabled=not row.past,
                on_click=change,
                args=(state_flipping.undo, id),
            )
            st.button(
                "",
                icon=":material/delete_sweep:",
                type="tertiary",
                key=f"flip-clear-{id}",
                help="Clear all marks",
                disabled=not row.marks,
                on_click=change,
                args=(state_flipping.clear, id),
            )
        marks = work.marked_picture(service.view_png(visit.image), sheet.behind("image") | picked)
        _canvas(id, "image", marks, sheet.generation, flipping.tool, flipping.width)
        st.html(f'<div class="v-muted v-facts">{_share(marked)}</div>')
    with heat, st.container(gap="xsmall"):
        name = escape(network.classes[maps.target])
        with _head_line(id, "map"):
            st.html(
                f'<div class="v-flip-head"><h2>{terms.marked("relevance", "Relevance")} for “{name}”</h2>'
                '<span class="v-muted">or here</span></div>',
                width="stretch",
            )
            if values is not None:
                enlarge(
                    f"flip-enlarge-{id}-map",
                    f"Relevance for {network.classes[maps.target]}",
                    large.offer(
                        "map", partial(views.map_view, network, visit.image, visit.model, maps.target, 0, visit.look)
                    ),
                )
        if values is None:
            st.html(f'<div class="v-flip-none" role="img" aria-label="No map">{escape(str(maps.error))}</div>')
        else:
            coloured, limit = work.map_picture(network, visit, maps)
            marks = work.marked_picture(coloured, sheet.behind("map") | picked)
            _canvas(id, "map", marks, sheet.generation, flipping.tool, flipping.width)
            st.html(f'<div class="v-flip-bar">{colour_bar(visit, limit)}</div>')
    result = work.flipped(network, visit.image, marked, row.fill)
    shown.visit, shown.rows[id] = visit, shown_row(row, marked, result, values)
    with changed, st.container(gap="xsmall"):
        _flipped_picture(row, marked, result, values)
    with results, st.container(gap="xsmall"):
        _head(visit, row, kept=flipping.kept_in_address()[id])
        before_after(f"flip-result-{id}", work.before(network, visit.image), result.predictions, target=maps.target)


def _head_line(id: int, part: str) -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"flip-head-{id}-{part}")


def _canvas(id: int, side: str, picture: bytes, generation: int, tool: str, width: int) -> None:
    with st.container(key=f"flip-picture-{id}-{side}"):
        canvas(
            strokes.canvas_key(id, side),
            picture,
            tool=tool,
            width=width,
            generation=generation,
            on_draw=strokes.take,
            args=(id, side),
        )


def shown_row(row: FlippingRow, marked: Mask, result: Flipped, values: NDArray[np.float32] | None) -> ShownRow:
    """What a report says of a row."""
    return ShownRow(row, marked, result, "" if values is None or not marked.any() else held_text(values, marked))


def _share(marked: Mask) -> str:
    return f"{100 * marked.mean():.1f}\u202f% of the pixels marked ({int(marked.sum()):,})".replace(",", "\u202f")


def _flipped_picture(row: FlippingRow, marked: Mask, result: Flipped, values: NDArray[np.float32] | None) -> None:
    fill = FILLS[row.fill]
    with _head_line(row.id, "flipped"):
        st.html(
            f'<div class="v-flip-head" title="{escape(fill.sentence)}"><h2>Flipped picture</h2><span class="v-muted">'
            f"marked → {escape(fill.short)}</span></div>",
            width="stretch",
        )
        if marked.any():
            st.download_button(
                "",
                result.png,
                f"flipped_{row.id}.png",
                "image/png",
                icon=":material/download:",
                type="tertiary",
                key=f"flip-download-{row.id}",
                on_click="ignore",
                help="Flipped picture (PNG)",
            )
    if not marked.any():
        st.html('<div class="v-flip-none v-muted">Brush on the image or on the map.</div>')
        return
    with st.container(key=f"flip-picture-{row.id}-flipped"):
        view = large.offer(
            f"flipped-{row.id}",
            partial(views.picture_view, f"{row.title}: flipped picture", result.png, f"marked pixels → {fill.short}"),
        )
        picture(
            f"flip-flipped-{row.id}",
            data_url(result.png),
            f"The picture as the network sees it after flipping: marked pixels {fill.short}",
            view,
        )
    if values is not None:
        st.html(f'<div class="v-muted v-facts">{held_text(values, marked)}</div>')


def held_text(values: NDArray[np.float32], marked: Mask) -> str:
    """What the marked pixels hold of the relevance."""
    held = masks.held(values, marked)
    sign = "+" if held.total > 0 else ""
    return (
        f"marked pixels sum to <b>{sign}{format_value(held.total)}</b> of Σ {format_value(held.of_total)}"
        f"<br>{_percent(held.positive)} of the positive, {_percent(held.negative)} of the negative relevance"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u202f%" if share == 0 or share >= 0.01 else "&lt;1\u202f%"


def _head(visit: Visit, row: FlippingRow, *, kept: bool) -> None:
    with _head_line(row.id, "result"):
        st.html(
            f'<div class="v-flip-head"><h2>{escape(row.title)}</h2><span class="v-muted">predictions before and after'
            "</span></div>",
            width="stretch",
        )
        with st.popover("", icon=":material/more_vert:", type="tertiary", help="Name and mask of this row"):
            _more(row, kept)
        st.button(
            "",
            icon=":material/content_copy:",
            type="tertiary",
            key=f"flip-copy-{row.id}",
            help="Copy this row",
            on_click=change,
            args=(state_flipping.copy_row, row.id),
        )
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            key=f"flip-remove-{row.id}",
            help="Remove this row",
            on_click=change,
            args=(state_flipping.remove_row, row.id),
        )
    if not kept:
        st.caption("This brush is too large for the link: download the mask to keep it.")


def _more(row: FlippingRow, kept: bool) -> None:
    key = widgets.mirror(f"flip-name-{row.id}", row.name)
    st.text_input(
        "Name", key=key, max_chars=60, placeholder=row.title, on_change=changing(key, state_flipping.rename_row, row.id)
    )
    st.download_button(
        "Download the mask (PNG)",
        masks.to_png(row.brushed),
        f"mask_{row.id}.png",
        "image/png",
        icon=":material/download:",
        key=f"flip-mask-{row.id}",
        on_click="ignore",
        width="stretch",
        help=f"{SIDE} × {SIDE} pixels, brushed pixels white" + ("" if kept else "; too large for the link"),
    )
    generation = st.session_state.setdefault("_flip_files", 0)
    file = f"flip-file-{row.id}-{generation}"
    st.file_uploader(
        "Upload a mask",
        type=widgets.UPLOAD_TYPES,
        key=file,
        on_change=_take_file,
        args=(row.id, file),
        max_upload_size=widgets.UPLOAD_MB,
        help="A square picture. Transparent pixels are not marked. With "
        "two values, the larger one marks; with more, everything lighter than mid-grey",
    )


def _take_file(row: int, key: str) -> None:
    if (file := st.session_state[key]) is not None:
        change(state_flipping.take_file, row, file.getvalue())
        st.session_state["_flip_files"] += 1


def small_row(network: Network, visit: Visit, row: FlippingRow, maps: Maps, shown: FlippingShown) -> None:
    """A row that is not active: small pictures and what came of it; a report's notes are told."""
    values = work.values_of(maps)
    marked = row.brushed | work.selected(row, values)
    result = work.flipped(network, visit.image, marked, row.fill)
    shown.rows[row.id] = shown_row(row, marked, result, values)
    with st.container(key=f"flip-small-{row.id}", horizontal=True, gap="small", vertical_alignment="top"):
        _small(row, "image", f"Marked pixels of {row.title}", work.marked_picture(service.view_png(visit.image), marked))
        if values is not None:
            _small(
                row,
                "map",
                f"Marked pixels of {row.title} on the map",
                work.marked_picture(work.map_picture(network, visit, maps)[0], marked),
            )
        _small(row, "flipped", f"Flipped picture of {row.title}", result.png, "png")
        with st.container(width="stretch", gap="xsmall"):
            text = held_text(values, marked) if values is not None and marked.any() else "nothing is marked"
            st.html(
                f'<div class="v-flip-head"><h2>{escape(row.title)}</h2><span class="v-muted">marked → '
                f"{escape(FILLS[row.fill].short)}</span></div>"
                f'<div class="v-muted v-facts">{_share(marked)}<br>{text}</div>'
            )
            with st.container(horizontal=True, gap="xsmall"):
                st.button(
                    "Edit",
                    icon=":material/edit:",
                    key=f"flip-edit-{row.id}",
                    on_click=change,
                    args=(state_flipping.activate, row.id),
                    help="Make this the row that the tools work on",
                )
                st.button(
                    "",
                    icon=":material/content_copy:",
                    type="tertiary",
                    key=f"flip-copy-{row.id}",
                    on_click=change,
                    args=(state_flipping.copy_row, row.id),
                    help="Copy this row",
                )
                st.button(
                    "",
                    icon=":material/close:",
                    type="tertiary",
                    key=f"flip-remove-{row.id}",
                    on_click=change,
                    args=(state_flipping.remove_row, row.id),
                    help="Remove this row",
                )
        with st.container(width=440):
            before_after(
                f"flip-result-{row.id}", work.before(network, visit.image), result.predictions, target=maps.target, shown=3
            )


def _small(row: FlippingRow, part: str, title: str, file: bytes, kind: str = "webp") -> None:
    with st.container(width=SMALL):
        view = large.offer(f"{part}-{row.id}", partial(views.picture_view, title, file, kind=kind))
        picture(f"flip-small-{row.id}-{part}", data_url(file, kind), title, view)
