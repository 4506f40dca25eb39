"""The left end of each row: image, class, what the network says of it, and what can be done with the row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st

from vislrp_core.heatmap import RANGES, SPECTRA, format_value
from vislrp_core.images import SIDE
from vislrp_core.model import LRPModel
from vislrp_ui import service, session, state_compare
from vislrp_ui.compare.edits import change, changing
from vislrp_ui.compare.work import Grid, ranked
from vislrp_ui.components.addresses import data_url
from vislrp_ui.components.classbars import percent
from vislrp_ui.components.picture import picture
from vislrp_ui.samples import samples
from vislrp_ui.shared import large, views, widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import ImageRef
from vislrp_ui.state_compare import MAX_ROWS, SHARES, ColumnEntry, GridCell, GridColumn, GridRow


def image_choices(row: GridRow) -> dict[str, ImageRef]:
    """Titles and images that a row can show: the samples, and the uploads of this session."""
    fit = row.image.fit
    found = {sample.title: ImageRef("sample", sample.id, fit) for sample in samples().values()}
    names = session.upload_names()
    if row.image.kind == "upload" and row.image.id not in names:
        names = (*names, row.image.id)
    found |= {f"Your image {number}": ImageRef("upload", name, fit) for number, name in enumerate(names, start=1)}
    if row.image not in found.values():
        found[row.image.id] = row.image
    return found


def side(grid: Grid, row: GridRow, limits: dict[GridCell, float]) -> None:
    """Draw the left end of a row."""
    with st.container(key=f"compare-side-{row.id}", gap="xsmall"):
        if row.id not in grid.broken:
            title = widgets.image_title(row.image)
            view = large.offer(f"image-{row.id}", partial(views.photo_view, row.image, title))
            picture(
                f"compare-picture-{row.id}",
                data_url(service.thumbnail(row.image, SIDE), "jpeg"),
                widgets.image_alt(row.image),
                view,
            )
        _image_select(row)
        if row.id not in grid.broken:
            _class_select(grid, row)
            if grid.state.share == "row":
                st.html(range_bar(grid, limits, [cell for cell in limits if cell.row == row.id]))
        _actions(grid, row)


def _image_select(row: GridRow) -> None:
    choices = image_choices(row)
    shown = next(title for title, ref in choices.items() if ref == row.image)
    key = widgets.mirror(f"compare-image-{row.id}", shown)
    st.selectbox(
        "Image",
        list(choices),
        key=key,
        label_visibility="collapsed",
        help="Image of this row",
        on_change=changing(key, state_compare.set_image, row.id, read=choices.__getitem__),
    )


def _class_select(grid: Grid, row: GridRow) -> None:
    seen, target = ranked(grid.network, row.image), grid.targets[row.id]
    labels = widgets.class_labels(grid.network.classes)
    key = widgets.mirror(f"compare-target-{row.id}", target, labels[target])
    st.selectbox(
        "Target class",
        seen.order,
        key=key,
        label_visibility="collapsed",
        format_func=labels.__getitem__,
        on_change=changing(key, state_compare.set_target, row.id),
        help="Class of this row: type to search",
    )
    rank, prediction = seen.of(target)
    logit = f"{prediction.logit:.1f}".replace("-", "−")
    share = percent(prediction.probability)
    st.html(f'<div class="v-muted v-compare-odds">rank {rank} · logit {logit} · {share}\u2009%</div>')


def _actions(grid: Grid, row: GridRow) -> None:
    full, count = len(grid.state.rows) >= MAX_ROWS, len(grid.state.rows)
    place = grid.state.rows.index(row)
    with st.container(horizontal=True, gap="xxsmall", key=f"compare-actions-{row.id}"):
        if row.id in grid.targets:
            st.button(
                "",
                icon=":material/content_copy:",
                type="tertiary",
                key=f"compare-copy-{row.id}",
                disabled=full,
                help="Duplicate this row",
                on_click=change,
                args=(state_compare.duplicate_row, row.id, grid.targets[row.id]),
            )
        for step, icon, word in ((-1, "arrow_upward", "up"), (1, "arrow_downward", "down")):
            st.button(
                "",
                icon=f":material/{icon}:",
                type="tertiary",
                key=f"compare-{word}-{row.id}",
                disabled=not 0 <= place + step < count,
                help=f"Move this row {word}",
                on_click=change,
                args=(state_compare.move_row, row.id, step),
            )
        st.button(
            "",
            icon=":material/delete:",
            type="tertiary",
            key=f"compare-remove-{row.id}",
            disabled=count == 1,
            help="Remove this row",
            on_click=change,
            args=(state_compare.remove_row, row.id),
        )


def add(grid: Grid) -> None:
    """Buttons below the rows: another class of the last image, or one's own image."""
    full = len(grid.state.rows) >= MAX_ROWS
    with st.container(horizontal=True, gap="xxsmall", key="compare-add-row"):
        st.button(
            "Add row",
            icon=":material/add:",
            key="compare-add",
            disabled=full,
            on_click=change,
            args=(state_compare.add_row,),
            help="The image of the row above with the next class",
        )
        with st.popover(
            "", icon=":material/upload:", type="tertiary", disabled=full, help="A row with an image of your own"
        ):
            generation = st.session_state.setdefault("_compare_upload", 0)
            key = f"compare-upload-{generation}"
            st.file_uploader(
                "Upload an image",
                type=widgets.UPLOAD_TYPES,
                key=key,
                on_change=_take_upload,
                args=(key,),
                max_upload_size=widgets.UPLOAD_MB,
                help="At most 10 MB and 40 megapixels. It stays in this browser and is shown to nobody else.",
            )


def _take_upload(key: str) -> None:
    ref = widgets.uploaded(key)
    if ref is not None:
        change(state_compare.add_row, ref)
        st.session_state["_compare_upload"] += 1


def range_bar(grid: Grid, limits: dict[GridCell, float], cells: list[GridCell]) -> str:
    """Spectrum with the numbers of a shared range."""
    look = grid.visit.look
    stops = SPECTRA[look.spectrum].stops(service.dark_maps(look))
    ends = format_value(limits[cells[0]]) if cells else "…"
    return (
        f'<div class="v-bar" title="Range: {escape(RANGES[look.range])} of the maps that share it"><span>−{ends}</span>'
        f'<i style="background:linear-gradient(90deg,{",".join(stops)})"></i><span>+{ends}</span></div>'
    )


FAINT = 0.04
"""Own range of a map, as a share of the range it is shown with, below which hardly a colour can be seen."""


def outshone(grid: Grid) -> str:
    """Which maps look blank on a shared range, next to which, and what to do; "" where none does."""
    if grid.state.share == "each":
        return ""
    look, faint, strong = grid.visit.look, set(), set()
    for cells in grid.groups():
        own = {cell: grid.own_limit(cell, look) for cell in cells}
        largest = max(own, key=own.__getitem__)
        weak = {cell for cell, limit in own.items() if limit < FAINT * own[largest]}
        faint |= {grid.places[cell].entry.name for cell in weak}
        strong |= {grid.places[largest].entry.name} if weak else set()
    if not faint:
        return ""
    strongest, others = (", ".join(escape(name) for name in sorted(found)) for found in (strong, faint))
    return (
        f'<div class="v-muted" role="note">{others} cannot be seen on a shared range next to <b>{strongest}</b>, whose '
        f"values are more than {1 / FAINT:.0f} times as large: choose “{SHARES['each']}” as colour range to see these "
        "maps, too.</div>"
    )


def plain_hint(grid: Grid) -> None:
    """Why a column of LRP-0 on all layers looks like noise, and the button to a readable composite in its place."""
    place = _plain(grid.entries)
    readable = next((entry for entry in grid.visit.models if entry.id == widgets.READABLE), None)
    if place is None or readable is None:
        return
    there = GridColumn(readable.id) in grid.state.columns
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall", key="plain-hint"
    ):
        st.caption(f"{escaped(grid.entries[place].name)}: LRP-0 on all layers is noisy by nature.", width="content")
        st.button(
            "Remove its column" if there else f"Show {escaped(readable.name)} in its place",
            icon=":material/tune:",
            type="tertiary",
            key="plain-start",
            on_click=_without_plain,
            help="The model stays in the list as it is",
        )


def _plain(entries: Sequence[ColumnEntry]) -> int | None:
    return next(
        (
            place
            for place, entry in enumerate(entries)
            if isinstance(entry.model, LRPModel) and widgets.is_plain(entry.model)
        ),
        None,
    )


def _without_plain() -> None:
    """Callback: the readable composite in the place of LRP-0, among the columns that there are by then."""
    visit = session.get_visit()
    shown = state_compare.of(visit)
    place = _plain(state_compare.entries(visit, shown))
    if place is None:
        return
    new = [column for column in (GridColumn(widgets.READABLE),) if column not in shown.columns]
    change(state_compare.set_columns, [*shown.columns[:place], *new, *shown.columns[place + 1 :]])


def shared_bar(grid: Grid, limits: dict[GridCell, float]) -> str:
    """Spectrum below the grid: with numbers where all maps share a range, in words otherwise."""
    if grid.state.share == "all":
        return range_bar(grid, limits, list(limits))
    look = grid.visit.look
    stops = SPECTRA[look.spectrum].stops(service.dark_maps(look))
    return (
        f'<div class="v-bar"><span>negative</span><i style="background:linear-gradient(90deg,{",".join(stops)})"></i>'
        "<span>positive relevance</span></div>"
    )
