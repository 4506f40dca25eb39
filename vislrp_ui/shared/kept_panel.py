"""What this browser keeps, on screen: every piece can be deleted, or all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from vislrp_core.images import RESIZED, SIDE
from vislrp_ui import browser, desk, kept, session, state
from vislrp_ui.kept import Damage, KeptError
from vislrp_ui.shared import table
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Aside, ImageRef, Visit
from vislrp_ui.streamlit_inside import page_hash
from vislrp_ui.uploads import MAX_KEPT

TITLE = "Kept in this browser"
_OPEN, _CHANGED = "_kept_open", "_kept_changed"


def button(key: str) -> None:
    """The button that opens the panel."""
    st.button(
        TITLE,
        icon=":material/inventory_2:",
        type="tertiary",
        key=f"kept-{key}",
        on_click=_open,
        help="Models, pictures and work kept in this browser: view and delete them",
    )


def show() -> None:
    """The panel while it is open, also over runs of its page: they come by themselves when another tab changes something."""
    if _OPEN in st.session_state and st.session_state[_OPEN] != page_hash():
        del st.session_state[_OPEN]
    if _OPEN in st.session_state:
        panel()


def _open() -> None:
    st.session_state[_OPEN] = page_hash()


def _close() -> None:
    st.session_state.pop(_OPEN, None)


@st.dialog(TITLE, width="large", on_dismiss=_close)
def panel() -> None:
    """Models, pictures, work put aside, tables of other tabs."""
    if st.session_state.pop(_CHANGED, False):
        st.rerun()  # the page below, and what the browser has to write
    visit, held = session.get_visit(), session.exchange()
    if held.trouble:
        st.warning(browser.TROUBLE[held.trouble])
    st.caption(
        "All of it stays in this browser and is sent to the server only while you use it here. Links that you share "
        "carry settings and models, never a picture."
    )
    _models(visit)
    _pictures(held)
    _work(visit, held)
    st.divider()
    sure = st.checkbox("Delete everything that is listed here, in all tabs", key="kept-sure")
    st.button(
        "Delete all",
        icon=":material/delete_forever:",
        key="kept-all",
        disabled=not sure,
        on_click=_changing,
        args=(_delete_all,),
    )


def _line(words: str, key: str, delete: tuple[object, ...], *, use: tuple[str, tuple[object, ...]] | None = None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(words, width="stretch")
        if use is not None:
            label, call = use
            st.button(label, key=f"kept-use-{key}", on_click=_changing, args=call)
        st.button(
            f"Delete {escaped(words)}",
            icon=":material/delete:",
            type="tertiary",
            key=f"kept-delete-{key}",
            on_click=_changing,
            args=delete,
            help=f"Delete {escaped(words)}",
        )


def _changing(call: Callable[..., None], *arguments: object) -> None:
    """Callback: what a button of the panel does, and the page with it."""
    call(*arguments)
    st.session_state[_CHANGED] = True


def _models(visit: Visit) -> None:
    own = browser.own_models(visit)
    st.markdown(f"**Models of your own** ({len(own)})")
    for entry in own:
        _line(entry.name, entry.id, (_delete_model, entry.id))
    if not own:
        st.caption("None yet: a model that you duplicate, import or keep is listed here.")


def _pictures(held: browser.Exchange) -> None:
    names = session.upload_names()
    st.markdown(f"**Pictures** ({len(names)})")
    for number, id in enumerate(names, start=1):
        title = held.titles.get(id) or (held.pictures[id].title if id in held.pictures else "") or f"Picture {number}"
        _line(title, id[:12], (_delete_picture, id), use=("Show", (_show_picture, id)))
    st.caption(
        f"Kept as the network sees them: {RESIZED} × {RESIZED} pixels of the centre, and the whole picture at "
        f"{SIDE} × {SIDE}. The {MAX_KEPT} newest stay."
    )


def _work(visit: Visit, held: browser.Exchange) -> None:
    if visit.aside or held.others:
        st.markdown("**Work put aside, and other tabs**")
    for place, piece in enumerate(visit.aside):
        _line(
            f"{piece.title[:1].upper()}{piece.title[1:]}",
            f"aside-{place}",
            (session.update, desk.drop, place),
            use=("Take it back", (table.take_back, place)),
        )
    for other in held.others:
        when = datetime.fromtimestamp(other.time / 1000, UTC).strftime("%d %b %Y, %H:%M UTC")
        _line(
            f"{'Open tab' if other.open else 'Closed tab'}, last change {when}",
            f"tab-{other.tab}",
            (held.drop_other, other.tab),
            use=("Open here", (_open_other, other.tab)),
        )
    steps = len(visit.past) + len(visit.future)
    if steps:
        _line(f"{steps} step{'s' if steps > 1 else ''} of undo", "undo", (session.update, _without_history))


def _without_history(visit: Visit) -> Visit:
    return replace(visit, past=(), future=())


def _delete_model(id: str) -> None:
    session.update(lambda visit: kept.forget(visit, [id]))


def _delete_picture(id: str) -> None:
    session.set_visit(session.exchange().drop_picture(id, session.get_visit()))


def _show_picture(id: str) -> None:
    visit = session.get_visit()
    session.set_visit(state.choose_image(visit, ImageRef("upload", id, visit.image.fit)))


def _open_other(tab: str) -> None:
    """The table of another tab comes here; what is here is put aside."""
    held, visit = session.exchange(), session.get_visit()
    other = next((one for one in held.others if one.tab == tab), None)
    if other is None:
        return
    damage = Damage()
    try:
        piece = kept.read_desk(other.data, visit.models, damage)
    except KeptError:
        session.notify("The work of that tab is damaged and cannot be opened.")
        return
    session.set_visit(replace(visit, aside=(*visit.aside, Aside(browser.EARLIER, replace(piece, aside=())))))
    table.take_back()
    if not other.open:
        held.drop_other(tab)
    if damage.count:
        session.notify(damage.sentence)


def _delete_all() -> None:
    session.set_visit(session.exchange().drop_all(session.get_visit()))
