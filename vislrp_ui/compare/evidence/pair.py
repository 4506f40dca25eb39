"""After a click on a dot: the picture on which that model and the best one differ most, with both maps."""

from __future__ import annotations

from functools import partial
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vislrp_core.errors import VisLRPError
from vislrp_core.measures import MEASURES
from vislrp_core.measures.summary import Summary, farthest, rising
from vislrp_ui import service, session, state_compare
from vislrp_ui.compare import payload
from vislrp_ui.compare.edits import change
from vislrp_ui.compare.evidence import mosaics
from vislrp_ui.compare.evidence.plan import EvidenceSubject, Plan
from vislrp_ui.compare.evidence.sources import maps_of
from vislrp_ui.compare.work import Grid
from vislrp_ui.components.picture import picture
from vislrp_ui.shared import large, views
from vislrp_ui.shared.literal import escaped
from vislrp_ui.shared.turns import MeasuringWorkspace
from vislrp_ui.state import ImageRef
from vislrp_ui.state_compare import MAX_ROWS

PICK, _KEPT = "_evidence_pick", "_evidence_maps"


def other_of(found: list[Summary], metric: str, model: str) -> str | None:
    """Whom a model is compared with: the best of the others."""
    others = [one for one in found if one.model != model and one.images]
    best = min if rising(metric) else max
    return best(others, key=lambda one: one.mean).model if others else None


def panel(
    grid: Grid, plan: Plan, tables: dict[str, list[Summary]], table: dict[str, dict[str, float]], metric: str, model: str
) -> None:
    """Draw it."""
    other = other_of(tables[metric], metric, model)
    where = None if other is None else farthest(table.get(model, {}), table.get(other, {}))
    if other is None or where is None:
        return
    subject = plan.subject(where)
    with st.container(key="evidence-pair", border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.html(
                f'<div class="v-facts"><b>{escape(MEASURES[metric].title)}: {escape(model)} and {escape(other)} differ '
                f"most on “{escape(where)}”</b>, {table[model][where]:.3f} and {table[other][where]:.3f}</div>"
            )
            if subject.row is None:
                st.button(
                    "Show as a row",
                    icon=":material/add:",
                    type="tertiary",
                    key="evidence-row",
                    disabled=len(grid.state.rows) >= MAX_ROWS,
                    on_click=_add_row,
                    args=(subject,),
                )
            st.button("Close", icon=":material/close:", type="tertiary", key="evidence-pair-close", on_click=_close)
        mosaic = metric == "mosaic"
        maps = [_map(grid, plan, subject, name, mosaic=mosaic) for name in (model, other)]
        columns = list(st.columns(4, gap="small"))
        if mosaic:
            with columns.pop(0):
                _mosaic(plan, subject)
        for place, (name, values) in enumerate(zip((model, other), maps, strict=True)):
            with columns[place]:
                if values is None:
                    st.caption(f"{escaped(name)}: relevance is not finite")
                    continue
                look = grid.visit.look
                limit = service.limit_of(values, look)
                st.html(f'<div class="v-diff-name" title="{escape(name)}">{escape(name)}</div>')
                key = ("evidence", plan.network.digest, subject.picture, plan.models[name].key, subject.target, mosaic)
                picture(
                    f"evidence-map-{place}",
                    payload.encoded(key, values, look, limit),
                    f"Map of {name} for {where}",
                    large.offer(f"evidence-{place}", partial(views.values_view, f"{name}, {where}", values, look)),
                )
                if mosaic:
                    st.caption(f"{100 * mosaics.share(values):.0f}\u202f% of positive relevance at the top left")


def _mosaic(plan: Plan, subject: EvidenceSubject) -> None:
    """The mosaic with the picture at the top left."""
    pictures = plan.mosaics(subject.picture)[0]
    told = mosaics.caption(plan, pictures)
    st.html(f'<div class="v-diff-name" title="{escape(told)}">Asked for: {escape(subject.title)}, top left</div>')
    st.image(mosaics.sheet(plan, pictures), alt=f"Mosaic, {told}", width="stretch")


def _map(grid: Grid, plan: Plan, subject: EvidenceSubject, name: str, *, mosaic: bool) -> NDArray[np.float32] | None:
    """The map of a model for a subject, or for the mosaic that has it at the top left; the last two are kept."""
    model = plan.models[name]
    kept: dict[object, NDArray[np.float32] | None] = st.session_state.setdefault(_KEPT, {})
    key = (
        plan.network.digest,
        subject.picture,
        model.key,
        subject.target,
        plan.mosaics(subject.picture)[0] if mosaic else (),
    )
    if key not in kept:
        from vislrp_core.network import class_index

        space = MeasuringWorkspace(plan.network, maps_of(grid, plan))
        try:
            if mosaic:
                kept[key] = mosaics.map_of(plan, subject.picture, name)
            else:
                target = class_index(plan.network, subject.target, space.trace(subject.picture))
                kept[key] = np.asarray(space.values(subject.picture, model, target), dtype=np.float32)
        except VisLRPError:
            kept[key] = None
        while len(kept) > 2:
            kept.pop(next(iter(kept)))
    return kept[key]


def _add_row(subject: EvidenceSubject) -> None:
    ref = subject.ref
    if ref is None and subject.upload is not None:
        ref = ImageRef("upload", session.exchange().add(subject.upload, subject.title), "crop")
    if ref is not None:
        change(state_compare.add_row, ref)


def _close() -> None:
    st.session_state.pop(PICK, None)
