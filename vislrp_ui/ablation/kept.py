"""Kept sets: one chip each with its effect on the target class; a click takes it up again; files of them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vislrp_core.architecture import Architecture
from vislrp_core.network import Network, Prediction
from vislrp_ui import session, state_ablation, theme
from vislrp_ui.ablation import set_files, work
from vislrp_ui.ablation.toolbar import change, changing_set
from vislrp_ui.components import colours
from vislrp_ui.components.classbars import percent
from vislrp_ui.components.setchips import set_chips
from vislrp_ui.inbox import mirror
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import MAX_KEPT, AblationState, KeptSet

_FILES = "_ablation_files"


def section(network: Network, visit: Visit, held: AblationState, target: int) -> None:
    """Draw the chips, and the buttons beside them."""
    kept = {row.cut for row in held.kept}
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="abl-line-kept"):
        st.html(
            '<div class="v-abl-head"><h2>Kept sets</h2><span class="v-muted">click one to select it again</span></div>',
            width="stretch",
        )
        st.button(
            "Keep",
            icon=":material/add:",
            key="abl-keep",
            on_click=change,
            args=(state_ablation.keep,),
            disabled=not held.selected or held.cut in kept or len(held.kept) >= MAX_KEPT,
            help="Keep the selected neurons of all layers as a set",
        )
        with st.popover("Sets", icon=":material/tune:", help="Names, removal, comparison and files of the kept sets"):
            _settings(network, visit, held, target)
    if not held.kept:
        return
    known = work.before(network, visit.image)
    rows = visit.model.plan
    chips = [
        chip(rows, row, known, work.without(network, visit.image, row.cut), target, row.cut == held.cut) for row in held.kept
    ]
    set_chips("abl-chips", chips, colours.variables(theme.mode()), _pick)


def chip(
    rows: Architecture, row: KeptSet, before: list[Prediction], after: list[Prediction], target: int, active: bool
) -> dict[str, object]:
    """Payload of a chip: letter, title, what becomes of the target, the new first class where it changes."""
    old, new = (next(p for p in side if p.index == target) for side in (before, after))
    first = "" if before[0].index == after[0].index else f" · first: {after[0].name}"
    layers = "; ".join(f"{len(neurons)} of {rows.name(layer)}" for layer, neurons in row.cut.sets)
    value = "0" if row.cut.value == "zero" else "their mean"
    return {
        "id": row.id,
        "letter": row.letter,
        "title": row.title(rows),
        "active": active,
        "effect": f"{new.name} {percent(old.probability)} → {percent(new.probability)}\u2009%{first}",
        "tip": f"{layers}, set to {value}",
    }


def _pick(id: object) -> None:
    if isinstance(id, int):
        changing_set(state_ablation.take_up, id)


def _settings(network: Network, visit: Visit, held: AblationState, target: int) -> None:
    fits, plan = held.kept_in_address(), visit.model.plan
    for row in held.kept:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.html(f"<b>{row.letter}</b>", width="content")
            key = mirror(f"abl-name-{row.id}", row.name)
            st.text_input(
                "Name",
                key=key,
                max_chars=60,
                placeholder=row.title(plan),
                label_visibility="collapsed",
                on_change=_rename,
                args=(row.id,),
            )
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                key=f"abl-remove-{row.id}",
                help="Remove this set",
                on_click=change,
                args=(state_ablation.remove_kept, row.id),
            )
        if not fits[row.id]:
            st.caption("Too large for the link: export it to keep it.")
    if held.kept:
        st.dataframe(comparison(network, visit, held, target), hide_index=True, key="abl-compared")
    stem = file_stem(f"neurons_{visit.image.id[:24]}")
    st.download_button(
        "Export (JSON)",
        partial(set_files.write, held.kept, network.title),
        f"{stem}.json",
        "application/json",
        icon=":material/ios_share:",
        key="abl-export",
        on_click="ignore",
        width="stretch",
        disabled=not held.kept,
    )
    generation = st.session_state.setdefault(_FILES, 0)
    st.file_uploader(
        "Import sets",
        type=["json"],
        key=f"abl-import-{generation}",
        on_change=_import,
        args=(f"abl-import-{generation}", work.sizes(network)),
        max_upload_size=1,
    )


def comparison(network: Network, visit: Visit, held: AblationState, target: int) -> list[dict[str, object]]:
    """One row per set: neurons, the target's probability and logit, the first class."""
    name, plan = network.classes[target], visit.model.plan
    rows = []
    for title, count, value, after in (
        ("nothing ablated", 0, "", work.before(network, visit.image)),
        *(
            (f"{row.letter}: {row.title(plan)}", row.cut.count, row.cut.value, work.without(network, visit.image, row.cut))
            for row in held.kept
        ),
    ):
        one = next(p for p in after if p.index == target)
        rows.append(
            {
                "set": title,
                "neurons": count,
                "set to": value,
                f"{name}, %": round(100 * one.probability, 2),
                "logit": round(one.logit, 3),
                "first class": after[0].name,
            }
        )
    return rows


def _rename(id: int) -> None:
    change(state_ablation.rename_kept, id, st.session_state[f"abl-name-{id}"])


def _import(key: str, sizes: dict[int, int]) -> None:
    file = st.session_state[key]
    if file is None:
        return
    st.session_state[_FILES] += 1
    session.update(_with_file, file.getvalue(), sizes)


def _with_file(visit: Visit, data: bytes, sizes: dict[int, int]) -> Visit:
    return state_ablation.changed(visit, state_ablation.add_kept, set_files.read(data, sizes, visit.model.plan))
